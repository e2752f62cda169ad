"""A broker that is killed and a net that fails; recorders with a spool."""
import os
import random

import network
from harness import BUILD


def test_what_recorders_took_in_is_recorded_whole_and_once():
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = network.run(BUILD, 3, seed)
    assert not findings, f"seed {seed}, after {reached} rounds:\n" + "\n".join(findings)
    assert reached == 3


def test_recorder_whose_broker_vanishes_connects_anew(tmp_path):
    """No end of the connection is heard of; `reel` finds out by its keepalive, within half a minute."""
    with network.Campaign(BUILD, tmp_path, random.Random(1)) as campaign:
        campaign.feed(50, 100)
        campaign.await_progress()
        before = campaign.network.accepted
        campaign.network.freeze("recorder-")
        campaign.feed(50, 100)
        findings = campaign.finish()
        assert not findings, "\n".join(findings)
        assert campaign.network.accepted >= before + network.RECORDERS
