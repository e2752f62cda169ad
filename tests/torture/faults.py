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
import tempfile

import calls
import kill
import power
import network


class Kill:
    """Kill -9 at random moments, 20 devices at full speed."""

    figures = "50", "1,000", "10,000"
    unit = "kills"
    in_a_step = 100

    @staticmethod
    def reached(state):
        return f"{state.get('reached', 0):,}"

    def step(self, step):
        reached, findings = kill.run(step.build, self.in_a_step, step.seed, step.deadline, step.folder)
        step.add(reached)
        return [f"seed {step.seed}: {line}" for line in findings]

    @staticmethod
    def look(build):
        return kill.run(build, 20, seed=1)[1]


class EachCall:
    """One call after the other, N counting up until a round passes untouched."""

    figures = "one workload", "all", "all"
    in_a_step = 24

    def __init__(self, unit, effects, shown_by):
        self.unit, self.jobs, self.shown_by = unit, calls.plan(effects), shown_by

    def reached(self, state):
        whole = state.get("passes", 0)
        share = f"{state.get('job', 0)}/{len(self.jobs)} kinds" if not whole else f"all, {whole}x"
        return f"{state.get('reached', 0):,} ({share})"

    def step(self, step):
        """A few numbers of one kind of call; the kind is done when one is not met any more."""
        job, number = step.state.get("job", 0), step.state.get("number", 1)
        with tempfile.TemporaryDirectory(prefix="torture-calls-") as folder:
            numbers = range(number, number + self.in_a_step)
            in_time = (n for n in numbers if step.in_time())
            met, untouched, findings = calls.meet(step.build, folder, *self.jobs[job], in_time)
        step.add(met)
        step.state["number"] = number + met
        if untouched:
            step.state["number"], step.state["job"] = 1, (job + 1) % len(self.jobs)
            step.add(job + 1 == len(self.jobs), "passes")
        return findings

    def look(self, build):
        return calls.sweep(build, self.shown_by, range(1, 6))[1]


class PowerCut:
    """What a disk may hold after a power cut, recovered and checked."""

    figures = "500", "20,000", "100,000"
    unit = "states"
    workloads, states = 6, 200  # in a step, of each workload
class Network:
    """A broker that is killed and a net that fails, recorders with a spool."""

    figures = "3", "100", "1,000"
    unit = "rounds"
    in_a_step = 12

    @staticmethod
    def reached(state):
        return f"{state.get('reached', 0):,}"

    def step(self, step):
        reached, findings = power.run_side_by_side(step.build, self.workloads, self.states, step.seed,
                                                   step.deadline, step.folder)
        step.add(reached)
        return findings

    @staticmethod
    def look(build):
        findings = []
        for _ in range(4):
            seed = int.from_bytes(os.urandom(4), "big")
            findings = findings or power.run_side_by_side(build, 2, 60, seed)[1]
        return findings
        reached, findings = network.run(step.build, self.in_a_step, step.seed, step.deadline,
                                        step.folder)
        step.add(reached)
        return [f"seed {step.seed}: {line}" for line in findings]

    @staticmethod
    def look(build):
        return network.run(build, 3, seed=1)[1]


FAULTS = {
    "kill": Kill(),
    "network": Network(),
    "kill at each call": EachCall(
        "calls", [calls.KILL], [("work", "pwrite64", calls.KILL), ("work", "fdatasync", calls.KILL)]),
    "failing call": EachCall(
        "calls", calls.ERRORS, [("work", call, calls.ERRORS[0]) for call in calls.SYNCS]),
    "power cut": PowerCut(),
}
