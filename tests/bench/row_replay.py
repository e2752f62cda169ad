"""The write path without a broker: captured messages replayed, against plain pwrite."""
import json
import subprocess

from measure import median, ratio
from row import Curve, Row

AUDIO_BYTES = 1920
AT_LEAST = 0.6
WHOLE, EACH = "pwrite, syncfs", "pwrite, fdatasync each"


def replay(bench, folder, size, rounds):
    """All rounds of one capture: {way: [what the program tells of a run, ...]}. The program itself
    lets them take turns, and compares every file with what was sent."""
    capture = folder / "capture"
    program = bench.program("replay")
    subprocess.run([program, "--capture", capture, *map(str, size)], check=True)
    told = subprocess.run([program, capture, folder, str(rounds)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    runs = {}
    for line in told.splitlines():
        run = json.loads(line)
        runs.setdefault(run["way"], []).append(run)
    return runs


def wall_us(runs):
    return [run["wall_us"] for run in runs]


def cpu_us(runs):
    """Of a fragment, the median."""
    return median([(run["user_us"] + run["system_us"]) / run["fragments"] for run in runs])


def faster(runs):
    """Of the two ways of syncing the one that is better for plain pwrite."""
    return min((WHOLE, EACH), key=lambda way: median(wall_us(runs[way])))


def row(bench, recordings, target):
    fragments = bench.sized(200_000, 40 * recordings)
    with bench.folder("replay") as folder:
        runs = replay(bench, folder, (recordings, fragments, AUDIO_BYTES), bench.rounds)
    opponent = faster(runs)
    middle, least, most = ratio(wall_us(runs[opponent]), wall_us(runs["sink"]))
    measured = (f"{middle:.2f} ({least:.2f} to {most:.2f}); CPU {cpu_us(runs['sink']):.1f} µs a "
                f"fragment, pwrite's {cpu_us(runs[opponent]):.1f}")
    return Row(
        f"write path alone, {recordings} recordings: rate, against plain pwrite ({opponent})",
        f"at least {target:.1f}", measured, middle >= target,
        {"opponent": opponent, "ratio": middle, "runs": runs})


def measure(bench):
    return [row(bench, bench.sized(100, 5), AT_LEAST)]


def growth(bench):
    """CPU a fragment, with more recordings at once."""
    ours, theirs = [], []
    for recordings in bench.sized((1, 10, 100, 1000, 4000), (1, 2)):
        fragments = bench.sized(50_000, 20 * recordings)
        with bench.folder("replay-growth") as folder:
            runs = replay(bench, folder, (recordings, fragments, AUDIO_BYTES), 1)
        ours.append((recordings, cpu_us(runs["sink"])))
        theirs.append((recordings, cpu_us(runs[faster(runs)])))
    return [Curve("replay", "The write path alone", "recordings at once", "CPU a fragment (µs)",
                  {"the sink's": ours, "plain pwrite": theirs})]
