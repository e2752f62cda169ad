"""What the sink writes to the journal: fields for who asks for one device, and no flood."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import BUILD, PREFIX, Recorder
from lab import TREE, wait_for

SOCKET = Path(__file__).parent / "journal_socket.py"
AT_ONCE = 5  # lines of one kind and device, before the rest is counted


@pytest.fixture
def journal(make_lab, tmp_path):
    """A lab whose sink writes to a journal, and a function that reads that."""
    allowed = subprocess.run(["unshare", "--mount", "--map-root-user", "true"])
    if allowed.returncode:
        pytest.skip("no name spaces here")
    out = tmp_path / "journal"
    out.touch()
    lab = make_lab(wrapper=[sys.executable, SOCKET, out])
    return lab, lambda: [json.loads(line) for line in out.read_text().splitlines()]


def about(entries, device):
    return [entry for entry in entries if entry.get("REEL_DEVICE") == device]


def test_lines_have_fields(journal):
    lab, entries = journal
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10, seq=0)
    recorder.refused(b"\0", seq=5)
    (refused,) = wait_for(lambda: about(entries(), "mic"), "the line")
    assert refused["REEL_SESSION"] == "s1"
    assert (refused["REEL_SEQ"], refused["REEL_REASON"]) == ("5", "bad-request")
    assert refused["PRIORITY"] == "5"
    assert refused["MESSAGE"].startswith("mic/s1: refused: ")
    assert refused["SYSLOG_IDENTIFIER"] == "reeld"
    plain = next(entry for entry in entries() if "taking in audio" in entry["MESSAGE"])
    assert not [name for name in plain if name.startswith("REEL_")]
    assert lab.sink.log() == "", "nothing is written twice"


def test_what_happens_to_a_recording_is_there(journal):
    lab, entries = journal
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10, seq=0, frame=0)
    recorder.store(frames=10, seed=1, seq=2, frame=20)
    recorder.end(seq=3, frame=30)
    lab.client().request("delete", {"device": "mic", "session": "s1"})
    wait_for(lambda: len(about(entries(), "mic")) == 2, "both lines")
    assert [(entry["REEL_REASON"], entry["MESSAGE"]) for entry in about(entries(), "mic")] == [
        ("gap", "mic/s1: gap, frames 10"), ("deleted", "mic/s1: deleted, reason request"),
    ]


def test_repeated_lines_are_counted(journal):
    lab, entries = journal
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10, seq=0)
    for seq in range(1, 21):
        recorder.refused(b"\0", seq=seq)
    assert len(about(entries(), "mic")) == AT_ONCE
    Recorder(lab.client(), "other").refused(b"\0", seq=0)
    wait_for(lambda: about(entries(), "other"), "another device's line")
    lab.sink.stop()
    summary = about(entries(), "mic")[-1]
    assert re.match(rf"{20 - AT_ONCE} more such lines were left out, the last: mic/s1: refused",
                    summary["MESSAGE"])
    lab.sink.start()


def test_standard_error_has_priorities_where_it_is_not_the_journal(lab, client, device):
    client.publish(f"{PREFIX}/audio/{device}/s1", b"no fragment")
    wait_for(lambda: f"<5>{device}/s1: refused: " in lab.sink.log(), "the line")


def test_settings_that_are_wrong_are_errors_there(tmp_path):
    """A start ends before there is a log."""
    with open(tmp_path / "stderr", "w+") as stderr:
        status = os.fstat(stderr.fileno())
        stream = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        command = [TREE / BUILD / "reeld", "-c", "/dev/null", "-o", "store.dirr=/x"]
        assert subprocess.run(command, stderr=stderr, env=os.environ | stream).returncode == 78
        stderr.seek(0)
        assert stderr.read().startswith("<3>reeld: -o: there is no setting store.dirr")


def test_an_end_that_was_asked_for_is_no_warning(make_lab):
    lab = make_lab()
    lab.sink.stop()
    assert "connection ended" in lab.sink.log()
    assert not re.findall("^<[0-5]>.*", lab.sink.log(), re.MULTILINE)
    lab.sink.start()
