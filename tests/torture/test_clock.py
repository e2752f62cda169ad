"""The wall clock stepped back and forth under a sink that records."""
import os

import clock
from harness import BUILD


def test_whatever_the_wall_clock_says_no_recording_is_harmed():
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = clock.run(BUILD, 20, seed)
    assert not findings, f"seed {seed}, after {reached} steps:\n" + "\n".join(findings)
    assert reached == 20
