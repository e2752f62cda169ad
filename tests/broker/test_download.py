"""download: views, whole and in parts, of recordings that are complete, grow or change."""
import base64
import contextlib
import io
import itertools
import re
import signal
import subprocess
import wave
from pathlib import Path

import pytest

from harness import (
    BUILD, JSON, MSGPACK, PREFIX, Format, Message, Recorder, assert_same_audio, encode, probe,
    read_ffmpeg,
)

KIB, MIB = 1024, 1024 * 1024
RAW, WAV = "application/octet-stream", "audio/wav"
_numbers = itertools.count(1)


def whole(client, recorder, **view):
    """Download in one message; return it."""
    question = {"device": recorder.device, "session": recorder.session} | view
    answer = client.ask("download", question)
    assert answer.content_type in (RAW, WAV), answer.payload
    return answer


def refusal(client, recorder, **view):
    question = {"device": recorder.device, "session": recorder.session} | view
    error = client.refusal("download", question)
    return error["code"], error["field"]


def parts(client, recorder, count, form=JSON, **question):
    """Ask for parts; return the `count` messages that come, in order."""
    place = f"{PREFIX}/reply/{client.name}/parts{next(_numbers)}"
    client.subscribe(place)
    question = {"device": recorder.device, "session": recorder.session} | question
    client.publish(f"{PREFIX}/request/download", encode(question, form), response_topic=place,
                   correlation=place.encode())
    client._until(lambda: len(client.select(lambda m: m.topic == place)) >= count,
                  f"{count} parts on {place}")
    client.request("status")  # what was queued before it has come
    found = client.select(lambda m: m.topic == place)
    assert len(found) == count, [part.user for part in found]
    assert all(part.correlation == place.encode() for part in found)
    return found


def samples_of(wav):
    with wave.open(io.BytesIO(wav)) as reader:
        return reader.readframes(reader.getnframes())


# Views

FORMATS = [
    Format(1, 16000, 2), Format(2, 44100, 2), Format(1, 8000, 1), Format(1, 48000, 3),
    Format(4, 96000, 4), Format(3, 16000, 3), Format(1, 16000, 4, "float"),
    Format(2, 48000, 8, "float"), Format(1, 8000, 1, "alaw"), Format(2, 8000, 1, "ulaw"),
]


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_whole_recording_as_wav_and_raw(lab, client, device, tmp_path, form):
    recorder = Recorder(client, device, form=form)
    audio = recorder.post(frames=333)
    recorder.end()
    answer = whole(client, recorder)
    assert answer.content_type == WAV
    path = tmp_path / "a.wav"
    path.write_bytes(answer.payload)
    assert probe(path) == (form, 333)
    assert_same_audio(read_ffmpeg(path), audio, form)
    assert len(answer.payload) % 2 == 0
    assert answer.payload.endswith(audio + bytes(len(audio) % 2))
    user = answer.user
    assert (user["status"], user["from_frame"], user["to_frame"]) == ("ok", "0", "333")
    assert (user["offset"], user["final"]) == ("0", "true")
    assert int(user["size"]) == len(answer.payload)

    raw = whole(client, recorder, format="raw")
    assert raw.content_type == RAW
    assert_same_audio(raw.payload, audio, form)
    assert int(raw.user["size"]) == len(audio)


@pytest.mark.parametrize("view, first, last", [
    ({"from_frame": 0, "to_frame": 1}, 0, 1),
    ({"from_frame": 100, "to_frame": 200}, 100, 200),
    ({"from_frame": 31999}, 31999, 32000),
    ({"from_frame": 32000}, 32000, 32000),
    ({"to_frame": 99999999}, 0, 32000),
    ({"to_frame": 0}, 0, 0),
    ({"from": 0.5, "to": 1}, 8000, 16000),
    ({"from": 1}, 16000, 32000),
    ({"to": 3600}, 0, 32000),
    ({"from": 0.00003125}, 1, 32000),  # half a frame goes up
    ({"from": 0.00003}, 0, 32000),
    ({"from_frame": 5, "to": 0.001}, 5, 16),
], ids=str)
def test_slice(lab, client, device, view, first, last):
    recorder = Recorder(client, device)
    audio = recorder.post(frames=32000)
    recorder.end()
    for form, take in (("wav", samples_of), ("raw", bytes)):
        answer = whole(client, recorder, format=form, **view)
        assert (answer.user["from_frame"], answer.user["to_frame"]) == (str(first), str(last))
        assert_same_audio(take(answer.payload), audio[2 * first:2 * last])


