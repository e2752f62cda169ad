"""Faults: what make torture does, how far, and how it is told.

To add one: a class with the members below, in a file of its own if it needs more than a few lines,
and its line in FAULTS.
  figures    what is reached in make test, what closes the case, the goal
  unit       what is counted
  reached    (state) what was reached, over all runs, as it stands in the table
  step       (step: step.Step) go on from `step.state`, for about a minute; return findings
  look       (build) a short look, for mutants: findings
"""
import os
import time

import calls
import clock
import disks
import four_gib
import full
import kill
import life
import life_calls
import life_power
import network
import power
from exhaust import Exhaust
from full import PATIENCE_S
from hostile import Hostile
from life_calls import LifeRound
from memory import OutOfMemory


class Counted:
    """A fault of which so many are done; `more` (step) does some, and returns how many, and what
    they found."""

    @staticmethod
    def reached(state):
        return f"{state.get('reached', 0):,}"

    def step(self, step):
        reached, findings = self.more(step)
        step.add(reached)
        return [f"seed {step.seed}: {line}" for line in findings]


class Kill(Counted):
    """Kill -9 at random moments, 20 devices at full speed."""

    figures = "50", "1,000", "10,000"
    unit = "kills"

    @staticmethod
    def more(step):
        return kill.run(step.build, 100, step.seed, step.deadline, step.folder)

    @staticmethod
    def look(build):
        return kill.run(build, 20, seed=1)[1]


class PowerCut(Counted):
    """What a disk may hold after a power cut, recovered and checked."""

    figures = "500", "20,000", "100,000"
    unit = "states"
    workloads, states = 6, 200  # in a step, of each workload

    def more(self, step):
        return power.run_side_by_side(step.build, self.workloads, self.states, step.seed,
                                      step.deadline, step.folder)

    @staticmethod
    def look(build):
        findings = []
        for _ in range(4):
            seed = int.from_bytes(os.urandom(4), "big")
            findings = findings or power.run_side_by_side(build, 2, 60, seed)[1]
        return findings


class Network(Counted):
    """A broker that is killed and a net that fails, recorders with a spool."""

    figures = "3", "100", "1,000"
    unit = "rounds"

    @staticmethod
    def more(step):
        return network.run(step.build, 12, step.seed, step.deadline, step.folder)

    @staticmethod
    def look(build):
        return network.run(build, 3, seed=1)[1]


class Clock(Counted):
    """The wall clock stepped back and forth under a sink that records."""

    figures = "20", "1,000", "10,000"
    unit = "steps"

    @staticmethod
    def more(step):
        return clock.run(step.build, 100, step.seed, step.deadline, step.folder)

    @staticmethod
    def look(build):
        return clock.run(build, 20, seed=1)[1]


class Life(Counted):
    """Kill -9 while recordings are uploaded, overwritten, kept, deleted, swept and continued."""

    figures = "20", "1,000", "10,000"
    unit = "kills"
    turns = (None, None, 60_000)  # what retention leaves in each turn; None: there is none

    def more(self, step):
        retention = self.turns[step.state.get("turns", 0) % len(self.turns)]
        step.add(1, "turns")
        return life.run(step.build, 80, step.seed, step.deadline, step.folder, retention)

    @staticmethod
    def look(build):
        return life.run(build, 40, seed=1)[1]


class LifePowerCut(Counted):
    """What a disk may hold after a power cut in the middle of that, recovered and checked."""

    figures = "300", "20,000", "100,000"
    unit = "states"
    lives, states = 6, 200  # in a step, of each life

    def more(self, step):
        return life_power.run_side_by_side(step.build, self.lives, self.states, step.seed,
                                           step.deadline, step.folder)

    @staticmethod
    def look(build):
        seed = int.from_bytes(os.urandom(4), "big")
        return life_power.run_side_by_side(build, 4, 100, seed)[1]


