"""Questions among a million recordings, while a hundred more are being recorded.

Each is asked one at a time; the time is what the sink says that it took (asker.py), the way through
the broker is not in it. Every page is compared with what SQLite answers to the same question. The
catalog is filled behind the running sink, which therefore misses no file (catalog.py).
"""
import random
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asker
import questions
from catalog import fill
from lab import wait_for
from measure import median, share
from questions import FILTERS, SORTS, Question
from row import Curve, Row

DEVICES = 1000
OPEN = 100
PAGE = 100
LOADED = 100
LOAD_HZ = 1667  # a hundred recordings of 16 kHz in fragments of 60 ms
SCAN_MS = 50
SHORT_MS = 5  # what a page takes besides its scan: the request, its rows, the answer

PAIRS = {"device + since": [(("device", "since"), "started"), (("device", "since"), "-started")],
         "device + duration": [(("device", "min_duration"), "started"), (("device",), "duration"),
                               (("device",), "-duration"),
                               (("device", "min_duration"), "-duration")],
         "state + started": [(("state",), "started"), (("state",), "-started"),
                             (("state", "since"), "started")]}
OTHERS = [({"rate": 192000, "has_gaps": False, "min_duration": 60}, "duration"),
          ({"channels": 8}, "-name"),
          ({"tags": {"machine": "m17"}, "kept": False}, "-duration"),
          ({"end_reason": "upload", "kept": True, "max_duration": 100}, "-started"),
          ({"sample_size": 4, "end_reason": "limit"}, "name")]


@dataclass
class Library:
    """A store with many recordings, who asks for them, and a look into its catalog."""

    bench: object
    broker: object
    store: Path
    client: asker.Asker
    catalog: sqlite3.Connection
    next_seq: int = 0  # of the load

    def draw(self):
        return questions.Draw(random.Random(5), self.catalog)

    def stored(self):
        """Fragments that the sink has committed."""
        return self.client.ask("status")["counters"]["fragments"]

    @contextmanager
    def recording(self):
        """A hundred more are recorded meanwhile."""
        command = [self.bench.program("load"), "-p", self.broker.port, "-r", LOADED,
                   "-n", LOAD_HZ * 3600, "-s", LOAD_HZ, "-f", self.next_seq]
        before, began_s = self.stored(), time.monotonic()
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL) as load:
            try:
                wait_for(lambda: self.stored() > before, "the load to be recorded")
                yield
                assert load.poll() is None, "the load ended before the measurement"
                counters = self.client.ask("status")["counters"]
                assert counters["duplicates"] == 0, "the load sends again what is stored"
            finally:
                load.kill()
                # Behind all that it has sent: a gap, but no repeats.
                self.next_seq += int((time.monotonic() - began_s + 1) * LOAD_HZ / LOADED)


