"""Catalog: a store's catalog with as many recordings as are asked for, made at once.

Rows go straight into the catalog of schemas/index.sql. There are no files to them, so a sink that
opens such a store finds that they are gone and drops the rows: `fill` is for the catalog of a sink
that runs already and writes nothing, which then has them.
"""
import contextlib
import itertools
import json
import math
import random
import sqlite3

YEAR_US = 365 * 86400 * 1_000_000
BEGAN_US = 1_700_000_000 * 1_000_000
FORMATS = (  # rate, channels, sample_bytes, encoding; how many of a hundred
    (16000, 1, 2, "pcm", 55), (48000, 1, 2, "pcm", 20), (48000, 2, 3, "pcm", 10),
    (44100, 2, 2, "pcm", 8), (8000, 1, 1, "ulaw", 4), (96000, 4, 3, "pcm", 2),
    (250000, 1, 2, "pcm", 0.9), (192000, 8, 4, "float", 0.1),
)
ENDS = (("idle", 69), ("end", 25), ("limit", 5), ("upload", 1))
SITES = ("roof", "cellar", "garden", "hall", "yard", "pond", "gate")
COLUMNS = (
    "recording, id, device, session, rate, channels, sample_bytes, encoding, state, end_reason,"
    " started_us, kept, frames, duration_s, rewrites, updated_us, fragments, duplicates, rejected,"
    " gap_frames, boot, boot_is_uint, next_seq, tags, sha256"
)
FRAGMENT_FRAMES = 960


def _weighted(chance, choices, count):
    return itertools.cycle(chance.choices([c[:-1] for c in choices],
                                          weights=[c[-1] for c in choices], k=count))


def device_name(number):
    return f"mic{number:04}"


def _tags(chance):
    """Half have none; one site in seven hundred is rare, and one machine in a thousand."""
    if chance.random() < 0.5:
        return None
    tags = {"site": chance.choice(SITES) if chance.random() > 0.002 else "island"}
    if chance.random() < 0.3:
        tags["gain"] = chance.randrange(0, 40)
    if chance.random() < 0.3:
        tags["machine"] = f"m{chance.randrange(1000)}"
    return json.dumps(tags, separators=(",", ":"))


def rows(recordings, devices, open_count=0, first=1):
    """Yield rows of table recording, in the order in which they started. Some devices record much
    more than others; lengths go from a second to a day, each decade as often as the next. The last
    `open_count` still grow."""
    chance = random.Random(first)
    formats = _weighted(chance, FORMATS, 9973)
    ends = _weighted(chance, ENDS, 9967)
    for i in range(recordings):
        started_us = BEGAN_US + i * YEAR_US // recordings + chance.randrange(1000)
        rate, channels, sample_bytes, encoding = next(formats)
        (end,) = next(ends)
        seconds = math.exp(chance.random() * math.log(86400))
        frames = int(seconds * rate)
        is_open = i >= recordings - open_count
        device = device_name(int(devices * chance.random() ** 2))
        gap = chance.randrange(1, 100_000) if chance.random() < 0.01 else 0
        yield (
            first + i, chance.getrandbits(62), device, f"s{started_us // 1000}-{first + i}", rate, channels,
            sample_bytes, encoding, "recording" if is_open else "complete",
            None if is_open else end, started_us, int(chance.random() < 0.002), frames,
            frames / rate, 0, started_us + int(seconds * 1e6), frames // FRAGMENT_FRAMES, 0, 0,
            min(gap, frames), "", 0, frames // FRAGMENT_FRAMES, _tags(chance),
            None if is_open else "0" * 64,
        )


def _insert(catalog, recordings, devices, open_count):
    marks = ", ".join("?" * len(COLUMNS.split(",")))
    (first,) = catalog.execute("SELECT 1 + ifnull(max(recording), 0) FROM recording").fetchone()
    catalog.executemany(f"INSERT INTO recording ({COLUMNS}) VALUES ({marks})",
                        rows(recordings, devices, open_count, first))
    catalog.execute(
        "INSERT INTO stretch SELECT recording, 0, 0, 'first', '', 0, 0, NULL, 0 FROM recording"
        " WHERE recording >= ?", (first,))
    catalog.execute(
        "INSERT INTO run SELECT recording, 0, 0, 'stored', frames, fragments, ? FROM recording"
        " WHERE recording >= ?", (FRAGMENT_FRAMES, first))


# As the triggers keep them (schemas/index.sql).
KEPT_BY_TRIGGERS = """
    DELETE FROM usage;
    INSERT INTO usage SELECT device, count(*),
        sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2),
        sum(frames), sum(fragments), sum(rejected), sum(gap_frames), max(updated_us)
        FROM recording WHERE state = 'complete' GROUP BY device;
    INSERT INTO usage SELECT '', sum(recordings), sum(bytes), sum(frames), sum(fragments),
        sum(rejected), sum(gap_frames), max(heard_us) FROM usage;
    DELETE FROM tag;
    INSERT INTO tag SELECT key, atom, started_us, recording FROM recording, json_each(tags);
"""


@contextlib.contextmanager
def _bare(catalog):
    """Without its indexes and triggers meanwhile: made at once they take a fraction of the time."""
    taken = catalog.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = 'recording'"
        " AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type").fetchall()
    for kind, name, _ in taken:
        catalog.execute(f"DROP {kind} {name}")
    yield
    for _, _, sql in taken:
        catalog.execute(sql)


def fill(store, recordings, devices, open=0):  # pylint: disable=redefined-builtin
    """Add `recordings` of `devices` to the store's catalog, the last `open` of them growing."""
    path = store / "catalog.db"
    with contextlib.closing(sqlite3.connect(path, 60, isolation_level=None)) as catalog:
        catalog.execute("PRAGMA cache_size = -1000000")
        catalog.execute("PRAGMA synchronous = OFF")
        catalog.execute("BEGIN IMMEDIATE")
        with _bare(catalog):
            _insert(catalog, recordings, devices, open)
        for statement in KEPT_BY_TRIGGERS.split(";"):
            catalog.execute(statement)
        catalog.execute("COMMIT")
        catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
