"""Step: what a fault (faults.py) gets to go on from."""
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Step:
    """`state` is the fault's own, kept as JSON from one step to the next, over all runs; `folder`
    its own too, for what is larger: corpora, stores that a finding was seen in."""

    build: str
    folder: Path
    state: dict
    seed: int
    deadline: float  # by time.monotonic; a step that is much longer than a minute looks at it

    def in_time(self):
        return time.monotonic() < self.deadline

    def add(self, reached, key="reached"):
        """Add to what was reached."""
        self.state[key] = self.state.get(key, 0) + reached
