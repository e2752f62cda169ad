"""lifecheck: whether a store whose sink ended in an orderly way holds what its life (life.py) led to:
each name one of the things that may be there, each row its file, each file its row, and nothing that
was on its way left lying about."""
import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy

from checker import Damaged, _integrity, _rows, check_order, opens_elsewhere, read_fragments, read_wav
from marked import RATE, decode

# Kept, though nobody was told that it was there.
NEVER_ACKNOWLEDGED = ("a file without a row and a sidecar, of one batch",)
PART_FRAMES = RATE  # session.max_duration_s is 1


@dataclass(frozen=True)
class Content:
    """What stands under a name: the marked recording of that number, from that fragment on; where
    it is being recorded, as far as it has come."""

    number: int
    first: int = 0
    kept: bool = False
    grows: bool = False


def check_life(store, life, cut=False):
    """Findings on a stopped store. `life` has names, contents and vanishes; after a power cut also
    `stored`, by session the fragments of what grows that were acknowledged."""
    store = Path(store)
    base = sqlite3.connect(store / "catalog.db")
    base.row_factory = sqlite3.Row
    try:
        rows, findings = _rows(base), _integrity(base) + _usage(base)
        uploads = {row["id"] & (1 << 64) - 1: dict(row) for row in base.execute("SELECT * FROM upload")}
    finally:
        base.close()
    findings += _strays(store, rows, uploads) + ([] if cut else _left(store, uploads))
    for name, parts in _by_name(rows).items():
        if name not in life.names:
            findings.append(f"{'/'.join(name)}: nobody made this")
            continue
        said = _check(store, life, name, parts)
        findings += [f"{'/'.join(name)}: {line}" for line in said]
    for key, name in life.names.items():
        gone = key not in _by_name(rows)
        swept = life.vanishes and not any(state and state.kept for state in name.may)
        if gone and None not in name.may and not swept and not _may_want(life, name):
            findings.append(f"{'/'.join(key)}: is gone, and was {name.may}")
    return findings


def _may_want(life, name):
    """Whether nothing was acknowledged yet of what is being recorded."""
    return any(state.grows and not _stored(life, name, state.first) for state in name.may)


def _stored(life, name, first):
    return {seq for seq in life.stored.get(name.session, ()) if seq >= first}


def _usage(base):
    """The table that triggers keep, against the recordings themselves."""
    sums = ("recordings", "bytes", "frames", "fragments", "rejected", "gap_frames")
    size = "sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2)"
    told = {row[0]: tuple(row[1:]) for row in base.execute(f"SELECT device, {', '.join(sums)} FROM usage")}
    there = {row[0]: tuple(row[1:]) for row in base.execute(
        f"SELECT device, count(*), {size}, sum(frames), sum(fragments), sum(rejected), sum(gap_frames) "
        "FROM recording WHERE state = 'complete' GROUP BY device")}
    total = told.pop("")
    wanted = tuple(map(sum, zip(*there.values()))) or (0,) * len(sums)
    return [f"usage: {told} and {total}, but there is {there}"] \
        if told != there or total != wanted else []


def _strays(store, rows, uploads):
    """Files that belong to nothing."""
    wanted = {f"{device}/{session}{suffix}" for device, session in rows for suffix in (".wav", ".json")}
    made = {f"{row['device']}/.{upload:016x}.upload.tmp" for upload, row in uploads.items()}
    root = store / "recordings"
    found = {str(path.relative_to(root)) for path in root.glob("*/*")}
    findings = [f"recordings/{name} belongs to no row" for name in sorted(found - wanted - made)]
    findings += [f"recordings/{name} is missing" for name in sorted(wanted - found)]
    return findings


def _left(store, uploads):
    """What was on its way, or what recovery had to put aside."""
    findings = [f"an upload is left: {row}" for row in uploads.values()]
    findings += [f"uploads/{path.name} is left" for path in (store / "uploads").glob("*")]
    return findings + [f"recovered: {line}" for line in _put_aside(store)
                       if line["why"] not in NEVER_ACKNOWLEDGED]


def _put_aside(store):
    index = store / "recovered" / "index.jsonl"
    return [json.loads(line) for line in index.read_text().splitlines()] if index.exists() else []


def _by_name(rows):
    """Recordings with the parts that go on with them, in order."""
    names = {}
    for (device, session), row in rows.items():
        names.setdefault((device, row["part_of"] or session), []).append(row)
    return {key: sorted(parts, key=lambda row: row["part"]) for key, parts in names.items()}


def _check(store, life, name, parts):
    findings, audio, silent = [], [], 0
    for row in parts:
        path = store / "recordings" / row["device"] / f"{row['session']}.wav"
        try:
            header_frames, words = read_wav(path)
        except (FileNotFoundError, Damaged) as error:
            return [f"{path.name}: {error}"]
        findings += opens_elsewhere(path, RATE, with_sox=False)
        if len(words) > PART_FRAMES:
            findings.append(f"{path.name}: {len(words)} frames in one part")
        if not header_frames == len(words) == row["frames"]:
            findings.append(f"{path.name}: header {header_frames}, file {len(words)}, catalog"
                            f" {row['frames']} frames")
        findings += _sidecar(path, row)
        if row["sha256"] and hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            findings.append(f"{path.name} is not what was summed")
        audio += list(words)
        silent += row["gap_frames"]
    if findings:
        return findings
    said = decode(audio[0]) if audio else None
    if said is None:
        return ["holds no audio, or audio of nobody"]
    return _content(life, name, parts, said[0], audio, silent)


def _content(life, name, parts, number, audio, silent):
    if number not in life.contents:
        return [f"holds {number}, which nobody made"]
    recording = life.contents[number]
    fragments, _, findings = read_fragments(recording, numpy.array(audio, dtype="<u8"))
    seqs = [seq for _, seq, _ in fragments]
    content = Content(number, seqs[0] if seqs else 0, bool(parts[0]["kept"]))
    known = life.names[name].may
    grows = Content(number, content.first, grows=True) in known
    if grows and seqs == list(range(content.first, content.first + len(seqs))) and not silent:
        lost = _stored(life, life.names[name], content.first) - set(seqs)
        findings += [f"acknowledged and lost: {sorted(lost)}"] if lost else []
    elif seqs != list(range(content.first, recording.fragments)) or silent:
        findings.append(f"holds fragments {seqs} of {recording.fragments}, {silent} frames silent")
    if content.first == 0:
        findings += check_order(recording, fragments, len(audio))
    if content not in known and not grows:
        findings.append(f"holds {content}, not one of {known}")
    return findings


def _sidecar(path, row):
    try:
        said = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError) as error:
        return [f"sidecar: {error}"]
    wanted = (f"{row['id'] & (1 << 64) - 1:016x}", row["frames"], bool(row["kept"]))
    found = (said["id"], said["frames"], said["kept"])
    return [] if found == wanted else [f"sidecar says {found}, the catalog {wanted}"]
