#!/usr/bin/python3
"""torture.py --build DIR [--state DIR] [--hours N] [FAULT...]

Goes round the faults until the time is over, and prints what was reached and what is the goal. What
was reached in earlier runs stands in the folder STATE, a file for each fault, and is added to;
findings stay in it. Runs may share a STATE: each passes over what another one is at.
"""
import argparse
import fcntl
import json
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from faults import FAULTS
from step import Step


class Shelf:
    """Where a fault's state is kept: STATE/NAME.json, beside it a folder for what is larger."""

    def __init__(self, folder, name):
        self.folder = Path(folder, name.replace(" ", "-"))
        self.path = self.folder.with_suffix(".json")

    def load(self):
        try:
            return json.loads(self.path.read_text())
        except FileNotFoundError:
            return {"findings": []}

    def save(self, state):
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(self.path)

    @contextmanager
    def held(self):
        """Whether no other run is at it, which nobody then is until the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def table(shelves):
    head = ("fault", "reached", "in make test", "to close", "goal", "findings")
    rows = [head]
    for name, fault in FAULTS.items():
        state = shelves[name].load()
        rows.append((f"{name} ({fault.unit})", fault.reached(state), *fault.figures,
                     str(len(state["findings"]))))
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def step(name, shelf, build, deadline):
    """Go one step on; return the findings, None where another run is at it."""
    fault = FAULTS[name]
    with shelf.held() as ours:
        if not ours:
            return None
        state = shelf.load()
        seed = int.from_bytes(os.urandom(4), "big")
        findings = fault.step(Step(build, shelf.folder, state, seed, deadline))
        state["findings"] += findings
        shelf.save(state)
    print(f"{name}: {fault.reached(state)} {fault.unit}", flush=True)
    for line in findings:
        print(f"  FOUND {line}", flush=True)
    return findings


def go_round(names, shelves, build, deadline):
    """Return whether anything was found."""
    found = False
    while time.monotonic() < deadline:
        outcomes = []
        for name in names:
            if time.monotonic() < deadline:
                outcomes.append(step(name, shelves[name], build, deadline))
        found = found or any(outcomes)
        if all(outcome is None for outcome in outcomes):
            time.sleep(1)  # other runs are at all of them
    return found


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
    shelves = {name: Shelf(asked.state, name) for name in FAULTS}
    deadline = time.monotonic() + asked.hours * 3600
    found = go_round(asked.faults or list(FAULTS), shelves, asked.build, deadline)
    print(f"\n{table(shelves)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