@pytest.mark.parametrize("view, field", [
    ({"from_frame": 101}, "from_frame"),
    ({"from": 1}, "from"),
    ({"from_frame": 20, "to_frame": 10}, "to_frame"),
    ({"from": 0.005, "to": 0.004}, "to"),
    ({"from": 0, "from_frame": 0}, "from_frame"),
    ({"to": 0, "to_frame": 0}, "to_frame"),
    ({"from": "0"}, "from"), ({"from": -1}, "from"), ({"to": None}, "to"),
    ({"from_frame": 0.5}, "from_frame"), ({"to_frame": -1}, "to_frame"),
    ({"format": "mp3"}, "format"), ({"format": 1}, "format"),
    ({"offset": -1}, "offset"), ({"offset": "0"}, "offset"),
    ({"length": 0}, "length"), ({"length": MIB + 1}, "length"),
    ({"offset": 0, "block_size": 0}, "block_size"),
    ({"offset": 0, "block_size": MIB + 1}, "block_size"),
    ({"blocks": []}, "blocks"), ({"blocks": 1}, "blocks"), ({"blocks": [0, -1]}, "blocks"),
    ({"blocks": ["0"]}, "blocks"), ({"blocks": [0] * 17}, "blocks"),
    ({"version": ""}, "version"), ({"version": 1}, "version"), ({"version": "x" * 200}, "version"),
    ({"version": "0123456789abcdef"}, "version"), ({"device": 1}, "device"),
    ({"session": "../s"}, "session"),
], ids=str)
def test_view_that_is_none(lab, client, device, view, field):
    recorder = Recorder(client, device)
    recorder.store(frames=100)
    assert refusal(client, recorder, **view) == ("bad-request", field)


def test_recording_that_is_not_there(lab, client, device):
    recorder = Recorder(client, device)
    assert refusal(client, recorder)[0] == "not-found"
    error = client.refusal("download", {"device": device})
    assert (error["code"], error["field"]) == ("bad-request", "session")
    error = client.refusal("download", {"session": "s1"})
    assert (error["code"], error["field"]) == ("bad-request", "device")


def test_confined_download(lab, client, device):
    recorder = Recorder(client, device)
    audio = recorder.post(frames=10)
    recorder.end()
    answer = client.ask("download", {"session": "s1", "format": "raw"}, device)
    assert answer.payload == audio
    error = client.refusal("download", {"device": "other", "session": "s1"}, device)
    assert (error["code"], error["field"]) == ("not-allowed", "device")


# Parts


@pytest.fixture
def long(lab, client, device):
    """A recorder whose recording is complete, and the view's bytes: 44 + 200,000."""
    recorder = Recorder(client, device)
    recorder.post(frames=100000)
    recorder.end()
    return recorder, whole(client, recorder).payload


def check_parts(found, view, offsets):
    assert [int(part.user["offset"]) for part in found] == offsets
    assert {part.user["version"] for part in found} == {found[0].user["version"]}
    assert {part.content_type for part in found} == {WAV}
    for part in found:
        offset = int(part.user["offset"])
        assert part.payload == view[offset:offset + len(part.payload)]
        assert int(part.user["size"]) == len(view)
        ends = offset + len(part.payload) >= len(view)
        assert part.user["final"] == ("true" if ends else "false")


def test_blocks_of_64_kib(lab, client, long):
    recorder, view = long
    found = parts(client, recorder, 4, offset=0)
    check_parts(found, view, [0, 65536, 131072, 196608])
    assert b"".join(part.payload for part in found) == view


