"""upload: a whole file in one message becomes a recording, or is refused with what is wrong."""
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from harness import Format, Recorder, read_wave, sha256_of, wav_bytes
from lab import PREFIX, wait_for
from small_disk import small_disk
from uploads import Uploader, decoded, make, recording_path, samples_of

SPEECH = Path("/usr/share/sounds/alsa/Front_Center.wav")
NOISE = Format(channels=2, rate=44100)


@pytest.fixture
def uploader(client, device):
    return Uploader(client, device)


def info(client, device, session="s1"):
    return client.request("info", {"device": device, "session": session})


def test_mosquitto_pub_is_a_complete_client(lab, client, device):
    subprocess.run(
        ["mosquitto_pub", "-h", lab.broker.host, "-p", str(lab.broker.port), "-q", "1",
         "-t", f"{PREFIX}/upload/{device}/take1.wav", "-f", SPEECH], check=True)
    event = lab.watcher.wait_event(device, "take1", "completed")
    assert event["recording"]["end_reason"] == "upload"
    assert lab.watcher.events(device, "take1") == [event]
    assert read_wave(recording_path(lab, device, "take1")) == read_wave(SPEECH)
    assert info(client, device, "take1")["fragments"] == 0


def test_the_answer_is_the_recording(lab, client, uploader):
    answer = uploader.upload(SPEECH.read_bytes(), user={"tag.site": "attic", "tag.gain": "3"})
    found = info(client, uploader.device)
    assert answer == {key: found[key] for key in answer}
    assert answer["state"] == "complete"
    assert answer["tags"] == {"site": "attic", "gain": "3"}
    assert answer["frames"] == read_wave(SPEECH)[1].__len__() // 2
    path = recording_path(lab, uploader.device)
    assert answer["bytes"] == path.stat().st_size
    wait_for(lambda: info(client, uploader.device)["sha256"] == sha256_of(path), "the sum")


def test_without_a_place_the_answer_goes_to_the_device(lab, client, device):
    client.subscribe(f"{PREFIX}/response/upload/{device}")
    client.publish(f"{PREFIX}/upload/{device}/s1", SPEECH.read_bytes(), correlation=b"q1",
                   response_topic=f"{PREFIX}/reply/another/1")
    answer = client.wait_message(lambda m: m.topic == f"{PREFIX}/response/upload/{device}")
    assert answer.document["data"]["session"] == "s1"
    assert answer.correlation == b"q1"
    assert answer.user == {"status": "ok"}


ENCODINGS = ["unsigned 8", "signed 16", "signed 24", "signed 32", "float 32", "float 64", "a-law 8",
             "u-law 8"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_wav_keeps_its_samples(lab, uploader, tmp_path, encoding, channels):
    path = make(tmp_path / "noise.wav", encoding, channels)
    answer = uploader.upload(path.read_bytes())
    assert answer["channels"] == channels
    kept = recording_path(lab, uploader.device)
    assert samples_of(kept) == samples_of(path)
    assert decoded(kept) == decoded(path)


def test_rf64(lab, uploader, tmp_path):
    path = tmp_path / "noise.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-i", SPEECH, "-rf64", "always", path], check=True)
    assert path.read_bytes()[:4] == b"RF64"
    uploader.upload(path.read_bytes())
    assert decoded(recording_path(lab, uploader.device)) == decoded(SPEECH)


def corrupt(data, at, *values):
    return data[:at] + bytes(values) + data[at + len(values):]


PIPED = {
    "ffmpeg": ("ffmpeg -v error -i {} -f wav -", 0xffffffff),
    "ffmpeg, rf64 if need be": ("ffmpeg -v error -i {} -rf64 auto -f wav -", 0xffffffff),
    "ffmpeg, rf64": ("ffmpeg -v error -i {} -rf64 always -f wav -", 0xffffffff),
    "sox": ("sox {} -t raw - | sox -t raw -r 48000 -b 16 -e signed -c 1 - -t wav -", 0x7ffff000),
    "sox, 24 bits": ("sox {} -t raw - | sox -t raw -r 48000 -b 16 -e signed -c 1 - -b 24 -t wav -",
                     0x7fffefff),
}


