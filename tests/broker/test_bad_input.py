"""Bad input: each kind is a clear error with code, message and field, counted and reported; the
recording it was aimed at is untouched, and the sink answers the next honest request."""
import json

import msgpack
import pytest

from harness import (
    JSON, MSGPACK, PREFIX, Format, Recorder, document, fragment, wav_bytes,
)
from lab import wait_for
from target import AUDIO, FORM, Target


def mutated(path, value=None):
    """A good fragment's document with one field set, or removed if `value` is None."""
    result = document(AUDIO, seq=1)
    *above, last = path.split(".")
    where = result
    for name in above:
        where = where[name]
    if value is None:
        where.pop(last, None)
    else:
        where[last] = value
    return result


# No document


GOOD = fragment(AUDIO, seq=1)
NO_DOCUMENT = {
    "nothing": b"",
    "truncated in the head": GOOD[:20],
    "truncated in the data": GOOD[:-1],
    "a byte too many": GOOD + b"\0",
    "an array of 4 billion": b"\xdd\xff\x00\x00\x00",
    "a map of 4 billion": b"\xdf\xff\xff\xff\xff",
    "a string of 4 GiB": b"\x82\xa8metadata\xdb\xff\xff\xff\xff",
    "bin of 4 GiB as data": GOOD[:-202] + b"\xc6\xff\xff\xff\xff" + AUDIO,
    "nested 1000 deep": b"\x91" * 1000 + b"\xc0",
    "maps nested 1000 deep": b"\x81\xa1a" * 1000 + b"\xc0",
    "the byte that never is": b"\xc1",
    "a number": b"\x07",
    "nil": b"\xc0",
    "an array": b"\x93\x01\x02\x03",
    "text": b"hello, sink",
    "JSON cut off": b'{"metadata": {"session": {',
    "JSON with a tail": b"{} {}",
    "JSON that is no UTF-8": b'{"metadata": "\xff\xfe"}',
    "JSON nested 1000 deep": b'{"a":' * 1000 + b"1" + b"}" * 1000,
    "a JSON array": b"[1, 2]",
    "RIFF and no more": b"RIFF",
    "RIFF of another kind": b"RIFF\x04\0\0\0AVI ",
    "WAV without fmt": b"RIFF\x10\0\0\0WAVEdata\x04\0\0\0abcd",
    "WAV without data": wav_bytes(AUDIO)[:36],
}


@pytest.mark.parametrize("payload", NO_DOCUMENT.values(), ids=NO_DOCUMENT.keys())
def test_no_document(target, payload):
    error = target.publish(payload)
    assert error["code"] == "bad-request"
    target.assert_rejected(error, "bad-request", error["field"], payload)
    assert error["field"] == "payload" or payload[:1] in (b"R", b"{", b"\x91", b"\x81")
    target.assert_untouched()


# Fields

FIELDS = [
    # field, value (None: missing), the field that the error names (default: the field)
    ("metadata", None, None),
    ("metadata", [1], None),
    ("metadata", "x", None),
    ("metadata.session", 5, None),
    ("metadata.session.seq", -1, None),
    ("metadata.session.seq", 1.5, None),
    ("metadata.session.seq", "1", None),
    ("metadata.session.seq", 2.0**60, None),
    ("metadata.session.seq", 2**64 - 1, None),
    ("metadata.session.seq", 2**62, None),
    ("metadata.session.frame", [0], None),
    ("metadata.session.frame", -5, None),
    ("metadata.session.frame", True, None),
    ("metadata.session.time", "yesterday", None),
    ("metadata.session.boot", {}, None),
    ("metadata.session.boot", -1, None),
    ("metadata.session.boot", "b" * 65, None),
    ("metadata.session.end", "yes", None),
    ("metadata.session.end", 1, None),
    ("metadata.session.reply_to", 7, None),
    ("metadata.session.id", 12, None),
    ("metadata.audio", None, None),
    ("metadata.audio", "pcm", None),
    ("metadata.audio.channels", None, None),
    ("metadata.audio.channels", 0, None),
    ("metadata.audio.channels", 65, None),
    ("metadata.audio.channels", "1", None),
    ("metadata.audio.channels", 1.5, None),
    ("metadata.audio.rate", None, None),
    ("metadata.audio.rate", 0, None),
    ("metadata.audio.rate", 768001, None),
    ("metadata.audio.rate", -16000, None),
    ("metadata.audio.rate", "16 kHz", None),
    ("metadata.audio.sample_size", None, None),
    ("metadata.audio.sample_size", 0, None),
    ("metadata.audio.sample_size", 5, None),
    ("metadata.audio.sample_size", 160, None),
    ("metadata.audio.encoding", "mp3", None),
    ("metadata.audio.encoding", 3, None),
    ("metadata.audio.encoding", "float", "metadata.audio.sample_size"),  # of 2 bytes
    ("metadata.audio.encoding", "ulaw", "metadata.audio.sample_size"),
    ("metadata.tags", [1], None),
    ("metadata.tags", {"site": [1]}, "metadata.tags.site"),
    ("metadata.tags", {"site": None}, "metadata.tags.site"),
    ("metadata.tags", {f"t{n}": n for n in range(33)}, "metadata.tags"),
    ("data", None, None),
    ("data", 12, None),
    ("data", {"bytes": 1}, None),
    ("data", AUDIO[:-1], None),
    ("data", b"", None),
    ("data", [1, 2, 40000], None),
    ("data", [1, 2, -32769], None),
    ("data", [1, 2.5], None),
    ("data", [1, "2"], None),
]


