"""Power cut: what a disk may hold after one, made from a journal of the sink's calls (journal.py,
disk.py), given to the real sink to recover, and checked against what it had acknowledged by then.

power.py --build DIR --journal FOLDER --seed S --position P --number N
shows one state again, from a journal that was kept, with all that the sink says.
"""
import argparse
import multiprocessing
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path

import journal
from checker import check, opens_elsewhere
from disk import Cut, Disk, positions
from fleet import Fleet, Style, STYLES, introduce
from ledger import Ledger
from marked import RATE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import PATIENCE_S, TREE, Broker, NotReady, Sink, wait_for  # noqa: E402

QUIET = ("error", "warning")
SETTINGS = {"session.idle_timeout_s": 1, "limits.new_recordings_per_minute": 60_000}
STORE = "new/store"  # both folders are the sink's to make
MEMORY = "/dev/shm"
KILL_AT, FAIL_AT = "REEL_JOURNAL_KILL_AT_SYNC", "REEL_JOURNAL_FAIL_AT_SYNC"
FAILED = "journal: a sync fails"
START_FAILED = (1, 75)
LIVES = 4  # of the sink in a workload


# The workload


class Workload:
    """A fleet and a sink that is killed and started again, journaled. Its folder then holds the
    journal and the ledger of all that was sent, and nothing else that a state needs."""

    def __init__(self, build, folder, seed):
        self.build, self.folder, self.choice = build, Path(folder), random.Random(seed)
        self.disk = self.folder / "disk"
        self.path = self.folder / "journal"
        self.ledger = Ledger()

    def settings(self):
        return SETTINGS | {
            "store.dir": self.disk / STORE,
            "ingest.commit_interval_ms": self.choice.choice([0, 2, 10, 30]),
            "ingest.commit_bytes": self.choice.choice([4096, 65536, 4 << 20]),
        }

    def live(self, sink, fleet, last):
        """Start the sink, let it work, and end it: killed before a sync, or at any moment, also after
        a sync that failed, or in an orderly way."""
        way = "stop" if last else self.choice.choice(["sync", "sync", "moment", "fail", "fail", "stop"])
        sink.settings |= self.settings()
        sink._env = os.environ | journal.environment(self.build, self.path, self.disk)
        if way == "sync":
            sink._env[KILL_AT] = str(self.choice.randint(1, 80))
        if way == "fail":
            sink._env[FAIL_AT] = str(self.choice.randint(1, 40))
            sink._env["REEL_JOURNAL_FAIL_ON"] = self.choice.choice(["", "-wal"])
        sink.launch()
        if way == "fail":
            failures, before = sink.log().count(FAILED), fleet.acknowledgements
            # Its number may be greater than that of the syncs which the fleet needs.
            wait_for(lambda: fleet.check() or sink.log().count(FAILED) > failures
                     or fleet.acknowledgements > before + 1000 or not sink.program.running(),
                     "a sync to fail")
        if way != "sync":
            before = fleet.acknowledgements
            wait_for(lambda: fleet.check() or fleet.acknowledgements > before + 20
                     or not sink.program.running(), "acknowledgements")
            time.sleep(self.choice.expovariate(1 / 0.05))
        if way == "sync":
            wait_for(lambda: not sink.program.running(), "the end at a sync", 20)
            sink.kill_came()
        elif way in ("moment", "fail"):
            sink.kill_if_it_lives()
        elif last:
            fleet.finish(PATIENCE_S)
        if way == "stop":
            sink.stop()
        journal.settle(self.path, self.disk)

    def run(self):
        self.disk.mkdir(parents=True)
        devices, fragments = self.choice.choice([(3, 12), (6, 8), (12, 6)])
        with Broker(self.folder / "broker", log_types=QUIET) as broker:
            introduce(self.build, self.folder, broker)
            sink = Killed(self.build, self.folder, broker, self.settings())
            fleet = Fleet(broker, self.ledger, devices, fragments=fragments,
                          frames=self.choice.choice([20, 90, 300]), numbers=count(1))
            with fleet:
                for life in range(LIVES):
                    self.live(sink, fleet, life == LIVES - 1)
        return self.path, self.ledger


class Killed(Sink):
    """A sink that may have been killed by the shim."""

    def kill_if_it_lives(self):
        """One that could not start because a sync failed has said so."""
        if self.program.running():
            self.kill()
        elif self.program.wait() not in START_FAILED or not self._env.get(FAIL_AT):
            raise NotReady(f"reeld ended with {self.program.wait()}:\n{self.log()[-4000:]}")
        self._killed = True

    def kill_came(self):
        status = self.program.wait()
        if status != -signal.SIGKILL:
            raise NotReady(f"reeld ended with {status}:\n{self.log()[-4000:]}")
        self._killed = True


# The states


