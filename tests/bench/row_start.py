"""Start and reindex with 100,000 recordings, against what the disk needs to read the same files."""
import json
import os
import sqlite3
import subprocess
import time
import wave
from array import array
from pathlib import Path

import paho.mqtt.client as mqtt
from measure import alternate, median, ratio
from row import Curve, Row

from lab import PATIENCE_S, PREFIX, Sink, wait_for

OPEN = 100
FRAMES = 960  # of each recording, as bench_fill.c makes them
SECONDS_MOST = 2.0
RATIO_MOST = 1.25
# What a sink leaves behind that is killed before a commit.
UNCOMMITTED = bytes(range(1, 251)) * 40
FRAGMENT = {
    "metadata": {
        "session": {"id": "after", "reply_to": f"{PREFIX}/reply/bench/after"},
        "audio": {"channels": 1, "rate": 16000, "sample_size": 2},
    },
    "data": [1, -1] * 480,
}


def drop_caches(bench):
    """Let nothing stand in memory that is on the disk; False where this may not be done. It is the
    whole machine's, so a quick run leaves it alone."""
    if bench.quick:
        return False
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return False
    return True


def names_of(number):
    return f"mic{number % 100}", f"s{number:06}"


class Store:
    """A store with so many recordings, of which the last OPEN go on."""

    def __init__(self, bench, folder, recordings):
        self.bench = bench
        self.path = folder / "store"
        self.recordings = recordings
        self.open = range(recordings - min(OPEN, recordings // 2), recordings)
        bench.say(f"{recordings} recordings are made")
        subprocess.run([bench.program("fill"), self.path, str(recordings), str(len(self.open))],
                       check=True)

    def wav(self, number):
        device, session = names_of(number)
        return self.path / "recordings" / device / f"{session}.wav"

    def tree(self, what):
        """Read what is to be read and nothing else: how long that takes, in seconds."""
        command = [self.bench.program("tree"), self.path, what]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert told["files"] >= 2 * self.recordings, told
        return told["ms"] / 1000

    def catalog(self):
        return sqlite3.connect(f"file:{self.path}/catalog.db?mode=ro", uri=True)


class Watch:
    """Sees when the sink says that it is online, and when it acknowledges."""

    def __init__(self, broker):
        self.began = None
        self.online = None
        self.acknowledged = None
        self._connections = set()
        self._client = mqtt.Client("bench-watch", protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.subscribe([(f"{PREFIX}/status/+", 1), (f"{PREFIX}/reply/bench/after", 1)])
        self._client.loop_start()

    def _on_message(self, _client, _user, message):
        now = time.monotonic()
        document = json.loads(message.payload)
        if "/reply/" in message.topic:
            assert document["status"] == "ok", document
            self.acknowledged = self.acknowledged or now
        elif document["online"] and document["connected_at"] not in self._connections:
            self._connections.add(document["connected_at"])
            self.online = now

    def begin(self):
        self.online = self.acknowledged = None
        self._client.publish(f"{PREFIX}/audio/bench", json.dumps(FRAGMENT), 1)
        self.began = time.monotonic()

    def wait(self, sink):
        """Seconds until it was online, and until it had acknowledged the fragment."""
        def done():
            assert sink.program.running(), sink.log()[-4000:]
            return self.online and self.acknowledged
        wait_for(done, "the sink to acknowledge", 10 * PATIENCE_S)
        return self.online - self.began, self.acknowledged - self.began

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Start:
    """Starts of a sink that was killed."""

    def __init__(self, store, folder, broker):
        self.store = store
        # The recordings are to go on through all rounds, and an interval is no part of a start.
        settings = {"store.dir": store.path, "session.idle_timeout_s": 86400,
                    "ingest.commit_interval_ms": 0}
        self.sink = Sink(store.bench.build, folder / "sink", broker, settings)
        self.watch = Watch(broker)
        self.cold = True

    def first(self):
        """So that the broker knows the sink, and keeps for it what comes while it is away."""
        self.sink.launch()
        wait_for(lambda: self.watch.online, "the sink to be online", 10 * PATIENCE_S)

    def once(self):
        """Seconds until it is online, and until the first acknowledgement."""
        self.watch.begin()
        self.sink.launch()
        return self.watch.wait(self.sink)

    def kill(self):
        """With audio behind what it has committed."""
        self.sink.kill()
        for number in self.store.open:
            with self.store.wav(number).open("ab") as file:
                file.write(UNCOMMITTED)

    def measured(self, cold):
        self.kill()
        if cold:
            self.cold = drop_caches(self.store.bench) and self.cold
        return self.once()

    def looked(self, cold):
        if cold:
            self.cold = drop_caches(self.store.bench) and self.cold
        return self.store.tree("look")


def check_open(store, sink):
    """Those that go on hold what was committed, bit for bit, and nothing behind it."""
    for number in store.open:
        device, session = names_of(number)
        path = store.wav(number)
        assert path.stat().st_size == 1024 + 2 * FRAMES, path
        got = sink.folder / "got.wav"
        reel = Path(store.bench.build, "reel")
        subprocess.run([reel, *sink.broker.client_options(), "-q", "get", device, session,
                        "-o", got], check=True)
        with wave.open(str(got)) as file:
            samples = array("h", file.readframes(file.getnframes() + 1))
        wanted = [(number * 31 + at * 7 + 32768) % 65536 - 32768 for at in range(FRAMES)]
        assert samples.tolist() == wanted, f"{device}/{session} is not what was sent"


def check_all(store, sink):
    """`list` shows all, and --verify compares each file with its row, sidecar and sum."""
    reel = Path(store.bench.build, "reel")
    told = subprocess.run([reel, *sink.broker.client_options(), "--json", "list"],
                          check=True, capture_output=True).stdout
    listed = {(one["device"], one["session"], one["state"], one["frames"])
              for one in json.loads(told)["recordings"] if one["device"] != "bench"}
    wanted = {(*names_of(number), "recording" if number in store.open else "complete", FRAMES)
              for number in range(store.recordings)}
    assert listed == wanted, f"{len(listed)} of {len(wanted)} are as they were"
    verified = subprocess.run(sink.command("--verify"), capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout[-2000:]


def measure_start(bench, store, folder):
    with bench.broker(folder) as broker:
        start = Start(store, folder, broker)
        start.first()
        results = alternate(bench.rounds, {
            "cold": lambda: start.measured(True),
            "cold read": lambda: start.looked(True),
            "warm": lambda: start.measured(False),
            "warm read": lambda: start.looked(False),
        })
        check_open(store, start.sink)
        check_all(store, start.sink)
        start.watch.close()
        start.sink.stop()
    return results, start.cold


def start_row(store, results, cold):
    online = {name: [one[0] for one in results[name]] for name in ("cold", "warm")}
    acknowledged = {name: [one[1] for one in results[name]] for name in ("cold", "warm")}
    medians = {name: median(values) for name, values in online.items()}
    measured = "; ".join(
        f"{name} {medians[name]:.2f} s, acknowledged {median(acknowledged[name]):.2f} s "
        f"(reading the same {median(results[f'{name} read']):.2f} s)" for name in online)
    if not cold:
        measured += "; the caches could not be dropped: both are warm"
    figures = {f"{name}_online_s": values for name, values in online.items()}
    figures |= {f"{name}_acknowledged_s": values for name, values in acknowledged.items()}
    figures |= {f"{name}_read_s": results[f"{name} read"] for name in online}
    figures |= {"recordings": store.recordings, "caches_dropped": cold}
    return Row(f"start with {store.recordings:,} recordings, {len(store.open)} of them open",
               f"ready within {SECONDS_MOST:.0f} s", measured,
               max(medians.values()) <= SECONDS_MOST, figures)


def rows_of(catalog, table, order):
    """All that a table says of recordings, but for the catalog's own keys."""
    columns = [row[1] for row in catalog.execute(f"PRAGMA table_info({table})")
               if row[1] != "recording"]
    named = ", ".join(f"{table}.{column}" for column in columns)
    joined = "" if table == "recording" else "JOIN recording USING (recording)"
    return catalog.execute(f"SELECT device, session, {named} FROM {table} {joined}"
                           f" ORDER BY device, session{order}").fetchall()


class Reindex:
    """Catalogs built anew from the files."""

    def __init__(self, store):
        self.store = store
        self.command = [Path(store.bench.build, "reeld"), "-o", f"store.dir={store.path}",
                        "--reindex"]
        self.rows = self._rows()
        self.cold = True

    def _rows(self):
        with self.store.catalog() as catalog:
            return [
                rows_of(catalog, "recording", ""),
                rows_of(catalog, "stretch", ", stretch.position"),
                rows_of(catalog, "run", ", run.stretch, run.position"),
                catalog.execute("SELECT * FROM usage ORDER BY device").fetchall(),
            ]

    def check(self, told):
        """What is built says what the one before said, and how far it was could be seen."""
        count = len(self.rows[0])
        assert f"{count} of {count} recordings" in told, told
        assert self._rows() == self.rows, "the catalog is not as it was"
        for old in (self.store.path / "recovered").glob("catalog*"):
            old.unlink()

    def built(self, cold):
        if cold:
            self.cold = drop_caches(self.store.bench) and self.cold
        began = time.monotonic()
        done = subprocess.run(self.command, check=True, capture_output=True, text=True)
        took_s = time.monotonic() - began
        self.check(done.stderr)
        return took_s

    def read(self, cold):
        if cold:
            self.cold = drop_caches(self.store.bench) and self.cold
        return self.store.tree("read")


def measure_reindex(bench, store):
    reindex = Reindex(store)
    results = alternate(bench.rounds, {
        "cold": lambda: reindex.built(True),
        "cold read": lambda: reindex.read(True),
        "warm": lambda: reindex.built(False),
        "warm read": lambda: reindex.read(False),
    })
    return results, reindex.cold


def reindex_row(store, results, cold):
    times, least, most = ratio(results["cold"], results["cold read"])
    measured = (f"{times:.2f} times ({least:.2f} to {most:.2f}): cold "
                f"{median(results['cold']):.1f} s against {median(results['cold read']):.1f} s; warm "
                f"{median(results['warm']):.1f} s against {median(results['warm read']):.1f} s")
    if not cold:
        measured += "; the caches could not be dropped: both are warm"
    figures = {f"{name.replace(' ', '_')}_s": values for name, values in results.items()}
    figures |= {"recordings": store.recordings, "caches_dropped": cold}
    return Row(f"`--reindex` of {store.recordings:,} files, from a cold cache",
               f"limited by the disk's reads: at most {RATIO_MOST} times as long as reading header "
               "and sidecar of each; progress shown", measured, times <= RATIO_MOST, figures)


def measure_both(bench, recordings):
    """Figures of both, over one store."""
    with bench.folder("start") as folder:
        store = Store(bench, folder, recordings)
        return (store, *measure_start(bench, store, folder), *measure_reindex(bench, store))


def measure(bench):
    store, start, start_cold, reindex, reindex_cold = measure_both(bench, bench.sized(100000, 20))
    return [start_row(store, start, start_cold), reindex_row(store, reindex, reindex_cold)]


def growth(bench):
    series = {name: [] for name in ("start", "start, cold", "reindex", "reindex, cold")}
    for recordings in bench.sized((1000, 10000, 100000), (20,)):
        _, start, _, reindex, _ = measure_both(bench, recordings)
        points = (("start", start["warm"]), ("start, cold", start["cold"]))
        for label, values in points:
            series[label].append((recordings, median([one[0] for one in values])))
        series["reindex"].append((recordings, median(reindex["warm"])))
        series["reindex, cold"].append((recordings, median(reindex["cold"])))
    return [Curve("start", "Start and reindex", "recordings in the store", "s", series)]