@pytest.mark.parametrize("path, value, blamed", FIELDS,
                         ids=[f"{path}={str(value)[:20]}" for path, value, _ in FIELDS])
def test_bad_field_is_named(target, path, value, blamed):
    bad = mutated(path, value)
    if path == "data" and value == b"":  # only the last fragment may be empty
        bad["metadata"]["session"].pop("end", None)
    payload = msgpack.packb(bad)
    error = target.publish(payload)
    target.assert_rejected(error, "bad-request", blamed or path, payload)
    target.assert_untouched()


@pytest.mark.parametrize("size", [8, 16, 24, 32, 160])
def test_sample_size_in_bits_is_told_that_it_counts_bytes(target, size):
    error = target.publish(mutated("metadata.audio.sample_size", size))
    if size == 8:  # of PCM, as in bits; 8 bytes are for float alone
        assert error["field"] == "metadata.audio.sample_size"
    assert "byte" in error["message"]
    target.assert_untouched()


JSON_DATA = {"not base64": "####", "base64 cut off": "AAAAA", "number": 5,
             "half a sample": "AAAA", "out of range": [70000], "nested": [[1]], "null": None}


@pytest.mark.parametrize("data", JSON_DATA.values(), ids=JSON_DATA.keys())
def test_bad_data_in_json(target, data):
    payload = json.dumps(document(data, seq=1)).encode()
    error = target.publish(payload)
    target.assert_rejected(error, "bad-request", "data", payload)
    target.assert_untouched()


def test_half_a_frame_of_stereo(lab, client, device):
    recorder = Recorder(client, device, form=Format(2, 16000, 2))
    recorder.store(frames=10, seq=0)
    error = recorder.refused(Format(2, 16000, 2).noise(10)[:-2], seq=1)
    assert (error["code"], error["field"]) == ("bad-request", "data")
    assert recorder.info()["frames"] == 10


@pytest.mark.parametrize("name, value", [("seq", "x"), ("seq", "-1"), ("frame", "1e3"),
                                         ("time", ""), ("end", "perhaps"), ("seq", "9" * 30)])
def test_bad_user_property_of_a_wav(target, name, value):
    error = target.publish(wav_bytes(AUDIO), user={name: value})
    assert error["code"] == "bad-request" and name in error["field"]
    target.assert_untouched()


WAV_FORMATS = {
    "channels 0": (22, b"\0\0"), "rate 0": (24, b"\0\0\0\0"), "5 bits": (34, b"\x05\0"),
    "160 bits": (34, b"\xa0\0"), "MP3": (20, b"\x55\0"), "65 channels": (22, b"\x41\0"),
}


@pytest.mark.parametrize("at, value", WAV_FORMATS.values(), ids=WAV_FORMATS.keys())
def test_wav_of_an_impossible_format(target, at, value):
    payload = bytearray(wav_bytes(AUDIO))
    payload[at : at + len(value)] = value
    error = target.publish(bytes(payload))
    target.assert_rejected(error, "bad-request", error["field"], bytes(payload))
    target.assert_untouched()


@pytest.mark.parametrize("content_type, payload", [
    (JSON, GOOD), ("audio/wav", GOOD), (MSGPACK, fragment(AUDIO, payload="json-array", seq=1)),
    (MSGPACK, wav_bytes(AUDIO)),
], ids=["json", "wav", "msgpack", "msgpack of a wav"])
def test_content_type_that_contradicts_the_payload(target, content_type, payload):
    error = target.publish(payload, content_type=content_type)
    target.assert_rejected(error, "bad-request", "content_type", payload)
    target.assert_untouched()


