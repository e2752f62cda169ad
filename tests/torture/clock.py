"""The wall clock is stepped back and forth under a sink that records: shim/clock.c moves it, by
seconds, hours, days, to before 1970 and past 2038. The sink is killed and started now and then.

Nothing may be lost, end early or stand still because of it, and what is asked is answered.
"""
import datetime
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from checker import check, read_wav
from fleet import Fleet, introduce
from ledger import Ledger
from marked import CHANNELS, RATE, SAMPLE_BYTES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))
from harness import Client, Format, Recorder  # noqa: E402
from lab import PREFIX, Broker, Sink, wait_for  # noqa: E402

DEVICES = 5
KILL_EVERY, LOOK_EVERY = 7, 5  # steps
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
SETTINGS = {"session.idle_timeout_s": 600, "ingest.commit_interval_ms": 10,
            "limits.new_recordings_per_minute": 60_000}
SANE_S = 600  # how far an event's time may be from the clock as the sink was shown it


class Clock:
    """The wall clock of the processes that are given `env`."""

    def __init__(self, folder):
        path, shim = Path(folder, "clock"), Path(folder, "clock.so")
        source = Path(__file__).parent / "shim" / "clock.c"
        subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, source],
                       check=True)
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self.env = {"LD_PRELOAD": str(shim), "REEL_CLOCK_FILE": str(path)}
        self.shown = [0]  # by how much it was moved, in seconds

    def move(self, seconds):
        """To so many seconds from the true time."""
        self.shown.append(seconds)
        struct.pack_into("<q", self._map, 0, int(seconds * 1_000_000))

    def was_shown(self, text):
        """Whether a time in RFC 3339 is one that the processes may have seen."""
        said = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        return any(abs(said - time.time() - moved) < SANE_S for moved in self.shown)


def next_move(generator, moved):
    """A step of any size, or to a time that programs trip over."""
    if generator.random() < 0.3:
        year = generator.choice([1969, 1970, 2000, 2038, 2039, 2106, 2400])
        return (year - 1970) * YEAR + generator.uniform(-DAY, DAY) - time.time()
    size = generator.choice([0.5, 5, 60, HOUR, DAY, 30 * DAY])
    moved += generator.choice([-1, 1]) * size * generator.uniform(0.1, 2)
    return moved if -60 * YEAR < moved < 500 * YEAR else 0.0


class Run:
    """A sink whose clock is stepped, and who records at it."""

    def __init__(self, build, folder, seed):
        self.generator, self.ledger = random.Random(seed), Ledger()
        self.clock = Clock(folder)
        self.findings, self.steps = [], 0
        self.broker = Broker(Path(folder, "broker"), log_types=("error", "warning")).start()
        introduce(build, folder, self.broker)
        self.client = Client(self.broker)
        self.client.subscribe(f"{PREFIX}/event/#")
        self.heard = 0  # events that were looked at
        self.sink = Sink(build, folder, self.broker, SETTINGS, env=self.clock.env)
        self.fleet = Fleet(self.broker, self.ledger, DEVICES, frames=20, numbers=count(1))
        self.quiet = Recorder(self.client, "quiet", form=Format(CHANNELS, RATE, SAMPLE_BYTES))

    def start(self):
        self.sink.start()
        self.quiet.store(frames=1)  # it says nothing more, and must not be taken for idle
        self.fleet.start()

    def close(self):
        self.fleet.close()
        self.client.close()
        if self.sink.program:
            self.sink.program.kill()
        self.broker.stop()

    def step(self):
        self.steps += 1
        self.clock.move(next_move(self.generator, self.clock.shown[-1]))
        if self.steps % KILL_EVERY == 0:
            self.sink.kill()
            self.sink.start()
        self.wait_acknowledged()
        if self.steps % LOOK_EVERY == 0:
            self.look_at_header()
            self.ask()
        self.look_at_events()

    def wait_acknowledged(self):
        before = self.fleet.acknowledgements

        def more():
            self.fleet.check()
            return self.fleet.acknowledgements >= before + 2 * DEVICES

        wait_for(more, f"acknowledgements after step {self.steps}")

    def look_at_header(self):
        """A header follows its audio: that of the quiet recording, which grows by a frame. It may
        be some seconds late, and the clock says that these are over, or not begun."""
        self.quiet.store(frames=1)
        self.clock.move(self.clock.shown[-1] + self.generator.choice([-HOUR, HOUR]))
        path = self.sink.wav(self.quiet.device, self.quiet.session)

        def follows():
            header_frames, frames = read_wav(path)
            return header_frames == len(frames)

        wait_for(follows, "the header to say what the file holds")

    def ask(self):
        """Lists in both orders are whole, and what is asked by time is answered."""
        everything = self.names({})
        for sort in ("started", "-started"):
            self.expect(everything <= self.names({"sort": sort}), f"a list by {sort} is not whole")
        known = self.quiet.info()["started_at"]
        since, until = self.names({"since": known}), self.names({"until": known})
        self.expect(("quiet", "s1") in since and ("quiet", "s1") not in until, "since and until")
        self.expect(everything <= since | until, "since and until leave something out")
        status = self.client.request("status")
        self.expect(status["state"] == "ok", f"status: {status['state']}")

    def names(self, question):
        """What all pages of a list name."""
        names, cursor = set(), None
        while True:
            page = self.client.request("list", question | {"limit": 50} | (
                {"cursor": cursor} if cursor else {}))
            names |= {(row["device"], row["session"]) for row in page["recordings"]}
            cursor = page["next_cursor"]
            if not cursor:
                return names

    def look_at_events(self):
        """Nothing was idle, and no event is of a time that never was."""
        events = self.client.messages[self.heard:]
        self.heard += len(events)
        for message in (m for m in events if "/event/" in m.topic):
            event = message.document
            self.expect(event["recording"].get("end_reason") != "idle", f"idle: {message.topic}")
            self.expect(self.clock.was_shown(event["time"]),
                        f"{event['event']} of {message.topic} at {event['time']}")

    def expect(self, holds, what):
        if not holds:
            self.findings.append(f"step {self.steps}, clock at {self.clock.shown[-1]:+.0f} s: {what}")

    def finish(self):
        """All that was recorded is there; and what is silent is idle in the end, whatever the
        clock says."""
        self.fleet.finish()
        self.sink.stop()
        self.sink.check()
        quiet = f"{self.quiet.device}/{self.quiet.session}: nobody recorded this"
        said = check(self.sink.store, self.ledger, with_sox=True, settled=True, complete=True)
        self.findings += [line for line in said if line != quiet]
        self.sink.settings["session.idle_timeout_s"] = 1
        self.sink.start()
        self.clock.move(self.clock.shown[-1] - DAY)
        wait_for(lambda: self.quiet.info()["end_reason"] == "idle", "what is silent to be idle")


def steps(build, folder, seed, times, deadline=None):
    """Step the clock `times` times, or until the deadline. Returns steps and findings."""
    run = Run(build, folder, seed)
    try:
        run.start()
        while run.steps < times and not run.findings and not (
                deadline and time.monotonic() > deadline):
            run.step()
        if not run.findings:
            run.finish()
        return run.steps, run.findings
    finally:
        run.close()


def run(build, times, seed, deadline=None, keep=None):
    """The same in a folder of its own, which is kept under `keep` if there is a finding."""
    folder = Path(tempfile.mkdtemp(prefix="torture-clock-"))
    try:
        reached, findings = steps(build, folder, seed, times, deadline)
        if findings and keep:
            shutil.copytree(folder, Path(keep, f"clock-{seed}"), dirs_exist_ok=True)
        return reached, findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
