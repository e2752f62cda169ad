"""A download through the broker while the sink takes in audio at half load.

The opponent answers the same client with the same blocks, from memory, under the same load; so what
the sink adds is to find, read and check them. The load's rate and how long its fragments take to
become durable (a tap tells) are compared with those of a load alone.
"""
import hashlib
import json
import subprocess
import threading
import wave
from contextlib import contextmanager
from pathlib import Path

from fleet import Fleet, content
from lab import PREFIX, TREE, wait_for
from measure import alternate, median, ratio, share
from row import Row
from tapped import tapped_sink

SETTINGS = {"ingest.commit_interval_ms": 100}
OPPONENT_PREFIX = "bench/v1"
DEVICE, SESSION = "large", "s1"
HIGH = 0.99


class Recording:
    """What is downloaded: its samples in a file, and their sum."""

    def __init__(self, folder, size):
        samples = content(0, size // 2)
        self.size = samples.nbytes
        self.samples = folder / "large.raw"
        self.samples.write_bytes(samples.tobytes())
        self.wav = folder / f"{SESSION}.wav"
        with wave.open(str(self.wav), "wb") as file:
            file.setparams((1, 2, 48000, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
        self.sha256 = hashlib.sha256(samples.tobytes()).hexdigest()


def reel(bench, broker, command, *more):
    line = [Path(TREE, bench.build, "reel"), command, *broker.client_options(), *more]
    return subprocess.run([str(word) for word in line], check=True, capture_output=True).stdout


def upload(bench, broker, recording):
    """The recording is there when its sum is made, which takes the sink's time too."""
    reel(bench, broker, "upload", "--device", DEVICE, "--session", SESSION, recording.wav)
    wait_for(lambda: json.loads(reel(bench, broker, "info", f"{DEVICE}/{SESSION}", "--json"))
             .get("sha256"), "the recording's sha256")


def fetch(bench, broker, prefix, recording):
    """Bytes a second, once they have been found right."""
    command = [bench.program("fetch"), broker.port, prefix, DEVICE, SESSION, recording.size]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=True)
    said = json.loads(done.stdout)
    assert (said["bytes"], said["sha256"]) == (recording.size, recording.sha256)
    return said["bytes"] / said["took_us"] * 1e6


@contextmanager
def opponent(bench, broker, recording):
    process = subprocess.Popen(
        [bench.program("blocks"), str(broker.port), OPPONENT_PREFIX, recording.samples],
        stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["ready"]
        yield
    finally:
        process.kill()
        process.wait()


class Load(threading.Thread):
    """The fleet, sending at a rate beside what else is done."""

    def __init__(self, bench, broker, fleet, rate_hz):
        super().__init__(daemon=True)
        self._send = lambda: fleet.send(bench, broker, rate_hz=int(rate_hz), await_sink=True)
        self.said = None

    def run(self):
        self.said = self._send()

    def rate_hz(self, fleet):
        self.join()
        assert self.said, "the load failed"
        return fleet.fragments / (self.said["durable_us"] - self.said["began_us"]) * 1e6


def under_load(bench, fleet, rate_hz, recording, prefix):
    """A download from who answers under `prefix`, if any, while the fleet sends."""
    result = {}
    with bench.folder("download") as folder, bench.broker(folder) as broker:
        with tapped_sink(bench, folder, broker, SETTINGS) as (sink, tap):
            if prefix == PREFIX:
                upload(bench, broker, recording)
            with opponent(bench, broker, recording):
                load = Load(bench, broker, fleet, rate_hz)
                load.start()
                if prefix:
                    result["bytes_per_s"] = fetch(bench, broker, prefix, recording)
                    result["load_outlasts"] = load.is_alive()
                result["rate_hz"] = load.rate_hz(fleet)
        fleet.check(sink.store)
    result["high_us"] = share(tap.took_us[fleet.recordings:], HIGH)
    return result


def flat_out(bench, fleet):
    with bench.folder("download") as folder:
        with bench.broker(folder) as broker, bench.sink(folder, broker, SETTINGS) as sink:
            load = fleet.send(bench, broker, await_sink=True)
        fleet.check(sink.store)
    return fleet.fragments / (load["durable_us"] - load["began_us"]) * 1e6


def rows(results, size):
    sink, broker, alone = (results[name] for name in ("sink", "broker", "alone"))
    speed, least, most = ratio(sink["bytes_per_s"], broker["bytes_per_s"])
    kept, late = ratio(sink["rate_hz"], alone["rate_hz"]), ratio(sink["high_us"], alone["high_us"])
    what = f"download of {size / 1e9:.1f} GB with ingest at half load"
    figures = {f"{name}_{key}": values for name, each in results.items()
               for key, values in each.items()}
    return [
        Row(what, "at least 0.8 times what the broker alone moves",
            f"{speed:.2f} times ({least:.2f} to {most:.2f}): {median(sink['bytes_per_s']) / 1e6:.0f}"
            f" MB/s against {median(broker['bytes_per_s']) / 1e6:.0f}", speed >= 0.8, figures),
        Row(f"{what}: the rate of ingest", "unchanged", f"{kept[0]:.2f} times", kept[0] >= 0.98,
            figures),
        Row(f"{what}: received to durable, 99th percentile", "at most doubled",
            f"{late[0]:.2f} times: {median(sink['high_us']) / 1000:.0f} ms against "
            f"{median(alone['high_us']) / 1000:.0f}", late[0] <= 2, figures),
    ]


def measure(bench):
    with bench.folder("recording") as folder:
        recording = Recording(folder, bench.sized(10**9, 10**6))
        half_hz = flat_out(bench, Fleet(100, bench.sized(1000, 5))) / 2
        seconds = bench.sized(12, 0.1)
        fleet = Fleet(100, max(3, int(half_hz * seconds / 100)))
        results = alternate(bench.rounds, {
            "sink": lambda: under_load(bench, fleet, half_hz, recording, PREFIX),
            "broker": lambda: under_load(bench, fleet, half_hz, recording, OPPONENT_PREFIX),
            "alone": lambda: under_load(bench, fleet, half_hz, recording, None)})
        size = recording.size
    return rows({name: {key: [result[key] for result in each] for key in each[0]}
                 for name, each in results.items()}, size)
