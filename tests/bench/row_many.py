"""Many recordings open at once, each of which grows a little now and then: memory, descriptors."""
import json
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from fleet import Fleet
from lab import TREE
from measure import peak_bytes
from row import Curve, Row

RECORDINGS, EACH, EVERY_S = 20000, 4, 4
MEMORY_MOST_MIB = 96
DESCRIPTORS = 1024
MIB = 1 << 20
# One more is open while the last batch is closed (bench_load.c).
STAY_OPEN = {"session.idle_timeout_s": 3600, "limits.max_recordings_open": RECORDINGS + 10}


class Descriptors(threading.Thread):
    """Counts what a process has open, as often as it can, until it is stopped."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self._folder = Path(f"/proc/{pid}/fd")
        self._over = threading.Event()
        self.most = 0

    def run(self):
        while not self._over.wait(0.05):
            self.most = max(self.most, sum(1 for _ in self._folder.iterdir()))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


def ask(bench, broker, *words):
    """What `reel` says, as JSON."""
    command = [Path(TREE, bench.build, "reel"), words[0], *broker.client_options(), "--json",
               *words[1:]]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout)


def open_recordings(bench, broker):
    """How many of the load's the sink has open, without those that closed its last batches."""
    closing = ask(bench, broker, "list", "--device", "closing", "--count")["total"]
    return ask(bench, broker, "status")["store"]["recordings_open"] - closing


def trickle(bench, fleet, every_s):
    """All are begun, then each gets a fragment every `every_s`; what the sink used for it."""
    limit = ["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"]
    with bench.folder("many") as folder:
        with bench.broker(folder) as broker, bench.sink(folder, broker, STAY_OPEN,
                                                        wrapper=limit) as sink:
            pid = sink.program.pid
            with Descriptors(pid) as opened:
                replace(fleet, each=1).send(bench, broker, await_sink=True)
                load = replace(fleet, each=fleet.each - 1).send(
                    bench, broker, 1, rate_hz=fleet.recordings // every_s, await_sink=True)
            assert open_recordings(bench, broker) == fleet.recordings
            assert load["durable_recordings"] == fleet.recordings
            assert "Too many open files" not in sink.log(), sink.log()[-2000:]
            used = {"peak_bytes": peak_bytes(pid), "descriptors": opened.most,
                    "seconds": round((load["durable_us"] - load["began_us"]) / 1e6, 1)}
        fleet.check(sink.store)
    assert opened.most < DESCRIPTORS
    return used


def measure(bench):
    fleet = Fleet(bench.sized(RECORDINGS, 50), EACH, 640)
    used = trickle(bench, fleet, bench.sized(EVERY_S, 1))
    memory_mib = used["peak_bytes"] / MIB
    return [Row(
        f"{fleet.recordings:,} recordings open at once, a fragment each every {EVERY_S} s",
        f"all durable, under {MEMORY_MOST_MIB} MiB, no descriptor limit hit",
        f"all durable, {memory_mib:.1f} MiB, {used['descriptors']} descriptors of {DESCRIPTORS}",
        memory_mib < MEMORY_MOST_MIB, used)]


def growth(bench):
    """Memory against open recordings."""
    points = []
    for count in bench.sized([100, 1000, 5000], [10, 50]):
        used = trickle(bench, Fleet(count, 2, 640), 1)
        points.append((count, round(used["peak_bytes"] / MIB, 2)))
    return [Curve("many_memory", "Memory of the sink", "recordings open", "peak MiB",
                  {"sink": points})]
