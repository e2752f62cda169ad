"""The whole life of recordings under kills, and a part of its calls met one by one."""
import os
from contextlib import closing

import pytest

import calls
import journal
import life
import life_calls
import life_power
from harness import BUILD, Client, Recorder
from lab import Broker, Sink
from tracing import can_trace


@pytest.mark.parametrize("retention", [None, 60_000], ids=["", "swept"])
def test_killed_in_the_middle_a_change_is_done_or_not_done(retention):
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = life.run(BUILD, 24, seed, retention=retention)
    assert not findings, f"seed {seed}, after {reached} kills:\n" + "\n".join(findings)
    assert reached >= 3


def test_after_a_power_cut_a_change_is_done_or_not_done(tmp_path):
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = life_power.run_side_by_side(BUILD, 2, 150, seed, keep=tmp_path, deeds=40)
    assert not findings, "\n".join(findings) + f"\nthe journal is in {tmp_path}"
    assert reached == 300


def test_the_time_of_a_file_that_shows_an_old_sidecar_is_durable(tmp_path):
    """fdatasync leaves it out, and then a cut between commit and sidecar would leave the sidecar of
    a complete recording as it was, unnoticed: recovery looks at those that are older than files."""
    disk, path = tmp_path / "disk", tmp_path / "journal"
    disk.mkdir()
    with Broker(tmp_path / "broker") as broker, closing(Client(broker)) as client:
        env = journal.environment(BUILD, path, disk)
        with Sink(BUILD, tmp_path, broker, {"store.dir": disk / "store"}, env=env) as sink:
            recorder = Recorder(client, "mic1")
            recorder.store(frames=100, seq=0)
            recorder.end(seq=1)
            begun = journal.end(path)
            client.request("keep", {"device": "mic1", "session": "s1"})
            inode = (sink.store / "recordings/mic1/s1.wav").stat().st_ino
        later = [record for record in journal.read(path) if record.at >= begun]
    synced = [(one.offset, one.inode) for one in later if one.kind == journal.SYNC_BEGIN]
    assert any(how == journal.SYNC_ALL or (how, which) == (journal.SYNC_FILE, inode)
               for how, which in synced)


@pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")
@pytest.mark.parametrize("effect", [calls.KILL, calls.ERRORS[0]], ids=["killed", "failing"])
def test_at_its_calls_a_change_is_done_or_not_done(effect):
    jobs = [("work", call, effect) for call in ("renameat", "renameat2", "unlinkat", "fdatasync")]
    reached, findings = calls.sweep(BUILD, jobs, [1, 2, 3, 5], make_round=life_calls.LifeRound)
    assert not findings, "\n".join(findings)
    assert reached >= 8, "the calls were not met: did the product change how it moves files?"
