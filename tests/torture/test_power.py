"""Power cuts: states that a disk may hold, from journals of the real sink."""
import os
import tempfile
from pathlib import Path

import journal
import power
from harness import BUILD


def test_after_a_power_cut_nothing_acknowledged_is_lost(tmp_path):
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = power.run_side_by_side(BUILD, 4, 125, seed, keep=tmp_path)
    assert not findings, "\n".join(findings) + f"\nthe journal is in {tmp_path}"
    assert reached == 500


def test_names_that_a_killed_sink_gave_are_synced_by_the_next():
    """Where no syncfs does it: what is there may have been made by one that was killed before its
    sync. A cut would take the folder along, and all that was acknowledged since in it."""
    with tempfile.TemporaryDirectory(dir=power.MEMORY) as folder:
        store, path = Path(folder, "disk", "store"), Path(folder, "journal")
        (store / "recordings" / "mic1").mkdir(parents=True)
        (store / "recordings" / "mic1" / "s1.wav").write_bytes(bytes(2000))
        folders = [store.parent, store, store / "recordings", store / "recordings" / "mic1"]
        inodes = {one.stat().st_ino: one for one in folders}
        findings = power.recover(BUILD, store, [], journal.environment(BUILD, path, store.parent))
        assert not findings
        synced = {one.inode for one in journal.read(path) if one.kind == journal.SYNC_BEGIN}
        assert not [str(one) for inode, one in inodes.items() if inode not in synced]
