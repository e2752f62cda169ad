"""Disk: what may stand on one after a power cut, by what was written and synced before.

What is assumed of disk and file system, and no more:
- fsync(2), fdatasync(2) and syncfs(2) make durable what was done before they were called, once they
  have returned success: the content of a file with its size, the names in a folder. The name of a
  file is durable with a sync of the folder it stands in, not with the file's own (fsync(2)).
- A sector of 512 bytes is written whole or not at all: it holds what was in memory at some moment
  since the last sync. Sectors, and pages of 4096 bytes, reach the disk in any order.
- Size (with the time of change, in the same inode) and content of a file are independent until a
  sync. What was never written inside the size reads as zeros, as ext4, XFS, btrfs and f2fs have it:
  nobody else's bytes show up.
- A name changes as a whole, also in a rename (rename(2)); changes of names reach the disk in any
  order, though those file systems log them in one order. fdatasync makes the size durable, but the
  time of change only together with a size (fdatasync(2)).
- After a sync that failed, what it was for may have reached the disk or not, and no later sync makes
  it durable: the kernel takes those pages for clean, and still shows what they hold (as Linux has
  it: Rebello and others, Can Applications Recover from fsync Failures?, 2020). Written to again, a
  page goes to the disk as a whole. Names and sizes are in the file system's log, and are not lost.
- Memory shared between processes (SQLite's -shm) is not on the disk: it is gone, or anything.
"""
import os
from dataclasses import dataclass
from pathlib import Path

import journal

SECTOR_BYTES, PAGE_BYTES = 512, 4096
NEVER, ALWAYS = -1, 1 << 62
DATA = ("nothing", "everything", "subset", "ordered", "pages", "sectors", "size alone", "old size")
NAMES = ("nothing", "everything", "subset", "ordered")


@dataclass
class Change:
    """Of a file's content: `data` at `offset`, or None: the size becomes `offset`. Without any data
    it is of the time alone."""

    number: int
    time_ns: int
    offset: int
    data: bytes = None
    size: int = 0  # of the file after it
    resizes: bool = False


