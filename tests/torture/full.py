#!/usr/bin/python3
"""full.py BUILD FOLDER WAY TIMES SEED PATIENCE: the disk fills up under a sink that records.

Recorders go on until the disk takes no more. Then the sink says so in its retained status, answers
questions, and acknowledges nothing that it has not got; when there is room again it is back by
itself within PATIENCE seconds. Again and again, each time with other room left, so that other calls
meet the end of the disk. Prints {"reached", "slowest_s", "findings"} as JSON; started by `run`, in a
mount namespace of its own.
"""
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import disks
from checker import check, read_fragments, read_wav
from fleet import Fleet, introduce
from ledger import Ledger

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))
from harness import RequestFailed, Watcher  # noqa: E402
from lab import PATIENCE_S, PREFIX, Broker, NotReady, Sink, die_with_parent, wait_for  # noqa: E402

DEVICES, FRAGMENTS = 5, 40
BACK_S = 10  # of the disk being well
SETTINGS = {"session.idle_timeout_s": 600, "limits.new_recordings_per_minute": 60_000}
STATUS = f"{PREFIX}/status/sink"


class Round:
    """One store on one small disk."""

    def __init__(self, build, folder, broker, way, seed, patience_s):
        self.generator, self.patience_s = random.Random(seed), patience_s
        self.disk = disks.WAYS[way]()
        self.folder, self.ledger = Path(folder), Ledger()
        settings = SETTINGS | {
            "store.dir": self.disk.prepare(folder),
            "ingest.commit_interval_ms": self.generator.choice([0, 5, 50]),
        }
        self.sink = Sink(build, folder, broker, settings)
        self.fleet = Fleet(broker, self.ledger, DEVICES, FRAGMENTS, numbers=count(1))
        self.watcher = Watcher(broker)
        self.findings, self.slowest_s = [], 0.0

    def wait_stalled(self, after):
        """Until the retained status says why it is stalled; the reason is one of a disk."""

        def stalled(message):
            return message.topic == STATUS and message.document.get("state") == "stalled"

        message = self.watcher.wait_message(stalled, "status stalled", after, 2 * PATIENCE_S)
        reason = message.document["reason"]
        if not any(words in reason for words in self.disk.reasons):
            self.findings.append(f"stalled, and the reason is not the disk's: {reason!r}")
        if not self.sink.program.running():
            self.findings.append(f"the sink has ended with {self.sink.program.wait()}")

    def ask(self):
        """Questions are answered all the time, with what was acknowledged."""
        recordings, held, _ = self.ledger.snapshot()
        known = [recordings[key] for key in recordings if held[key]]
        if not known:
            return
        recording = self.generator.choice(known)
        name = {"device": recording.device, "session": recording.session}
        try:
            self.watcher.request("list", {"limit": 5})
            self.watcher.request("info", name)
            answer = self.watcher.ask("download", name)
        except RequestFailed as error:
            self.findings.append(f"while stalled: {error}")
            return
        if answer.user.get("status") != "ok":
            self.findings.append(f"download while stalled: {answer.payload[:300]!r}")
            return
        path = self.folder / "downloaded.wav"
        path.write_bytes(answer.payload)
        fragments, _, torn = read_fragments(recording, read_wav(path)[1])
        lost = held[recording.device, recording.session] - {(run, seq) for run, seq, _ in fragments}
        self.findings += [f"downloaded while stalled: {line}" for line in torn]
        self.findings += [f"downloaded while stalled, without {sorted(lost)}"] if lost else []

    def lives(self):
        """The connections of the sink that have said a status: what one said last may come late."""
        return {m.document["connected_at"] for m in self.watcher.messages
                if m.topic == STATUS and "state" in m.document}

    def start_anew(self):
        """Killed with the disk full, started with it full."""
        self.sink.kill()
        self.findings += check(self.sink.store, self.ledger)
        before = self.lives()
        self.sink.launch()
        self.disk.bound(self.sink)

        def told():
            assert self.sink.program.running(), "started on a full disk, the sink ended"
            return bool(self.lives() - before)

        wait_for(told, "a status of the sink that was started on a full disk")

    def stall(self, hard):
        """Fill the disk, and look at the sink. `hard`: all of the disk, and with a start on it."""
        after = len(self.watcher.messages)
        self.disk.fill(self.sink, self.generator)
        self.wait_stalled(after)
        if hard or self.generator.random() < 0.7:
            wait_for(self.disk.press, "the disk to take nothing more")
        if hard or self.generator.random() < 0.3:
            self.start_anew()
        for _ in range(self.generator.randrange(1, 4)):
            self.ask()
            time.sleep(self.generator.random())

    def recover(self):
        """There is room again: how long until the next acknowledgement?"""
        before = self.fleet.acknowledgements
        self.disk.well(self.sink)
        well_s = time.monotonic()
        try:
            wait_for(lambda: self.fleet.check() or self.fleet.acknowledgements > before,
                     "an acknowledgement", self.patience_s)
        except NotReady:
            self.findings.append(f"not back {self.patience_s:.0f} s after the disk was well")
        self.slowest_s = max(self.slowest_s, time.monotonic() - well_s)

    def run(self, times):
        """Returns how often the disk was full."""
        self.sink.start()
        self.fleet.start()
        wait_for(lambda: self.fleet.acknowledgements > 20, "acknowledgements")
        reached = 0
        while reached < times and not self.findings:
            self.stall(hard=reached == 0)
            self.recover()
            reached += 1
        if not self.findings:
            self.fleet.finish()
            self.sink.stop()
            self.sink.check()
            self.findings += check(self.sink.store, self.ledger, settled=True, complete=True)
        self.findings += self.watcher.violations
        return reached

    def close(self):
        self.fleet.close()
        self.watcher.close()
        if self.sink.program:
            self.sink.program.kill()


