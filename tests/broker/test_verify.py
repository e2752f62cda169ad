"""Verification end to end: `reeld --verify` on a store, beside the sink and without it, and
`reel verify` over MQTT."""
import hashlib
import subprocess
import threading

import pytest

from cli import reel
from harness import Format, Recorder, fragment
from lab import SANITIZER_REPORT, wait_for

# So that a second look comes soon; see daemon/verify_report.c for the rest of the wait.
FAST = {"ingest.commit_interval_ms": 20}


def verify(sink, status=0):
    """Its lines but the last, and the last."""
    done = subprocess.run([str(word) for word in sink.command("--verify")], capture_output=True,
                          text=True, timeout=120, check=False)
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr
    assert done.returncode == status, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    return lines[:-1], lines[-1] if lines else done.stderr


def wait_sum(client, device, session):
    """The recording's sum, once it is made."""
    wanted = {"device": device, "session": session}
    return wait_for(lambda: client.request("info", wanted)["sha256"], f"the sum of {device}/{session}")


def record(client, device, session, fragments=5, missing=(), end=True):
    recorder = Recorder(client, device, session)
    for seq in range(fragments):
        if seq not in missing:
            recorder.send(Format().noise(160, seq), seq=seq)
    if end:
        recorder.end(seq=fragments)
        wait_sum(client, device, session)


@pytest.fixture
def filled(make_lab):
    """A store with a whole recording, one with gaps, one that grows, and a refused payload."""
    made = make_lab(FAST)
    client = made.client()
    record(client, "mic1", "whole")
    record(client, "mic1", "gaps", missing=(2, 3))
    record(client, "mic2", "grows", end=False)
    client.publish("reel/v1/audio/mic2/bad", b"no audio")
    made.watcher.wait_event("mic2", "bad", "rejected")
    return made


def damage(path, offset):
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def test_a_store_that_is_well(filled):
    for stop in (False, True):
        if stop:
            filled.sink.stop()
        lines, summary = verify(filled.sink)
        assert lines == []
        assert summary.startswith("3 recordings, 1 of them open, 0 complete without a sum yet")
        assert summary.endswith("1 payload in quarantine; 0 files in recovered: 0 differences")


def test_one_bit_of_audio(filled):
    damage(filled.sink.wav("mic1", "whole"), 1024 + 100)
    lines, summary = verify(filled.sink, status=1)
    assert len(lines) == 1 and lines[0].startswith("mic1/whole: sha256: the file's is ")
    assert summary.endswith(": 1 difference")


def test_what_is_gone_cut_or_unknown(filled):
    sink = filled.sink
    sink.stop()
    sink.wav("mic1", "whole").unlink()
    sink.wav("mic1", "gaps").with_suffix(".json").write_text("{}")
    with sink.wav("mic2", "grows").open("r+b") as file:
        file.truncate(1024 + 100)
    sink.wav("mic3", "stray").parent.mkdir()
    sink.wav("mic3", "stray").write_bytes(b"RIFF")
    next((sink.store / "quarantine").iterdir()).unlink()
    lines, _ = verify(sink, status=1)
    # The header that the sink wrote when it ended declares what was cut off.
    assert sorted(line.rsplit(": ", 1)[0] for line in lines) == [
        "mic1/gaps: sidecar-damaged: sidecar", "mic1/whole: file-missing: recordings/mic1/whole.wav",
        "mic2/grows: short", "mic2/grows: sizes", "mic3/stray: no-row",
        "quarantine: payload-missing",
    ]


def test_what_recovery_put_aside_is_listed(filled):
    sink = filled.sink
    sink.stop()
    sink.wav("mic3", "stray").parent.mkdir()
    sink.wav("mic3", "stray").write_bytes(b"RIFF" + bytes(2000))
    sink.start()
    lines, _ = verify(sink)
    assert len(lines) == 1 and lines[0].startswith("recovered: recovered/mic3/stray-2")
    assert lines[0].endswith(": a file without a row and a sidecar, of one batch")


def test_after_a_kill_and_the_start_that_follows(filled):
    record(filled.client(), "mic2", "killed", end=False)
    filled.sink.restart(kill=True)
    assert verify(filled.sink)[0] == []


def test_what_is_said_later_of_a_recording_is_no_difference(filled):
    client = filled.client()
    name = {"device": "mic1", "session": "whole"}
    client.request("tag", name | {"tags": {"site": "roof", "gain": 0.1}})
    client.request("tag", name | {"tags": {"gain": None}})
    client.request("keep", name)
    assert "1 recording came as its sum says" in reel(filled.broker, "verify", "mic1/whole").text
    assert verify(filled.sink)[0] == []
    filled.sink.restart(kill=True)
    assert verify(filled.sink)[0] == []


def test_beside_a_sink_that_is_busy(filled):
    """Recordings begin, grow, end and are opened again while they are looked at."""
    busy = threading.Event()
    devices = [filled.client() for _ in range(3)]

    def work(number, client):
        for round_number in range(1000):
            if busy.is_set():
                return
            recorder = Recorder(client, f"busy{number}", f"s{round_number % 5}")
            for _ in range(4):
                recorder.send(Format().noise(160, round_number))
            recorder.end()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(devices)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            assert verify(filled.sink)[0] == []
    finally:
        busy.set()
        for thread in threads:
            thread.join()
    assert filled.client().request("list", {"device": "busy0"})["recordings"]


def test_no_store(filled, tmp_path):
    filled.sink.settings["store.dir"] = tmp_path / "none"
    _, said = verify(filled.sink, status=1)
    assert "none" in said


