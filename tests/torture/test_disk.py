"""What a disk may hold: each rule of disk.py, on journals made by hand."""
import random

import pytest

import journal
from disk import NAMES, PAGE_BYTES, SECTOR_BYTES, Cut, Disk
from journal import Record

ROOT, SUB, FILE, OTHER = 1, 2, 10, 11


class Hand:
    """Writes a journal, and looks at what a disk may hold after it."""

    def __init__(self, tmp_path):
        self.disk, self.tmp_path, self.states, self.at = Disk(), tmp_path, 0, 0

    def add(self, kind, inode, **more):
        self.at += 1
        self.disk.take(Record(kind, at=self.at, time_ns=self.at * 10**9, inode=inode, **more))
        return self.at

    def create(self, name="a", inode=FILE, folder=ROOT):
        self.add(journal.CREATE, folder, name=name, other=inode)

    def write(self, data, offset=0, inode=FILE):
        self.add(journal.WRITE, inode, data=data, offset=offset, result=len(data))

    def rename(self, old, new, folder=ROOT, into=ROOT):
        self.add(journal.RENAME, folder, name=old, other=into, other_name=new)

    def begin(self, inode=FILE, kind=journal.SYNC_DATA):
        return self.add(journal.SYNC_BEGIN, inode, offset=kind)

    def end(self, begun, result=0):
        self.add(journal.SYNC_END, 0, offset=begun, result=result)

    def sync(self, inode=FILE, kind=journal.SYNC_DATA, result=0):
        self.end(self.begin(inode, kind), result)

    def state(self, data="nothing", names="nothing", seed=1):
        """{path: content} of one state."""
        self.states += 1
        folder = self.tmp_path / str(self.states)
        folder.mkdir()
        Cut(self.disk, random.Random(seed), data, names).write(folder)
        self.folder = folder
        return {str(path.relative_to(folder)): path.read_bytes()
                for path in folder.rglob("*") if path.is_file()}

    def each(self, data, names="everything", name="a", seeds=200):
        """All contents of a file that come up."""
        return {self.state(data, names, seed).get(name) for seed in range(seeds)}


@pytest.fixture
def hand(tmp_path):
    return Hand(tmp_path)


def test_a_file_without_its_folders_sync_has_no_name(hand):
    hand.create()
    hand.write(b"audio")
    hand.sync(kind=journal.SYNC_FILE)
    assert hand.state() == {}
    assert hand.state(names="everything") == {"a": b"audio"}
    hand.sync(ROOT)
    assert hand.state() == {"a": b"audio"}


def test_a_name_does_not_bring_the_data(hand):
    hand.create()
    hand.sync(ROOT)
    hand.write(b"audio")
    assert hand.state() == {"a": b""}
    assert hand.state("size alone") == {"a": bytes(5)}
    assert hand.state("old size") == {"a": b""}
    assert hand.state("everything") == {"a": b"audio"}


def test_what_is_written_while_a_sync_runs_it_does_not_cover(hand):
    hand.create()
    hand.sync(ROOT)
    hand.write(b"before")
    begun = hand.begin()
    hand.write(b"during")
    assert hand.state() == {"a": b""}, "it has not ended"
    hand.end(begun)
    assert hand.state() == {"a": b"before"}


def test_syncfs_reaches_everything(hand):
    hand.add(journal.MKDIR, ROOT, name="sub", other=SUB)
    hand.create(folder=SUB)
    hand.write(b"audio")
    hand.create("b", OTHER)
    hand.sync(ROOT, journal.SYNC_ALL)
    assert hand.state() == {"sub/a": b"audio", "b": b""}


def test_a_folder_without_its_name_takes_all_along(hand):
    hand.add(journal.MKDIR, ROOT, name="sub", other=SUB)
    hand.create(folder=SUB)
    hand.write(b"audio")
    hand.sync()
    hand.sync(SUB)
    assert hand.state() == {}
    hand.sync(ROOT)
    assert hand.state() == {"sub/a": b"audio"}


def test_a_rename_is_one_step(hand):
    hand.create("new", OTHER)
    hand.create("old")
    hand.write(b"new", inode=OTHER)
    hand.sync(OTHER)
    hand.sync(ROOT)
    hand.rename("new", "old")
    states = [hand.state("nothing", names, seed) for names in NAMES for seed in range(20)]
    before, after = {"new": b"new", "old": b""}, {"old": b"new"}
    assert all(state in (before, after) for state in states)
    assert before in states and after in states


