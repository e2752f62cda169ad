"""upload-begin, blocks, upload-end: a file in pieces, which goes on whatever side was killed."""
import hashlib
import random
import subprocess

import pytest

from harness import JSON, MSGPACK, Format, Recorder, RequestFailed, read_wave, wav_bytes
from lab import PREFIX, wait_for
from uploads import BlockUploader, Uploader, recording_path

BLOCK_BYTES = 4096
LAB_SETTINGS = {"upload.block_bytes": BLOCK_BYTES, "upload.max_bytes": 1 << 20,
                "upload.max_open": 4}
FRAMES = 20000
AUDIO = Format().noise(FRAMES)
FILE = wav_bytes(AUDIO)
BLOCKS = -(-len(FILE) // BLOCK_BYTES)


@pytest.fixture
def uploader(client, device):
    return BlockUploader(client, device, FILE)


@pytest.fixture(autouse=True)
def nothing_left(lab):
    """Each test ends what it began: the next may begin as many."""
    yield
    wait_for(lambda: not list(lab.sink.store.glob("uploads/*")), "the spool to be empty")


def assert_recorded(lab, device, session="s1"):
    assert read_wave(recording_path(lab, device, session)) == (Format(), AUDIO)


def finish(uploader):
    """Send what is missing, and end it."""
    for block in uploader.missing():
        uploader.send(block)
    return uploader.end()


@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_in_blocks(lab, client, uploader, form):
    uploader.form = form
    begun = uploader.begin(tags={"site": "attic"})
    assert begun["size"] == len(FILE)
    assert begun["block_size"] == BLOCK_BYTES
    assert begun["missing"] == [[0, BLOCKS - 1]]
    order = list(range(BLOCKS))
    random.Random(1).shuffle(order)
    for block in order:
        uploader.send(block)
    answer = uploader.end()
    assert answer["id"] == begun["upload"]
    assert answer["tags"] == {"site": "attic"}
    assert answer["end_reason"] == "upload"
    assert_recorded(lab, uploader.device)
    info = client.request("info", {"device": uploader.device, "session": "s1"})
    assert {key: info[key] for key in answer if key != "sha256"} == answer
    event = lab.watcher.wait_event(uploader.device, "s1", "completed")
    assert event["recording"]["id"] == begun["upload"]


def test_confined(lab, client, device):
    """By a topic that names the device, which the document need not."""
    uploader = BlockUploader(client, device, FILE, confined=True)
    uploader.begin()
    finish(uploader)
    assert_recorded(lab, device)


def test_what_is_missing(lab, uploader):
    uploader.begin()
    for block in (0, 2, 3, BLOCKS - 1):
        uploader.send(block)
    begun = uploader.wait_missing(BLOCKS - 4)
    assert begun["missing"] == [[1, 1], [4, BLOCKS - 2]]
    error = uploader.end_refused()
    assert (error["code"], error["field"]) == ("conflict", "missing")
    finish(uploader)
    assert_recorded(lab, uploader.device)


def test_the_same_name_size_and_sum_is_the_same_upload(lab, client, device):
    first = BlockUploader(client, device, FILE)
    begun = first.begin()
    first.send(0)
    first.wait_missing(BLOCKS - 1)
    again = BlockUploader(client, device, FILE, session="s1.wav")
    assert again.begin()["upload"] == begun["upload"]
    assert again.begun["missing"] == [[1, BLOCKS - 1]]
    finish(again)


def test_the_last_wishes_stand(lab, client, uploader):
    Uploader(client, uploader.device).upload(wav_bytes(b""))
    assert uploader.begin_refused()["code"] == "conflict"
    uploader.begin(overwrite=True, tags={"a": 1})
    uploader.begin(overwrite=True, tags={"b": 2})
    assert uploader.begin_refused(overwrite=False)["code"] == "conflict"
    assert finish(uploader)["tags"] == {"b": 2}
    assert lab.watcher.wait_event(uploader.device, "s1", "deleted")["reason"] == "overwritten"


def test_end_may_be_asked_again(lab, uploader):
    uploader.begin()
    answer = finish(uploader)
    assert uploader.end() == answer


def test_end_by_several(lab, uploader):
    uploader.begin()
    for block in range(BLOCKS):
        uploader.send(block)
    uploader.wait_missing(0)
    questions = [uploader.ask_end() for _ in range(5)]
    answers = [question()["data"] for question in questions]
    assert answers == [answers[0]] * 5


def test_a_repeated_block_is_none_the_worse(lab, client, uploader):
    uploader.begin()
    for _ in range(3):
        uploader.send(1)
    uploader.wait_missing(BLOCKS - 1)
    finish(uploader)
    assert_recorded(lab, uploader.device)
    assert not client.request("rejects", {"device": uploader.device})["rejects"]


def test_by_mosquitto_pub_and_rr(lab, device, tmp_path):
    """The whole of it in a shell."""
    where = ["-h", lab.broker.host, "-p", str(lab.broker.port)]

    def ask(op, document):
        asked = subprocess.run(
            ["mosquitto_rr", *where, "-W", "30", "-t", f"{PREFIX}/request/{op}",
             "-e", f"{PREFIX}/reply/rr/{device}", "-m", document],
            check=True, capture_output=True)
        return asked.stdout.decode()

    name = f'"device": "{device}", "session": "s1"'
    begun = ask("upload-begin", f'{{{name}, "size": {len(FILE)}, '
                f'"sha256": "{hashlib.sha256(FILE).hexdigest()}"}}')
    upload = begun.split('"upload":"')[1][:16]
    for offset in range(0, len(FILE), BLOCK_BYTES):
        block = tmp_path / "block"
        block.write_bytes(FILE[offset:offset + BLOCK_BYTES])
        subprocess.run(["mosquitto_pub", *where, "-q", "1", "-f", block, "-t",
                        f"{PREFIX}/upload/{device}/s1/{upload}/{offset}"], check=True)
    assert '"status":"ok"' in ask("upload-end", f'{{{name}, "upload": "{upload}"}}')
    assert_recorded(lab, device)


# What is refused


SUM = hashlib.sha256(FILE).hexdigest()


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"device": None}, "bad-request", "device"),
    ({"session": None}, "bad-request", "session"),
    ({"session": "../s1"}, "bad-request", "session"),
    ({"size": None}, "bad-request", "size"),
    ({"size": 0}, "bad-request", "size"),
    ({"size": -1}, "bad-request", "size"),
    ({"size": "many"}, "bad-request", "size"),
    ({"size": (1 << 20) + 1}, "too-large", "size"),
    ({"sha256": None}, "bad-request", "sha256"),
    ({"sha256": SUM[:-1]}, "bad-request", "sha256"),
    ({"sha256": SUM.upper()}, "bad-request", "sha256"),
    ({"overwrite": "yes"}, "bad-request", "overwrite"),
    ({"tags": "attic"}, "bad-request", "tags"),
    ({"tags": {"a": [1]}}, "bad-request", "tags.a"),
    ({"tags": {f"t{number}": 1 for number in range(33)}}, "bad-request", "tags"),
])
def test_bad_beginnings(client, device, change, code, field):
    document = {"device": device, "session": "s1", "size": len(FILE), "sha256": SUM} | change
    document = {key: value for key, value in document.items() if value is not None}
    error = client.refusal("upload-begin", document)
    assert (error["code"], error["field"]) == (code, field), error


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"device": None}, "bad-request", "device"),
    ({"upload": None}, "bad-request", "upload"),
    ({"upload": "1"}, "bad-request", "upload"),
    ({"upload": "0123456789abcdef"}, "not-found", "upload"),
    ({"session": "s2"}, "not-found", "upload"),
    ({"device": "another"}, "not-found", "upload"),
])
def test_bad_ends(lab, client, uploader, change, code, field):
    begun = uploader.begin()
    document = {"device": uploader.device, "session": "s1", "upload": begun["upload"]} | change
    document = {key: value for key, value in document.items() if value is not None}
    error = client.refusal("upload-end", document)
    assert (error["code"], error["field"]) == (code, field), error
    finish(uploader)


