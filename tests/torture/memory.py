"""Memory runs out in a running sink: shim/memory.c lets single allocations fail, and bursts of them,
at random under the fleet's load, in the start, and in the recovery behind it.

The sink may go on, or end in an orderly way with a message; it is started again then. Nothing that it
acknowledged may be lost, and nothing stored that nobody sent.
"""
import mmap
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from checker import check
from fleet import Fleet, introduce
from ledger import Ledger

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import Broker, Sink, wait_for  # noqa: E402

DEVICES = 10
CHECK_EVERY = 25  # failures; the store is looked at between two lives of the sink
SETTINGS = {"session.idle_timeout_s": 600, "ingest.commit_interval_ms": 10,
            "limits.new_recordings_per_minute": 60_000}
# Of a program that says why: it failed, try again, bad configuration; 71 where jansson needs memory,
# 127 where the loader does.
ORDERLY = (1, 71, 75, 78, 127)
NEVER = 1 << 62


class Memory:
    """What the shim is told and tells: four numbers in a mapped file."""

    def __init__(self, folder):
        path, shim = Path(folder, "memory"), Path(folder, "memory.so")
        source = Path(__file__).parent / "shim" / "memory.c"
        subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-fno-builtin", "-shared", "-fPIC", "-o", shim,
                        source], check=True)
        path.write_bytes(struct.pack("<4q", 0, NEVER, NEVER, 0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 32)
        self.env = {"LD_PRELOAD": str(shim), "REEL_MEMORY_FILE": str(path)}

    def _get(self, index):
        return struct.unpack_from("<q", self._map, 8 * index)[0]

    def allocations(self):
        return self._get(0)

    def failed(self):
        return self._get(3)

    def fail(self, ahead, times):
        """Let `times` allocations fail, the first after `ahead` more."""
        at = self.allocations() + ahead
        struct.pack_into("<q", self._map, 8, NEVER)  # from last: never a range half set
        struct.pack_into("<q", self._map, 16, at + times)
        struct.pack_into("<q", self._map, 8, at)

    def passed(self):
        """Whether those that were to fail are behind it: it was faster than who told it."""
        return self.allocations() >= self._get(2)

    def be_well(self):
        struct.pack_into("<q", self._map, 8, NEVER)


class Torment:
    """A sink, its fleet, and memory that runs out."""

    def __init__(self, build, folder, broker, seed):
        self.generator, self.memory = random.Random(seed), Memory(folder)
        self.ledger = Ledger()
        self.sink = Sink(build, folder, broker, SETTINGS, env=self.memory.env)
        self.findings, self.ends, self.told = [], 0, 0

    def launch(self):
        self.told = len(self.sink.log())
        self.sink.launch()

    def ended(self):
        """Whether the sink has ended; in another way than it should, or wordless, is a finding."""
        if self.sink.program.running():
            return False
        status = self.sink.program.wait()
        said = self.sink.log()[self.told:]
        if status not in ORDERLY or not said.strip():
            self.findings.append(f"the sink ended with {status}:\n{said[-2000:]}")
        return True

    def fail_once(self, fleet):
        """One failure or a burst, under load, or in the start of a sink that does not run. Returns
        whether there was one."""
        times = 1 if self.generator.random() < 0.7 else self.generator.randint(2, 60)
        before = self.memory.failed()
        if self.running():
            self.memory.fail(int(self.generator.expovariate(1 / 400)), times)
        elif self.generator.random() < 0.4:
            self.memory.fail(self.generator.randint(0, 5000), times)
            self.launch()
        else:
            self.launch()
            self.survive(fleet)
            self.memory.fail(int(self.generator.expovariate(1 / 400)), times)
        wait_for(lambda: fleet.check() or self.memory.failed() > before or self.memory.passed()
                 or self.ended(), "an allocation to fail")
        if self.generator.random() < 0.5:
            time.sleep(self.generator.uniform(0, 0.5))  # of a burst: how long there is no memory
        self.memory.be_well()
        self.survive(fleet)
        self.ends += not self.running()
        return self.memory.failed() > before

    def running(self):
        return self.sink.program is not None and self.sink.program.running()

    def survive(self, fleet):
        """Wait until it takes audio in again, with all the memory that it wants."""
        before = fleet.acknowledgements
        wait_for(lambda: fleet.check() or fleet.acknowledgements > before or self.ended(),
                 "an acknowledgement after memory ran out")

    def settle(self, fleet):
        """All memory that it wants: what was begun is acknowledged, and stands where it should."""
        fleet.begin_no_more()
        wait_for(lambda: self.run_on() and not fleet.check() and fleet.idle(),
                 "everything to be acknowledged", 60)
        self.sink.stop()
        self.findings += check(self.sink.store, self.ledger, settled=True, complete=True)

    def run_on(self):
        """Start it if it does not run: it may have met its end after the last look at it."""
        if not self.running():
            self.launch()
        return True


def failures(build, folder, seed, times, deadline=None):
    """Let memory run out `times` times, or until the deadline. Returns how often it did, how often
    the sink ended by it, and findings."""
    folder, reached = Path(folder), 0
    with Broker(folder / "broker", log_types=("error",)) as broker:
        introduce(build, folder, broker)
        torment = Torment(build, folder, broker, seed)
        try:
            with Fleet(broker, torment.ledger, DEVICES, numbers=count(1)) as fleet:
                while reached < times and not torment.findings and (
                        not deadline or time.monotonic() < deadline):
                    if not torment.fail_once(fleet):
                        continue
                    reached += 1
                    if reached % CHECK_EVERY == 0 and torment.running():
                        torment.sink.kill()
                        torment.findings += check(torment.sink.store, torment.ledger)
                if not torment.findings:
                    torment.settle(fleet)
        except AssertionError as error:
            torment.findings.append(f"{error}\n{torment.sink.log()[-2000:]}")
        finally:
            if torment.sink.program:
                torment.sink.program.kill()
    return reached, torment.ends, torment.findings


def run(build, times, seed, deadline=None, keep=None):
    """The same in a folder of its own, which is kept under `keep` if there is a finding."""
    folder = Path(tempfile.mkdtemp(prefix="torture-memory-"))
    try:
        reached, ends, findings = failures(build, folder, seed, times, deadline)
        if findings and keep:
            shutil.copytree(folder, Path(keep, f"memory-{seed}"), dirs_exist_ok=True)
        return reached, ends, findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class OutOfMemory:
    """Allocations of a running sink fail, one or some dozens at a time."""

    figures = "30", "1,000", "10,000"
    unit = "times without memory"
    in_a_step = 60

    @staticmethod
    def reached(state):
        return f"{state.get('reached', 0):,} ({state.get('ends', 0):,} ended the sink)"

    def step(self, step):
        reached, ends, findings = run(step.build, self.in_a_step, step.seed, step.deadline, step.folder)
        step.add(reached)
        step.add(ends, "ends")
        return [f"seed {step.seed}: {line}" for line in findings]

    @staticmethod
    def look(build):
        return run(build, 60, seed=1)[2]
