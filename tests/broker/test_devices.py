"""What is known of each device: `devices`, page by page, and of one by its own topic."""
import re
import subprocess

import pytest

from cli import reel
from harness import MSGPACK, PREFIX, Recorder
from lab import wait_for


def of(client, device, **options):
    """The one row of a device."""
    found = client.request("devices", {"device": device}, **options)
    assert found["next_cursor"] is None
    (row,) = found["devices"]
    return row


@pytest.fixture
def fleet(make_lab):
    """A sink with recordings of three devices, and a fourth that only ever was refused."""
    lab = make_lab()
    client = lab.client()
    for device in ("b", "a", "c.1"):
        Recorder(client, device).store(frames=100, seq=0, frame=0)
    client.publish(f"{PREFIX}/audio/d/s1", b"no fragment")
    wait_for(lambda: client.request("rejects")["rejects"], "what was refused")
    return lab


def test_sums_are_those_of_the_recordings(lab, client, device):
    first = Recorder(client, device, "first")
    first.store(frames=100, seq=0, frame=0)
    first.store(frames=50, seed=1, seq=3, frame=300)  # 200 frames are missing
    first.end(seq=4, frame=350)
    second = Recorder(client, device, "second")
    second.store(frames=10, seq=0)
    second.refused(b"\0", seq=1)
    infos = [recorder.info() for recorder in (first, second)]
    row = of(client, device)
    for name in ("frames", "bytes", "fragments", "gap_frames", "rejected"):
        assert row[name] == sum(info[name] for info in infos), name
    assert (row["gap_frames"], row["rejected"], row["quarantined"]) == (200, 1, 1)
    assert (row["recordings"], row["recordings_open"]) == (2, 1)
    assert row["session"] == "second"
    assert row["heard_at"] == infos[1]["updated_at"]
    second.end(seq=1)
    assert (of(client, device)["session"], of(client, device)["recordings_open"]) == (None, 0)


def test_heard_is_when_audio_came_not_when_its_end_was_seen(make_lab):
    lab = make_lab({"session.idle_timeout_s": 1})
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10)
    heard_at = recorder.info()["updated_at"]
    lab.watcher.wait_event("mic", "s1", "completed")
    assert recorder.info()["updated_at"] > heard_at
    assert of(recorder.client, "mic")["heard_at"] == heard_at


def test_pages_by_name(fleet):
    client = fleet.client()
    rows = client.request("devices")["devices"]
    assert [row["device"] for row in rows] == ["a", "b", "c.1", "d"]
    found, cursor = [], {}
    while cursor.get("cursor", True):
        page = client.request("devices", {"limit": 1} | cursor)
        assert len(page["devices"]) <= 1
        found += page["devices"]
        cursor = {"cursor": page["next_cursor"]}
    assert found == rows
    assert client.request("devices", form=MSGPACK)["devices"] == rows


def test_one_that_was_only_refused_is_there(fleet):
    row = of(fleet.client(), "d")
    assert (row["recordings"], row["quarantined"]) == (0, 1)
    assert (row["heard_at"], row["session"]) == (None, None)


def test_own_topic_answers_about_itself_alone(fleet):
    client = fleet.client()
    assert of(client, "b") == client.request("devices", device="b")["devices"][0]
    assert len(client.request("devices", device="b")["devices"]) == 1
    assert client.refusal("devices", {"device": "a"}, device="b")["code"] == "not-allowed"
    assert client.request("devices", device="nobody")["devices"] == []


def test_device_whose_recordings_are_gone_is_gone(fleet):
    client = fleet.client()
    client.request("delete", {"device": "a", "session": "s1"})
    assert [row["device"] for row in client.request("devices")["devices"]] == ["b", "c.1", "d"]


@pytest.mark.parametrize("field, value", [
    ("limit", 0), ("limit", 1001), ("limit", "x"), ("cursor", "made up"), ("cursor", ""),
    ("cursor", 5), ("device", "no/name"), ("device", None),
])
def test_wrong_questions(client, field, value):
    error = client.refusal("devices", {field: value})
    assert (error["code"], error["field"]) == ("bad-request", field)


def test_cursor_of_another_question(fleet):
    client = fleet.client()
    listed = client.request("list", {"limit": 1})["next_cursor"]
    devices = client.request("devices", {"limit": 1})["next_cursor"]
    for op, cursor in (("devices", listed), ("list", devices), ("rejects", devices)):
        assert client.refusal(op, {"cursor": cursor})["field"] == "cursor"


def test_sums_survive_a_restart_and_a_new_index(fleet):
    client = fleet.client()
    Recorder(client, "b").end()
    before = client.request("devices")["devices"]
    fleet.sink.stop()
    fleet.sink.start()
    assert fleet.client().request("devices")["devices"] == before
    fleet.sink.stop()
    subprocess.run(fleet.sink.command("--reindex"), capture_output=True, check=True)
    fleet.sink.start()
    after = fleet.client().request("devices")["devices"]
    assert [{**row, "quarantined": 0} for row in before if row["recordings"]] == [
        {**row, "quarantined": 0} for row in after if row["recordings"]
    ]


def test_command_shows_them(fleet):
    shown = reel(fleet.broker, "devices").text.splitlines()
    assert re.split(r"\s+", shown[0])[:3] == ["DEVICE", "HEARD", "NOW"]
    assert [line.split()[0] for line in shown[1:]] == ["a", "b", "c.1", "d"]
    assert " s1 " in shown[1] and shown[4].split()[-1] == "1"
    one = reel(fleet.broker, "devices", "--device", "b", "--json").json["devices"]
    assert [row["device"] for row in one] == ["b"]
    assert len(reel(fleet.broker, "devices", "--limit", "2").text.splitlines()) == 3
