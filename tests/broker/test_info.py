"""info and status; and what a request that is confined to a device may ask."""
import pytest

from harness import Recorder, sha256_of
from lab import wait_for


@pytest.fixture
def recorded(lab, client, device):
    """A recorder with a complete recording."""
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0)
    recorder.end(seq=1)
    return recorder


# Confined to a device


@pytest.mark.parametrize("op", ["list", "info", "download", "rejects"])
def test_confined_request_for_another_device(lab, client, recorded, op):
    question = {"device": recorded.device, "session": "s1"}
    error = client.refusal(op, question, "another")
    assert (error["code"], error["field"]) == ("not-allowed", "device")
    error = client.refusal(op, question | {"device": 7}, "another")
    assert (error["code"], error["field"]) == ("bad-request", "device")


def test_confined_request_need_not_name_its_device(lab, client, recorded):
    assert client.request("info", {"session": "s1"}, recorded.device)["frames"] == 100
    assert client.refusal("info", {"session": "s1"}, "another")["code"] == "not-found"


# info


def test_info_of_a_complete_recording(lab, client, recorded):
    path = lab.sink.wav(recorded.device, "s1")
    info = wait_for(lambda: (recorded.info()["sha256"] and recorded.info()), "the sha256")
    assert info["sha256"] == sha256_of(path)
    assert info["bytes"] == path.stat().st_size
    assert (info["state"], info["end_reason"]) == ("complete", "end")
    assert (info["missing"], info["missing_frames"], info["lost"], info["gaps"]) == ([], [], [], [])
    (stretch,) = info["stretches"]
    assert (stretch["from_frame"], stretch["to_frame"]) == (0, 100)
    assert (stretch["first_seq"], stretch["seqs"]) == (0, 2)


def test_info_tells_gaps(lab, client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0, frame=0, boot="a")
    answer = recorder.store(frames=100, seq=3, frame=300, boot="a")
    info = recorder.info()
    assert info["gaps"] == [{
        "from_frame": 100, "to_frame": 300, "inferred": False, "boot": "a",
        "missing": [1, 2], "missing_frames": [100, 300]}]
    for figure in ("missing", "missing_frames", "lost", "next_frame", "frames", "boot"):
        assert info[figure] == answer[figure]
    assert (info["next_seq"], info["gap_frames"], info["sha256"]) == (4, 200, None)


@pytest.mark.parametrize("question, field", [
    ({}, "device"), ({"device": "mic"}, "session"), ({"session": "s1"}, "device"),
    ({"device": "mic", "session": 1}, "session"), ({"device": "m c", "session": "s1"}, "device"),
    ({"device": "mic", "session": ".."}, "session"), ({"device": None, "session": "a"}, "device"),
])
def test_info_of_what_is_no_name(lab, client, question, field):
    error = client.refusal("info", question)
    assert (error["code"], error["field"]) == ("bad-request", field)


def test_info_of_what_is_not_there(lab, client, device):
    error = client.refusal("info", {"device": device, "session": "s1"})
    assert error["code"] == "not-found"


# status


def test_status_says_how_the_sink_does(lab, client, recorded):
    status = client.request("status")
    assert (status["sink"], status["state"], status["reason"]) == ("sink", "ok", "")
    assert 0 <= status["uptime"] < 3600
    assert status["limits"]["max_response_bytes"] == 8 * 1024 * 1024
    assert 0 < status["disk"]["free_bytes"] < status["disk"]["total_bytes"]
    assert status["store"]["recordings"] >= 1
    before = status["counters"]
    recorded.store(frames=10)
    client.refusal("info", {})
    after = client.request("status")["counters"]
    assert after["fragments"] == before["fragments"] + 1
    assert after["fragment_bytes"] == before["fragment_bytes"] + 20
    assert after["requests"] == before["requests"] + 2
    assert after["request_errors"] == before["request_errors"] + 1