LAST = (BLOCKS - 1) * BLOCK_BYTES
GOOD = FILE[:BLOCK_BYTES]
BAD_BLOCKS = {
    "past the end": (BLOCKS * BLOCK_BYTES, GOOD, "bad-request", "offset"),
    "far past the end": (999999999999995904, GOOD, "bad-request", "offset"),
    "between blocks": (1, GOOD, "bad-request", "offset"),
    "too short": (0, GOOD[:-1], "bad-request", "payload"),
    "too long": (0, GOOD + b"x", "bad-request", "payload"),
    "empty": (0, b"", "bad-request", "payload"),
    "the last too short": (LAST, FILE[LAST:-1], "bad-request", "payload"),
    "the last too long": (LAST, FILE[LAST:] + b"x", "bad-request", "payload"),
    "with other bytes than before": (BLOCK_BYTES, GOOD, "conflict", "payload"),
}


@pytest.mark.parametrize("what", BAD_BLOCKS)
def test_bad_blocks(lab, client, uploader, what):
    offset, data, code, field = BAD_BLOCKS[what]
    uploader.begin()
    uploader.send(1)
    error = uploader.refused(offset, data)
    assert (error["code"], error["field"]) == (code, field), error
    assert lab.watcher.wait_event(uploader.device, "s1", "rejected")["code"] == code
    kept, = client.request("rejects", {"device": uploader.device})["rejects"]
    assert client.ask("reject", {"quarantine_id": kept["quarantine_id"]}).payload == data
    assert uploader.begin()["missing"] == [[0, 0], [2, BLOCKS - 1]]
    finish(uploader)
    assert_recorded(lab, uploader.device)


