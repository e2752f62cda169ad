#!/usr/bin/python3
"""Make the vectors of Python's msgpack and json: documents to take, requests, and bad ones.

What is expected is written here by hand from the protocol; nothing of reel is run."""
import base64
import copy
import json
import struct
from pathlib import Path

import msgpack

FOLDER = Path(__file__).resolve().parent
BY_MSGPACK = "Python msgpack %d.%d.%d" % msgpack.version
BY_JSON = "Python json"

SAMPLES = [0, 1, -1, 256, -32768, 32767, 12345, -12345]
PCM16 = struct.pack("<8h", *SAMPLES)
AUDIO = {"channels": 1, "rate": 16000, "sample_size": 2}
FORMAT = {"channels": 1, "rate": 16000, "sample_size": 2, "encoding": "pcm"}
FULL_SESSION = {
    "id": "2024-05-01_front.1", "seq": 70000, "frame": 5000000000, "boot": 4886718345,
    "time": 1714550400123456, "end": True, "reply_to": "reel/v1/reply/mic1/ack",
}
TAGS = {"site": "attic é", "gain": -3.5}


def write(name, payload, expected, made_by, suffix="msgpack"):
    (FOLDER / f"{name}.{suffix}").write_bytes(payload)
    text = json.dumps({"made_by": made_by} | expected, indent=1, ensure_ascii=False)
    (FOLDER / f"{name}.expect.json").write_text(text + "\n")


def document(session=None, audio=None, data=PCM16, **metadata):
    body = {"session": {} if session is None else session,
            "audio": AUDIO if audio is None else audio}
    return {"metadata": body | metadata, "data": data}


