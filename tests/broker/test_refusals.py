"""Refusals: what is retained, answers that may not go where they are asked to, bounds on what one
sender can cause; and that broken bytes never end the sink."""
import json
import random

import pytest

from harness import PREFIX, Format, Recorder, assert_same_audio, fragment
from lab import wait_for
from target import AUDIO, FORM, Target


# Retained


def test_retained_fragment_is_refused(target):
    """Also by a sink that is there already: it asks to be shown the flag (retain as published)."""
    payload = fragment(FORM.noise(100, 1), seq=1)
    error = target.publish(payload, retain=True)
    target.assert_rejected(error, "bad-request", error["field"], payload)
    target.client.publish(target.recorder.topic, b"", retain=True)  # the broker forgets it
    assert "retain" in error["message"]
    target.assert_untouched()


def test_retained_fragment_is_not_recorded_at_the_next_start(make_lab):
    lab = make_lab(start=False)
    client = lab.client()
    for topic in ("mic/s1", "mic"):
        client.publish(f"{PREFIX}/audio/{topic}", fragment(AUDIO, session="s1"), retain=True)
    for kill in (False, True):
        if lab.sink.program:
            lab.sink.restart(kill)
        else:
            lab.sink.start()
        assert client.request("list")["recordings"] == []
    assert Recorder(client, "mic").store(AUDIO, seq=0)["frames"] == 100


def test_retained_request_is_not_carried_out_at_the_next_start(make_lab):
    lab = make_lab(start=False)
    client = lab.client()
    client.subscribe(f"{PREFIX}/response/#")
    client.publish(f"{PREFIX}/request/list", b"{}", retain=True)
    lab.sink.start()
    assert client.request("status")
    assert client.select(lambda m: "/response/" in m.topic) == []


# Where an acknowledgement may go

BAD_REPLIES = {
    "another device": (f"{PREFIX}/reply/other/x", "not-allowed"),
    "another tree": ("home/lights/set", "not-allowed"),
    "the audio itself": (f"{PREFIX}/audio/other/s1", "not-allowed"),
    "a request": (f"{PREFIX}/request/delete", "not-allowed"),
    "250 levels": ("/".join("x" * 250), "bad-request"),
    "17 levels": (f"{PREFIX}/reply/" + "/".join("x" * 14), "bad-request"),
    "257 bytes": (f"{PREFIX}/reply/" + "x" * 250, "bad-request"),
    "wildcard": (f"{PREFIX}/reply/+/x", "bad-request"),
    "wildcard at the end": (f"{PREFIX}/reply/#", "bad-request"),
    "leading $": ("$SYS/broker", "bad-request"),
    "control character": (f"{PREFIX}/reply/a\x01b", "bad-request"),
}


