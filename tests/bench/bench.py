#!/usr/bin/python3
"""Measure what stands in the table of the README, each against its opponent in the same call.

Prints the table, and writes all figures as JSON (`--out`). Each group of rows is a row_NAME.py;
naming some runs those alone. `--plot DIR` also measures cost against growth and plots it there.
"""
import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from rig import Bench
from row import as_document, as_table

HERE = Path(__file__).resolve().parent


def groups():
    """The names of all groups of rows, in the order of the table."""
    named = {path.stem.removeprefix("row_") for path in HERE.glob("row_*.py")}
    order = ["ingest", "replay", "latency", "many", "query", "slice", "download", "start",
             "written"]
    return [name for name in order if name in named] + sorted(named - set(order))


def machine():
    """What the figures were measured on, in a line."""
    info = Path("/proc/cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in info.splitlines()
              if line.startswith("model name")]
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {model}, {memory_gib:.0f} GiB, Linux {platform.release()}"


def measure(bench, names, with_growth):
    rows, curves = [], []
    for name in names:
        module = importlib.import_module(f"row_{name}")
        bench.say(f"{name}: {module.__doc__.splitlines()[0]}")
        rows += module.measure(bench)
        if with_growth and hasattr(module, "growth"):
            bench.say(f"{name}: as it grows")
            curves += module.growth(bench)
    return rows, curves


def plot(curves, folder):
    from plot import save  # its library is needed for nothing else

    folder.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        print(save(curve, folder))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="where the programs are")
    parser.add_argument("--dir", type=Path, help="on the disk to measure on (that of BUILD)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a moment only: do the rows run?")
    parser.add_argument("--out", type=Path, help="where all figures go, as JSON")
    parser.add_argument("--plot", type=Path, help="a folder for plots of cost against growth")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(groups())}")
    asked = parser.parse_args()
    unknown = set(asked.rows) - set(groups())
    if unknown:
        parser.error(f"there are no rows {', '.join(sorted(unknown))}")
    return asked


def main():
    asked = arguments()
    where = asked.dir or Path(asked.build)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=where) as root:
        bench = Bench(asked.build, root, asked.rounds, asked.quick)
        rows, curves = measure(bench, asked.rows or groups(), asked.plot is not None)
    print(f"{machine()}; {bench.rounds} rounds\n\n{as_table(rows)}")
    if asked.out:
        heading = {"machine": machine(), "rounds": bench.rounds, "time": int(time.time())}
        asked.out.write_text(json.dumps(heading | as_document(rows, curves), indent=1) + "\n")
    if asked.plot:
        plot(curves, asked.plot)
    return 0 if all(row.holds for row in rows) or asked.quick else 1


if __name__ == "__main__":
    sys.exit(main())
