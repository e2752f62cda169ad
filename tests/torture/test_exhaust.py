"""Strangers ask for all the sink has, kind after kind; honest recorders record meanwhile."""
import exhaust
from exhaust_kinds import KINDS
from harness import BUILD


def test_strangers_are_borne_within_bounds_and_honest_recorders_lose_nothing():
    peaks, findings = exhaust.run(BUILD, exhaust.SMALL, exhaust.SMALL_SETTINGS)
    assert not findings, "\n".join(findings)
    assert peaks.keys() == KINDS.keys()