@pytest.mark.parametrize("program", PIPED)
def test_a_size_that_says_nothing(lab, uploader, program):
    """As programs leave it in a pipe, which they cannot go back in."""
    command, size = PIPED[program]
    piped = subprocess.run(command.format(SPEECH), shell=True, check=True, capture_output=True)
    data_at = piped.stdout.index(b"data")
    assert piped.stdout[data_at + 4:data_at + 8] == size.to_bytes(4, "little")
    uploader.upload(piped.stdout)
    assert decoded(recording_path(lab, uploader.device)) == decoded(SPEECH)


@pytest.mark.parametrize("declared", [0, 0x80000000])
def test_a_header_that_was_never_finished(lab, uploader, declared):
    """By a program that was ended before it could, or by arecord into a pipe."""
    audio = Format().noise(1000)
    uploader.upload(wav_bytes(audio, declared=declared))
    assert read_wave(recording_path(lab, uploader.device)) == (Format(), audio)


def test_no_audio_and_chunks_behind_it(uploader):
    empty = wav_bytes(b"") + b"LIST\x0c\0\0\0INFOISFT\0\0\0\0"
    assert uploader.upload(empty)["frames"] == 0


def test_a_long_header_with_two_sizes(lab, uploader):
    """What ds64 says counts only where the data chunk's own size is all ones."""
    audio = Format().noise(1000)
    whole = wav_bytes(audio)
    sizes = b"ds64" + bytes([28, 0, 0, 0]) + bytes(8) + bytes([99]) + bytes(19)
    uploader.upload(b"RF64" + b"\xff" * 4 + b"WAVE" + sizes + whole[12:])
    assert read_wave(recording_path(lab, uploader.device)) == (Format(), audio)


def test_24_bits_in_four_bytes_are_4_byte_samples(lab, uploader):
    audio = Format().noise(1000)
    header = corrupt(corrupt(wav_bytes(audio), 34, 24), 32, 4)
    answer = uploader.upload(header)
    assert (answer["sample_size"], answer["frames"]) == (4, 500)
    assert recording_path(lab, uploader.device).read_bytes().endswith(audio)


def test_a_little_behind_the_audio(lab, uploader):
    """A tag of another kind, or a recorder's padding, does no harm."""
    audio = Format().noise(1000)
    for behind in (b"TAG" + bytes(125), bytes(3000)):
        uploader.upload(wav_bytes(audio) + behind, user={"overwrite": "true"})
        assert read_wave(recording_path(lab, uploader.device)) == (Format(), audio)


@pytest.mark.parametrize("name", ["s1", "s1.wav", "s1.flac", "s1.aif"])
def test_the_session_is_the_name_without_what_it_ends_in(uploader, name):
    uploader.session = name
    assert uploader.upload(SPEECH.read_bytes())["session"] == "s1"


def test_a_file_without_audio(lab, uploader):
    assert uploader.upload(wav_bytes(b""))["frames"] == 0
    assert read_wave(recording_path(lab, uploader.device))[1] == b""


def test_an_uploaded_one_is_not_appended_to(client, uploader):
    uploader.upload(wav_bytes(Format().noise(100)))
    recorder = Recorder(client, uploader.device)
    assert recorder.refused(frames=100, seq=0)["code"] == "conflict"


# Names that are taken


def test_an_existing_name_is_a_conflict(lab, client, uploader):
    first = uploader.upload(wav_bytes(Format().noise(100)))
    error = uploader.refused(wav_bytes(Format().noise(200)))
    assert (error["code"], error["field"]) == ("conflict", "session")
    error = uploader.refused(wav_bytes(Format().noise(200)), user={"overwrite": "false"})
    assert error["code"] == "conflict"
    assert info(client, uploader.device)["id"] == first["id"]
    assert lab.watcher.wait_event(uploader.device, "s1", "rejected")["code"] == "conflict"


