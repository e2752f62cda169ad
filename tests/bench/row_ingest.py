"""Durable ingest through a real broker, against subscribers that store nothing and a script.

The rate is that of recordings which have begun: what the beginning of each takes (a file, its name, a
sidecar) stands apart, in the figures. It is from the first fragment's start to the last one's end:
with the sink when it has said so of every recording (its acknowledgement comes after the commit),
with the others when they have counted it. After each run every recording is compared with what was sent, bit for bit, and the sink
is watched taking in some more, to see that it holds its acknowledgements back.
"""
import json
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import held
from fleet import Fleet
from measure import alternate, cpu_us, median, ratio
from row import Curve, Row

WATCHED = 3  # further fragments of each recording, a batch or more each
SCRIPT = Path(__file__).resolve().parent / "script.py"


# ---- the contestants: each returns {rate_hz, cpu_us (a fragment)} ----

def figures(fleet, began_us, ended_us, used_us):
    return {"rate_hz": round(fleet.fragments / (ended_us - began_us) * 1e6, 1),
            "cpu_us": round(used_us / fleet.fragments, 2)}


def measure_sink(bench, broker, sink, fleet, first_seq=0):
    before_us = sum(cpu_us(sink.program.pid))
    load = fleet.send(bench, broker, first_seq, await_sink=True)
    used_us = sum(cpu_us(sink.program.pid)) - before_us
    return figures(fleet, load["began_us"], load["durable_us"], used_us)


def begin(bench, broker, fleet):
    """One fragment of each; return how many recordings are begun in a second."""
    load = replace(fleet, each=1).send(bench, broker, await_sink=True)
    return round(fleet.recordings / (load["durable_us"] - load["began_us"]) * 1e6, 1)


def run_sink(bench, fleet):
    with bench.folder("sink") as folder:
        with bench.broker(folder) as broker, bench.sink(folder, broker) as sink:
            begun_hz = begin(bench, broker, fleet)
            result = measure_sink(bench, broker, sink, fleet, first_seq=1)
            next_seq = fleet.each + 1
            with held.watched(sink, folder, fleet.recordings * WATCHED):
                for seq in range(next_seq, next_seq + WATCHED):
                    replace(fleet, each=1).send(bench, broker, seq, await_sink=True)
        replace(fleet, each=next_seq + WATCHED).check(sink.store)
    return result | {"begun_hz": begun_hz}


@contextmanager
def opponent(command):
    """Another program that takes the fragments in; it says in a line when it is ready, and in
    another what it measured."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["ready"]
        yield process
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()


def run_opponent(bench, broker, fleet, command):
    with opponent(command) as process:
        load = fleet.send(bench, broker)
        said = json.loads(process.stdout.readline())
    assert said["received"] == fleet.fragments
    return figures(fleet, load["began_us"], said["last_us"], said["cpu_us"])


def run_null(bench, fleet, *how):
    with bench.folder("null") as folder, bench.broker(folder) as broker:
        command = [bench.program("null"), broker.port, fleet.fragments, *how]
        return run_opponent(bench, broker, fleet, command)


def run_script(bench, fleet):
    with bench.folder("script") as folder, bench.broker(folder) as broker:
        result = run_opponent(bench, broker, fleet, [SCRIPT, broker.port, folder, fleet.fragments])
        fleet.check(folder)
    return result


# ---- the rows ----

def compete(bench, fleet, opponents):
    """All of them once a round: {name: {figure: [of each round]}}."""
    bench.say(f"{fleet.recordings} recordings, {fleet.fragments} fragments")
    contestants = {"sink": lambda: run_sink(bench, fleet)} | opponents
    results = alternate(bench.rounds, contestants)
    return {name: {key: [result[key] for result in each] for key in each[0]}
            for name, each in results.items()}


def rate_row(results, fleet, opponent_name, target):
    ours, theirs = results["sink"]["rate_hz"], results[opponent_name]["rate_hz"]
    times, least, most = ratio(ours, theirs)
    return Row(
        f"durable ingest, {fleet.recordings} recordings at once, against {opponent_name}",
        f"at least {target} times",
        f"{times:.2f} times ({least:.2f} to {most:.2f}): {median(ours):,.0f} a second against "
        f"{median(theirs):,.0f}",
        times >= target,
        {"times": times, "sink_rate_hz": ours, f"{opponent_name}_rate_hz": theirs,
         "sink_begun_hz": results["sink"]["begun_hz"]})


def cpu_row(results, opponent_name, target, holds, times, least, most):
    ours, theirs = results["sink"]["cpu_us"], results[opponent_name]["cpu_us"]
    return Row(
        f"the sink's CPU a fragment, against {opponent_name}", target,
        f"{times:.2f} times ({least:.2f} to {most:.2f}): {median(ours):.1f} us against "
        f"{median(theirs):.1f} us",
        holds, {"times": times, "sink_cpu_us": ours, f"{opponent_name}_cpu_us": theirs})


def cpu_rows(results):
    ours, null, script = (results[name]["cpu_us"] for name in ("sink", "null", "script"))
    more, less = ratio(ours, null), ratio(script, ours)
    return [cpu_row(results, "null", "at most 1.5 times", more[0] <= 1.5, *more),
            cpu_row(results, "script", "at least 20 times less", less[0] >= 20, *less)]


def measure(bench):
    few = Fleet(bench.sized(100, 10), bench.sized(2000, 10))
    many = Fleet(bench.sized(1000, 20), bench.sized(200, 3))
    by_script = replace(few, each=bench.sized(100, 5))
    null = {"null": lambda: run_null(bench, few)}
    at_few = compete(bench, few, null | {"held null": lambda: run_null(bench, few, "held"),
                                         "script": lambda: run_script(bench, by_script)})
    at_many = compete(bench, many, {"null": lambda: run_null(bench, many)})
    return [rate_row(at_few, few, "null", 1.0), rate_row(at_few, few, "held null", 0.85),
            rate_row(at_many, many, "null", 0.9), *cpu_rows(at_few)]


# ---- cost against growth ----

def cost_sink(bench, fleet):
    """Of recordings that are open already."""
    with bench.folder("sink") as folder:
        with bench.broker(folder) as broker, bench.sink(folder, broker) as sink:
            begin(bench, broker, fleet)
            result = measure_sink(bench, broker, sink, fleet, first_seq=1)
        replace(fleet, each=fleet.each + 1).check(sink.store)
    return result["cpu_us"]


def curve(bench, name, title, x_label, fleets):
    """`fleets` as {x: fleet}."""
    series = {"sink": [], "null": []}
    for x, fleet in fleets.items():
        bench.say(f"{fleet.recordings} recordings, fragments of {fleet.size} bytes")
        series["sink"].append((x, cost_sink(bench, fleet)))
        series["null"].append((x, run_null(bench, fleet)["cpu_us"]))
    return Curve(name, title, x_label, "CPU a fragment, us", series)


def growth(bench):
    fragments = bench.sized(20000, 200)
    recordings = bench.sized([1, 10, 100, 1000, 10000], [1])
    sizes = bench.sized([320, 640, 1920, 4096, 16384, 65536], [320])
    return [
        curve(bench, "ingest_recordings", "Cost of a fragment of 1920 bytes", "recordings open",
              {count: Fleet(count, fragments // count) for count in recordings}),
        curve(bench, "ingest_size", "Cost of a fragment, 100 recordings", "bytes of audio",
              {size: Fleet(100, max(1, fragments // 100), size) for size in sizes}),
    ]
