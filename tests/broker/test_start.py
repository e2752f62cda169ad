"""A store that the sink cannot begin with: refused at start with what to do, and left as it was; or,
where the disk may be well later, waited for."""
import os
import shutil
import sqlite3
import subprocess

import pytest

from harness import BUILD, Format, Recorder
from lab import Sink
from small_disk import small_disk

NOBODY = 65534
# Root without the capabilities that overrule permissions.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def tree_of(folder):
    """Owner, mode, size and content of everything there."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        seen = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path)] = seen.st_uid, seen.st_mode, content
    return found


def read_only(store):
    store.chmod(0o555)
    (store / "lock").unlink()


def anothers(store):
    for path in [store, *store.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)


def newer(store):
    with sqlite3.connect(store / "catalog.db") as catalog:
        catalog.execute("PRAGMA user_version = 99")
    catalog.close()


REFUSED = {  # what makes it so, who starts the sink then, what it says
    "not writable": (read_only, BOUND, ["lock: Permission denied", "chown -R root"]),
    "another user's": (anothers, [], ["is the store of user nobody", "runuser -u nobody", "chown"]),
    "of a newer version": (newer, [], ["a newer reel wrote it (version 99", "install that one"]),
}


@as_root
@pytest.mark.parametrize("why, mode", [
    ("not writable", []), ("another user's", []), ("of a newer version", []),
    ("not writable", ["--reindex"]), ("another user's", ["--reindex"]),
])
def test_a_store_that_is_not_ours_to_write_is_refused_and_stays_as_it_was(make_lab, why, mode):
    """With a status that systemd does not start it again for."""
    spoil, wrapper, words = REFUSED[why]
    lab = make_lab()
    Recorder(lab.client(), "mic").store(Format().noise(160), seq=0)
    lab.sink.stop()
    kept = lab.sink.store.with_name("kept")
    shutil.copytree(lab.sink.store, kept)
    spoil(lab.sink.store)
    before = tree_of(lab.sink.store)
    refused = subprocess.run([*wrapper, *lab.sink.command(*mode)], capture_output=True, text=True)
    assert refused.returncode == 78, refused
    assert all(word in refused.stderr for word in words), refused.stderr
    assert tree_of(lab.sink.store) == before
    subprocess.run(["rm", "-rf", lab.sink.store], check=True)
    kept.rename(lab.sink.store)
    lab.sink.start()


def test_a_store_that_is_in_use_is_refused(make_lab, tmp_path):
    """With a status that systemd does start it again for: the other may end."""
    lab = make_lab()
    second = Sink(BUILD, tmp_path / "second", lab.broker,
                  {"store.dir": lab.sink.store, "broker.prefix": "other"}, name="second")
    second.launch()
    assert second.program.wait() == 1
    assert f"another sink has {lab.sink.store} open" in second.log()
    assert "stop that, or give this one a store.dir of its own" in second.log()
    assert Recorder(lab.client(), "mic").store(Format().noise(160), seq=0)["frames"] == 160


def test_a_store_below_a_file_is_refused(make_lab, tmp_path):
    (tmp_path / "file").write_text("")
    lab = make_lab({"store.dir": tmp_path / "file/store"}, start=False)
    refused = subprocess.run(lab.sink.command(), capture_output=True, text=True)
    assert refused.returncode == 1 and "make the folder of store.dir" in refused.stderr
    lab.sink.settings["store.dir"] = lab.sink.store = tmp_path / "store"
    lab.sink.start()


@pytest.fixture
def disk(tmp_path):
    """It is remounted by its path."""
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def remount(folder, how):
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


def fill(folder):
    with open(folder / "other", "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))


DISKS = {
    "full": (fill, lambda folder: (folder / "other").unlink(),
             ["No space left on device", "make room on the disk of"]),
    "read-only": (lambda folder: remount(folder, "ro"), lambda folder: remount(folder, "rw"),
                  ["Read-only file system", "mount it for writing", "ReadWritePaths="]),
}


@pytest.mark.parametrize("how", DISKS)
def test_on_a_disk_that_takes_nothing_it_says_what_to_do_and_waits(make_lab, disk, how):
    """It takes nothing in, and begins by itself once the disk is well."""
    spoil, mend, words = DISKS[how]
    spoil(disk)
    lab = make_lab({"store.dir": disk / "store"}, start=False)
    lab.sink.launch()
    told = lab.watcher.wait_message(
        lambda m: "/status/" in m.topic and m.document.get("state") == "stalled", "stalled")
    assert all(word in told.document["reason"] for word in words), told.document
    assert "Received PUBACK from reeld-sink-ingest" not in lab.broker.log()
    mend(disk)
    lab.watcher.wait_message(
        lambda m: "/status/" in m.topic and m.document.get("state") == "ok", "that it is well")
    assert Recorder(lab.client(), "mic").store(Format().noise(160), seq=0)["frames"] == 160
