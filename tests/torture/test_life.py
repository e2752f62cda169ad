"""The whole life of recordings under kills, and a part of its calls met one by one."""
import os

import pytest

import calls
import life
import life_calls
from harness import BUILD
from tracing import can_trace


@pytest.mark.parametrize("retention", [None, 60_000], ids=["", "swept"])
def test_killed_in_the_middle_a_change_is_done_or_not_done(retention):
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = life.run(BUILD, 24, seed, retention=retention)
    assert not findings, f"seed {seed}, after {reached} kills:\n" + "\n".join(findings)
    assert reached >= 3


@pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")
@pytest.mark.parametrize("effect", [calls.KILL, calls.ERRORS[0]], ids=["killed", "failing"])
def test_at_its_calls_a_change_is_done_or_not_done(effect):
    jobs = [("work", call, effect) for call in ("renameat", "renameat2", "unlinkat", "fdatasync")]
    reached, findings = calls.sweep(BUILD, jobs, [1, 2, 3, 5], make_round=life_calls.LifeRound)
    assert not findings, "\n".join(findings)
    assert reached >= 8, "the calls were not met: did the product change how it moves files?"