def test_part_in_blocks(lab, client, long):
    recorder, view = long
    found = parts(client, recorder, 3, offset=50001, length=25000, block_size=10000)
    check_parts(found, view, [50001, 60001, 70001])
    assert [len(part.payload) for part in found] == [10000, 10000, 5000]


def test_part_that_crosses_the_header_and_the_end(lab, client, long):
    recorder, view = long
    check_parts(parts(client, recorder, 1, offset=20, length=31), view, [20])
    found = parts(client, recorder, 1, offset=len(view) - 3, length=1000)
    check_parts(found, view, [len(view) - 3])
    assert len(found[0].payload) == 3


def test_length_alone_begins_at_the_start(lab, client, long):
    recorder, view = long
    found = parts(client, recorder, 1, length=44)
    assert found[0].payload == view[:44]
    assert found[0].user["final"] == "false"


@pytest.mark.parametrize("past", [0, 1, 10 ** 12])
def test_offset_past_the_end_is_an_empty_final_block(lab, client, long, past):
    recorder, view = long
    (part,) = parts(client, recorder, 1, offset=len(view) + past)
    assert (part.payload, part.user["final"]) == (b"", "true")
    assert part.user["size"] == str(len(view))


def test_numbered_blocks(lab, client, long):
    recorder, view = long
    found = parts(client, recorder, 4, blocks=[3, 0, 200, 3], block_size=1000)
    check_parts(found, view, [3000, 0, 200000, 3000])
    assert [len(part.payload) for part in found] == [1000, 1000, 44, 1000]
    found = parts(client, recorder, 1, blocks=[10 ** 15], block_size=1000)
    assert (found[0].payload, found[0].user["final"]) == (b"", "true")


def test_a_request_makes_a_bounded_number_of_messages(lab, client, long):
    recorder, view = long
    assert refusal(client, recorder, offset=0, block_size=1) == ("bad-request", "block_size")
    assert len(parts(client, recorder, 4096, offset=0, length=4096, block_size=1)) == 4096


