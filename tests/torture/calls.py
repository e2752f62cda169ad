"""One system call after the other: the sink is killed at it, or it fails once.

strace injects. A workload goes round, the Nth call of a kind is met, N counting up, until a round
passes untouched. `start` counts the calls of the first thread from the program's beginning on a new
folder, `again` on one that a killed sink left in the middle of a batch (recovery), `work` those of a
running sink (create, append, commit, seal, settle), `reopen` those of one whose first batch fails, so
that the opening of the store in a running sink is among them.

Not here: close, for strace would leave the descriptor open, which no kernel does; short writes, for
it would claim a write that never was: a limit on the size of files makes true ones (disks.py).
"""
import re
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count, takewhile
from pathlib import Path

from checker import check
from fleet import Fleet, Style, introduce
from ledger import Ledger

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import Broker, Sink, wait_for  # noqa: E402
from tracing import attach  # noqa: E402

WRITING = ("pwrite64", "pwritev", "fdatasync", "fsync", "syncfs", "ftruncate", "renameat", "unlink",
           "unlinkat", "mkdir", "mkdirat", "openat", "rename", "renameat2", "write")
READING = ("pread64", "newfstatat", "getdents64", "fcntl", "flock", "fstatfs", "faccessat", "access",
           "readlink", "mmap", "lseek")
# What a disk over its quota, or one that became read-only, refuses.
REFUSED = ("pwrite64", "pwritev", "ftruncate", "renameat", "unlink", "unlinkat", "mkdirat", "openat",
           "fallocate")
SYNCS = ("fdatasync", "fsync", "syncfs")
PHASES = ("start", "again", "work", "reopen")
RUNNING = ("work", "reopen")  # strace comes to a sink that stands
# strace counts for each thread, and each connection is made by a new one: of what sockets are asked
# too, only what the catalog is asked for counts.
OF_SOCKETS_TOO, CATALOG = ("fcntl",), ("catalog.db", "catalog.db-wal", "catalog.db-shm")
KILL = "signal=KILL"
ERRORS = ("error=EIO", "error=ENOSPC", "error=EROFS", "error=EDQUOT")
# What is started, restarted under its old name, counted in frames, and sealed.
STYLES = (Style("seq-frame"), Style("seq", frame=False, runs=2), Style("frame", seq=False, varied=True))
# LeakSanitizer does not work in a traced process.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}
SETTINGS = {"session.idle_timeout_s": 600, "ingest.commit_interval_ms": 5}
BY_SIGNAL = -signal.SIGKILL
START_FAILED = (1, 75, 78, 127)  # of a sink that says why it does not start; of its loader


def kinds(phase, effect):
    """The calls that are met: at start, when libraries are loaded too, no opening and no mapping;
    `write` is of sockets and eventfds, where no disk fails."""
    if effect == KILL:
        calls = WRITING
    elif effect in ERRORS[2:]:
        calls = REFUSED
    else:
        calls = tuple(c for c in WRITING if c != "write") + READING
    loading = ("openat", "write", "pread64", "mmap", "access", "lseek", "readlink")
    return tuple(c for c in calls if phase in RUNNING or c not in loading)


