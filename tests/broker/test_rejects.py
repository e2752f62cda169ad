"""rejects and reject: what is in quarantine, and how it comes back."""
import json

import msgpack
import pytest

from harness import MSGPACK, PREFIX, Format, Recorder, fragment
from lab import wait_for


@pytest.fixture
def rejected(lab, client, device):
    """Six refused payloads of a device, the oldest first: half a frame, and a format that changes."""
    recorder = Recorder(client, device)
    recorder.store(frames=100)
    payloads = []
    for number in range(6):
        form = Format(2) if number % 2 else Format()
        data = form.noise(9, number) if number % 2 else bytes(3 + 2 * number)
        payloads.append(fragment(data, form))
        client.subscribe(recorder.reply)
        after = len(client.messages)
        client.publish(recorder.topic, payloads[-1], response_topic=recorder.reply)
        client.wait_message(lambda m: m.topic == recorder.reply, "a refusal", after)
    return payloads


def test_rejects_are_listed_newest_first(lab, client, device, rejected):
    rows = client.request("rejects", {"device": device})["rejects"]
    assert [row["size"] for row in rows] == [len(payload) for payload in rejected[::-1]]
    assert [row["code"] for row in rows] == ["conflict", "bad-request"] * 3
    ids = [row["quarantine_id"] for row in rows]
    assert ids == sorted(ids, reverse=True)
    for row in rows:
        assert (row["device"], row["session"]) == (device, "s1")
        assert row["topic"] == f"{PREFIX}/audio/{device}/s1"
        assert row["message"] and row["field"]
        assert row["time"].endswith("Z")


def test_rejects_in_pages_and_by_filters(lab, client, device, rejected):
    question = {"device": device}
    rows = client.request("rejects", question)["rejects"]
    found, cursor = [], {}
    while True:
        page = client.request("rejects", question | {"limit": 4} | cursor)
        found += page["rejects"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == rows
    assert client.request("rejects", question | {"code": "conflict"})["rejects"] == rows[::2]
    assert client.request("rejects", question | {"code": "jump"})["rejects"] == []
    assert client.request("rejects", question | {"session": "s"})["rejects"] == []
    assert client.request("rejects", question | {"session": "s1"})["rejects"] == rows
    since = rows[2]["time"]
    assert client.request("rejects", question | {"since": since})["rejects"] == rows[:3]
    assert client.request("rejects", question | {"until": since})["rejects"] == rows[3:]
    assert client.request("rejects", {}, device)["rejects"] == rows
    assert client.request("rejects", {}, "another")["rejects"] == []


@pytest.mark.parametrize("field, value", [
    ("device", 1), ("session", ""), ("code", "ok"), ("code", "no-such"), ("code", 4),
    ("since", "now"), ("until", 5), ("limit", 0), ("limit", 1001), ("cursor", "made up"),
    ("cursor", 3),
])
def test_rejects_wrong_field_is_named(lab, client, field, value):
    error = client.refusal("rejects", {field: value})
    assert (error["code"], error["field"]) == ("bad-request", field)


def test_cursors_of_list_and_rejects_do_not_mix(lab, client, device, rejected):
    Recorder(client, device, "s2").store(frames=1)
    listed = client.request("list", {"device": device, "limit": 1})["next_cursor"]
    refused = client.request("rejects", {"device": device, "limit": 1})["next_cursor"]
    assert listed and refused
    for op, cursor in (("rejects", listed), ("list", refused)):
        error = client.refusal(op, {"device": device, "cursor": cursor})
        assert (error["code"], error["field"]) == ("bad-request", "cursor")


def test_reject_comes_as_it_came(lab, client, device, rejected):
    rows = client.request("rejects", {"device": device})["rejects"][::-1]
    for row, payload in zip(rows, rejected, strict=True):
        answer = client.ask("reject", {"quarantine_id": row["quarantine_id"]})
        assert answer.payload == payload
        assert answer.content_type == "application/octet-stream"
        assert answer.user["status"] == "ok"
    old = lab.client(version=4)
    question = {"quarantine_id": rows[0]["quarantine_id"]}
    assert old.request("reject", question, form=MSGPACK)["bytes"] == rejected[0]


def test_reject_that_is_not_there_or_anothers(lab, client, device, rejected):
    quarantine_id = client.request("rejects", {"device": device})["rejects"][0]["quarantine_id"]
    assert client.refusal("reject", {"quarantine_id": 10 ** 12})["code"] == "not-found"
    assert client.refusal("reject", {"quarantine_id": quarantine_id}, "other")["code"] == "not-found"
    answer = client.ask("reject", {"quarantine_id": quarantine_id}, device)
    assert answer.payload == rejected[-1]
    for wrong in ({}, {"quarantine_id": "1"}, {"quarantine_id": -1}, {"quarantine_id": 0}):
        error = client.refusal("reject", wrong)
        assert (error["code"], error["field"]) == ("bad-request", "quarantine_id")


def test_payload_that_is_no_text_is_told_in_ascii(lab, client, device):
    """What a stranger sent does not reach those who read messages about it."""
    nasty = msgpack.packb({"metadata": {"session": {"id": "\x1b[31m\u202e"}, "audio": {}}})
    client.publish(f"{PREFIX}/audio/{device}", nasty)
    (row,) = wait_for(lambda: client.request("rejects", {"device": device})["rejects"], "the row")
    assert row["message"].isascii() and row["message"].isprintable()
    assert json.dumps(row["topic"]).isascii()
