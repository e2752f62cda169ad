#!/usr/bin/python3
"""checker.py STORE LEDGER: whether a stopped store keeps what was acknowledged.

Written apart from the product: Python's sqlite3 reads the catalog (in a copy: to look at it changes
nothing), this file and libsndfile and sox the audio. A finding is a line that names the recording.
"""
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import soundfile

from marked import CHANNELS, FRAME, FRAME_BYTES, decode
from ledger import Ledger


class Damaged(Exception):
    """A file that is not what it should be; the text is the finding."""


# The catalog


def read_catalog(store):
    """({(device, session): row}, findings): a row has its runs as (kind, from, to) in frames."""
    with tempfile.TemporaryDirectory() as folder:
        for path in Path(store).glob("catalog.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, folder)
        path = Path(folder, "catalog.db")
        if not path.exists() or path.stat().st_size == 0:
            return {}, []  # nothing was ever recorded here, or all of it is missing
        base = sqlite3.connect(path)
        base.row_factory = sqlite3.Row
        try:
            return _rows(base), _integrity(base) + _quarantine(base)
        except sqlite3.DatabaseError as error:
            return {}, [f"catalog: {error}"]
        finally:
            base.close()


def _integrity(base):
    said = [row[0] for row in base.execute("PRAGMA integrity_check")]
    findings = [] if said == ["ok"] else [f"catalog: {line}" for line in said]
    strays = list(base.execute("PRAGMA foreign_key_check"))
    return findings + ([f"catalog: {len(strays)} rows without their parent"] if strays else [])


def _quarantine(base):
    if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'quarantine'").fetchone():
        return []
    query = "SELECT device, session, code, message FROM quarantine"
    return [f"{row[0]}/{row[1]}: in quarantine: {row[2]}: {row[3]}" for row in base.execute(query)]


def _rows(base):
    if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'recording'").fetchone():
        return {}
    rows = {}
    for row in base.execute("SELECT * FROM recording"):
        stretches = base.execute(
            "SELECT * FROM stretch WHERE recording = ? ORDER BY position", [row["recording"]])
        runs, stretch_starts = [], []
        for stretch in stretches.fetchall():
            at = stretch["start_frames"]
            stretch_starts.append(at)
            for run in base.execute(
                    "SELECT * FROM run WHERE recording = ? AND stretch = ? ORDER BY position",
                    [row["recording"], stretch["position"]]):
                runs.append((run["kind"], at, at + run["frames"]))
                at += run["frames"]
        rows[row["device"], row["session"]] = dict(row) | {"runs": runs}
    return rows


# The file


def read_wav(path):
    """(frames that the header claims, all the frames in the file as numbers)."""
    content = path.read_bytes()
    if content[:4] not in (b"RIFF", b"RF64") or content[8:12] != b"WAVE":
        raise Damaged("no WAV header")
    at, form = 12, None
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt ":
            form = content[at : at + 16]
        if name == b"data":
            break
        at += size + size % 2
    else:
        raise Damaged("no data chunk")
    if form is None or int.from_bytes(form[12:14], "little") != FRAME_BYTES:
        raise Damaged("another format than what was sent")
    whole = (len(content) - at) // FRAME_BYTES * FRAME_BYTES
    return size // FRAME_BYTES, numpy.frombuffer(content, FRAME, whole // FRAME_BYTES, at)


def opens_elsewhere(path, rate, with_sox):
    """What libsndfile (and sox) say against the file."""
    try:
        with soundfile.SoundFile(path) as file:
            if (file.channels, file.samplerate) != (CHANNELS, rate):
                return ["libsndfile reads another format"]
    except (RuntimeError, OSError) as error:
        return [f"libsndfile: {error}"]
    if with_sox:
        done = subprocess.run(["sox", str(path), "-n"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return [f"sox: {done.stderr.strip()}"]
    return []


def read_fragments(recording, words):
    """Take the frames apart: fragments as (run, seq, from frame), silence as (from, to) and
    findings."""
    fragments, silences, findings = [], [], []
    at = 0
    while at < len(words):
        if words[at] == 0:
            sound = numpy.flatnonzero(words[at:])
            end = at + int(sound[0]) if len(sound) else len(words)
            silences.append((at, end))
            at = end
            continue
        said = decode(words[at])
        if said is None or said[0] != recording.number:
            findings.append(f"frame {at}: audio of nobody, or of another recording: {said}")
            return fragments, silences, findings
        _, run, seq, position = said
        if run >= recording.runs or seq >= recording.fragments:
            findings.append(f"frame {at}: a fragment that never was: {said}")
            return fragments, silences, findings
        wanted = recording.words(run, seq)
        if position != 0 or not numpy.array_equal(words[at : at + len(wanted)], wanted):
            findings.append(f"frame {at}: fragment {run}/{seq} is torn, from {position} on")
            return fragments, silences, findings
        fragments.append((run, seq, at))
        at += len(wanted)
    return fragments, silences, findings


def check_order(recording, fragments, length):
    """No fragment twice, none before its elder, and between two of one run exactly the silence of
    what is missing there."""
    findings = []
    starts = recording.starts()
    before = (0, -1)
    end_before = 0
    for run, seq, at in fragments:
        if (run, seq) <= before:
            findings.append(f"frame {at}: fragment {run}/{seq} after {before[0]}/{before[1]}")
        first = before[1] + 1 if run == before[0] else 0
        silent = starts[seq] - starts[first] if seq >= first else 0
        if at - end_before != silent:
            findings.append(f"frame {at}: {at - end_before} frames of silence before fragment"
                            f" {run}/{seq}, expected {silent}")
        before, end_before = (run, seq), at + recording.frames_of(seq)
    if end_before != length:
        findings.append(f"{length - end_before} frames of silence at the end")
    return findings


# File against catalog against ledger


def check_claims(row, fragments, recording):
    """What the catalog calls stored is audio, and every fragment is called stored: a reader gets
    silence for the rest. Returns findings and the fragments that readers get."""
    findings, readable = [], set()
    at = 0
    for kind, start, end in row["runs"]:
        if start != at:
            findings.append(f"catalog: its runs leave frames {at} to {start} out")
        at = end
    if at != row["frames"]:
        findings.append(f"catalog: runs of {at} frames in a recording of {row['frames']}")
    stored = merge((a, b) for kind, a, b in row["runs"] if kind in ("stored", "forgotten"))
    covered = 0
    for run, seq, start in fragments:
        end = start + recording.frames_of(seq)
        if any(a <= start and end <= b for a, b in stored):
            readable.add((run, seq))
            covered += end - start
    if covered != sum(b - a for a, b in stored):
        findings.append(f"catalog: {sum(b - a for a, b in stored)} frames called stored,"
                        f" {covered} of them are audio")
    return findings, readable


def merge(ranges):
    merged = []
    for start, end in ranges:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def check_sidecar(path, row):
    """It is written after the commit, so it never says more than the catalog."""
    if not path.exists():
        return []
    try:
        frames = json.loads(path.read_text())["frames"]
    except (ValueError, KeyError) as error:
        return [f"sidecar: {error!r}"]
    return [f"sidecar: {frames} frames, the catalog has {row['frames']}"] \
        if frames > row["frames"] else []


def check_sum(path, row):
    """The sum of a complete recording is that of its file; between two commits it need not be."""
    if row["sha256"] is None or hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]:
        return []
    return ["the file is not what was summed"]


def check_part(store, row, rate, with_sox, settled):
    """One file against its row. Returns findings and its frames, None where it cannot be read."""
    path = Path(store, "recordings", row["device"], f"{row['session']}.wav")
    try:
        header_frames, words = read_wav(path)
    except FileNotFoundError:
        return ["its file is missing"], None
    except Damaged as error:
        return [str(error)], None
    # Killed in a recovery that has cut the file but not yet its header, a file claims too much for
    # a while; programs open it all the same.
    findings = opens_elsewhere(path, rate, with_sox or header_frames > len(words))
    if settled and header_frames > len(words):
        findings.append(f"the header claims {header_frames} frames, the file has {len(words)}")
    if row["frames"] > len(words):
        findings.append(f"the catalog claims {row['frames']} frames, the file has {len(words)}")
    if settled and header_frames != row["frames"]:
        findings.append(f"the header says {header_frames} frames, the catalog {row['frames']}")
    if settled:
        findings += check_sum(path, row)
    return findings + check_sidecar(path.with_suffix(".json"), row), words[: row["frames"]]


def join(rows):
    """The rows of a session's parts as that of one recording."""
    runs, at = [], 0
    for row in rows:
        runs += [(kind, at + start, at + end) for kind, start, end in row["runs"]]
        at += row["frames"]
    gap_frames = sum(row["gap_frames"] for row in rows)
    return {"runs": runs, "frames": at, "gap_frames": gap_frames, "state": rows[-1]["state"]}


def check_recording(store, recording, rows, acknowledged, with_sox, settled, complete):
    """`rows`: those of its parts, in their order."""
    if not rows:
        return [f"acknowledged, and not in the catalog: {brief(acknowledged)}"] \
            if acknowledged else []
    findings, words = [], numpy.empty(0, FRAME)
    for row in rows:
        said, frames = check_part(store, row, recording.rate, with_sox, settled)
        findings += [f"part {row['part']}: {line}" if len(rows) > 1 else line for line in said]
        if frames is None:
            return findings
        words = numpy.concatenate([words, frames])
    if any((row["state"], row["end_reason"]) != ("complete", "limit") for row in rows[:-1]):
        findings.append("it goes on in the next part, and is not sealed")
    row = join(rows)
    fragments, _, torn = read_fragments(recording, words)
    findings += torn + check_order(recording, fragments, len(words))
    more, readable = check_claims(row, fragments, recording)
    findings += more
    lost = acknowledged - {(run, seq) for run, seq, _ in fragments}
    unread = acknowledged - readable - lost
    findings += [f"acknowledged and lost: {brief(lost)}"] if lost else []
    findings += [f"acknowledged and read as silence: {brief(unread)}"] if unread else []
    if complete and len(readable) != recording.runs * recording.fragments:
        findings.append(f"{len(readable)} fragments of {recording.runs * recording.fragments}")
    state = "complete" if recording.ends else "recording"
    if complete and (row["state"], row["gap_frames"]) != (state, 0):
        findings.append(f"{row['state']}, with {row['gap_frames']} frames of gaps")
    return findings


def by_session(rows):
    """The rows by what was published to, each with those of its parts in their order."""
    sessions = {}
    for row in sorted(rows.values(), key=lambda row: row["part"]):
        sessions.setdefault((row["device"], row["part_of"] or row["session"]), []).append(row)
    return sessions


def brief(fragments):
    names = [f"{run}/{seq}" for run, seq in sorted(fragments)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def check(store, ledger, with_sox=False, settled=False, complete=False):
    """Findings on a stopped store. `settled`: the sink ended in an orderly way. `complete`: all
    was acknowledged, so all must be there."""
    rows, findings = read_catalog(store)
    recordings, held, broken = ledger.snapshot()
    findings = broken + findings
    sessions = by_session(rows)
    for key in sessions.keys() - recordings.keys():
        findings.append(f"{'/'.join(key)}: nobody recorded this")
    for key, recording in recordings.items():
        wanted = complete and ledger.is_complete(recording)
        said = check_recording(store, recording, sessions.get(key, []), held[key], with_sox,
                               settled, wanted)
        findings += [f"{'/'.join(key)}: {line}" for line in said]
        if complete and not ledger.is_complete(recording):
            findings.append(f"{'/'.join(key)}: never acknowledged to the end")
    return findings


def main():
    findings = check(sys.argv[1], Ledger.load(Path(sys.argv[2])), with_sox=True)
    print("\n".join(findings) or "nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
