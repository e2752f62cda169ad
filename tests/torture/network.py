"""Network: the broker killed every few seconds, connections that stall, half-close and break, a sink
that is away for longer than the broker's queue lasts; recorders with a spool."""
import fcntl
import random
import shutil
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import suppress
from pathlib import Path

import checker
from ledger import Ledger
from marked import CHANNELS, FRAME_BYTES, RATE, SAMPLE_BYTES, Recording

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import TREE, Broker, NotReady, Sink, die_with_parent, wait_for  # noqa: E402
from proxy import DOWN, UP, WAYS, Proxy  # noqa: E402

RECORDERS = 4
FRAGMENT_MS = 5
FRAMES = RATE * FRAGMENT_MS // 1000
FRAGMENT_BYTES = FRAMES * FRAME_BYTES
HEAD_BYTES = 65536  # what the publisher reads at once, and no more before all of it is kept
QUEUE = 100  # messages that the broker keeps for a sink that is away
# As the README's `conf broker`, but for the length of the queue.
BROKER = f"""max_queued_messages {QUEUE}
max_queued_bytes 536870912
message_size_limit 16777216
autosave_on_changes false
autosave_interval 60
"""
# The sink is to notice within seconds that nobody is there any more.
SETTINGS = {"session.idle_timeout_s": 600, "broker.keepalive_s": 5}
SINK, ALL = "reeld-", ""  # in the CONNECT of whom a fault is for


