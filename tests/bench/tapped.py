"""Tapped: a sink behind a tap, which times how long each fragment takes to become durable."""
import json
import subprocess
from contextlib import contextmanager


class Tap:
    """Between a broker and the sink's connections (bench_tap)."""

    def __init__(self, bench, broker):
        self._process = subprocess.Popen(
            [bench.program("tap"), str(broker.port)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self._process.stdout.readline())["port"]
        self.took_us = None

    def end(self):
        """Take what it measured: of each fragment, in the order in which they became durable."""
        said, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, "the tap failed"
        self.took_us = json.loads(said)["took_us"]

    def kill(self):
        self._process.kill()
        self._process.wait()


@contextmanager
def tapped_sink(bench, folder, broker, settings):
    """A sink and its tap, whose figures are there when the sink has ended."""
    tap = Tap(bench, broker)
    try:
        with bench.sink(folder, broker, settings | {"broker.port": tap.port}) as sink:
            yield sink, tap
        tap.end()
    finally:
        tap.kill()