def fragment(data=PCM16, fmt=None, **numbers):
    fmt = FORMAT if fmt is None else fmt
    return {"kind": "fragment", "format": fmt, "data": data.hex(),
            "frames": len(data) // (fmt["channels"] * fmt["sample_size"])} | numbers


def numbers(session):
    return {"session" if key == "id" else key: value for key, value in session.items()}


def good():
    full = document(dict(FULL_SESSION), tags=dict(TAGS))
    expected = fragment(tags=TAGS, **numbers(FULL_SESSION))
    new = dict(use_bin_type=True)
    write("python-full", msgpack.packb(full, **new), expected, BY_MSGPACK)
    write("python-full-old", msgpack.packb(full, use_bin_type=False), expected,
          BY_MSGPACK + ", old specification")
    reverse = {"data": full["data"], "metadata": dict(reversed(full["metadata"].items()))}
    write("python-reversed", msgpack.packb(reverse, **new), expected, BY_MSGPACK)
    write("python-least", msgpack.packb({"metadata": {"audio": AUDIO}, "data": PCM16}, **new),
          fragment(), BY_MSGPACK)
    write("python-long-old",
          msgpack.packb(document(data=PCM16 * 5000), use_bin_type=False),
          fragment(PCM16, frames=8 * 5000, repeat=5000), BY_MSGPACK + ", old specification")
    write("python-array", msgpack.packb(document({"id": "s1"}, data=SAMPLES), **new),
          fragment(session="s1"), BY_MSGPACK)
    write("python-nil",
          msgpack.packb(document(dict.fromkeys(FULL_SESSION), AUDIO | {"encoding": None},
                                 tags=None), **new),
          fragment(), BY_MSGPACK)
    floats = {key: float(value) if isinstance(value, int) and key != "end" else value
              for key, value in FULL_SESSION.items()}
    write("python-floats",
          msgpack.packb(document(floats, {key: float(value) for key, value in AUDIO.items()},
                                 [float(sample) for sample in SAMPLES]), **new),
          fragment(**numbers(FULL_SESSION)), BY_MSGPACK)
    write("python-float32",
          msgpack.packb(document({"seq": 7.0, "frame": 65536.0}, data=[1.0, -2.0]),
                        use_single_float=True),
          fragment(struct.pack("<2h", 1, -2), seq=7, frame=65536), BY_MSGPACK)
    write("python-unknown",
          msgpack.packb(document({"id": "s1", "later": [{}, None], 5: b"x"},
                                 AUDIO | {"dither": msgpack.ExtType(5, b"abc")},
                                 more={"deep": [[[1]]]}) | {"time": msgpack.Timestamp(1, 2)}),
          fragment(session="s1"), BY_MSGPACK)
    write("python-end", msgpack.packb(document({"id": "s1", "seq": 9, "end": True}, data=b"")),
          fragment(b"", session="s1", seq=9, end=True), BY_MSGPACK)
    write("python-boot-text", msgpack.packb(document({"boot": "Überlauf 7"})),
          fragment(boot="Überlauf 7"), BY_MSGPACK)
    write("python-boot-uint64", msgpack.packb(document({"boot": 2**64 - 1})),
          fragment(boot=str(2**64 - 1)), BY_MSGPACK)
    write("python-numbers-largest",
          msgpack.packb(document({"seq": 2**62 - 1, "frame": 2**62 - 1, "time": 2**62 - 1})),
          fragment(seq=2**62 - 1, frame=2**62 - 1, time=2**62 - 1), BY_MSGPACK)


def encodings():
    cases = {
        "pcm8": ("pcm", 1, [0, 128, 255, 7], "<4B"),
        "pcm32": ("pcm", 4, [-2**31, 2**31 - 1, 1, -1], "<4i"),
        "float32": ("float", 4, [0.5, -1, 0.25, 3.0], "<4f"),
        "float64": ("float", 8, [0.1, -1, 1e300, 3.0], "<4d"),
        "alaw": ("alaw", 1, [0xD5, 0, 255, 1], "<4B"),
        "ulaw": ("ulaw", 1, [0xFF, 0, 255, 1], "<4B"),
    }
    for name, (encoding, size, samples, layout) in cases.items():
        audio = {"channels": 2, "rate": 8000, "sample_size": size, "encoding": encoding}
        data = struct.pack(layout, *samples)
        write(f"python-{name}", msgpack.packb(document({}, audio, data)), fragment(data, audio),
              BY_MSGPACK)
        write(f"python-{name}-array", msgpack.packb(document({}, audio, samples)),
              fragment(data, audio), BY_MSGPACK)
    audio = {"channels": 1, "rate": 96000, "sample_size": 3, "encoding": "pcm"}
    write("python-pcm24-array", msgpack.packb(document({}, audio, [-2**23, 2**23 - 1, -2])),
          fragment(bytes.fromhex("000080ffff7ffeffff"), audio), BY_MSGPACK)


def texts():
    full = document(dict(FULL_SESSION), tags=dict(TAGS))
    expected = fragment(tags=TAGS, **numbers(FULL_SESSION))
    full["data"] = base64.b64encode(PCM16).decode()
    write("json-base64", json.dumps(full, indent=2).encode(), expected, BY_JSON, "payload.json")
    full["data"] = SAMPLES
    write("json-array", json.dumps(full).encode("utf-8-sig"), expected, BY_JSON + ", with a BOM",
          "payload.json")
    write("json-end", json.dumps(document({"end": True}, data=[])).encode(),
          fragment(b"", end=True), BY_JSON, "payload.json")


def without(path):
    bad = copy.deepcopy(document({"id": "s1", "seq": 3}))
    *sections, last = path.split(".")
    section = bad
    for key in sections:
        section = section[key]
    del section[last]
    return bad


def bad_fragments():
    cases = {
        "no-metadata": (without("metadata"), "metadata"),
        "no-audio": (without("metadata.audio"), "metadata.audio"),
        "no-rate": (without("metadata.audio.rate"), "metadata.audio.rate"),
        "no-data": (without("data"), "data"),
        "not-a-map": ([1, 2, 3], "payload"),
        "name-dots": (document({"id": ".."}), "metadata.session.id"),
        "name-slash": (document({"id": "a/b"}), "metadata.session.id"),
        "name-space": (document({"id": "a b"}), "metadata.session.id"),
        "name-dash": (document({"id": "-rf"}), "metadata.session.id"),
        "name-65": (document({"id": "a" * 65}), "metadata.session.id"),
        "name-number": (document({"id": 7}), "metadata.session.id"),
        "name-bin": (document({"id": b"s1"}), "metadata.session.id"),
        "seq-text": (document({"seq": "3"}), "metadata.session.seq"),
        "seq-negative": (document({"seq": -1}), "metadata.session.seq"),
        "seq-half": (document({"seq": 0.5}), "metadata.session.seq"),
        "seq-2-62": (document({"seq": 2**62}), "metadata.session.seq"),
        "frame-uint64": (document({"frame": 2**64 - 1}), "metadata.session.frame"),
        "time-float-2-60": (document({"time": float(2**60)}), "metadata.session.time"),
        "end-number": (document({"end": 1}), "metadata.session.end"),
        "boot-empty": (document({"boot": ""}), "metadata.session.boot"),
        "boot-control": (document({"boot": "a\x1b[2J"}), "metadata.session.boot"),
        "channels-0": (document({}, AUDIO | {"channels": 0}), "metadata.audio.channels"),
        "channels-65": (document({}, AUDIO | {"channels": 65}), "metadata.audio.channels"),
        "rate-0": (document({}, AUDIO | {"rate": 0}), "metadata.audio.rate"),
        "rate-text": (document({}, AUDIO | {"rate": "16000"}), "metadata.audio.rate"),
        "sample-size-16": (document({}, AUDIO | {"sample_size": 16}),
                           "metadata.audio.sample_size"),
        "sample-size-160": (document({}, AUDIO | {"sample_size": 160}),
                            "metadata.audio.sample_size"),
        "encoding-mp3": (document({}, AUDIO | {"encoding": "mp3"}), "metadata.audio.encoding"),
        "half-a-frame": (document(data=PCM16[:3]), "data"),
        "data-empty": (document(data=b""), "data"),
        "data-map": (document(data={}), "data"),
        "data-out-of-range": (document(data=[1, 40000]), "data"),
        "tags-list": (document(tags=["a"]), "metadata.tags"),
        "tags-33": (document(tags={f"t{i}": i for i in range(33)}), "metadata.tags"),
        "tag-map": (document(tags={"site": {}}), "metadata.tags.site"),
    }
    for name, (value, field) in cases.items():
        write(f"bad-{name}", msgpack.packb(value),
              {"kind": "fragment", "error": {"code": "bad-request", "field": field}}, BY_MSGPACK)
    whole = msgpack.packb(document({"id": "s1", "seq": 3}))
    hostile = {
        "truncated": whole[:-1],
        "trailing": whole + b"\x00",
        "array-of-96-gb": bytes.fromhex("ddff000000"),
        "data-of-96-gb": whole.replace(b"\xc4\x10", bytes.fromhex("ddff000000")),
        "nested": b"\x81\xa4data" + b"\x91" * 1000,
        "never-used": b"\xc1",
        "text": b"hello",
    }
    for name, payload in hostile.items():
        write(f"bad-{name}", payload,
              {"kind": "fragment", "error": {"code": "bad-request", "field": "payload"}},
              "bytes by hand")


def requests():
    body = {"device": "mic1", "since": "2024-05-01T00:00:00Z", "min_duration": 1.5,
            "has_gaps": False, "limit": 50, "tags": {"site": "attic"}, "transaction": [1, None]}
    expected = {"kind": "request", "document": body}
    write("python-request", msgpack.packb(body), expected, BY_MSGPACK)
    write("python-request-old", msgpack.packb(body, use_bin_type=False), expected,
          BY_MSGPACK + ", old specification")
    write("json-request", json.dumps(body, indent=1).encode(), expected, BY_JSON, "payload.json")
    for name, payload in {"ext": msgpack.packb({"a": msgpack.Timestamp(1, 2)}),
                          "bin": msgpack.packb({"a": b"\xff\xfe"}),
                          "uint64": msgpack.packb({"a": 2**63}),
                          "key": msgpack.packb({1: 2})}.items():
        write(f"bad-request-{name}", payload,
              {"kind": "request", "error": {"code": "bad-request", "field": "payload"}},
              BY_MSGPACK)


def acknowledgements():
    body = {"status": "ok", "device": "mic1", "session": "s1", "boot": 7, "seq": 41,
            "frames": 70000, "next_frame": 70000, "missing": [[3, 5], [9, 9]],
            "missing_frames": [[300, 600]], "lost": [[0, 1]]}
    write("python-ack", msgpack.packb(body), {"kind": "acknowledgement", "document": body},
          BY_MSGPACK)


if __name__ == "__main__":
    good()
    encodings()
    texts()
    bad_fragments()
    requests()
    acknowledgements()
