"""The journal tells all that the sink did: nothing went round the shim."""
import os
import random
import re
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import journal
from disk import Cut, Disk
from harness import BUILD
from ledger import Ledger
from power import MEMORY, Workload
from tracing import can_trace

CALLS = {"pwrite64": journal.WRITE, "ftruncate": journal.TRUNCATE, "renameat": journal.RENAME,
         "renameat2": journal.RENAME, "unlink": journal.UNLINK, "unlinkat": journal.UNLINK,
         "fsync": journal.SYNC_BEGIN, "fdatasync": journal.SYNC_BEGIN, "syncfs": journal.SYNC_BEGIN,
         "utimensat": journal.TIME}


def contents(folder):
    """{path: content}; None for a folder. What is shared memory is not on the disk."""
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None
            for path in Path(folder).rglob("*") if not path.name.endswith("-shm")}


@pytest.mark.parametrize("where", [MEMORY, None], ids=["single syncs", "syncfs too"])
def test_all_of_the_journal_makes_the_folder_as_it_stands(tmp_path, where):
    folder = Path(where or tmp_path, f"torture-journal-{tmp_path.name}")
    try:
        workload = Workload(BUILD, folder, seed=random.randrange(1 << 32))
        path, ledger = workload.run()
        records = journal.read(path)
        disk, sent, heard = Disk(), journal.Sent(), Ledger()
        for recording in ledger.recordings.values():
            heard.add(recording)
        heard.sent = ledger.sent
        for record in records:
            disk.take(record)
            for document, run in sent.take(record) if record.kind == journal.SEND else ():
                heard.note_acknowledgement(document, run)
        (tmp_path / "again").mkdir()
        Cut(disk, random.Random(1), "everything", "everything").write(tmp_path / "again")
        assert contents(tmp_path / "again") == contents(workload.disk)
        heard_of = {key: pairs for key, pairs in heard.acknowledged.items() if pairs}
        missing = {key for key, pairs in ledger.acknowledged.items()
                   if pairs - heard_of.get(key, set())}
        assert not missing, "acknowledgements that the fleet got, and the journal does not tell of"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")
def test_the_kernel_saw_the_same_calls(tmp_path):
    """A start on a new folder and its end, traced: the calls, counted."""
    folder, path, trace = tmp_path / "disk", tmp_path / "journal", tmp_path / "trace"
    folder.mkdir()
    settings = {"store.dir": folder / "store", "broker.host": "127.0.0.1", "broker.port": 1}
    command = ["strace", "-f", "-y", "-o", trace, "-e", "trace=" + ",".join(CALLS)]
    for name, value in journal.environment(BUILD, path, folder).items():
        command += ["-E", f"{name}={value}"]
    command += [Path(BUILD, "reeld").resolve()]
    for key, value in settings.items():
        command += ["-o", f"{key}={value}"]
    sink = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in sink.stderr:
            if " connection to " in line:  # there is none: the store is open
                break
    finally:
        for child in Path(f"/proc/{sink.pid}/task/{sink.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
        sink.communicate(timeout=60)
    seen = Counter()
    for line in trace.read_text().splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)", line)
        if call and str(folder) in call[2]:
            seen[CALLS[call[1]]] += 1
    told = Counter(record.kind for record in journal.read(path) if record.kind in CALLS.values())
    assert seen and told == seen