# The recording it is aimed at


@pytest.mark.parametrize("form", [Format(2, 16000, 2), Format(1, 8000, 2), Format(1, 16000, 1),
                                  Format(1, 16000, 4, "float")], ids=str)
def test_format_that_changes_midway(target, form):
    payload = fragment(form.noise(100), form, seq=1)
    error = target.publish(payload)
    assert error["code"] == "conflict"
    assert error["field"].startswith("metadata.audio")
    target.assert_rejected(error, "conflict", error["field"], payload)
    target.assert_untouched()


def test_fragment_larger_than_allowed(make_lab):
    lab = make_lab({"limits.max_fragment_bytes": 1024})
    target = Target(lab, "mic")
    error = target.publish(fragment(FORM.noise(600), seq=1))
    assert error["code"] == "too-large"
    assert "1024" in error["message"]
    target.assert_untouched()


def test_topic_that_contradicts_the_payload(target):
    payload = fragment(AUDIO, session="another", seq=1)
    error = target.publish(payload)
    target.assert_rejected(error, "bad-request", "metadata.session.id", payload)
    target.assert_untouched()


def test_wav_whose_session_contradicts_the_topic(target):
    error = target.publish(wav_bytes(AUDIO), user={"session": "another"})
    assert error["code"] == "bad-request" and "session" in error["field"]
    target.assert_untouched()


def test_no_session_anywhere(lab, client, device):
    reply = f"{PREFIX}/reply/{device}/x"
    client.subscribe(reply)
    client.publish(f"{PREFIX}/audio/{device}", fragment(AUDIO), response_topic=reply)
    error = client.wait_message(lambda m: m.topic == reply).document["error"]
    assert (error["code"], error["field"]) == ("bad-request", "metadata.session.id")


# Names

# Without control characters: the broker lets no topic with one pass.
BAD_NAMES = ["..", ".", ".hidden", "-rf", "_x", "a b", "x" * 65, "\u00e4", "a:b", "$SYS", "a\\b",
             "%2e", ""]
BAD_NAMES_IN_PAYLOAD = [*filter(None, BAD_NAMES), "a/b", "../x", "a\0b", "a\tb", "a\x7f", "\n"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_bad_session_in_the_topic(lab, target, name):
    payload = fragment(AUDIO)
    error = target.publish(payload, topic=f"{PREFIX}/audio/{target.device}/{name}")
    assert (error["code"], error["field"]) == ("bad-request", "session")
    event = lab.watcher.wait_event(target.device, "-", "rejected")
    assert event["field"] == "session"
    target.assert_untouched()
    assert sorted(lab.sink.store.glob(f"recordings/{target.device}/*.wav")) == [
        lab.sink.wav(target.device, "s1")
    ]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_bad_device_in_the_topic(lab, target, name):
    """There is no device to answer to; quarantine tells of it."""
    def newest():
        return target.client.request("rejects", {"limit": 1})["rejects"][0]

    target.publish(b"junk")
    before, folders = newest()["quarantine_id"], set((lab.sink.store / "recordings").iterdir())
    target.client.publish(f"{PREFIX}/audio/{name}/s1", fragment(AUDIO))
    reject = wait_for(lambda: newest()["quarantine_id"] > before and newest(), "its rejection")
    assert (reject["code"], reject["field"]) == ("bad-request", "device")
    assert reject["device"] is None
    assert set((lab.sink.store / "recordings").iterdir()) == folders
    target.assert_untouched()


def test_bad_devices_are_told_of_under_a_dash(lab, client):
    def told():
        events = lab.watcher.events("-", None, "rejected")
        return sum(event["count"] for event in events if event["field"] == "device")

    before = told()
    for name in ("a b", ".."):
        client.publish(f"{PREFIX}/audio/{name}/s1", fragment(AUDIO))
    wait_for(lambda: told() >= before + 2, "the events")


@pytest.mark.parametrize("name", BAD_NAMES_IN_PAYLOAD, ids=ascii)
def test_bad_session_in_the_payload(lab, target, name):
    payload = fragment(AUDIO, session=name)
    error = target.publish(payload, topic=f"{PREFIX}/audio/{target.device}")
    assert (error["code"], error["field"]) == ("bad-request", "metadata.session.id")
    target.assert_untouched()
    assert not list(lab.sink.store.glob("x*")) and not list(lab.sink.store.parent.glob("x*"))


def test_too_many_levels(lab, target):
    error = target.publish(fragment(AUDIO), topic=f"{PREFIX}/audio/{target.device}/a/b")
    assert error["code"] == "bad-request"
    target.assert_untouched()