def test_overwrite(lab, client, uploader):
    first = uploader.upload(wav_bytes(Format().noise(100)), user={"tag.a": "b"})
    second = uploader.upload(wav_bytes(NOISE.noise(200), NOISE), user={"overwrite": "true"})
    assert second["id"] != first["id"]
    assert second["tags"] == {}
    assert info(client, uploader.device)["id"] == second["id"]
    assert read_wave(recording_path(lab, uploader.device)) == (NOISE, NOISE.noise(200))
    events = lab.watcher.wait_event(uploader.device, "s1", "completed", 2)
    assert events["recording"]["id"] == second["id"]
    gone, = lab.watcher.events(uploader.device, "s1", "deleted")
    assert gone["recording"] == first
    assert gone["reason"] == "overwritten"


def test_overwrite_what_was_recorded(lab, client, uploader):
    recorder = Recorder(client, uploader.device)
    recorder.store(frames=100, seq=0)
    recorder.end(seq=1)
    uploader.upload(wav_bytes(NOISE.noise(200), NOISE), user={"overwrite": "true"})
    found = info(client, uploader.device)
    assert (found["fragments"], found["end_reason"], found["channels"]) == (0, "upload", 2)
    assert [len(found["stretches"]), found["gaps"]] == [1, []]


def test_overwritten_while_it_is_downloaded(client, uploader):
    """The view is of the old one: what comes of it ends with an error, never with other bytes."""
    uploader.upload(wav_bytes(NOISE.noise(5000), NOISE))
    view = {"device": uploader.device, "session": "s1", "offset": 0, "length": 4096}
    part = client.ask("download", view)
    assert part.user["status"] == "ok"
    uploader.upload(wav_bytes(NOISE.noise(5000, 1), NOISE), user={"overwrite": "true"})
    again = view | {"offset": 4096, "version": part.user["version"]}
    assert client.refusal("download", again)["code"] == "version-mismatch"


def test_overwrite_nothing(uploader):
    uploader.upload(wav_bytes(Format().noise(100)), user={"overwrite": "true"})


def test_what_is_being_recorded_is_not_overwritten(client, uploader):
    recorder = Recorder(client, uploader.device)
    recorder.store(frames=100, seq=0)
    error = uploader.refused(wav_bytes(Format().noise(100)), user={"overwrite": "true"})
    assert (error["code"], error["field"]) == ("conflict", "session")
    assert "recorded" in error["message"]
    recorder.store(frames=100, seq=1)


def test_what_is_kept_is_not_overwritten(client, uploader):
    uploader.upload(wav_bytes(Format().noise(100)))
    client.request("keep", {"device": uploader.device, "session": "s1"})
    error = uploader.refused(wav_bytes(Format().noise(100)), user={"overwrite": "true"})
    assert (error["code"], error["field"]) == ("conflict", "session")
    assert "kept" in error["message"]


def test_many_at_once(lab, client, device):
    """Each gets an answer, whichever of them waits for the other; of one name one is taken."""
    uploaders = [Uploader(client, device, f"s{number // 2}") for number in range(40)]
    for number, uploader in enumerate(uploaders):
        uploader.begin(wav_bytes(Format().noise(100, number)))
    answers = [uploader.answer()["status"] for uploader in uploaders]
    assert sorted(answers) == ["error"] * 20 + ["ok"] * 20
    assert len(client.request("list", {"device": device})["recordings"]) == 20


# What is refused