def test_an_unlinked_file_may_be_back(hand):
    hand.create()
    hand.write(b"audio")
    hand.sync()
    hand.sync(ROOT)
    hand.add(journal.UNLINK, ROOT, name="a")
    assert hand.state() == {"a": b"audio"}
    assert hand.state(names="everything") == {}
    hand.sync(ROOT)
    assert hand.state() == {}


def test_an_inode_that_is_used_again_is_another_file(hand):
    hand.create()
    hand.write(b"old")
    hand.sync()
    hand.sync(ROOT)
    hand.add(journal.UNLINK, ROOT, name="a")
    hand.create("b", FILE)
    hand.write(b"new")
    assert hand.state() == {"a": b"old"}
    assert hand.state("everything", "everything") == {"b": b"new"}


def test_a_write_is_torn_at_sectors_and_pages_and_nowhere_else(hand):
    old, new = b"o" * 2 * PAGE_BYTES, b"n" * 2 * PAGE_BYTES
    hand.create()
    hand.write(old)
    hand.sync()
    hand.sync(ROOT)
    hand.write(new)
    for strategy, unit in (("sectors", SECTOR_BYTES), ("pages", PAGE_BYTES)):
        seen = hand.each(strategy)
        assert len(seen) > 2
        for content in seen:
            units = {content[n : n + unit] for n in range(0, len(content), unit)}
            assert units <= {b"o" * unit, b"n" * unit}


def test_two_writes_into_one_sector_come_in_their_order(hand):
    hand.create()
    hand.sync(ROOT)
    hand.write(b"aa")
    hand.write(b"bb", 2)
    for strategy in ("subset", "sectors", "ordered", "pages"):
        assert hand.each(strategy) <= {b"", b"aa", b"aabb", b"\0\0", b"aa\0\0", bytes(4)}


def test_the_unsynced_tail_may_be_lost_while_a_later_write_is_there(hand):
    hand.create()
    hand.sync(ROOT)
    hand.write(b"a" * SECTOR_BYTES)
    hand.write(b"b" * SECTOR_BYTES, SECTOR_BYTES)
    assert bytes(SECTOR_BYTES) + b"b" * SECTOR_BYTES in hand.each("subset")


def test_a_truncation_may_be_lost(hand):
    hand.create()
    hand.write(b"audio")
    hand.sync()
    hand.sync(ROOT)
    hand.add(journal.TRUNCATE, FILE, offset=2)
    assert hand.state() == {"a": b"audio"}
    assert hand.state("everything") == {"a": b"au"}
    hand.sync()
    assert hand.state() == {"a": b"au"}


def test_fdatasync_leaves_the_time_behind_and_fsync_does_not(hand):
    hand.create()
    hand.write(b"audio")
    hand.sync(kind=journal.SYNC_FILE)
    hand.sync(ROOT)
    hand.write(b"other")
    hand.sync()
    hand.state()
    assert (hand.folder / "a").read_bytes() == b"other"
    before = (hand.folder / "a").stat().st_mtime
    hand.sync(kind=journal.SYNC_FILE)
    hand.state()
    assert (hand.folder / "a").stat().st_mtime > before


def test_a_time_that_was_set_is_durable_after_fsync(hand):
    hand.create()
    hand.write(b"audio")
    hand.sync(kind=journal.SYNC_FILE)
    hand.sync(ROOT)
    hand.add(journal.TIME, FILE, offset=0)
    hand.state()
    assert (hand.folder / "a").stat().st_mtime != 0
    hand.sync(kind=journal.SYNC_FILE)
    hand.state()
    assert (hand.folder / "a").stat().st_mtime == 0


def test_a_failed_call_did_nothing(hand):
    hand.create()
    hand.sync(ROOT)
    hand.add(journal.UNLINK, ROOT, name="a", result=-1)
    hand.add(journal.WRITE, FILE, data=b"audio", result=-1)
    hand.add(journal.WRITE, FILE, data=b"audio", result=2)
    assert hand.state("everything", "everything") == {"a": b"au"}


def test_what_a_failed_sync_was_for_is_not_made_durable_by_the_next(hand):
    hand.create()
    hand.sync(ROOT)
    hand.write(b"lost!")
    hand.sync(result=-1)
    hand.write(b"more", PAGE_BYTES)
    hand.sync()
    assert hand.state() == {"a": bytes(PAGE_BYTES) + b"more"}
    lost_after_all = b"lost!" + bytes(PAGE_BYTES - 5) + b"more"
    assert hand.state("everything") == {"a": lost_after_all}
    hand.write(b"!", 5)
    hand.sync()
    assert hand.state() == {"a": b"lost!!" + bytes(PAGE_BYTES - 6) + b"more"}, "the page is whole"