@pytest.mark.parametrize(("rest", "code", "field"), [
    ("DEVICE/s1/0123456789abcdef/0", "not-found", "upload"),
    ("DEVICE/s2/UPLOAD/0", "not-found", "upload"),
    ("another/s1/UPLOAD/0", "not-found", "upload"),
    ("DEVICE/s1/UPLOAD/-1", "bad-request", "offset"),
])
def test_blocks_that_belong_nowhere(lab, uploader, rest, code, field):
    begun = uploader.begin()
    topic = rest.replace("DEVICE", uploader.device).replace("UPLOAD", begun["upload"])
    error = uploader.refused_on(f"{PREFIX}/upload/{topic}", GOOD)
    assert (error["code"], error["field"]) == (code, field), error
    assert uploader.begin()["missing"] == [[0, BLOCKS - 1]]
    finish(uploader)


def test_a_retained_block(lab, client, uploader):
    begun = uploader.begin()
    topic = f"{PREFIX}/upload/{uploader.device}/s1/{begun['upload']}/0"
    assert uploader.refused_on(topic, GOOD, retain=True)["field"] == "retain"
    client.publish(topic, b"", retain=True)
    finish(uploader)


def test_a_block_after_the_end(lab, uploader):
    begun = uploader.begin()
    finish(uploader)
    error = uploader.refused(0, FILE[:BLOCK_BYTES])
    assert (error["code"], error["field"]) == ("not-found", "upload")
    assert_recorded(lab, uploader.device)
    assert begun["upload"]


def test_another_sum(lab, client, device):
    """What came is not what was announced: it goes to quarantine, and the name is free again."""
    uploader = BlockUploader(client, device, FILE)
    uploader.begin(sha256=hashlib.sha256(b"another").hexdigest())
    for block in range(BLOCKS):
        uploader.send(block)
    uploader.wait_missing(0, sha256=hashlib.sha256(b"another").hexdigest())
    error = uploader.end_refused()
    assert (error["code"], error["field"]) == ("bad-request", "sha256")
    assert SUM in error["message"]
    kept, = client.request("rejects", {"device": device})["rejects"]
    assert client.ask("reject", {"quarantine_id": kept["quarantine_id"]}).payload == FILE
    wait_for(lambda: not list(lab.sink.store.glob("uploads/*")), "the spool to be empty")
    uploader.begin()
    finish(uploader)
    assert_recorded(lab, device)