def recover(build, store, log, env=None):
    """Let the sink open the store, which recovers it, and end it; return what is wrong with that."""
    options = {"store.dir": store, "broker.host": "127.0.0.1", "broker.port": 1, "sink.name": "cut"}
    command = [Path(TREE, build, "reeld")]
    for key, value in options.items():
        command += ["-o", f"{key}={value}"]
    sink = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, env=os.environ | (env or {}))
    said = b""
    try:
        deadline = time.monotonic() + PATIENCE_S
        while b": store " not in said and f"store {store}:".encode() not in said:
            ready, _, _ = select.select([sink.stderr], [], [], max(deadline - time.monotonic(), 0))
            piece = os.read(sink.stderr.fileno(), 65536) if ready else b""
            if not piece:
                break
            said += piece
        if sink.poll() is None:
            sink.send_signal(signal.SIGTERM)
        said += sink.communicate(timeout=PATIENCE_S)[1]
    finally:
        sink.kill()
        sink.wait()
    log.append(said.decode(errors="replace"))
    return [] if sink.returncode == 0 else [f"the sink ended with {sink.returncode}: {log[-1][-500:]}"]


def unreadable(store):
    """Before recovery: what libsndfile says against files (invariant 5)."""
    findings = []
    for path in sorted(store.glob("recordings/*/*.wav")):
        said = opens_elsewhere(path, RATE, with_sox=False)
        findings += [f"before recovery: {path.parent.name}/{path.name}: {line}" for line in said]
    return findings


def check_state(build, cut, folder, log, judge):
    """Make the state in `folder`, recover it, return findings, with what `judge` (store) says."""
    cut.write(folder)
    store = folder / STORE
    findings = unreadable(store)
    findings += recover(build, store, log)
    return findings + judge(store)


class States:
    """Of one journal, in the order of their positions. `ledger` names all recordings."""

    def __init__(self, build, path, ledger, seed):
        self.build, self.records, self.seed = build, journal.read(path), seed
        self.ledger = Ledger()
        for recording in ledger.recordings.values():
            self.ledger.add(recording)
        self.ledger.sent = dict(ledger.sent)
        self.disk, self.sent = Disk(), journal.Sent()

    def go_to(self, position):
        while self.disk.number < position:
            record = self.records[self.disk.number]
            if record.kind == journal.SEND:
                for document, run in self.sent.take(record):
                    self.ledger.note_acknowledgement(document, run)
            self.disk.take(record)

    def cut_at(self, position, number):
        self.go_to(position)
        return Cut(self.disk, random.Random(f"{self.seed} {position} {number}"))

    def judge(self, store, number):
        return check(store, self.ledger, with_sox=number % 50 == 0, settled=True)

    def check(self, position, number, folder, log):
        cut = self.cut_at(position, number)
        findings = check_state(self.build, cut, folder, log, lambda store: self.judge(store, number))
        return [f"seed {self.seed}, position {position}, number {number}: {cut}: {line}"
                for line in findings]

    def run(self, times, deadline=None):
        """Returns how many states were checked, and the findings of the first that has any."""
        chosen = positions(self.records, times, random.Random(f"{self.seed}"))
        for number, position in enumerate(chosen):
            if deadline and time.monotonic() > deadline:
                return number, []
            folder = Path(tempfile.mkdtemp(prefix="torture-cut-", dir=MEMORY))
            try:
                findings = self.check(position, number, folder, [])
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if findings:
                return number + 1, findings
        return times, []


def run(build, times, seed, deadline=None, keep=None, where=None):
    """A workload and `times` of its states; the journal is kept under `keep` if there is a finding.
    Returns states checked, findings."""
    where = where or random.Random(seed).choice([MEMORY, tempfile.gettempdir()])
    folder = Path(tempfile.mkdtemp(prefix="torture-power-", dir=where))
    try:
        path, ledger = Workload(build, folder, seed).run()
        reached, findings = States(build, path, ledger, seed).run(times, deadline)
        findings = [f"seed {seed}: {line}" for line in ledger.findings] + findings
        if findings and keep:
            kept = Path(keep, f"power-{seed}")
            kept.mkdir(parents=True, exist_ok=True)
            journal.keep(path, kept / "journal")
            ledger.save(kept / "ledger")
        return reached, findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_side_by_side(build, workloads, times, seed, deadline=None, keep=None):
    """So many workloads with `times` states each, two at a time. Returns states checked, findings."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(run, build, times, seed + n, deadline, keep) for n in range(workloads)]
        results = [one.result() for one in runs]
    return sum(reached for reached, _ in results), [line for _, said in results for line in said]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--journal", type=Path, required=True, help="folder of a kept one")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--position", type=int, required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--into", type=Path, help="a new folder that keeps the state, before and after")
    asked = parser.parse_args()
    ledger = Ledger.load(asked.journal / "ledger")
    states, log = States(asked.build, asked.journal / "journal", ledger, asked.seed), []
    folder = asked.into or Path(tempfile.mkdtemp(prefix="torture-cut-"))
    (folder / "before").mkdir(parents=True)
    (folder / "after").mkdir()
    states.cut_at(asked.position, asked.number).write(folder / "before")
    findings = states.check(asked.position, asked.number, folder / "after", log)
    print("".join(log) + "\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
