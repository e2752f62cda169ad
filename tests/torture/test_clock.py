"""The wall clock stepped back and forth under a sink that records."""
import os
import time

import clock
from harness import BUILD, Client, Recorder
from lab import Broker, Sink, wait_for


def test_whatever_the_wall_clock_says_no_recording_is_harmed():
    seed = int.from_bytes(os.urandom(4), "big")
    reached, findings = clock.run(BUILD, 20, seed)
    assert not findings, f"seed {seed}, after {reached} steps:\n" + "\n".join(findings)
    assert reached == 20


def sessions(client):
    found = client.request("list", {"sort": "name"})["recordings"]
    return [recording["session"] for recording in found]


def record(client, session):
    recorder = Recorder(client, "mic", session)
    recorder.store(frames=100, seq=0)
    recorder.end(seq=1)


def wait_reason(sink, begins):
    wait_for(lambda: sink.status()["reason"].startswith(begins) and
             bool(sink.status()["reason"]) == bool(begins), f"the reason {begins!r}")


def test_retention_deletes_nothing_by_a_clock_that_is_wrong(tmp_path):
    """A machine without a clock of its own: it begins in 1970, and is 73 years ahead when it starts
    again. Once the clock is right, what is too old goes, as long as it is known how old it is."""
    wall = clock.Clock(tmp_path)
    settings = {"retention.max_age_s": clock.HOUR, "ingest.commit_interval_ms": 20}
    with Broker(tmp_path / "broker") as broker:
        sink = Sink(BUILD, tmp_path / "sink", broker, settings, env=wall.env)
        client = Client(broker)
        wall.move(clock.HOUR - time.time())
        with sink:
            record(client, "of-1970")
            wall.move(0)
            record(client, "of-now")
            sink.stop()
            wall.move(73 * clock.YEAR)
            sink.start()
            wait_reason(sink, "retention.max_age_s waits")
            record(client, "of-2099")
            time.sleep(12)  # more than a pass: what should not happen is no condition to wait for
            assert sessions(client) == ["of-1970", "of-2099", "of-now"]
            wall.move(0)
            wait_reason(sink, "")
            wall.move(2 * clock.HOUR)
            wait_for(lambda: sessions(client) == ["of-1970", "of-2099"], "what is too old to go")
        client.close()