def test_no_audio(lab, client, device):
    uploader = BlockUploader(client, device, b"no audio " * 1000)
    uploader.begin()
    for block in uploader.missing():
        uploader.send(block)
    uploader.wait_missing(0)
    error = uploader.end_refused()
    assert (error["code"], error["field"]) == ("bad-request", "data")


def test_names_that_are_taken(lab, client, uploader):
    """By another file that is under way, by a recording that is being made."""
    uploader.begin()
    other = BlockUploader(client, uploader.device, wav_bytes(AUDIO[:-2]))
    assert other.begin_refused(overwrite=True)["code"] == "conflict"
    assert Uploader(client, uploader.device).refused(FILE)["code"] == "conflict"
    recorder = Recorder(client, uploader.device)
    recorder.store(frames=100, seq=0)
    assert uploader.begin_refused(overwrite=True)["code"] == "conflict"
    for block in range(BLOCKS):
        uploader.send(block)
    with pytest.raises(RequestFailed) as failed:
        wait_for(lambda: uploader.end_unless_missing(), "the end")
    assert failed.value.error["code"] == "conflict"
    assert failed.value.error["field"] == "session"
    recorder.store(frames=100, seq=1)


def test_too_many(lab, client, device):
    open_ones = [BlockUploader(client, device, FILE, session=f"s{number}") for number in range(4)]
    for uploader in open_ones:
        uploader.begin()
    error = BlockUploader(client, device, FILE, session="s9").begin_refused()
    assert (error["code"], error["field"]) == ("busy", "upload.max_open")
    open_ones[0].begin()
    for uploader in open_ones:
        finish(uploader)


# Faults


def test_the_sink_is_killed(make_lab, device):
    lab = make_lab(settings=LAB_SETTINGS)
    uploader = BlockUploader(lab.client(), device, FILE)
    begun = uploader.begin()
    for block in range(4):
        uploader.send(block)
    uploader.wait_missing(BLOCKS - 4)
    lab.sink.kill()
    lab.sink.start()
    assert uploader.begin()["upload"] == begun["upload"]
    assert uploader.begun["missing"] == [[4, BLOCKS - 1]]
    for block in uploader.missing():
        uploader.send(block)
    lab.sink.kill()
    lab.sink.start()
    uploader.wait_missing(0)
    uploader.ask_end()
    lab.sink.kill()
    lab.sink.start()
    assert finish(uploader)["id"] == begun["upload"]
    assert_recorded(lab, device)


def test_it_ends_while_somebody_waits(make_lab, device):
    lab = make_lab(settings=LAB_SETTINGS)
    uploader = BlockUploader(lab.client(), device, FILE)
    uploader.begin()
    for block in range(BLOCKS):
        uploader.send(block)
    uploader.wait_missing(0)
    uploader.ask_end()
    lab.sink.stop()
    lab.sink.start()
    finish(uploader)
    assert_recorded(lab, device)


def test_abandoned(make_lab, device):
    lab = make_lab(settings=LAB_SETTINGS | {"upload.expire_s": 1})
    uploader = BlockUploader(lab.client(), device, FILE)
    begun = uploader.begin()
    uploader.send(0)
    wait_for(lambda: not list(lab.sink.store.glob("uploads/*")), "it to be given up")
    assert "given up" in lab.sink.log()
    assert uploader.refused(0, GOOD)["code"] == "not-found"
    assert uploader.begin()["upload"] != begun["upload"]


def test_no_room(make_lab, device):
    """A file that the disk could not hold is refused before a byte of it is sent."""
    lab = make_lab(settings={"upload.max_bytes": 1 << 40})
    error = lab.client().refusal("upload-begin", {"device": device, "session": "s1",
                                                  "size": 1 << 40, "sha256": SUM})
    assert (error["code"], error["field"]) == ("busy", "size")
