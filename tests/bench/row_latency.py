"""How long a fragment takes from the sink's socket to stable storage, at half load.

The sink commits whenever it can (interval 0), so a fragment waits for the commit under way, if any,
and for its own. A tap in front of the sink times each from its delivery to its PUBACK, which leaves
after the commit. The disk's own syncs are those of a file that grows by a fragment each time, by
nobody but us, before and after. Beside them: what a sync takes a program that does nothing but
append the same fragments to as many files at the same rate, and has the file system synced each
time it has.
"""
import ctypes
import os
import time
from dataclasses import replace

from fleet import Fleet
from measure import median, share
from row import Row
from tapped import tapped_sink

AT_ONCE = {"ingest.commit_interval_ms": 0}
HIGH = 0.99


def time_syncs(folder, count):
    """What each sync of a file takes that has grown by a fragment."""
    took_us = []
    fd = os.open(folder / "grows", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(count):
            os.write(fd, bytes(1920))
            began_us = time.monotonic_ns() // 1000
            os.fdatasync(fd)
            took_us.append(time.monotonic_ns() // 1000 - began_us)
    finally:
        os.close(fd)
    return took_us


def grow(files, sizes, first, last):
    """The fragments from one number to another, in turn; one write for each file."""
    for which in range(min(len(files), last - first)):
        index = (first + which) % len(files)
        data = bytes(1920) * len(range(first + which, last, len(files)))
        os.pwrite(files[index], data, sizes[index])
        sizes[index] += len(data)


def time_plain_syncs(folder, fleet, rate_hz):
    """What each syncfs of a plain program takes, which always has what came since the last."""
    library = ctypes.CDLL(None, use_errno=True)
    flags = os.O_WRONLY | os.O_CREAT
    files = [os.open(folder / f"plain-{index}", flags) for index in range(fleet.recordings)]
    sizes, took_us, written = [0] * len(files), [], 0
    began_us = time.monotonic_ns() // 1000
    while written < fleet.fragments:
        before_us = time.monotonic_ns() // 1000
        due = min(fleet.fragments, 1 + int((before_us - began_us) * rate_hz / 1e6))
        grow(files, sizes, written, due)
        written = max(written, due)
        before_us = time.monotonic_ns() // 1000
        assert library.syncfs(files[0]) == 0, os.strerror(ctypes.get_errno())
        took_us.append(time.monotonic_ns() // 1000 - before_us)
    for file in files:
        os.close(file)
    return took_us


def flat_out(bench, fleet):
    """Fragments a second that the sink takes at most, so set."""
    with bench.folder("latency") as folder:
        with bench.broker(folder) as broker, bench.sink(folder, broker, AT_ONCE) as sink:
            load = fleet.send(bench, broker, await_sink=True)
        fleet.check(sink.store)
    return fleet.fragments / (load["durable_us"] - load["began_us"]) * 1e6


def at_half_load(bench, fleet, rate_hz):
    """What each fragment took, but for those that began a recording, for which the others would
    wait too; the disk's syncs; and those of the plain program."""
    syncs = bench.sized(500, 20)
    with bench.folder("latency") as folder:
        syncs_us = time_syncs(folder, syncs)
        with bench.broker(folder) as broker:
            with tapped_sink(bench, folder, broker, AT_ONCE) as (sink, tap):
                replace(fleet, each=1).send(bench, broker, await_sink=True)
                fleet.send(bench, broker, 1, rate_hz=int(rate_hz / 2), await_sink=True)
        syncs_us += time_syncs(folder, syncs)
        plain_us = time_plain_syncs(folder, fleet, rate_hz / 2)
        fleet = replace(fleet, each=fleet.each + 1)
        fleet.check(sink.store)
    assert len(tap.took_us) == fleet.fragments, len(tap.took_us)
    return tap.took_us[fleet.recordings:], syncs_us, plain_us


def figures_of(rate_hz, took_us, syncs_us, plain_us):
    return {"flat_out_hz": round(rate_hz), "median_us": median(took_us),
            "high_us": share(took_us, HIGH), "sync_median_us": median(syncs_us),
            "sync_high_us": share(syncs_us, HIGH), "plain_sync_high_us": share(plain_us, HIGH)}


def measure(bench):
    fleet = Fleet(100, bench.sized(1000, 10))
    rounds = []
    for _ in range(bench.rounds):
        rate_hz = flat_out(bench, fleet)
        rounds.append(figures_of(rate_hz, *at_half_load(bench, fleet, rate_hz)))
    figures = {name: [each[name] for each in rounds] for name in rounds[0]}
    high, sync = median(figures["high_us"]), median(figures["sync_high_us"])
    plain = median(figures["plain_sync_high_us"])
    return [Row(
        "received to durable at half load, commit interval 0, 99th percentile",
        "at most 2 syncs of the same disk",
        f"{high / sync:.2f} ({high / 1000:.1f} ms; a sync of one file {sync / 1000:.1f} ms, of 100 "
        f"files by a program that does nothing else {plain / 1000:.1f} ms)",
        high <= 2 * sync, figures)]