def main():
    build, folder, way, times, seed, patience_s = sys.argv[1:]
    with Broker(Path(folder, "broker"), log_types=("error", "warning")) as broker:
        introduce(build, folder, broker)
        turn = Round(build, folder, broker, way, int(seed), float(patience_s))
        reached = 0
        with closing(turn):
            try:
                reached = turn.run(int(times))
            except AssertionError as error:
                turn.findings.append(str(error))
            if turn.findings:
                turn.findings.append(turn.sink.log()[-3000:])
                if turn.sink.store.is_dir():
                    turn.sink.program.kill()
                    shutil.copytree(turn.sink.store, Path(folder, "kept"), dirs_exist_ok=True)
    print(json.dumps({"reached": reached, "slowest_s": turn.slowest_s, "findings": turn.findings}))


def run(build, way, times, seed, keep=None, patience_s=BACK_S):
    """Fill a disk `times` times. Returns how often it was full, how long the sink took at most to
    be back, and findings; with any, what there was is kept under `keep`."""
    folder = tempfile.mkdtemp(prefix="torture-full-")
    alone = [] if way == "file size" else ["unshare", "-m", "--propagation", "private"]
    command = [*alone, "/usr/bin/python3", "-B", __file__, build, folder, way, str(times), str(seed),
               str(patience_s)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              preexec_fn=die_with_parent)
        if done.returncode:
            return 0, 0.0, [f"{way}, seed {seed}: {done.stderr[-3000:]}"]
        said = json.loads(done.stdout.splitlines()[-1])
        if said["findings"] and keep:
            shutil.copytree(folder, Path(keep, f"full-{seed}"), dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("image", "disk"))
        return said["reached"], said["slowest_s"], [
            f"{way}, seed {seed}: {line}" for line in said["findings"]]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_ways(build, ways, times, seed, keep=None, patience_s=BACK_S):
    """The same in each way, side by side: what `run` returns, for each."""
    with ThreadPoolExecutor(len(ways)) as pool:
        return list(pool.map(lambda way: run(build, way, times, seed, keep, patience_s), ways))


if __name__ == "__main__":
    main()
