"""Kill -9 at random moments: recorders at full speed, the sink killed again and again."""
import random
import shutil
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

DEVICES = 20
CHECK_EVERY = 10  # kills; in between, the store is looked at as the kill left it
QUIET = ("error", "warning")
RATE = 1600  # frames a second: a recording is of one to three seconds, so of as many parts
SETTINGS = {"session.idle_timeout_s": 600, "limits.new_recordings_per_minute": 60_000}


def settings_of(generator):
    """How fast batches follow each other: now one for every fragment, now large ones. Recordings
    may become as long as they like, or go on in parts."""
    return SETTINGS | {
        "ingest.commit_interval_ms": generator.choice([0, 2, 10, 50]),
        "ingest.commit_bytes": generator.choice([4096, 65536, 4 << 20]),
        "session.max_duration_s": generator.choice([0, 1, 1]),
    }


def kill_once(sink, fleet, generator):
    """Start it, let it live for a moment, kill it: in its start, or under load."""
    sink.settings |= settings_of(generator)
    sink.launch()
    before = fleet.acknowledgements
    if generator.random() < 0.25:
        time.sleep(generator.uniform(0, 0.1))
    else:
        wait_for(lambda: fleet.acknowledgements > before or not sink.program.running(),
                 "an acknowledgement")
        time.sleep(generator.expovariate(1 / 0.08))
    fleet.check()
    sink.kill()


def kills(build, folder, seed, times, deadline=None):
    """Kill `times` times, or until the deadline. Returns kills reached and findings."""
    generator, ledger, numbers = random.Random(seed), Ledger(), count(1)
    findings, reached = [], 0
    folder = Path(folder)
    with Broker(folder / "broker", log_types=QUIET) as broker:
        introduce(build, folder, broker)
        sink = Sink(build, folder, broker, settings_of(generator))
        with Fleet(broker, ledger, DEVICES, numbers=numbers, rate=RATE) as fleet:
            while reached < times and not findings and not (deadline and time.monotonic() > deadline):
                kill_once(sink, fleet, generator)
                reached += 1
                if reached % CHECK_EVERY == 0:
                    findings = [f"after kill {reached}: {line}" for line in check(sink.store, ledger)]
            if not findings:
                sink.launch()
                fleet.finish()
                sink.stop()
                sink.check()
                findings = check(sink.store, ledger, with_sox=True, settled=True, complete=True)
    return reached, findings


def run(build, times, seed, deadline=None, keep=None):
    """The same in a folder of its own, which is kept under `keep` if there is a finding."""
    folder = Path(tempfile.mkdtemp(prefix="torture-kill-"))
    try:
        reached, findings = kills(build, folder, seed, times, deadline)
        if findings and keep:
            shutil.copytree(folder, Path(keep, f"kill-{seed}"), dirs_exist_ok=True)
        return reached, findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
