"""A disk that fills up under a sink that records, in the ways that can be had here."""
import os

import disks
import full
from harness import BUILD
from lab import PATIENCE_S


def test_full_disk_stalls_the_sink_and_room_brings_it_back_with_nothing_lost():
    seed = int.from_bytes(os.urandom(4), "big")
    results = full.run_ways(BUILD, disks.ways_here(), 2, seed, patience_s=2 * PATIENCE_S)
    findings = [line for _, _, said in results for line in said]
    assert not findings, "\n".join(findings)
    assert all(reached == 2 for reached, _, _ in results)