def test_odd_sizes_in_odd_blocks(lab, client, device):
    recorder = Recorder(client, device, form=Format(3, 16000, 3))
    recorder.post(frames=333)
    recorder.end()
    view = whole(client, recorder).payload
    count = -(-len(view) // 7)
    found = parts(client, recorder, count, offset=0, block_size=7)
    assert b"".join(part.payload for part in found) == view
    assert found[-1].user["final"] == "true"


# Growing and changing


def test_growing_recording_has_views_that_stay(lab, client, device):
    recorder = Recorder(client, device)
    first = recorder.post(frames=1000, seed=1, seq=0)
    recorder.store(frames=1000, seed=2, seq=1)
    before = whole(client, recorder, to_frame=1000)
    version = before.user["version"]
    assert_same_audio(samples_of(before.payload), first)
    recorder.store(frames=1000, seed=3, seq=2)
    again = whole(client, recorder, version=version)
    assert again.payload == before.payload
    assert again.user == before.user
    (tail,) = parts(client, recorder, 1, version=version, offset=1000)
    assert tail.payload == before.payload[1000:]
    grown = whole(client, recorder)
    assert grown.user["to_frame"] == "3000"
    assert grown.user["version"] != version
    # The recording's end does not move the view's.
    recorder.end()
    assert whole(client, recorder, version=version).payload == before.payload


def test_another_client_continues_a_download(lab, client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=50000, seq=0)
    view = whole(client, recorder)
    other = lab.client()
    recorder.store(frames=10, seq=1)
    (part,) = parts(other, recorder, 1, version=view.user["version"], offset=60000, length=100,
                    form=MSGPACK)
    assert part.payload == view.payload[60000:60100]


def test_gap_reads_as_silence_until_it_is_filled(lab, client, device):
    recorder = Recorder(client, device)
    first = recorder.post(frames=100, seed=1, seq=0, frame=0)
    third = recorder.form.noise(100, 3)
    recorder.store(third, seq=2, frame=200)
    before = whole(client, recorder, format="raw")
    assert_same_audio(before.payload, first + bytes(200) + third)
    version = before.user["version"]
    second = recorder.form.noise(100, 2)
    recorder.store(second, seq=1, frame=100)
    assert refusal(client, recorder, version=version) == ("version-mismatch", "version")
    assert_same_audio(whole(client, recorder, format="raw").payload, first + second + third)


def test_download_while_gaps_are_filled_is_of_one_state(lab, client, device):
    """Each answer shows the first so many gaps filled and no other, none of them by half."""
    count, size = 40, 200
    recorder = Recorder(client, device)
    for number in range(0, 2 * count, 2):
        recorder.post(frames=size, seed=number, seq=number, frame=number * size)
    recorder.store(frames=size, seed=2 * count, seq=2 * count, frame=2 * count * size)
    blocks = [recorder.form.noise(size, number) for number in range(2 * count + 1)]
    filler = Recorder(lab.client(), device)
    seen = set()
    for number in range(1, 2 * count, 2):
        filler.post(blocks[number], seq=number, frame=number * size, wait=False)
        answer = client.ask("download", {"device": device, "session": "s1", "format": "raw"})
        if answer.content_type == JSON:
            assert answer.document["error"]["code"] == "version-mismatch"
            continue
        found = [answer.payload[at:at + 2 * size] for at in range(0, len(answer.payload), 2 * size)]
        gaps = [block == bytes(2 * size) for block in found]
        filled = gaps[1::2].index(True) if True in gaps else count
        assert gaps[1::2] == [False] * filled + [True] * (count - filled)
        assert all(gap or block == wanted for gap, block, wanted in zip(gaps, found, blocks))
        seen.add(filled)
    assert len(seen) > 1, "no download fell between two fills"


def test_version_of_another_recording(lab, client, device):
    one, other = Recorder(client, device, "one"), Recorder(client, device, "other")
    for recorder in (one, other):
        recorder.store(frames=100)
    version = whole(client, one).user["version"]
    assert refusal(client, other, version=version) == ("version-mismatch", "version")


def test_version_and_bounds_must_agree(lab, client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100)
    version = whole(client, recorder, from_frame=10, to_frame=50).user["version"]
    assert whole(client, recorder, version=version, from_frame=10, to_frame=50)
    for wrong in ("from_frame", "to_frame"):
        bounds = {"from_frame": 10, "to_frame": 50} | {wrong: 20}
        assert refusal(client, recorder, version=version, **bounds) == ("bad-request", wrong)
    assert refusal(client, recorder, version=version, format="raw") == ("bad-request", "format")


# Large


def test_more_than_a_message_holds_says_how_to_ask(make_lab):
    lab = make_lab({"limits.max_response_bytes": 65536})
    client = lab.client()
    recorder = Recorder(client, "mic")
    audio = recorder.post(frames=40000)
    recorder.end()
    error = client.refusal("download", {"device": "mic", "session": "s1"})
    assert error["code"] == "too-large"
    assert "offset" in error["message"] and "length" in error["message"]
    assert len(whole(client, recorder, to_frame=(65536 - 44) // 2).payload) == 65536
    assert refusal(client, recorder, to_frame=(65536 - 44) // 2 + 1)[0] == "too-large"
    found = parts(client, recorder, 2, offset=0)
    assert_same_audio(samples_of(b"".join(part.payload for part in found)), audio)


def test_long_recording_in_requests_that_overlap(lab, client, device):
    recorder = Recorder(client, device, form=Format(2, 48000, 4))
    audio = b"".join(recorder.post(frames=60000, seed=i, seq=i) for i in range(12))
    recorder.end()
    size = len(audio)
    pieces = [
        parts(client, recorder, -(-min(MIB, size - at) // (256 * KIB)), format="raw", offset=at,
              length=MIB, block_size=256 * KIB)
        for at in range(0, size, MIB)
    ]
    assert_same_audio(b"".join(part.payload for piece in pieces for part in piece), audio,
                      recorder.form)


def peak_memory_bytes(sink):
    status = Path(f"/proc/{sink.program.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * KIB


def test_answers_do_not_pile_up_in_memory(make_lab):
    """600 MB of them asked for at once; what address sanitizers keep back is allowed for."""
    lab = make_lab()
    client = lab.client()
    recorder = Recorder(client, "mic", form=Format(2, 48000, 4))
    for number in range(8):
        recorder.post(frames=65000, seed=number, seq=number)
    recorder.end(seq=8)
    lab.watcher.close()  # or the broker has to keep them for it
    for _ in range(150):
        client.publish(f"{PREFIX}/request/download", b'{"device":"mic","session":"s1"}',
                       response_topic=f"{PREFIX}/reply/nobody/x", wait=False)
    assert client.request("status")["state"] == "ok"
    assert peak_memory_bytes(lab.sink) < (500 if "san" in BUILD else 60) * MIB


def test_requests_that_wait_are_not_answered_at_the_end(make_lab):
    """Each would be an answer of 4 MB in memory; the same, and then the sink is told to end."""
    lab = make_lab()
    client = lab.client()
    recorder = Recorder(client, "mic", form=Format(2, 48000, 4))
    for number in range(8):
        recorder.post(frames=65000, seed=number, seq=number)
    recorder.end(seq=8)
    lab.watcher.close()
    for _ in range(150):
        client.publish(f"{PREFIX}/request/download", b'{"device":"mic","session":"s1"}',
                       response_topic=f"{PREFIX}/reply/nobody/x", wait=False)
    client.publish("all/sent", b"")
    lab.sink.program.send(signal.SIGTERM)
    most = 0
    while lab.sink.program.running():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, TypeError):
            most = max(most, peak_memory_bytes(lab.sink))
    assert 0 < most < (500 if "san" in BUILD else 60) * MIB


# Without MQTT 5


@pytest.mark.parametrize("form", [JSON, MSGPACK])
@pytest.mark.parametrize("version", [4, 5])
def test_who_sends_no_response_topic_gets_a_map(lab, client, device, form, version):
    recorder = Recorder(client, device)
    audio = recorder.post(frames=1000)
    recorder.end()
    asker = lab.client(version)
    place = f"{PREFIX}/reply/{asker.name}/map"
    asker.subscribe(place)
    question = {"device": device, "session": "s1", "format": "raw", "offset": 100, "length": 1000,
                "block_size": 600, "reply_to": place, "transaction": 17}
    asker.publish(f"{PREFIX}/request/download", encode(question, form))
    asker._until(lambda: len(asker.messages) >= 2, "two parts")
    documents = [decode_map(message, form) for message in asker.messages]
    assert [document["transaction"] for document in documents] == [17, 17]
    datas = [document["data"] for document in documents]
    assert [data["offset"] for data in datas] == [100, 700]
    assert [data["final"] for data in datas] == [False, False]
    assert b"".join(data["bytes"] for data in datas) == audio[100:1100]
    for data in datas:
        assert (data["from_frame"], data["to_frame"], data["size"]) == (0, 1000, 2000)


def decode_map(message, form):
    document = Message(message.topic, message.payload, 0, False, form).document
    if form == JSON:
        document["data"]["bytes"] = base64.b64decode(document["data"]["bytes"], validate=True)
    return document


def test_whole_as_a_map(lab, device):
    client = lab.client(version=4)
    recorder = Recorder(client, device)
    audio = recorder.post(frames=100)
    recorder.end()
    data = client.request("download", {"device": device, "session": "s1"}, form=MSGPACK)
    assert_same_audio(samples_of(data["bytes"]), audio)
    assert (data["offset"], data["final"], data["size"]) == (0, True, 244)


def test_mosquitto_rr_is_a_complete_client(lab, client, device, tmp_path):
    recorder = Recorder(client, device)
    audio = recorder.post(frames=20000)
    recorder.end()
    command = ["mosquitto_rr", *lab.broker.client_options(), "-V", "5", "-N", "-W", "30",
               "-t", f"{PREFIX}/request/download", "-e", f"{PREFIX}/reply/me-1",
               "-m", f'{{"device":"{device}","session":"s1"}}']
    done = subprocess.run(command, capture_output=True, check=True)
    assert_same_audio(samples_of(done.stdout), audio)
