"""Measuring: what a process used so far, and what many values come to."""
import os
import statistics
from pathlib import Path

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


def cpu_us(pid):
    """CPU time of a process, all its threads, as (user, system)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) * TICK_US, int(fields[12]) * TICK_US


def peak_bytes(pid):
    """The most memory that a process ever had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} tells no VmHWM")


def median(values):
    return statistics.median(values)


def share(values, part):
    """The value below which that part of them lies: share(values, 0.99)."""
    ordered = sorted(values)
    return ordered[int(part * (len(ordered) - 1))]


def ratio(ours, theirs):
    """How often `theirs` goes into `ours`: the median of the rounds' ratios, the least, the most."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return median(ratios), min(ratios), max(ratios)


def alternate(rounds, contestants):
    """Run each of {name: function} once a round, another one first in each; return what they gave,
    {name: [result of each round]}."""
    names = list(contestants)
    results = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(contestants[name]())
    return results
