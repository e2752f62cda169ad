"""Verification end to end: `reeld --verify` on a store, beside the sink and without it."""
import subprocess
import threading

import pytest

from harness import Format, Recorder
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
        assert summary.endswith("1 payloads in quarantine; 0 files in recovered: 0 differences")


def test_one_bit_of_audio(filled):
    damage(filled.sink.wav("mic1", "whole"), 1024 + 100)
    lines, summary = verify(filled.sink, status=1)
    assert len(lines) == 1 and lines[0].startswith("mic1/whole: sha256: the file's is ")
    assert summary.endswith(": 1 differences")


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