class File:
    """`content` is durable, `changes` are not, and `lost` will not be by a sync."""

    def __init__(self, time_ns):
        self.content = bytearray()
        self.time_ns = self.live_time_ns = time_ns
        self.size = 0  # as the program sees it
        self.changes = []
        self.lost = []  # by pages

    def change(self, number, time_ns, offset, data=None):
        size = max(self.size, offset + len(data)) if data is not None else offset
        self.changes.append(Change(number, time_ns, offset, data, size, size != self.size))
        self.size, self.live_time_ns = size, time_ns

    def set_time(self, number, time_ns):
        self.change(number, time_ns, self.size, b"")

    def sync(self, before, with_time):
        """Make durable what was changed before that record."""
        count = sum(1 for change in self.changes if change.number < before)
        done, self.changes = self.changes[:count], self.changes[count:]
        self._write_lost(done)
        for change in done:
            _apply(self.content, change, change.offset, change.offset + len(change.data or b""))
            if with_time or change.resizes:
                self.time_ns = change.time_ns
        if with_time and not self.changes:
            self.time_ns = self.live_time_ns

    def _write_lost(self, done):
        """The pages that are written again go to the disk as they are in memory."""
        if not self.lost:
            return
        pages = {page for change in done if change.data for page in _units(change, PAGE_BYTES)}
        for change in self.lost:
            if change.offset // PAGE_BYTES in pages:
                _apply(self.content, change, change.offset, change.offset + len(change.data))
        self.lost = [one for one in self.lost if one.offset // PAGE_BYTES not in pages]

    def lose(self, before):
        """A sync of what was changed before that record has failed. The sizes stay to be synced."""
        for n, change in enumerate(self.changes):
            if change.number >= before or not change.data:
                continue
            for page in _units(change, PAGE_BYTES):
                start = max(change.offset, page * PAGE_BYTES)
                end = min(change.offset + len(change.data), (page + 1) * PAGE_BYTES)
                piece = change.data[start - change.offset : end - change.offset]
                self.lost.append(Change(change.number, change.time_ns, start, piece))
            self.changes[n] = Change(change.number, change.time_ns, change.size, b"", change.size,
                                     change.resizes)


def _apply(content, change, start, end):
    """The part of a change that lies in [start, end); a size as a whole."""
    if change.data is None:
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[start:end] = change.data[start - change.offset : end - change.offset]


class Folder:
    """Names with the number of the record that made them so: the newest that is durable counts."""

    def __init__(self):
        self.durable = {}  # name: (number, File, Folder or None)
        self.live = {}  # name: File or Folder
        self.steps = []

    def there(self):
        return {name: node for name, (_, node) in self.durable.items() if node is not None}


@dataclass(eq=False)
class Step:
    """Of names: all of it is durable or nothing."""

    number: int
    sets: list  # (folder, name, File, Folder or None)


class Disk:
    """Fed with the records of a journal, one after the other."""

    def __init__(self):
        self.root = Folder()
        self.nodes = {}  # inode: File or Folder, for what is there and what is still open
        self.number = 0  # of the records taken
        self.begun = {}  # where a sync's record stands: its number and record

    def take(self, record):
        number = self.number
        self.number += 1
        if record.kind in (journal.START, journal.SEND):
            return
        if record.kind == journal.SYNC_BEGIN:
            self.begun[record.at] = number, record
        elif record.kind == journal.SYNC_END:
            began, begin = self.begun.pop(record.offset)
            self._sync(began, begin, record.happened)
        elif record.happened:
            self._change(number, record)

    def _node(self, inode):
        """The first inode that is named is the root's: whatever is made stands below it."""
        if not self.nodes:
            self.nodes[inode] = self.root
        return self.nodes[inode]

    def _change(self, number, record):
        node = self._node(record.inode)
        if record.kind == journal.WRITE:
            node.change(number, record.time_ns, record.offset, record.data[: record.result])
        elif record.kind == journal.TRUNCATE:
            node.change(number, record.time_ns, record.offset)
        elif record.kind == journal.TIME:
            node.set_time(number, record.offset)
        elif record.kind == journal.UNLINK:
            self._step(number, (node, record.name, None))
        elif record.kind == journal.RENAME:
            moved = node.live[record.name]
            self._step(number, (node, record.name, None),
                       (self._node(record.other), record.other_name, moved))
        else:
            made = File(record.time_ns) if record.kind == journal.CREATE else Folder()
            self.nodes[record.other] = made
            self._step(number, (node, record.name, made))

    @staticmethod
    def _step(number, *sets):
        step = Step(number, list(sets))
        for folder, name, node in sets:
            if node is None:
                folder.live.pop(name, None)
            else:
                folder.live[name] = node
            if step not in folder.steps:
                folder.steps.append(step)

    def _sync(self, before, begin, happened):
        if begin.offset == journal.SYNC_ALL:
            nodes = list(self.all_nodes())
        else:
            nodes = [self._node(begin.inode)]
        for node in nodes:
            if isinstance(node, File):
                if happened:
                    node.sync(before, begin.offset != journal.SYNC_DATA)
                else:
                    node.lose(before)
                continue
            if not happened:
                continue
            for step in [step for step in node.steps if step.number < before]:
                _make_durable(step)

    def all_nodes(self):
        """All that is there, or was when it was last synced."""
        found, todo = {}, [self.root]
        while todo:
            node = todo.pop()
            if id(node) in found:
                continue
            found[id(node)] = node
            if isinstance(node, Folder):
                todo += [one for step in node.steps for _, _, one in step.sets if one is not None]
                todo += [*node.live.values(), *node.there().values()]
        return found.values()

    def pending(self):
        """How much is not durable."""
        return sum(len(node.changes if isinstance(node, File) else node.steps)
                   for node in self.all_nodes())


def _make_durable(step):
    for folder, name, node in step.sets:
        if folder.durable.get(name, (NEVER, None))[0] < step.number:
            folder.durable[name] = step.number, node
        if step in folder.steps:
            folder.steps.remove(step)


# What the cut leaves


class Cut:
    """One state that the disk may be in. `choice` is a random.Random; `data` and `names` force the
    strategy, for what is to be shown one by one."""

    def __init__(self, disk, choice, data=None, names=None):
        self.disk, self.choice = disk, choice
        self.data = data or choice.choice(DATA + ("mixed",) * 4)
        self.names = names or choice.choice(NAMES + ("subset",))
        self.moment = choice.randrange(disk.number + 1)
        self.share = choice.choice([0.1, 0.5, 0.9])
        self.shm = choice.random() < 0.3

    def __str__(self):
        return f"data: {self.data}, names: {self.names}"

    def _kept_steps(self, steps):
        if self.names == "nothing":
            return []
        if self.names == "everything":
            return steps
        if self.names == "ordered":
            return steps[: self.choice.randrange(len(steps) + 1)] if steps else []
        return [step for step in steps if self.choice.random() < self.share]

    def write(self, target):
        """Make it in `target`, an empty folder."""
        steps = {}
        for node in self.disk.all_nodes():
            if isinstance(node, Folder):
                steps.update((step.number, step) for step in node.steps)
        kept = self._kept_steps([steps[number] for number in sorted(steps)])
        changed = {}  # (folder, name): node, for the newest step that is kept
        for step in kept:
            for folder, name, node in step.sets:
                if folder.durable.get(name, (NEVER, None))[0] < step.number:
                    changed.setdefault(id(folder), {})[name] = node
        self._write_folder(self.disk.root, Path(target), changed)

    def _write_folder(self, folder, path, changed):
        names = folder.there() | changed.get(id(folder), {})
        for name, node in sorted(names.items()):
            if node is None:
                continue
            if isinstance(node, Folder):
                (path / name).mkdir()
                self._write_folder(node, path / name, changed)
            elif not name.endswith("-shm"):
                self._write_file(node, path / name)
            elif self.shm:
                (path / name).write_bytes(self.choice.randbytes(32768))

    def _write_file(self, file, path):
        content, time_ns = self.content(file)
        path.write_bytes(content)
        os.utime(path, ns=(time_ns, time_ns))

    def content(self, file):
        """(bytes, time of change)"""
        strategy = self.data if self.data != "mixed" else self.choice.choice(DATA)
        if strategy == "nothing" or not (file.changes or file.lost):
            return file.content, file.time_ns
        cut_of, inode_cut = self._cuts(file, strategy)
        content = bytearray(file.content)
        size, time_ns = len(content), file.time_ns
        for change in file.lost:
            _land(content, change, cut_of)
        for change in file.changes:
            _land(content, change, cut_of)
            if change.number <= inode_cut:
                size, time_ns = change.size, change.time_ns
        if inode_cut == ALWAYS:
            time_ns = file.live_time_ns
        del content[size:]
        content.extend(bytes(size - len(content)))
        return content, time_ns

    def _cuts(self, file, strategy):
        """(function from a sector to the number of the last change that reached it, the same for
        the inode)"""
        choice, numbers = self.choice, [change.number for change in file.lost + file.changes]
        some = [NEVER, *numbers]
        known = {}

        def each(unit):
            def cut(sector):
                return known.setdefault(sector // unit, choice.choice(some))
            return cut

        if strategy == "everything":
            return (lambda _: ALWAYS), ALWAYS
        if strategy == "size alone":
            return (lambda _: NEVER), ALWAYS
        if strategy == "old size":
            return (lambda _: ALWAYS), NEVER
        if strategy == "ordered":
            return (lambda _: self.moment), self.moment
        inode_cut = choice.choice([NEVER, ALWAYS, ALWAYS, choice.choice(some)])
        if strategy == "subset":
            kept = [number for number in numbers if choice.random() < self.share]
            touching = _touching(file.lost + file.changes, set(kept))
            return (lambda sector: touching.get(sector, NEVER)), inode_cut
        return each(PAGE_BYTES // SECTOR_BYTES if strategy == "pages" else 1), inode_cut


def _units(change, unit):
    """Sectors or pages that it touches."""
    return range(change.offset // unit, (change.offset + len(change.data) - 1) // unit + 1)


def _sectors(change):
    return _units(change, SECTOR_BYTES)


def _touching(changes, kept):
    """Sector: the last of the kept changes that touches it."""
    return {sector: change.number for change in changes
            if change.number in kept and change.data for sector in _sectors(change)}


def _land(content, change, cut_of):
    """The sectors of a change that have reached the disk."""
    if change.data is None:
        if cut_of(change.offset // SECTOR_BYTES) >= change.number:
            content[change.offset :] = bytes(max(len(content) - change.offset, 0))
        return
    for sector in _sectors(change) if change.data else ():
        if cut_of(sector) >= change.number:
            start = max(change.offset, sector * SECTOR_BYTES)
            _apply(content, change, start,
                   min(change.offset + len(change.data), (sector + 1) * SECTOR_BYTES))


def positions(records, count, choice):
    """Where to cut: half of them anywhere, half of them near where something is settled: a sync,
    what was said, a change of names."""
    interesting = [n for n, record in enumerate(records) if record.kind not in (journal.WRITE,)]
    chosen = []
    for _ in range(count):
        if choice.random() < 0.5 or not interesting:
            chosen.append(choice.randrange(len(records) + 1))
        else:
            near = choice.choice(interesting) + choice.choice([0, 1, 1, 2])
            chosen.append(min(near, len(records)))
    return sorted(chosen)