class SpoolingRecorder:
    """A `reel publish --spool`, fed with audio that says where it belongs. `sure` and `fed` count
    fragments for each run of it: what it has taken in, and what it was given."""

    def __init__(self, build, folder, network, number):
        self.folder = Path(folder, f"mic{number}")
        self.folder.mkdir()
        self.device, self.number = f"mic{number}", number
        words = ["-h", network.host, "-p", network.port, "--id", f"recorder-{number}", "-q",
                 "--device", self.device, "--session", "s", "--spool", self.folder / "spool",
                 "--timeout", 180, "--rate", RATE, "--channels", CHANNELS,
                 "--sample-size", SAMPLE_BYTES, "--fragment-ms", FRAGMENT_MS, "-"]
        self._command = [str(word) for word in [Path(TREE, build, "reel"), "publish", *words]]
        self._process = None
        self.sure, self.fed = [], []

    def _recording(self, runs=255, fragments=(1 << 20) - 1):
        return Recording(self.number, self.device, "s", fragments, FRAMES, runs)

    def launch(self):
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, bufsize=0,
                preexec_fn=die_with_parent)
        self.sure.append(0)
        self.fed.append(0)

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[self._process.stdin.write(view):]

    def feed(self, fragments):
        run, first = len(self.fed) - 1, self.fed[-1]
        data = [self._recording().data(run, first + n) for n in range(fragments)]
        self.fed[-1] += fragments
        self._write(b"".join(data))

    def unread_bytes(self):
        """What lies in the pipe."""
        answer = fcntl.ioctl(self._process.stdin, termios.FIONREAD, bytes(4))
        return int.from_bytes(answer, sys.byteorder)

    def kill(self, settled):
        """Kill -9; `settled`: once it has taken in all that it was given. Who reads half a fragment
        more has kept all that was whole; that half it may lose."""
        if settled:
            wait_for(lambda: self.unread_bytes() == 0, "the pipe to be read")
            self._write(self._recording().data(len(self.fed) - 1, self.fed[-1])[: FRAGMENT_BYTES // 2])
            wait_for(lambda: self.unread_bytes() == 0, "half a fragment to be read")
            self.sure[-1] = self.fed[-1]
        else:
            read_bytes = self.fed[-1] * FRAGMENT_BYTES - self.unread_bytes()
            self.sure[-1] = max((read_bytes - HEAD_BYTES) // FRAGMENT_BYTES - 1, 0)
        self.check_running()
        self.abandon()

    def abandon(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()

    def check_running(self):
        if self._process.poll() is not None:
            raise NotReady(f"{self.device} ended with {self._process.returncode}:\n{self.log()}")

    def end_of_input(self):
        self.sure[-1] = self.fed[-1]
        self._process.stdin.close()

    def finish(self):
        """Wait until it has sent everything; return findings."""
        findings = []
        try:
            if self._process.wait(240) != 0:
                findings.append(f"{self.device}: exit status {self._process.returncode}:"
                                f" {self.log()[-500:]}")
        except subprocess.TimeoutExpired:
            findings.append(f"{self.device}: does not come to an end: {self.log()[-500:]}")
        left = sorted(path.name for path in (self.folder / "spool").glob("*.spool"))
        return findings + ([f"{self.device}: {left} stay in the spool"] if left else [])

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def add_to(self, ledger):
        """What it has taken in must be in the recording."""
        recording = self._recording(runs=len(self.fed), fragments=max(self.fed))
        ledger.add(recording)
        ledger.acknowledged[self.device, "s"] = {
            (run, seq) for run, sure in enumerate(self.sure) for seq in range(sure)}
        return recording

    def check(self, store, recording, row):
        """Every run whole from its beginning, up to somewhere between `sure` and `fed`."""
        name = f"{self.device}/s"
        if row is None:
            return []  # the checker has said so
        if (row["state"], row["gap_frames"]) != ("complete", 0):
            return [f"{name}: {row['state']}, with {row['gap_frames']} frames of gaps"]
        _, words = checker.read_wav(Path(store, "recordings", self.device, "s.wav"))
        found, _, _ = checker.read_fragments(recording, words)
        findings = []
        for run, (sure, fed) in enumerate(zip(self.sure, self.fed)):
            seqs = [seq for at_run, seq, _ in found if at_run == run]
            if seqs != list(range(len(seqs))) or not sure <= len(seqs) <= fed:
                findings.append(f"{name}: of run {run}, {len(seqs)} fragments, up to"
                                f" {max(seqs, default=None)}; {sure} to {fed} are right")
        return findings


class Campaign:
    """Broker, network, sink and recorders, and what happens to them, by `generator`."""

    def __init__(self, build, folder, generator):
        self.generator = generator
        self.broker = Broker(folder / "broker", extra=BROKER, persistence=True,
                             log_types=("error", "warning")).start()
        self.network = Proxy(self.broker)
        self.sink = Sink(build, folder, self.broker, SETTINGS | {
            "broker.port": self.network.port,
            "ingest.commit_interval_ms": generator.choice([0, 20, 200]),
        })
        self.recorders = [SpoolingRecorder(build, folder, self.network, n + 1)
                          for n in range(RECORDERS)]
        self.told = []  # what was done, for whoever reads a finding

    def __enter__(self):
        """The sink knows each of them, so that they send on while it is away."""
        self.sink.launch()
        for recorder in self.recorders:
            recorder.launch()
        self.feed(1, 2)
        wait_for(lambda: len(self.recordings()) == RECORDERS, "the beginning of each recording")
        return self

    def __exit__(self, *_):
        for recorder in self.recorders:
            recorder.abandon()
        self.sink.program.kill()
        self.network.close()
        self.broker.stop(kill=True)

    # One round

    def disturb(self):
        """One fault of the net; returns how it is left behind."""
        dice, network = self.generator, self.network
        whom = dice.choice([ALL, ALL, SINK, "reeld-sink-ingest", "recorder-1"])
        ways = dice.choice([(UP,), (DOWN,), WAYS])
        name = dice.choice(["stall", "stall", "close_half", "cut_after", "reset", "refuse", "delay",
                            "slow", "freeze"])
        self.told.append(f"{name} {'/'.join(ways)} of {whom or 'all'}")
        if name == "cut_after":
            network.cut_after(dice.randrange(1, 20_000), *ways, only=whom)
        elif name == "refuse":
            network.refuse()
            network.reset()
        elif name == "delay":
            network.delay(dice.uniform(0.05, 0.5), *ways, only=whom)
        elif name == "slow":
            network.slow(dice.randrange(2_000, 200_000), *ways, only=whom)
        elif name == "reset":
            network.reset(whom)
        elif name == "freeze":
            network.freeze(dice.choice([SINK, SINK, SINK, "recorder-2"]))
        else:
            getattr(network, name)(*ways, only=whom)
        return dice.choice([network.heal, lambda: (network.reset(), network.heal())])

    def feed(self, least, most):
        for recorder in self.recorders:
            recorder.feed(self.generator.randrange(least, most))

    def kill_recorder(self):
        recorder, settled = self.generator.choice(self.recorders), self.generator.random() < 0.5
        self.told.append(f"kill {recorder.device}{', settled' if settled else ''}")
        recorder.kill(settled)
        recorder.launch()

    def restart_broker(self):
        """Kill it and start it; with luck it has just written down what it has in flight."""
        self.told.append("kill the broker")
        self.broker.stop(kill=True)
        self.pause(0.3)
        self.broker.restart()

    def overrun(self):
        """The sink goes, and the broker is given more than it keeps."""
        self.told.append("sink away")
        self.sink.kill() if self.generator.random() < 0.5 else self.sink.stop()
        before, more = self.network.carried_bytes(UP), 2 * QUEUE * FRAGMENT_BYTES
        self.feed(QUEUE, 2 * QUEUE)
        with suppress(NotReady):  # who was killed just now sends little before the sink knows it
            wait_for(lambda: self.network.carried_bytes(UP) > before + more, "an overrun", 15)
            self.told.append("queue overrun")

    def pause(self, most_s):
        time.sleep(self.generator.uniform(0, most_s))

    def round(self):
        dice = self.generator
        self.told.append("--")
        self.feed(20, 100)
        self.restart_broker()
        away = dice.random() < 0.25
        if away:
            self.overrun()
        leave = self.disturb()
        self.feed(20, 100)
        self.pause(0.5)
        if dice.random() < 0.4:
            self.kill_recorder()
        self.pause(1.5)
        leave()
        if away:
            self.sink.launch()
        self.feed(20, 100)
        self.await_progress()
        for recorder in self.recorders:
            recorder.check_running()

    def recordings(self):
        return list(self.sink.store.glob("recordings/*/*.wav"))

    def recorded_bytes(self):
        return sum(path.stat().st_size for path in self.recordings())

    def await_progress(self, patience_s=12):
        """Give the waits between attempts the time to pass, so that the next round meets work."""
        before, deadline = self.recorded_bytes(), time.monotonic() + patience_s
        while time.monotonic() < deadline and self.recorded_bytes() == before:
            time.sleep(0.05)
        if not self.sink.program.running():
            raise NotReady(f"reeld ended by itself:\n{self.sink.log()[-4000:]}")

    # The end

    def finish(self):
        """All is well again: everything that was taken in is recorded. Returns findings."""
        self.network.heal()
        for recorder in self.recorders:
            recorder.end_of_input()
        findings = [line for recorder in self.recorders for line in recorder.finish()]
        self.sink.stop()
        ledger = Ledger()
        recordings = [recorder.add_to(ledger) for recorder in self.recorders]
        findings += checker.check(self.sink.store, ledger, settled=True)
        rows, _ = checker.read_catalog(self.sink.store)
        for recorder, recording in zip(self.recorders, recordings):
            findings += recorder.check(self.sink.store, recording, rows.get((recorder.device, "s")))
        return findings + (["after: " + "; ".join(self.told)] if findings else [])


def run(build, rounds, seed, deadline=None, keep=None):
    """So many rounds, or until the deadline. Returns rounds reached and findings; the folder with
    everything is kept under `keep` if there are any."""
    folder = Path(tempfile.mkdtemp(prefix="torture-network-"))
    reached = 0
    try:
        with Campaign(build, folder, random.Random(seed)) as campaign:
            while reached < rounds and not (deadline and time.monotonic() > deadline):
                campaign.round()
                reached += 1
            findings = campaign.finish()
        if findings and keep:
            shutil.copytree(folder, Path(keep, f"network-{seed}"), dirs_exist_ok=True)
        return reached, findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
