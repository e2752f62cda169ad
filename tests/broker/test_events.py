"""What the sink says by itself: events, presence, metrics; and how it lives with its broker."""
import json
import re

import pytest

from harness import BUILD, PREFIX, Format, Recorder, fragment
from lab import Sink, wait_for

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def messages_of(watcher, device):
    return watcher.select(lambda m: m.topic.startswith(f"{PREFIX}/event/{device}/"))


def test_events_of_a_recordings_life(lab, recorder):
    recorder.store(frames=100, seq=0, frame=0, boot=1)
    recorder.store(frames=100, seed=1, seq=2, frame=200, boot=1)
    recorder.store(frames=100, seed=2, seq=1, frame=100, boot=1)
    recorder.store(frames=100, seed=3, seq=0, frame=0, boot=2)
    recorder.end(seq=1, frame=100, boot=2)
    lab.watcher.wait_event(recorder.device, "s1", "completed")
    recorder.store(frames=100, seed=4, seq=2, frame=100, boot=2)
    lab.watcher.wait_event(recorder.device, "s1", "reopened")
    kinds = [event["event"] for event in lab.watcher.events(recorder.device)]
    assert kinds == ["started", "gap", "gap_filled", "discontinuity", "completed", "reopened"]


def test_event_is_enough_to_fetch_the_audio(lab, recorder):
    recorder.store(frames=100, tags={"site": "roof"})
    event = lab.watcher.wait_event(recorder.device, "s1", "started")
    assert RFC3339.fullmatch(event["time"])
    info = recorder.info()
    told = event["recording"]
    assert {**told} == {**told, "device": recorder.device, "session": "s1", "id": info["id"],
                        "channels": 1, "rate": 16000, "sample_size": 2, "encoding": "pcm"}
    message = messages_of(lab.watcher, recorder.device)[0]
    assert message.topic == f"{PREFIX}/event/{recorder.device}/s1"
    assert (message.qos, message.retain) == (1, False)
    assert message.payload.startswith(b"{")


def test_status_is_retained_and_tells_the_limits(lab, client):
    client.subscribe(f"{PREFIX}/status/#")
    message = client.wait_message(lambda m: "/status/" in m.topic)
    assert message.retain and message.topic == f"{PREFIX}/status/sink"
    status = message.document
    assert (status["online"], status["state"]) == (True, "ok")
    assert status["version"] and status["accepts"]
    assert status["accepts"]["max_fragment_bytes"] == 1 << 20


def test_metrics_are_flat_numbers_that_count(make_lab):
    lab = make_lab()
    client = lab.client()
    client.subscribe(f"{PREFIX}/metrics/#")

    def latest():
        found = client.select(lambda m: "/metrics/" in m.topic)
        return found[-1].document if found else {}

    recorder = Recorder(client, "mic")
    for seq in (0, 1, 1):
        recorder.store(frames=10, seed=seq, seq=seq)
    lab.sink.stop()  # before it goes, it says them once more
    metrics = wait_for(lambda: latest().get("reel_fragments_total") and latest(), "its metrics")
    assert all(re.fullmatch(r"reel_[a-z0-9_]+", name) for name in metrics), metrics
    assert all(isinstance(value, (int, float)) for value in metrics.values())
    assert metrics["reel_fragments_total"] == 2
    lab.sink.start()


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_sink_that_goes_is_said_to_be_gone(make_lab, kill):
    lab = make_lab()
    online = lab.sink.status()
    lab.sink.kill() if kill else lab.sink.stop()
    gone = wait_for(lambda: (s := lab.sink.status()) and not s["online"] and s, "its absence")
    assert gone["connected_at"] == online["connected_at"]
    lab.sink.start()
    assert lab.sink.status()["connected_at"] != online["connected_at"]


def test_broker_that_restarts_gets_its_sink_back(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=100, seq=0)
    lab.restart_broker()
    recorder = Recorder(lab.client(), "mic")
    assert recorder.store(frames=100, seed=1, seq=1)["frames"] == 200


def test_sink_waits_for_a_broker_that_is_not_there_yet(make_lab):
    lab = make_lab(start=False)
    lab.broker.stop()
    lab.sink.launch()
    lab.broker.restart()
    lab.sink.wait_online()
    assert Recorder(lab.client(), "mic").store(frames=10)["frames"] == 10


def test_other_prefix(make_lab, tmp_path):
    lab = make_lab({"broker.prefix": "studio/a", "broker.reply_allow": "studio/a/reply/#"})
    client = lab.client()
    client.subscribe("studio/a/#", "reel/#")
    client.publish("studio/a/audio/mic/s1", fragment(Format().noise(10)))
    client.wait_message(lambda m: m.topic == "studio/a/event/mic/s1")
    assert client.select(lambda m: m.topic.startswith("reel/")) == []


def test_second_sink_under_the_same_prefix_answers_nothing(make_lab, tmp_path):
    lab = make_lab()
    client = lab.client()
    client.request("list")
    second = Sink(BUILD, tmp_path / "second", lab.broker, lab.sink.settings | {
        "sink.name": "second", "store.dir": tmp_path / "second" / "store",
    }, name="second")
    second.launch()
    try:
        wait_for(lambda: f"sink {lab.sink.name} was online" in (second.status() or {}).get(
            "reason", ""), "its complaint")
        reply = f"{PREFIX}/reply/{client.name}/twice"
        client.subscribe(reply)
        client.publish(f"{PREFIX}/request/status", b"", response_topic=reply)
        client.request("status")
        client.request("status")
        assert len(client.select(lambda m: m.topic == reply)) == 1
    finally:
        second.program.terminate()


def test_of_two_sinks_with_one_name_one_gives_up(make_lab, tmp_path):
    """mosquitto closes the connection that is taken over without a word, so each sink comes back
    and takes the other's; the status under its own name tells it."""
    lab = make_lab()
    second = Sink(BUILD, tmp_path / "second", lab.broker, lab.sink.settings | {
        "store.dir": tmp_path / "second" / "store",
    }, name=lab.sink.name)
    second.launch()
    programs = lab.sink.program, second.program
    try:
        wait_for(lambda: not all(program.running() for program in programs), "one to give up")
        assert sum(program.running() for program in programs) == 1
        loser, winner = sorted((lab.sink, second), key=lambda sink: sink.program.running())
        assert loser.program.wait() == 69
        assert "two sinks have one name" in loser.log()
        wait_for(lambda: (winner.status() or {}).get("online"), "the other to be back")
        assert lab.client().request("status")["state"] == "ok"
        assert winner.program.running()
    finally:
        second.program.terminate()
        lab.sink.program.terminate()
        lab.sink.start()


def test_status_survives_odd_clients_on_its_topics(lab, client):
    for topic in (f"{PREFIX}/status/other", f"{PREFIX}/metrics/sink", f"{PREFIX}/event/x/y"):
        client.publish(topic, b"\xff not JSON")
    wait_for(lambda: len(lab.watcher.violations) == 3, "the watcher to see what is not the sink's")
    lab.watcher.violations.clear()
    assert client.request("status")["version"] == json.loads(
        json.dumps(lab.sink.status()["version"])
    )