WHOLE = wav_bytes(Format().noise(1000))
BAD = {
    "empty": (b"", "bad-request", "payload"),
    "no audio": (b"hello, world" * 10, "bad-request", "payload"),
    "a head alone": (b"RIFF\x04\x00\x00\x00WAVE", "bad-request", "payload"),
    "not even that": (b"RIFF", "bad-request", "payload"),
    "cut in its audio": (WHOLE[:-10], "bad-request", "payload"),
    "cut in its head": (WHOLE[:30], "bad-request", "payload"),
    "declares more": (wav_bytes(Format().noise(10), declared=4000), "bad-request", "payload"),
    "declares less": (wav_bytes(Format().noise(9000), declared=2000), "bad-request", "payload"),
    "two data": (WHOLE + WHOLE[36:], "bad-request", "payload"),
    "two fmt": (WHOLE[:36] + WHOLE[12:], "bad-request", "payload"),
    "frames that are longer than their samples": (corrupt(WHOLE, 32, 3), "bad-request", "payload"),
    "no ds64": (b"RF64" + WHOLE[4:], "bad-request", "payload"),
    "no fmt": (WHOLE[:12] + WHOLE[36:], "bad-request", "payload"),
    "no channels": (corrupt(WHOLE, 22, 0, 0), "bad-request", "payload"),
    "too many channels": (corrupt(WHOLE, 22, 65, 0), "bad-request", "payload"),
    "no rate": (corrupt(WHOLE, 24, 0, 0, 0, 0), "bad-request", "payload"),
    "an unknown encoding": (corrupt(WHOLE, 20, 0x77, 0x77), "bad-request", "payload"),
    "flac, which is not taken here": (b"fLaC" + bytes(100), "not-allowed", "upload.formats"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_files(lab, client, uploader, what):
    data, code, field = BAD[what]
    error = uploader.refused(data)
    assert (error["code"], error["field"]) == (code, field), error
    assert client.refusal("info", {"device": uploader.device, "session": "s1"})["code"] == \
        "not-found"
    kept = client.request("rejects", {"device": uploader.device})["rejects"]
    assert [(reject["session"], reject["code"], reject["size"]) for reject in kept] == \
        [("s1", code, len(data))]
    payload = client.ask("reject", {"quarantine_id": kept[0]["quarantine_id"]}).payload
    assert payload == data
    assert lab.watcher.wait_event(uploader.device, "s1", "rejected")["code"] == code
    wait_for(lambda: not list(lab.sink.store.glob("uploads/*")), "the spool to be empty")
    assert not list(lab.sink.store.glob("recordings/*/.*"))
    uploader.upload(WHOLE)


@pytest.mark.parametrize(("user", "field"), [
    ({"overwrite": "maybe"}, "overwrite"),
    ({"tag.": "x"}, "tags"),
    ({"tag.a": "x" * 257}, "tags.a"),
    ([("tag.%d" % number, "x") for number in range(33)], "tags"),
])
def test_bad_properties(uploader, user, field):
    error = uploader.refused(WHOLE, user=user)
    assert (error["code"], error["field"]) == ("bad-request", field)


def test_retained(lab, client, uploader):
    error = uploader.refused(WHOLE, retain=True)
    assert (error["code"], error["field"]) == ("bad-request", "retain")
    client.publish(f"{PREFIX}/upload/{uploader.device}/s1", b"", retain=True)


@pytest.mark.parametrize(("rest", "session", "field"), [
    ("", "-", "session"), ("/..", "-", "session"), ("/a/b", "a", "upload"),
    ("/a/0123456789abcdef", "a", "offset"), ("/a/0123456789abcdef/0/0", "a", "offset"),
])
def test_bad_topics(lab, client, device, rest, session, field):
    client.publish(f"{PREFIX}/upload/{device}{rest}", WHOLE)
    event = lab.watcher.wait_event(device, session, "rejected")
    assert (event["code"], event["field"]) == ("bad-request", field)


def test_too_large(make_lab, device):
    lab = make_lab(settings={"limits.max_upload_bytes": 1024})
    error = Uploader(lab.client(), device).refused(WHOLE)
    assert (error["code"], error["field"]) == ("too-large", "payload")


# Faults


def test_killed_after_it_was_taken(make_lab, device):
    """The answer was promised with the broker's acknowledgement, and comes from the next one; of a
    file that has its place already it may have been on its way when the sink was killed."""
    lab = make_lab(settings={"ingest.commit_interval_ms": 0})
    client = lab.client()
    uploaders = [Uploader(client, device, f"s{number}") for number in range(20)]
    for uploader in uploaders:
        uploader.begin(WHOLE)
    lab.sink.kill()
    with sqlite3.connect(lab.sink.store / "catalog.db") as catalog:
        waiting = {row[0] for row in catalog.execute("SELECT session FROM upload"
                                                     " WHERE state = 'whole'")}
    catalog.close()
    lab.sink.start()
    for uploader in uploaders:
        if uploader.session in waiting:
            assert uploader.answer()["data"]["frames"] == 1000
    for uploader in uploaders:
        path = recording_path(lab, device, uploader.session)
        wait_for(path.exists, f"the file of {uploader.session}")
        assert read_wave(path)[1] == Format().noise(1000)
    assert not list(lab.sink.store.glob("recovered/*"))


def test_killed_while_it_overwrites(make_lab, device):
    """Whenever that is: one whole recording of the name, and in the end the newest."""
    lab = make_lab(settings={"ingest.commit_interval_ms": 0})
    uploader = Uploader(lab.client(), device)
    uploader.upload(wav_bytes(Format().noise(1000, 0)))
    before = Format().noise(1000, 0)
    for number in range(1, 9):
        after = Format().noise(1000, number)
        uploader.begin(wav_bytes(after), user={"overwrite": "true"})
        time.sleep(number * 0.004)
        lab.sink.kill()
        assert read_wave(recording_path(lab, device))[1] in (before, after)
        lab.sink.start()
        wait_for(lambda: read_wave(recording_path(lab, device))[1] == after, "the new one")
        wait_for(lambda: not list(lab.sink.store.glob("uploads/*")), "the spool to be empty")
        before = after
    info = lab.client().request("info", {"device": device, "session": "s1"})
    assert (info["frames"], info["end_reason"]) == (1000, "upload")
    assert not list(lab.sink.store.glob("recovered/*"))


def test_a_folder_that_is_none(lab, client, uploader):
    (lab.sink.store / "recordings" / uploader.device).write_text("in the way")
    error = uploader.refused(WHOLE)
    assert (error["code"], error["field"]) == ("not-allowed", "device")


def test_a_folder_on_another_disk(lab, client, uploader, tmp_path):
    with_another = Path("/dev/shm") / f"reel-{uploader.device}-{lab.broker.port}"
    with_another.mkdir()
    try:
        (lab.sink.store / "recordings" / uploader.device).symlink_to(with_another)
        uploader.upload(WHOLE)
        assert read_wave(with_another / "s1.wav")[1] == Format().noise(1000)
    finally:
        shutil.rmtree(with_another)


# Files that the disk does not let become recordings

SMALL_FILES = ["sh", "-c", 'ulimit -f 20480; exec "$@"', "sh"]  # 20 MiB where the unit is 1 KiB


@pytest.fixture
def limited(make_lab):
    """A sink that may make no file larger than 20 MiB, or 10."""
    return make_lab({"upload.formats": "wav flac"}, wrapper=SMALL_FILES)


def test_a_file_larger_than_files_may_be(limited, device):
    """It is refused; what is recorded meanwhile does not wait for a disk that will not change."""
    client = limited.client()
    recorder = Recorder(client, device, "live")
    recorder.store(frames=100, seq=0)
    error = Uploader(client, device).refused(wav_bytes(bytes(30 << 20)))
    assert (error["code"], error["field"]) == ("too-large", "payload")
    recorder.store(frames=100, seq=1)
    assert "could not be stored" not in limited.sink.log()
    assert limited.watcher.wait_event(device, "s1", "rejected")["code"] == "too-large"
    wait_for(lambda: not list(limited.sink.store.glob("uploads/*")), "the spool to be empty")


def test_a_file_that_becomes_larger_than_files_may_be(limited, device, tmp_path):
    path = tmp_path / "silence.flac"
    subprocess.run(["sox", "-D", "-n", "-r", "48000", "-b", "16", "-c", "2", path, "trim", "0",
                    "200"], check=True)
    uploader = Uploader(limited.client(), device)
    error = uploader.refused(path.read_bytes())
    assert (error["code"], error["field"]) == ("too-large", "payload")
    assert not list(limited.sink.store.glob("recordings/*/.*"))
    uploader.upload(WHOLE)


def test_a_full_disk_holds_up_only_what_goes_there(make_lab, device):
    """A device's folder may be on another disk."""
    lab = make_lab()
    client = lab.client()
    uploader = Uploader(client, device)
    folder = lab.sink.store / "recordings" / device
    with small_disk(folder):
        uploader.begin(WHOLE)
        wait_for(lambda: f"the upload to {device}/s1 waits" in lab.sink.log(), "the disk")
        Uploader(client, device + "-2").upload(WHOLE)
        assert not uploader.answered()
    assert uploader.answer()["status"] == "ok"