class Round:
    """One round of the workload on a fresh store, the Nth `call` met by `effect`."""

    def __init__(self, build, folder, broker, phase, call, effect, number):
        self.folder, self.broker, self.phase, self.effect = Path(folder), broker, phase, effect
        self.call, self.number = call, number
        self.ledger, self.numbers = Ledger(), count(1)
        self.log = self.folder / "strace"
        self.sink = Sink(build, folder, broker, SETTINGS, env=TRACED)
        self.findings = []
        self.stands = 0  # how often it was said in the log that audio is taken in

    def inject(self):
        traced, first, only = self.call, [], []
        if self.call in OF_SOCKETS_TOO:
            only = [word for name in CATALOG for word in ("-P", self.sink.store / name)]
        if self.phase == "reopen":
            trigger = "fdatasync" if self.call != "fdatasync" else "pwritev"
            traced, first = f"{self.call},{trigger}", ["-e", f"inject={trigger}:error=EIO:when=1"]
        return ["strace", "-o", self.log, "-e", f"trace={traced}", *first, *only,
                "-e", f"inject={self.call}:{self.effect}:when={self.number}"]

    def launch_traced(self):
        """Start it, traced from the beginning or from when it stands."""
        if self.phase not in RUNNING:
            self.sink._wrapper = [*self.inject(), "-D"]
            self.sink.launch()
            self.sink._wrapper = []
            return
        self.sink.launch()
        self.wait_ready()
        attach(self.sink.program.pid, self.inject(), self.folder / "tracer")

    def leave_half_a_batch(self, fleet):
        """Kill it when it has committed one batch and written some of the next."""
        self.sink.settings |= {"ingest.commit_interval_ms": 300, "ingest.commit_bytes": 4096}
        fleet.start()
        self.sink.launch()
        wait_for(lambda: fleet.check() or fleet.acknowledgements, "an acknowledgement")
        self.sink.kill()
        self.sink.settings |= SETTINGS | {"ingest.commit_bytes": 4 << 20}

    def wait_ready(self):
        self.stands += 1
        wait_for(lambda: self.sink.log().count("taking in audio") >= self.stands
                 or not self.sink.program.running(), "the sink to take in audio")

    def met(self):
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return any("+++ killed by SIGKILL" in line or self.call in line and "(INJECTED)" in line
                   for line in lines)

    def ended(self):
        """Whether it has ended; a status that it should not end with is a finding."""
        if self.sink.program.running():
            return False
        status = self.sink.program.wait()
        if status == BY_SIGNAL and self.effect == KILL:
            return True
        if self.phase not in RUNNING and status in START_FAILED and self.effect != KILL:
            return True
        self.findings.append(f"the sink ended with {status}:\n{self.sink.log()[-2000:]}")
        return True

    def record(self, fleet):
        """Let the fleet end what it has begun; a sink that ended is started anew, untraced."""
        fleet.begin_no_more()
        wait_for(lambda: fleet.check() or fleet.idle() or self.ended(), "the recordings", 40)
        if self.findings or fleet.idle():
            return
        self.findings += self.check_store()
        if not self.findings:
            self.start_again()
            fleet.finish(40)

    def stop(self):
        """An orderly end, which the fault may meet too."""
        if self.sink.program.running():
            self.sink.program.send(signal.SIGTERM)
        status = self.sink.program.wait()
        if status == BY_SIGNAL and self.effect == KILL:
            self.findings += self.check_store()
            status = self.start_and_stop()
        elif status == 0 and "ending: " in self.sink.log():
            # What an end that failed left is put right by the next start.
            status = self.start_and_stop()
        if status != 0:
            self.findings.append(f"the sink ended with {status}:\n{self.sink.log()[-2000:]}")

    def start_again(self):
        """Untraced. One that does not stand yet may not be told to end: it would die of that."""
        self.stands = self.sink.log().count("taking in audio")
        self.sink.launch()
        self.wait_ready()

    def start_and_stop(self):
        self.start_again()
        return self.sink.program.terminate()

    def look_for_silent_sync(self):
        """A failed sync that nobody heard of was counted as a good one."""
        if self.effect == KILL or self.call not in SYNCS or self.phase != "work":
            return
        said = re.search(r"could not be stored|does not open|after a commit|ending:", self.sink.log())
        if self.met() and not said:
            self.findings.append("a sync failed, and the sink did not notice")

    def check_store(self, **options):
        return check(self.sink.store, self.ledger, **options)

    def run(self):
        """Returns whether the call was met, and findings."""
        self.live()
        if not self.findings:
            self.sink.check()
            self.look_for_silent_sync()
            self.findings += self.check_store(settled=True, complete=True)
        return self.met(), self.findings

    def live(self):
        """Start the sink, give it its work, and end it."""
        fleet = Fleet(self.broker, self.ledger, len(STYLES), fragments=10, frames=20, styles=STYLES,
                      numbers=self.numbers)
        with closing(fleet):
            if self.phase == "again":
                self.leave_half_a_batch(fleet)
            self.launch_traced()
            if self.phase != "again":
                fleet.start()
            self.record(fleet)
            if not self.findings:
                self.stop()

    def close(self):
        if self.sink.program:
            self.sink.program.kill()


def one(build, folder, phase, call, effect, number, make_round=Round):
    """On a broker of its own: what one round sent twice must not come to the next."""
    shutil.rmtree(folder, ignore_errors=True)
    with Broker(Path(folder, "broker"), log_types=("error",)) as broker:
        introduce(build, folder, broker)
        turn = make_round(build, folder, broker, phase, call, effect, number)
        try:
            met, findings = turn.run()
        except AssertionError as error:
            met, findings = True, [f"{error}\n{turn.sink.log()[-2000:]}"]
        finally:
            turn.close()
    return met, [f"{phase}, {call} number {number}, {effect}: {line}" for line in findings]


# Sweeps: many rounds, side by side, for a failing call mostly waits for the next attempt


def meet(build, folder, phase, call, effect, numbers, make_round=Round):
    """Meet the call at each of `numbers`, until one is not reached. Returns how many were met,
    whether a round passed untouched, and findings; ends at the first finding."""
    reached = 0
    for number in numbers:
        met, findings = one(build, folder, phase, call, effect, number, make_round)
        if findings or not met:
            return reached + met, not met, findings
        reached += 1
    return reached, False, []


def plan(effects, phases=PHASES):
    return [(phase, call, effect)
            for effect in effects for phase in phases for call in kinds(phase, effect)]


def side_by_side(build, jobs, firsts, until, workers, make_round=Round):
    """Meet each job's call from its number in `firsts` on, until a round passes untouched or the
    time is over. Returns what `meet` does, for each."""
    def go_on(place, job, first):
        if time.monotonic() > until:
            return 0, False, []
        in_time = takewhile(lambda _: time.monotonic() < until, count(first))
        return meet(build, Path(folder, str(place)), *job, in_time, make_round)

    with tempfile.TemporaryDirectory(prefix="torture-calls-") as folder:
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(go_on, range(len(jobs)), jobs, firsts))


def sweep(build, jobs, numbers, workers=4, make_round=Round):
    """Meet each job's call. Returns how many were met, and findings."""
    with tempfile.TemporaryDirectory(prefix="torture-calls-") as folder:
        with ThreadPoolExecutor(workers) as pool:
            results = list(pool.map(
                lambda numbered: meet(build, Path(folder, str(numbered[0])), *numbered[1], numbers,
                                      make_round),
                enumerate(jobs)))
    return sum(met for met, _, _ in results), [line for _, _, said in results for line in said]