@pytest.mark.parametrize("topic, code", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_fragment_with_a_bad_reply_to_is_stored_all_the_same(lab, target, topic, code):
    told = len(lab.watcher.select(lambda m: m.topic.startswith(f"{PREFIX}/response/")))
    strays = lab.client()
    if code == "not-allowed":
        strays.subscribe(topic)
    body = fragment(FORM.noise(100, 1), seq=1, reply_to=topic)
    target.client.publish(target.recorder.topic, body)

    def refusals():
        return lab.watcher.select(lambda m: m.topic.startswith(f"{PREFIX}/response/"))[told:]

    refusal = wait_for(refusals, "the refusal on the response topic")[0]
    assert refusal.topic == f"{PREFIX}/response/audio/{target.device}"
    error = refusal.document["error"]
    assert (error["code"], error["field"]) == (code, "metadata.session.reply_to"), error
    answer = target.recorder.store(FORM.noise(100, 2), seq=2)
    assert answer["frames"] == 300
    assert strays.messages == []
    assert lab.sink.status()["online"]


def test_fragment_with_a_response_topic_outside_is_stored(lab, target):
    body = fragment(FORM.noise(100, 1), seq=1)
    target.client.publish(target.recorder.topic, body, response_topic="home/lights/set")
    answer = target.recorder.store(FORM.noise(100, 2), seq=2)
    assert (answer["frames"], answer["missing"]) == (300, [])


# Many


def test_rejected_events_come_at_most_once_a_second_with_a_count(lab, target):
    for _ in range(50):
        target.client.publish(target.recorder.topic, b"junk", wait=False)

    def counted():
        return sum(event["count"] for event in lab.watcher.events(target.device, None, "rejected"))

    wait_for(lambda: counted() == 50, "all to be counted")
    assert len(lab.watcher.events(target.device, None, "rejected")) < 10
    target.assert_untouched()


def test_quarantine_is_bounded_and_the_oldest_goes_first(make_lab):
    lab = make_lab({"quarantine.max_bytes": 10_000})
    target = Target(lab, "mic")
    for n in range(30):
        target.publish(b"junk %04d " % n + bytes(1000))
    rejects = target.client.request("rejects", {"device": "mic"})["rejects"]
    assert 5 <= len(rejects) <= 10
    newest = target.client.ask("reject", {"quarantine_id": rejects[0]["quarantine_id"]})
    assert newest.payload.startswith(b"junk 0029")
    held = sum(path.stat().st_size for path in (lab.sink.store / "quarantine").rglob("*")
               if path.is_file())
    assert held < 20_000
    target.assert_untouched()


def test_refused_fragments_are_counted_by_reason(lab, target):
    def rejected():
        return target.client.request("status")["counters"]

    before = json.dumps(rejected(), sort_keys=True)
    target.publish(b"junk")
    assert json.dumps(rejected(), sort_keys=True) != before


def test_broken_payloads_never_end_the_sink(lab, target):
    """Good fragments with a few bytes changed, cut or doubled."""
    generator = random.Random(1)
    originals = [fragment(AUDIO, payload=form, seq=1, boot="b", tags={"a": 1})
                 for form in ("msgpack", "msgpack-array", "json-base64", "wav")]
    for _ in range(400):
        payload = bytearray(generator.choice(originals))
        for _ in range(generator.randrange(1, 4)):
            at = generator.randrange(min(len(payload), 150))
            payload[at] = generator.randrange(256)
        if generator.random() < 0.3:
            del payload[generator.randrange(len(payload)):]
        target.client.publish(f"{PREFIX}/audio/{target.device}-fuzz/f", bytes(payload), wait=False)
    assert target.recorder.info()["frames"] == 100
    target.assert_untouched()


def test_bounded_number_of_new_recordings_a_minute(make_lab):
    lab = make_lab({"limits.new_recordings_per_minute": 5})
    client = lab.client()
    for n in range(5):
        Recorder(client, "mic", f"s{n}").store(AUDIO)
    error = Recorder(client, "mic", "s5").refused(AUDIO)
    assert error["code"] in ("busy", "too-large", "not-allowed"), error
    Recorder(client, "other", "s0").store(AUDIO)
    assert Recorder(client, "mic", "s4").store(AUDIO)["frames"] == 200
    assert_same_audio(lab.sink.wav("mic", "s0").read_bytes()[1024:1224], AUDIO)


def test_refusal_of_what_is_not_even_read_has_the_fragments_encoding(make_lab):
    """Firmware reads acknowledgements as MessagePack alone."""
    lab = make_lab({"limits.max_fragment_bytes": 1024})
    client = lab.client()
    client.subscribe("reel/v1/reply/mic/#")
    for payload in ("msgpack", "json-base64"):
        topic = f"reel/v1/reply/mic/{payload}"
        client.publish("reel/v1/audio/mic/s1", fragment(FORM.noise(600), FORM, payload, seq=1),
                       response_topic=topic)
        answer = client.wait_message(lambda message, topic=topic: message.topic == topic)
        assert answer.document["error"]["code"] == "too-large"
        assert (answer.payload[:1] == b"{") == (payload == "json-base64")


# The recording that they were for


@pytest.mark.parametrize("bad", [
    b"no fragment", fragment(FORM.noise(100), Format(2, 16000, 2), seq=1),
    fragment(FORM.noise(100, 7), seq=1), fragment(AUDIO, session="another", seq=2),
], ids=["unreadable", "other format", "other audio", "other session"])
@pytest.mark.parametrize("end", [False, True], ids=["open", "complete"])
def test_recording_counts_what_was_refused_for_it(lab, device, bad, end):
    recorder = Recorder(lab.client(), device)
    recorder.store(AUDIO, seq=0)
    recorder.store(FORM.noise(100, 1), seq=1, end=end)
    for times in (1, 2):
        recorder.client.publish(recorder.topic, bad)
        wait_for(lambda: recorder.info()["rejected"] == times, f"{times} refused")
    told = recorder.client.request("rejects", {"device": device, "session": "s1"})["rejects"]
    assert len(told) == 2 and recorder.info()["frames"] == 200


def test_refusals_for_no_recording_begin_none(lab, device):
    client = lab.client()
    client.publish(f"{PREFIX}/audio/{device}/s1", b"no fragment")
    lab.watcher.wait_event(device, None, "rejected")
    assert client.request("list", {"device": device})["recordings"] == []
