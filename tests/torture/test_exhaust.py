"""Strangers ask for all the sink has, kind after kind; honest recorders record meanwhile."""
import pytest

import exhaust
from exhaust_kinds import SMALL
from harness import BUILD


@pytest.mark.parametrize("kinds", [SMALL.keys() - exhaust.NEEDS_NETWORK, exhaust.NEEDS_NETWORK],
                         ids=["strangers", "a network"])
def test_what_there_is_is_bounded_and_honest_recorders_lose_nothing(kinds):
    counts = {kind: count for kind, count in SMALL.items() if kind in kinds}
    peaks, findings = exhaust.run(BUILD, counts, exhaust.SMALL_SETTINGS)
    assert not findings, "\n".join(findings)
    assert peaks.keys() == kinds