def test_it_is_not_for_the_same_command_as_reindex(filled):
    done = subprocess.run([str(word) for word in filled.sink.command("--verify", "--reindex")],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 78


# reel verify

FORMATS = [
    Format(1, 8000, 1), Format(3, 48000, 3), Format(2, 44100, 2), Format(1, 48000, 8, "float"),
    Format(1, 8000, 1, "alaw"), Format(2, 8000, 1, "ulaw"),
]


def test_what_comes_is_what_was_summed(filled):
    client = filled.client()
    for number, form in enumerate(FORMATS):
        recorder = Recorder(client, "forms", f"s{number}", form)
        recorder.send(form.noise(4001, number))
        recorder.end()
        wait_sum(client, "forms", f"s{number}")
    said = reel(filled.broker, "verify")
    assert said.text.startswith(f"{2 + len(FORMATS)} recordings came as their sums say, ")
    assert said.text.endswith("; 0 without a sum yet; 0 differ\n")
    assert reel(filled.broker, "verify", "--device", "forms", "--json").json == {
        "verified": len(FORMATS), "without_sum": 0, "differences": []}
    assert reel(filled.broker, "verify", "-q", "mic1/gaps", "mic1/whole").text == ""


def test_more_than_one_block(filled):
    client = filled.client()
    recorder = Recorder(client, "long", "s1", Format(2, 48000, 4))
    for seq in range(4):
        recorder.send(recorder.form.noise(100_000, seq))
    recorder.end()
    wait_sum(client, "long", "s1")
    assert "1 recording came as its sum says" in reel(filled.broker, "verify", "--device", "long").text


def test_more_than_one_page(filled):
    client = filled.client()
    count = 101
    for number in range(count):
        payload = fragment(b"\1\2", seq=0, end=True)
        client.publish(f"reel/v1/audio/many/s{number}", payload, wait=False)
    asked = {"device": "many", "state": "complete", "count": True, "limit": 1}
    wait_for(lambda: client.request("list", asked)["total"] == count, "all to be complete")
    wait_for(lambda: reel(filled.broker, "verify", "--device", "many", "--json").json == {
        "verified": count, "without_sum": 0, "differences": []}, "all to have sums")


def test_audio_that_is_not_what_was_summed(filled):
    damage(filled.sink.wav("mic1", "whole"), 1024 + 100)
    # As a whole the file has this sum now; what came was put together to the same bytes.
    found = hashlib.sha256(filled.sink.wav("mic1", "whole").read_bytes()).hexdigest()
    said = reel(filled.broker, "verify", status=1)
    lines = said.text.splitlines()
    assert lines[0].startswith(f"mic1/whole: sha256: the file of what came has {found}, ")
    assert len(lines) == 2 and lines[1].endswith("; 1 differs")
    document = reel(filled.broker, "verify", "mic1/whole", "mic1/gaps", "--json", status=1).json
    assert document["verified"] == 1
    assert [(each["device"], each["session"], each["what"]) for each in document["differences"]] == [
        ("mic1", "whole", "sha256")]


def test_audio_that_is_gone_is_told_and_the_rest_goes_on(filled):
    filled.sink.wav("mic1", "gaps").unlink()
    with filled.sink.wav("mic1", "whole").open("r+b") as file:
        file.truncate(1024 + 50)
    lines = reel(filled.broker, "verify", status=1).text.splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == ["mic1/gaps", "mic1/whole"]
    assert "is gone" in lines[0] and "is shorter" in lines[1]


def end_unsummed(made):
    """A complete recording whose file was away when it should have been summed; the file's path
    there, and the one it should have."""
    recorder = Recorder(made.client(), "spoilt", "s1")
    recorder.store(recorder.form.noise(1600, 1), seq=0)
    path = made.sink.wav("spoilt", "s1")
    away = path.rename(path.with_suffix(".away"))
    recorder.end(seq=1)
    wait_for(lambda: "no sha256 of spoilt/s1" in made.sink.log(), "summing to fail")
    assert recorder.info()["sha256"] is None
    return away, path


@pytest.mark.parametrize("how", ["is gone", "is shorter"])
def test_audio_that_is_gone_before_it_was_summed(filled, how):
    away, path = end_unsummed(filled)
    if how == "is shorter":
        path.write_bytes(away.read_bytes()[:1024 + 50])
    away.unlink()
    said = reel(filled.broker, "verify", "--device", "spoilt", status=1).text.splitlines()
    assert len(said) == 2 and said[0].startswith("spoilt/s1: version: ") and how in said[0]
    assert said[1] == "0 recordings came as their sums say, 0 B; 0 without a sum yet; 1 differs"
    assert how in reel(filled.broker, "verify", "spoilt/s1", status=1).text


def test_one_that_came_but_has_no_sum(filled):
    """That all of it came is all that can be said."""
    away, path = end_unsummed(filled)
    away.rename(path)
    said = reel(filled.broker, "verify", "spoilt/s1", status=4)
    assert "spoilt/s1 has no sum yet: it is complete, all of it came" in said.err
    assert "1 without a sum yet; 0 differ" in reel(filled.broker, "verify", "--device", "spoilt").text


def test_exit_statuses(filled):
    grows = reel(filled.broker, "verify", "mic2/grows", status=4)
    assert "mic2/grows has no sum yet: it grows" in grows.err
    assert "no such recording" in reel(filled.broker, "verify", "mic2/none", status=3).err
    assert "names no recording" in reel(filled.broker, "verify", "mic1/whole", "x y", status=2).err
    reel(filled.broker, "verify", "mic1/whole", "--device", "mic1", status=2)
    filled.sink.stop()
    reel(filled.broker, "verify", "--timeout", "1", status=4)
