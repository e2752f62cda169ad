"""keep: a recording is pinned, or no more, and that is durable when it is answered."""
import subprocess

import pytest

from harness import JSON, MSGPACK, Recorder
from lab import PREFIX


@pytest.fixture
def recorded(client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0)
    recorder.end(seq=1)
    return recorder


@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_keep_and_let_go(lab, client, recorded, form):
    name = {"device": recorded.device, "session": "s1"}
    assert client.request("keep", name, form=form)["kept"] is True
    assert recorded.info()["kept"] is True
    assert lab.watcher.wait_event(recorded.device, "s1", "kept")["recording"]["kept"] is True
    assert client.request("list", {"device": recorded.device, "kept": True})["recordings"]
    assert client.request("keep", name | {"keep": False}, form=form)["kept"] is False
    assert recorded.info()["kept"] is False
    assert lab.watcher.wait_event(recorded.device, "s1", "kept", 2)["recording"]["kept"] is False


def test_keep_again_changes_nothing(lab, client, recorded):
    name = {"device": recorded.device, "session": "s1"}
    before = client.request("keep", name)
    assert client.request("keep", name) == before
    client.request("keep", name | {"keep": False})
    event = lab.watcher.wait_event(recorded.device, "s1", "kept", 2)
    assert event["recording"]["kept"] is False


def test_keep_while_it_grows(lab, client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0)
    assert client.request("keep", {"session": "s1"}, device)["state"] == "recording"
    recorder.store(frames=100, seq=1)
    recorder.end(seq=2)
    assert recorder.info()["kept"] is True


def test_keep_survives_a_kill(make_lab, device):
    lab = make_lab()
    recorder = Recorder(lab.client(), device)
    recorder.store(frames=100, seq=0)
    recorder.client.request("keep", {"device": device, "session": "s1"})
    lab.sink.kill()
    lab.sink.start()
    assert recorder.info()["kept"] is True


@pytest.mark.parametrize(("document", "code", "field"), [
    ({"session": "s1"}, "bad-request", "device"),
    ({"device": "DEVICE"}, "bad-request", "session"),
    ({"device": "DEVICE", "session": "s1", "keep": 1}, "bad-request", "keep"),
    ({"device": "DEVICE", "session": "../s1"}, "bad-request", "session"),
    ({"device": "DEVICE", "session": "none"}, "not-found", None),
])
def test_bad_keep(client, recorded, document, code, field):
    document = {key: recorded.device if value == "DEVICE" else value
                for key, value in document.items()}
    error = client.refusal("keep", document)
    assert (error["code"], error["field"]) == (code, field)


def test_keep_by_mosquitto_rr(lab, client, recorded):
    said = subprocess.run(
        ["mosquitto_rr", "-h", lab.broker.host, "-p", str(lab.broker.port), "-W", "30",
         "-t", f"{PREFIX}/request/keep", "-e", f"{PREFIX}/reply/rr",
         "-m", f'{{"device": "{recorded.device}", "session": "s1"}}'],
        check=True, capture_output=True)
    assert b'"kept":true' in said.stdout.replace(b" ", b"")
