"""What the service manager is told: readiness, what the sink does, that its loop turns; and what
SIGTERM leaves behind."""
import re
import signal
import subprocess
import time

import pytest

from harness import Format, Recorder, assert_same_audio, read_wave
from lab import wait_for
from manager import Manager
from tracing import can_trace, inject

WATCHDOG_S = 2
HANG_S = 5
# LeakSanitizer does not work in a traced process.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}


def noise(n):
    return Format().noise(160, n)


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path, WATCHDOG_S)
    yield made
    made.close()


def test_it_is_ready_once_it_has_subscribed(make_lab, manager):
    lab = make_lab(start=False, env=manager.environment)
    lab.broker.stop()
    lab.sink.launch()
    status = manager.wait_status(lambda line: "refused" in line)
    assert status.startswith("waiting for the broker: ") and str(lab.broker.port) in status
    assert manager.values("STATUS")[0] == "opening the store" and not manager.values("READY")
    lab.broker.restart()
    lab.sink.wait_online()
    assert wait_for(lambda: manager.values("READY"), "READY") == ["1"]
    assert manager.values("STATUS")[-1].startswith("recording: 0 open, ")


def test_the_status_line_says_what_it_does(make_lab, manager):
    lab = make_lab(env=manager.environment)
    recorders = [Recorder(lab.client(), f"mic{n}") for n in range(2)]
    for recorder in recorders:
        recorder.store(noise(0), seq=0)
    line = manager.wait_status(lambda line: line.startswith("recording: 2 open"))
    assert re.fullmatch(r"recording: 2 open, \d+\.\d fragments/s \(\d+(\.\d)? k?B/s\), "
                        r"\d+\.\d [kMGT]B free", line)
    assert not line.startswith("recording: 2 open, 0.0 ")
    lab.sink.stop()
    assert manager.values("STOPPING") == ["1"] and manager.values("STATUS")[-1] == "ending"
    assert manager.values("READY") == ["1"]


def test_the_status_line_says_why_it_is_stalled(make_lab, manager):
    """It is ready all the same: it waits for the disk itself."""
    lab = make_lab(env=manager.environment)
    Recorder(lab.client(), "mic").store(noise(0), seq=0)
    lab.sink.stop()
    recordings = lab.sink.store / "recordings"
    recordings.rename(lab.sink.store / "away")
    before = len(manager.values("STATUS"))
    lab.sink.launch()
    manager.wait_status(
        lambda line: line.startswith("stalled: ") and "is its disk mounted" in line, before)
    assert manager.values("READY") == ["1", "1"]


@pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")
@pytest.mark.parametrize("call", ["fdatasync", "syncfs"])
def test_a_sync_that_hangs_starves_the_watchdog(make_lab, manager, tmp_path, call):
    """The loop that commits feeds it, and nothing else: it is fed while nothing is to be done, not
    while a sync hangs, and again after it."""
    lab = make_lab({"store.sync": "filesystem" if call == "syncfs" else "files"},
                   env=manager.environment | TRACED)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    wait_for(lambda: len(manager.times("WATCHDOG")) >= 3, "the watchdog to be fed")
    inject(lab.sink, tmp_path / "injected", f"{call}:delay_enter={HANG_S * 1000000}:when=1")
    recorder.store(noise(1), seq=1)
    fed = len(manager.times("WATCHDOG"))
    wait_for(lambda: len(manager.times("WATCHDOG")) > fed, "the watchdog to be fed again")
    fed_s = manager.times("WATCHDOG")
    longest_s = max(later - earlier for earlier, later in zip(fed_s, fed_s[1:]))
    assert longest_s > WATCHDOG_S and longest_s > HANG_S - WATCHDOG_S / 4 - 0.1


def test_on_sigterm_it_commits_and_completes_nothing(make_lab):
    """What was taken in is acknowledged; a recording that is under way goes on afterwards."""
    lab = make_lab({"ingest.commit_interval_ms": 60_000})
    recorder = Recorder(lab.client(), "mic")
    recorder.post(noise(0), seq=0)
    path = lab.sink.uncommitted_wav("mic", "s1")
    wait_for(lambda: path.exists(), "the fragment to be taken in")
    lab.sink.program.send(signal.SIGTERM)
    assert lab.sink.program.wait() == 0
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1], noise(0))
    assert "Received PUBACK from reeld-sink-ingest" in lab.broker.log()
    lab.sink.settings["ingest.commit_interval_ms"] = 20
    lab.sink.start()
    assert recorder.info()["state"] == "recording"
    recorder.store(noise(1), seq=1)
    assert recorder.end(seq=2)["status"] == "ok"
    assert recorder.info()["fragments"] == 3 and recorder.info()["duplicates"] == 0
    assert not lab.watcher.events("mic", "s1", "gap")


@pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")
def test_on_sigterm_it_gives_up_opening_the_store(make_lab, manager, tmp_path):
    """The manager, told how far it is, would wait until all of it is done."""
    lab = make_lab({"store.sync": "files"}, env=manager.environment | TRACED)
    recorders = [Recorder(lab.client(), f"mic{n}") for n in range(20)]
    for recorder in recorders:
        recorder.store(noise(0), seq=0)
    lab.sink.kill()
    slow = ["strace", "-D", "-f", "-qq", "-o", tmp_path / "trace", "-e", "trace=fdatasync,fsync",
            "-e", "inject=fdatasync,fsync:delay_enter=500000"]
    plain = lab.sink.command
    lab.sink.command = lambda *more: [*slow, *plain(*more)]
    before = len(manager.values("STATUS"))
    lab.sink.launch()
    manager.wait_status(lambda line: "of 20" in line, before)
    began_s = time.monotonic()
    lab.sink.program.send(signal.SIGTERM)
    assert lab.sink.program.wait() == 0
    assert time.monotonic() - began_s < 5
    lab.sink.command = plain
    lab.sink.start()
    for recorder in recorders:
        recorder.store(noise(1), seq=1)


def test_sigterm_is_heard_among_any_number_of_sighup(make_lab):
    """A signal of a lower number that waits as well is given first."""
    lab = make_lab(start=False)
    plain = lab.sink.command
    settings = lab.sink.folder / "r.conf"
    settings.write_text("")
    folder = lab.sink.folder / "r.conf.d"
    folder.mkdir()
    for n in range(8):  # so that reading them takes longer than it is until the next one
        (folder / f"{n}.conf").write_text("#\n" * 500_000)
    lab.sink.command = lambda *more: [*plain(*more), "-c", settings]
    lab.sink.start()
    flood = subprocess.Popen(["sh", "-c", f"while kill -HUP {lab.sink.program.pid}; do :; done"],
                             stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: lab.sink.log().count("were read again") > 3, "it to be busy with them")
        lab.sink.program.send(signal.SIGTERM)
        assert lab.sink.program.wait() == 0
    finally:
        flood.kill()
        flood.wait()
    lab.sink.start()
