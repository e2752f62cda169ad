"""Journal: what a program did to a folder and said on its sockets, as the shim (shim/journal.h)
told it; and what the sink acknowledged by then."""
import os
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgpack

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import PREFIX, TREE  # noqa: E402

(START, CREATE, WRITE, TRUNCATE, RENAME, UNLINK, MKDIR, SYNC_BEGIN, SYNC_END, TIME,
 SEND) = range(1, 12)
SYNC_FILE, SYNC_DATA, SYNC_ALL = range(3)
HEAD = struct.Struct("<8sQ")
ENTRY = struct.Struct("<IIqqQQqIIQ")
RESULT_AT = 8  # in an entry
PENDING = -(1 << 63)


@dataclass
class Record:
    """As in shim/journal.h. `at`: where it stands in the file. `time_ns`: when, since 1970."""

    kind: int
    at: int = 0
    result: int = 0
    time_ns: int = 0
    inode: int = 0
    other: int = 0
    offset: int = 0
    name: str = ""
    other_name: str = ""
    data: bytes = b""

    @property
    def happened(self):
        return self.result >= 0


def environment(build, path, root):
    """What a program is started with to be journaled."""
    library = Path(TREE, build, "tests", "torture", "journal.so")
    assert library.exists(), f"there is no {library}: make test-programs"
    return {"LD_PRELOAD": str(library), "REEL_JOURNAL": str(path), "REEL_JOURNAL_ROOT": str(root)}


def _filled_up(size):
    return (size + 7) // 8 * 8


def read(path):
    """All records."""
    with Path(path).open("rb") as file:
        head = file.read(HEAD.size)
        if len(head) < HEAD.size:
            return []
        content = head + file.read(HEAD.unpack(head)[1] - HEAD.size)
    records, at = [], HEAD.size
    while at < len(content):
        size, kind, result, time_ns, inode, other, offset, *lengths = ENTRY.unpack_from(content, at)
        texts, end = [], at + ENTRY.size
        for length in lengths:
            texts.append(content[end : end + length])
            end += _filled_up(length)
        records.append(Record(kind, at, result, time_ns, inode, other, offset, texts[0].decode(),
                              texts[1].decode(), texts[2]))
        at += size
    return records


def end(path):
    """Where the next record will stand; 0 where there is none yet."""
    try:
        with Path(path).open("rb") as file:
            return HEAD.unpack(file.read(HEAD.size))[1]
    except FileNotFoundError:
        return 0


def keep(path, target):
    """A copy without the room that was not used."""
    with Path(path).open("rb") as file:
        head = file.read(HEAD.size)
        Path(target).write_bytes(head + file.read(HEAD.unpack(head)[1] - HEAD.size))


# A program that was killed leaves one call in doubt at most: the folder says what became of it


def _paths_by_inode(root):
    paths = {os.stat(root).st_ino: Path(root)}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            paths[path.lstat().st_ino] = path
    return paths


def _same_until(path, record):
    with path.open("rb") as file:
        file.seek(record.offset)
        found = file.read(len(record.data))
    return len(os.path.commonprefix([found, record.data]))


def _outcome(record, root):
    """(result, what was made)"""
    paths = _paths_by_inode(root)
    place = paths.get(record.inode)
    if record.kind == WRITE:
        return (_same_until(place, record) or -1) if place else len(record.data), 0
    if record.kind == TRUNCATE:
        return 0 if not place or place.stat().st_size == record.offset else -1, 0
    if record.kind == TIME:
        return 0 if not place or place.stat().st_mtime_ns == record.offset else -1, 0
    if record.kind in (CREATE, MKDIR):
        made = place / record.name
        return (0, made.stat().st_ino) if made.exists() else (-1, 0)
    if record.kind in (RENAME, UNLINK):
        return -1 if (place / record.name).exists() else 0, 0
    return -1, 0  # what was sent may not have left


def settle(path, root):
    """After a kill: put in what became of the call that it came into."""
    records = read(path)
    doubtful = [r for r in records if r.result == PENDING and r.kind != SYNC_BEGIN]
    assert len(doubtful) <= 1, "more calls than one were under way"
    with Path(path).open("r+b") as file:
        for record in doubtful:
            result, made = _outcome(record, root)
            file.seek(record.at + RESULT_AT)
            file.write(struct.pack("<qqQQ", result, record.time_ns, record.inode, made or record.other))


# What was acknowledged


def _number(content, at):
    """An MQTT variable byte integer: (value, where it ends), None if it does not end."""
    value = 0
    for n in range(4):
        if at + n >= len(content):
            return None
        value |= (content[at + n] & 0x7F) << 7 * n
        if content[at + n] < 0x80:
            return value, at + n + 1
    raise ValueError("no MQTT packet")


def _correlation(properties):
    """The Correlation Data among the properties that the sink puts into a reply."""
    at = 0
    while at < len(properties):
        kind = properties[at]
        size = int.from_bytes(properties[at + 1 : at + 3], "big")
        if kind == 0x09:
            return properties[at + 3 : at + 3 + size]
        if kind == 0x03:  # content type
            at += 3 + size
        elif kind == 0x26:  # user property: name and value
            at += 3 + size
            at += 2 + int.from_bytes(properties[at : at + 2], "big")
        elif kind == 0x01:  # payload format
            at += 2
        elif kind == 0x02:  # expiry
            at += 5
        else:
            raise ValueError(f"MQTT property {kind}")
    return None


def parse_publish(flags, body):
    """(topic, correlation, payload)"""
    size = int.from_bytes(body[:2], "big")
    topic, at = body[2 : 2 + size].decode(), 2 + size
    at += 2 if flags & 0x06 else 0
    length, at = _number(body, at)
    return topic, _correlation(body[at : at + length]), body[at + length :]


@dataclass
class Sent:
    """What left the sink, connection by connection, taken apart as MQTT."""

    streams: dict = field(default_factory=dict)  # socket: bytes that are no whole packet yet

    def take(self, record):
        """The acknowledgements that this record brings to their end: (document, run)."""
        return [(msgpack.unpackb(payload), int(correlation.split()[1]))
                for _, correlation, payload in self.replies(record)]

    def replies(self, record):
        """The replies that this record brings to their end: (topic, correlation, payload)."""
        stream = self.streams.setdefault(record.inode, bytearray())
        stream += record.data[: max(record.result, 0)]
        said, at = [], 0
        while True:
            length = _number(stream, at + 1) if at < len(stream) else None
            if length is None or length[1] + length[0] > len(stream):
                break
            body = bytes(stream[length[1] : length[1] + length[0]])
            if stream[at] >> 4 == 3:
                said += self._reply(stream[at] & 0x0F, body)
            at = length[1] + length[0]
        del stream[:at]
        return said

    @staticmethod
    def _reply(flags, body):
        """Nothing, where it is an event or a status."""
        if not body[2:].startswith(f"{PREFIX}/reply/".encode()):
            return []
        return [parse_publish(flags, body)]
