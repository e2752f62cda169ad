"""Kill -9 at random moments, and the mutants that it must notice."""
import os

import kill
from harness import BUILD


def test_killed_at_random_moments_nothing_acknowledged_is_lost_and_nothing_comes_twice():
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = kill.run(BUILD, 50, seed)
    assert not findings, f"seed {seed}, after {reached} kills:\n" + "\n".join(findings)
    assert reached == 50
