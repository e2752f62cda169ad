"""Memory runs out under load: the sink goes on or ends with a message, and what it acknowledged stays."""
import os

import memory
from harness import BUILD


def test_without_memory_nothing_acknowledged_is_lost():
    seed = int.from_bytes(os.urandom(4), "big")
    reached, _, findings = memory.run(BUILD, 30, seed)
    assert not findings, f"seed {seed}, after {reached} times:\n" + "\n".join(findings)
    assert reached == 30