@contextmanager
def library_of(bench, size):
    """A store of its own with so many recordings, filled before anything is recorded: who fills it
    holds its catalog for longer than a sink waits."""
    with bench.folder("query") as folder, bench.broker(folder) as broker, \
            bench.sink(folder, broker, asker.SETTINGS) as sink, \
            asker.asking(broker, sink) as client, questions.reading(sink.store) as catalog:
        fill(sink.store, size, DEVICES, min(OPEN, size // 10))
        yield Library(bench, broker, sink.store, client, catalog)


def check(question, answer, expected_from, catalog):
    """Raise unless the page is what SQLite answers from there on; return where it ends."""
    told = questions.names(answer)
    ends = answer["next_cursor"] is None
    wanted = question.expected(catalog, len(told) + ends, expected_from)
    assert told == wanted, f"{question}: {told} instead of {wanted}"
    return expected_from + len(told)


def ask_pages(library, question, pages):
    """Ask for pages of it; return how many came."""
    at, cursor = 0, {}
    for page in range(pages):
        answer = library.client.ask("list", limit=PAGE, **question.document(), **cursor)
        at = check(question, answer, at, library.catalog)
        if answer["next_cursor"] is None:
            return page + 1
        cursor = {"cursor": answer["next_cursor"]}
    return pages


def times_ms(library, asked, pages=2):
    """{kind: what each page took in the sink} of [(kind, question)]."""
    kinds, result = [], {}
    with library.recording():
        library.client.took_us()
        for kind, question in asked:
            kinds += [kind] * ask_pages(library, question, pages)
        took_us = library.client.took_us()
    for kind, us in zip(kinds, took_us, strict=True):
        result.setdefault(kind, []).append(us / 1000)
    return result


def listed(draw, each):
    """Questions of every kind that an index must serve, `each` of each."""
    for _ in range(each):
        for name in FILTERS:
            for sort in ("started", "-started"):
                yield name, draw.question((name,), sort)
        for sort in SORTS:
            yield f"sort {sort}", draw.question((), sort)
            yield f"sort -{sort}", draw.question((), f"-{sort}")
        for pair, forms in PAIRS.items():
            for filters, sort in forms:
                yield pair, draw.question(filters, sort)


def worst(times):
    """The kind with the greatest 99th percentile, and that."""
    kind = max(times, key=lambda name: share(times[name], 0.99))
    return kind, share(times[kind], 0.99)


def figures(times):
    return {kind: {"p50_ms": round(median(ms), 3), "p99_ms": round(share(ms, 0.99), 3),
                   "most_ms": round(max(ms), 3), "pages": len(ms)}
            for kind, ms in sorted(times.items())}


def row_list(library):
    each = library.bench.sized(library.bench.rounds * 10, 1)
    times = times_ms(library, listed(library.draw(), each))
    kind, most_ms = worst(times)
    every = [ms for kind_ms in times.values() for ms in kind_ms]
    return Row("`list`, a page of 100 among a million: each filter and sort, three pairs",
               "99th percentile of each under 10 ms in the sink",
               f"{share(every, 0.99):.1f} ms of all; the worst, {kind}: {most_ms:.1f} ms",
               most_ms < 10, figures(times))


def row_others(library):
    """Each is followed to its end."""
    asked = [(f"{filters} by {sort}", Question(filters, sort)) for filters, sort in OTHERS]
    times = times_ms(library, asked, pages=1_000_000)
    pages = [ms for kind_ms in times.values() for ms in kind_ms]
    most_ms = share(pages, 0.99)
    return Row("`list` by other combinations, followed to the end",
               "scans at most 50 ms, then a short page with a cursor",
               f"{most_ms:.1f} ms at the 99th percentile of {len(pages)} pages; all found, once",
               most_ms < SCAN_MS + SHORT_MS, figures(times))


def row_info(library):
    draw, client = library.draw(), library.client
    with library.recording():
        client.took_us()
        for _ in range(library.bench.sized(library.bench.rounds * 200, 10)):
            device, session, frames = draw.some_recording()
            said = client.ask("info", device=device, session=session)
            assert (said["device"], said["session"], said["frames"]) == (device, session, frames)
        took_us = client.took_us()
    times = {"info": [us / 1000 for us in took_us]}
    most_ms = share(times["info"], 0.99)
    return Row("`info` among a million", "99th percentile under 1 ms in the sink",
               f"{most_ms:.2f} ms", most_ms < 1, figures(times)["info"])


def measure(bench):
    with library_of(bench, bench.sized(1_000_000, 2000)) as library:
        return [row_list(library), row_others(library), row_info(library)]


def growth(bench):
    series = {}
    for size in bench.sized([1000, 10_000, 100_000, 1_000_000], [1000, 2000]):
        with library_of(bench, size) as library:
            times = times_ms(library, listed(library.draw(), bench.sized(10, 1)))
            info = row_info(library)
        for kind in ("device", "tags", "min_duration", "sort -duration", "device + since"):
            series.setdefault(kind, []).append((size, share(times[kind], 0.99)))
        series.setdefault("info", []).append((size, info.figures["p99_ms"]))
    return [Curve("query", "A question, 99th percentile in the sink", "recordings",
                  "ms", series)]