class FourGiB(Counted):
    """Kill -9 at the calls by which a recording passes 4 GiB."""

    figures = "10", "200", "2,000"
    unit = "kills"

    @staticmethod
    def more(step):
        return four_gib.run(step.build, 12, step.seed, min(step.deadline, time.monotonic() + 60))

    @staticmethod
    def look(build):
        return four_gib.run(build, 12, 1, time.monotonic() + 120)[1]


class EachCall:
    """One call after the other, N counting up until a round passes untouched."""

    figures = "one workload", "all", "all"
    in_a_step_s = 60
    workers = 6  # of two cores: a round mostly waits

    def __init__(self, unit, jobs, shown_by, make_round=calls.Round):
        self.unit, self.shown_by, self.make_round = unit, shown_by, make_round
        self.jobs = {" ".join(job): job for job in jobs}

    def reached(self, state):
        whole, done = state.get("passes", 0), len(state.get("done", []))
        share = f"{done}/{len(self.jobs)} kinds" if not whole else f"all, {whole}x"
        return f"{state.get('reached', 0):,} ({share})"

    def step(self, step):
        """Some numbers of kinds of call, side by side; a kind is done when one is not met any
        more."""
        done, numbers = step.state.setdefault("done", []), step.state.setdefault("numbers", {})
        until = min(step.deadline, time.monotonic() + self.in_a_step_s)
        waiting = [name for name in self.jobs if name not in done]
        results = calls.side_by_side(step.build, [self.jobs[name] for name in waiting],
                                     [numbers.get(name, 1) for name in waiting], until, self.workers,
                                     self.make_round)
        for name, (met, untouched, _) in zip(waiting, results):
            step.add(met)
            numbers[name] = numbers.get(name, 1) + met
            if untouched:
                done.append(name)
        if all(name in done for name in self.jobs):
            step.state["done"], step.state["numbers"] = [], {}
            step.add(1, "passes")
        return [line for _, _, findings in results for line in findings]

    def look(self, build):
        return calls.sweep(build, self.shown_by, range(1, 6), make_round=self.make_round)[1]


class DiskFull:
    """A disk that fills up under a sink that records."""

    figures = "2", "200", "2,000"
    unit = "times full"
    in_a_step = 6  # times, of each way that can be had here
    shown_by = "file size"  # which can be had everywhere

    @staticmethod
    def reached(state):
        return f"{state.get('reached', 0):,} (back within {state.get('slowest_s', 0):.1f} s)"

    def step(self, step):
        results = full.run_ways(step.build, disks.ways_here(), self.in_a_step, step.seed, step.folder)
        for reached, slowest_s, _ in results:
            step.add(reached)
            step.state["slowest_s"] = max(slowest_s, step.state.get("slowest_s", 0))
        return [line for _, _, findings in results for line in findings]

    def look(self, build):
        return [line for seed in (1, 2)
                for line in full.run(build, self.shown_by, 3, seed, patience_s=PATIENCE_S)[2]]


MOVES = ("renameat", "renameat2", "unlinkat", "fdatasync")  # by which files come and go

FAULTS = {
    "kill": Kill(),
    "kill at each call": EachCall(
        "calls", calls.plan([calls.KILL]), [("work", "pwrite64", calls.KILL), ("work", "fdatasync", calls.KILL)]),
    "failing call": EachCall(
        "calls", calls.plan(calls.ERRORS), [("work", call, calls.ERRORS[0]) for call in calls.SYNCS]),
    "power cut": PowerCut(),
    "disk full": DiskFull(),
    "network": Network(),
    "memory": OutOfMemory(),
    "hostile input": Hostile(),
    "exhaustion": Exhaust(),
    "clock": Clock(),
    "past 4 GiB": FourGiB(),
    "life": Life(),
    "life, power cut": LifePowerCut(),
    "life at each call": EachCall(
        "calls", life_calls.plan([calls.KILL]), [("work", call, calls.KILL) for call in MOVES],
        LifeRound),
    "life with failing calls": EachCall(
        "calls", life_calls.plan(calls.ERRORS[:2]), [("work", call, calls.ERRORS[0]) for call in MOVES],
        LifeRound),
}
