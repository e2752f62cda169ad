"""The checker notices each kind of damage, done here to a copy of a sound store."""
import json
import shutil
import sqlite3

import pytest

from marked import FRAME_BYTES, Recording
from checker import check, read_wav
from fleet import Fleet, Style
from harness import BUILD
from lab import Broker, Sink
from ledger import Ledger

FRAMES = 20
FRAGMENT = FRAMES * FRAME_BYTES
STYLES = (Style("plain"), Style("again", frame=False, runs=2))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """(store, ledger): two recordings that were acknowledged to their end."""
    folder, ledger = tmp_path_factory.mktemp("sound"), Ledger()
    with Broker(folder / "broker", log_types=("error",)) as broker:
        with Sink(BUILD, folder, broker, {"ingest.commit_interval_ms": 5}) as sink:
            with Fleet(broker, ledger, 2, fragments=10, frames=FRAMES, styles=STYLES) as fleet:
                fleet.finish()
    return sink.store, ledger


@pytest.fixture
def store(sound, tmp_path):
    return shutil.copytree(sound[0], tmp_path / "store")


def findings_of(store, sound):
    return "\n".join(check(store, sound[1], with_sox=True, settled=True, complete=True))


def wav_of(store, style):
    return next(store.glob(f"recordings/{style}-*/*.wav"))


def data_at(path, fragment):
    """Where a fragment stands in the file."""
    frames = len(read_wav(path)[1])
    return path.stat().st_size - frames * FRAME_BYTES + fragment * FRAGMENT


def rewrite(path, change):
    """Change the audio; `change` gets the fragments and returns what takes their place."""
    content, at = path.read_bytes(), data_at(path, 0)
    audio = content[at:]
    parts = [audio[n : n + FRAGMENT] for n in range(0, len(audio), FRAGMENT)]
    path.write_bytes(content[:at] + b"".join(change(parts)))


def in_catalog(store, statement):
    base = sqlite3.connect(store / "catalog.db")
    base.execute(statement)
    base.commit()
    base.close()


def test_sound_store_has_no_findings(store, sound):
    assert findings_of(store, sound) == ""


@pytest.mark.parametrize("change, finding", [
    (lambda parts: parts[:3] + [bytes(FRAGMENT)] + parts[4:], "acknowledged and lost: 0/3"),
    (lambda parts: parts[:3] + [parts[2]] + parts[4:], "fragment 0/2 after 0/2"),
    (lambda parts: parts[:3] + [parts[4], parts[3]] + parts[5:], "fragment 0/3 after 0/4"),
    (lambda parts: parts[:3] + [parts[3][8:] + parts[3][:8]] + parts[4:], "is torn"),
    (lambda parts: parts[:3] + [b"x" * FRAGMENT] + parts[4:], "audio of nobody"),
    (lambda parts: parts[:9], "the catalog claims 200 frames, the file has 180"),
], ids=["silence", "repeat", "disorder", "shift", "noise", "cut"])
def test_damaged_audio_is_noticed(store, sound, change, finding):
    rewrite(wav_of(store, "plain"), change)
    assert finding in findings_of(store, sound)


@pytest.mark.parametrize("statement, finding", [
    ("DELETE FROM recording", "acknowledged, and not in the catalog"),
    ("UPDATE recording SET frames = frames + 20", "the catalog claims"),
    ("UPDATE recording SET frames = frames - 20", "acknowledged and lost"),
    ("UPDATE run SET kind = 'gap'", "acknowledged and read as silence"),
    (f"UPDATE recording SET sha256 = '{64 * '0'}'", "the file is not what was summed"),
    ("UPDATE recording SET state = 'recording'", "recording, with 0 frames of gaps"),
    ("INSERT INTO quarantine VALUES (1, 't', 'd', 's', 'conflict', '', '', 1, 1, 1)",
     "d/s: in quarantine: conflict"),
    ("UPDATE recording SET session = 'another' WHERE device LIKE 'plain%'", "nobody recorded this"),
])
def test_wrong_catalog_is_noticed(store, sound, statement, finding):
    in_catalog(store, statement)
    assert finding in findings_of(store, sound)


def test_damaged_catalog_is_noticed(store, sound):
    content = bytearray((store / "catalog.db").read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    (store / "catalog.db").write_bytes(content)
    assert "catalog: " in findings_of(store, sound)


def test_header_that_no_program_opens_is_noticed(store, sound):
    path = wav_of(store, "plain")
    path.write_bytes(path.read_bytes().replace(b"fmt ", b"fmt?", 1))
    assert "another format" in findings_of(store, sound)


def test_header_that_claims_too_much_is_noticed(store, sound):
    path = wav_of(store, "plain")
    at = data_at(path, 0)
    content = path.read_bytes()
    size = (int.from_bytes(content[at - 4 : at], "little") + FRAGMENT).to_bytes(4, "little")
    path.write_bytes(content[: at - 4] + size + content[at:])
    assert "the header claims 220 frames, the file has 200" in findings_of(store, sound)


def test_sidecar_ahead_of_the_catalog_is_noticed(store, sound):
    path = wav_of(store, "plain").with_suffix(".json")
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"frames": document["frames"] + 1}))
    assert "sidecar: 201 frames, the catalog has 200" in findings_of(store, sound)


def test_missing_file_is_noticed(store, sound):
    wav_of(store, "again").unlink()
    assert "its file is missing" in findings_of(store, sound)


def answer(seq, missing=(), lost=(), boot=None):
    return {"status": "ok", "device": "d", "session": "s", "boot": boot, "seq": seq,
            "missing": list(missing), "missing_frames": [], "lost": list(lost)}


@pytest.mark.parametrize("answers, finding", [
    ([answer(3)], "4 fragments acknowledged, 3 sent"),
    ([answer(2), answer(2, [[1, 1]])], "acknowledgement of [1] taken back"),
    ([answer(2), answer(1)], "acknowledgement of [2] taken back"),
    ([answer(2, lost=[[0, 1]])], "given up: [[0, 1]]"),
    ([{"status": "error", "device": "d", "session": "s", "error": "late"}], "refused: late"),
])
def test_promises_that_contradict_each_other_are_noticed(answers, finding):
    ledger, recording = Ledger(), Recording(1, "d", "s", 5, FRAMES)
    ledger.add(recording)
    for seq in range(3):
        ledger.note_sent(recording, 0, seq)
    for document in answers:
        ledger.note_acknowledgement(document, 0)
    assert finding in "\n".join(ledger.findings)


@pytest.mark.parametrize("boot, taken_back", [(None, False), ("100", True)])
def test_recorder_that_restarted_is_told_of_another_run_only_if_it_names_its_boots(boot, taken_back):
    """What was sent twice before the restart may be answered when the next run has begun."""
    ledger, recording = Ledger(), Recording(1, "d", "s", 3, FRAMES, runs=2)
    ledger.add(recording)
    for run in range(2):
        for seq in range(3):
            ledger.note_sent(recording, run, seq)
    ledger.acknowledged["d", "s"] = {(0, seq) for seq in range(3)}
    ledger.note_acknowledgement(answer(0, boot=boot), 0)
    assert bool(ledger.findings) == taken_back
