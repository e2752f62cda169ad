"""Rig: what every bench needs: folders on the disk under test, brokers, sinks, programs."""
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from lab import TREE, Broker, Sink  # noqa: E402


class Bench:
    """One run of the suite. `quick` asks for a moment at small sizes, whose figures say nothing:
    that is how the tests see that each row can be measured at all."""

    def __init__(self, build, root, rounds=5, quick=False):
        self.build = Path(build)
        self.rounds = 1 if quick else rounds
        self.quick = quick
        self._root = Path(root)
        self._folders = 0

    def sized(self, full, quick):
        return quick if self.quick else full

    def say(self, text):
        print(f"   {text}", file=sys.stderr, flush=True)

    def program(self, name):
        """Where the bench program of that name is."""
        return Path(TREE, self.build, "tests", "bench", f"bench_{name}")

    @contextmanager
    def folder(self, name):
        """An empty folder on the disk under test; it goes with all that was put there."""
        self._folders += 1
        path = self._root / f"{name}-{self._folders}"
        path.mkdir(parents=True)
        try:
            yield path
        finally:
            shutil.rmtree(path)

    @contextmanager
    def broker(self, folder, **options):
        """As the tests have it, but that it logs nothing of what goes through it."""
        options = {"log_types": ("error", "warning")} | options
        with Broker(folder / "broker", **options) as broker:
            yield broker

    @contextmanager
    def sink(self, folder, broker, settings=None, **options):
        with Sink(self.build, folder / "sink", broker, settings, **options) as sink:
            yield sink
