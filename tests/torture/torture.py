#!/usr/bin/python3
"""torture.py --build DIR [--state DIR] [--hours N] [FAULT...]

Goes round the faults until the time is over, and prints what was reached and what is the goal. What
was reached in earlier runs stands in STATE/torture.json and is added to; findings stay in it.
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

from faults import FAULTS


def load(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}


def save(path, state):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(state, indent=1))
    temporary.replace(path)


def table(state):
    head = ("fault", "reached", "in make test", "to close", "goal", "findings")
    rows = [head]
    for name, fault in FAULTS.items():
        mine = state.get(name, {})
        rows.append((f"{name} ({fault.unit})", fault.reached(mine), *fault.figures,
                     str(len(mine.get("findings", [])))))
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--state", type=Path, default=Path("build/torture"))
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of: {', '.join(FAULTS)}")
    asked = parser.parse_args()
    unknown = set(asked.faults) - set(FAULTS)
    if unknown:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    path = asked.state / "torture.json"
    state, deadline = load(path), time.monotonic() + asked.hours * 3600
    found = False
    while time.monotonic() < deadline:
        for name in asked.faults or FAULTS:
            if time.monotonic() >= deadline:
                break
            mine = state.setdefault(name, {"findings": []})
            seed = int.from_bytes(os.urandom(4), "big")
            findings = FAULTS[name].step(asked.build, mine, seed, deadline)
            mine["findings"] += findings
            found = found or bool(findings)
            save(path, state)
            print(f"{name}: {FAULTS[name].reached(mine)} {FAULTS[name].unit}", flush=True)
            for line in findings:
                print(f"  FOUND {line}", flush=True)
    print(f"\n{table(state)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
