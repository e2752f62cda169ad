"""A broker that is killed and a net that fails; recorders with a spool."""
import os

import network
from harness import BUILD


def test_what_recorders_took_in_is_recorded_whole_and_once():
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = network.run(BUILD, 3, seed)
    assert not findings, f"seed {seed}, after {reached} rounds:\n" + "\n".join(findings)
    assert reached == 3
