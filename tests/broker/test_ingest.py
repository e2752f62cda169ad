"""Audio in: every form of a payload, every format of a sample, both topics, MQTT 5 and 3.1.1;
acknowledgements to the recorder; how a recording ends and goes on."""
import json

import msgpack
import pytest

from harness import (
    FORMS, JSON, MSGPACK, PREFIX, Format, Recorder, assert_same_audio, document, fragment, probe,
    read_ffmpeg, read_sox, read_wave, sha256_of, wav_bytes,
)
from lab import wait_for

PCM = [Format(channels, 16000, size) for size in (1, 2, 3, 4) for channels in (1, 2)]
OTHERS = [
    Format(1, 48000, 4, "float"),
    Format(2, 96000, 8, "float"),
    Format(1, 8000, 1, "alaw"),
    Format(2, 8000, 1, "ulaw"),
    Format(6, 48000, 3),
    Format(64, 768000, 4),
    Format(1, 1, 1),
]


def finish(lab, recorder, **numbers):
    """End the recording; return the path of its file, which is at rest then."""
    recorder.end(**numbers)
    lab.watcher.wait_event(recorder.device, recorder.session, "completed")
    return lab.sink.wav(recorder.device, recorder.session)


@pytest.mark.parametrize("form", PCM + OTHERS, ids=str)
def test_format_stands_in_the_file_as_it_came(lab, client, device, form):
    recorder = Recorder(client, device, form=form)
    audio = b"".join(recorder.post(frames=frames, seed=frames) for frames in (160, 1, 333))
    path = finish(lab, recorder)
    assert probe(path) == (form, 494)
    assert_same_audio(read_ffmpeg(path), audio, form)
    if form.encoding != "float" and form.channels <= 2 and form.rate > 1:
        assert_same_audio(read_sox(path, form), audio, form)
    if form.encoding is None and form.channels <= 2:
        assert read_wave(path) == (form, audio)
    info = recorder.info()
    assert {name: info[name] for name in ("channels", "rate", "sample_size", "frames")} == {
        "channels": form.channels, "rate": form.rate, "sample_size": form.sample_size,
        "frames": 494,
    }
    assert info["encoding"] == (form.encoding or "pcm")
    assert info["bytes"] == path.stat().st_size
    assert info["duration"] == pytest.approx(494 / form.rate)


@pytest.mark.parametrize("payload", FORMS)
@pytest.mark.parametrize("form", [Format(2, 16000, 2), Format(1, 8000, 1), Format(1, 8000, 3)],
                         ids=str)
def test_each_payload_form_carries_the_same_audio(lab, client, device, form, payload):
    recorder = Recorder(client, device, form=form, payload=payload)
    audio = b"".join(
        recorder.post(frames=320, seed=seq, seq=seq, frame=320 * seq) for seq in range(5)
    )
    path = finish(lab, recorder, payload=None if payload != "wav" else "msgpack")
    assert read_wave(path) == (form, audio)
    assert recorder.info()["next_seq"] == 5


@pytest.mark.parametrize("payload", ["msgpack", "msgpack-array", "json-array", "json-base64"])
@pytest.mark.parametrize("form", [Format(1, 8000, 1, "alaw"), Format(1, 8000, 1, "ulaw")], ids=str)
def test_coded_audio_in_each_form(lab, client, device, form, payload):
    recorder = Recorder(client, device, form=form, payload=payload)
    audio = recorder.post(frames=1000)
    assert_same_audio(read_ffmpeg(finish(lab, recorder)), audio, form)


@pytest.mark.parametrize("form", [Format(1, 48000, 4, "float"), Format(2, 8000, 1, "alaw"),
                                  Format(2, 8000, 1, "ulaw"), Format(1, 16000, 4)], ids=str)
def test_wav_payloads_of_every_encoding(lab, client, device, form):
    recorder = Recorder(client, device, form=form, payload="wav")
    audio = recorder.post(frames=500) + recorder.post(frames=500, seed=1)
    path = finish(lab, recorder, payload="msgpack")
    assert probe(path) == (form, 1000)
    assert_same_audio(read_ffmpeg(path), audio, form)


def test_wav_whose_header_promises_more_than_it_has(lab, client, device):
    recorder = Recorder(client, device, form=Format(1, 16000, 2))
    audio = Format().noise(256)
    for _ in range(2):
        client.publish(recorder.topic, wav_bytes(audio, declared=1024))
    assert read_wave(finish(lab, recorder)) == (Format(), audio + audio)


def test_wav_with_other_chunks_around_its_audio(lab, client, recorder):
    audio = Format().noise(100)
    plain = wav_bytes(audio)
    strange = plain[:12] + b"LIST\x05\0\0\0INFO!\0" + plain[12:] + b"junk\x04\0\0\0abcd"
    client.publish(recorder.topic, strange)
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


def test_wav_says_that_it_is_the_last_by_a_user_property(lab, client, device):
    recorder = Recorder(client, device, payload="wav")
    audio = recorder.post(frames=100, seq=0) + recorder.post(frames=50, seq=1, end=True)
    event = lab.watcher.wait_event(device, "s1", "completed")
    assert event["recording"]["end_reason"] == "end"
    assert read_wave(lab.sink.wav(device, "s1")) == (Format(), audio)


@pytest.mark.parametrize("payload", ["msgpack", "json-base64"])
def test_session_named_by_the_payload_alone(lab, client, device, payload):
    recorder = Recorder(client, device, "by-payload", payload=payload)
    recorder.topic = f"{PREFIX}/audio/{device}"
    audio = recorder.post(frames=160, session="by-payload")
    path = finish(lab, recorder, session="by-payload")
    assert read_wave(path) == (Format(), audio)


def test_session_of_a_wav_on_the_device_topic(lab, client, device):
    recorder = Recorder(client, device, "by-property")
    audio = Format().noise(160)
    for end in ("false", "true"):
        client.publish(f"{PREFIX}/audio/{device}", wav_bytes(audio),
                       user={"session": "by-property", "end": end})
    lab.watcher.wait_event(device, "by-property", "completed")
    assert read_wave(lab.sink.wav(device, "by-property")) == (Format(), audio * 2)
    assert recorder.info()["frames"] == 320


def test_payload_may_say_nothing_of_the_session(lab, client, recorder):
    audio = Format().noise(10)
    bare = document(audio)
    del bare["metadata"]["session"]
    client.publish(recorder.topic, msgpack.packb(bare))
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


def test_topic_and_payload_may_both_name_the_session(recorder):
    assert recorder.store(frames=10, session=recorder.session)["session"] == recorder.session


def test_longest_names(lab, client):
    device, session = "D" + "._-9" * 15 + "abc", "0" * 64
    recorder = Recorder(client, device, session)
    audio = recorder.post(frames=100)
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_any_quality_of_service(lab, recorder, qos):
    audio = b"".join(recorder.post(frames=100, seed=n, seq=n, qos=qos) for n in range(20))
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


# Leniencies towards encoders


def test_numbers_may_be_floats_with_whole_values(lab, client, recorder):
    audio = Format().noise(100)
    whole = document(audio, Format(1.0, 16000.0, 2.0), seq=0.0, frame=0.0, time=1.7e15)
    client.publish(recorder.topic, msgpack.packb(whole))
    client.publish(recorder.topic, json.dumps(
        document([float(n) for n in Format().samples(audio)], Format(1.0, 16000.0, 2.0), seq=1.0)
    ).encode())
    info_path = finish(lab, recorder)
    assert read_wave(info_path) == (Format(), audio + audio)
    assert recorder.info()["captured_from"].startswith("2023-11-14T22:13:20")


WIDE = {
    "u64": b"\xcf" + (2).to_bytes(8, "big"), "i64": b"\xd3" + (2).to_bytes(8, "big"),
    "i16": b"\xd1\x00\x02", "f64": b"\xcb\x40" + bytes(7),
}


@pytest.mark.parametrize("wide", WIDE.values(), ids=WIDE.keys())
def test_integers_of_any_width(lab, client, recorder, wide):
    audio = Format().noise(10)
    payload = fragment(audio)
    name = b"\xabsample_size"
    client.publish(recorder.topic, payload.replace(name + b"\x02", name + wide))
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


@pytest.mark.parametrize("lead", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf  "])
def test_json_after_white_space_or_a_byte_order_mark(lab, client, recorder, lead):
    audio = Format().noise(10)
    client.publish(recorder.topic, lead + fragment(audio, payload="json-array"))
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


def test_unknown_fields_are_ignored(lab, client, recorder):
    audio = Format().noise(10)
    known = document(audio)
    known["metadata"]["audio"]["bitrate"] = {"x": [1, 2, {"y": None}]}
    known["metadata"]["session"]["mood"] = "fine"
    known["metadata"]["weather"] = b"\0"
    known["extra"] = 3.5
    client.publish(recorder.topic, msgpack.packb(known))
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


@pytest.mark.parametrize("content_type, payload", [
    (MSGPACK, "msgpack"), (JSON, "json-array"), ("audio/wav", "wav")
])
def test_content_type_that_agrees(lab, client, recorder, content_type, payload):
    audio = Format().noise(10)
    client.publish(recorder.topic, fragment(audio, payload=payload), content_type=content_type)
    assert read_wave(finish(lab, recorder)) == (Format(), audio)


def test_tags_latest_values_stand(client, recorder):
    recorder.store(frames=10, tags={"site": "roof", "gain": 12, "ratio": 0.5})
    recorder.store(frames=10, tags={"gain": 13})
    assert recorder.info()["tags"] == {"site": "roof", "gain": 13, "ratio": 0.5}


def test_capture_times_span_the_recording(recorder):
    start = 1_767_323_045_000_000  # 2026-01-02T03:04:05Z
    for n in range(3):
        recorder.store(frames=16000, seed=n, seq=n, time=start + n * 1_000_000)
    info = recorder.info()
    assert info["captured_from"].startswith("2026-01-02T03:04:05")
    assert info["captured_to"].startswith("2026-01-02T03:04:08")


def test_without_capture_times_none_are_made_up(recorder):
    recorder.store(frames=10)
    info = recorder.info()
    assert info["captured_from"] is None and info["captured_to"] is None


# MQTT 3.1.1


@pytest.mark.parametrize("payload", ["msgpack", "json-base64"])
def test_recorder_over_mqtt_3(lab, device, payload):
    client = lab.client(version=4)
    recorder = Recorder(client, device, payload=payload)
    audio = b""
    for seq in range(3):
        answer = recorder.store(frames=100, seed=seq, seq=seq)
        audio += Format().noise(100, seq)
        assert (answer["seq"], answer["frames"], answer["missing"]) == (seq, 100 * (seq + 1), [])
    assert read_wave(finish(lab, recorder, seq=3)) == (Format(), audio)


def test_wav_over_mqtt_3_needs_no_properties(lab, device):
    recorder = Recorder(lab.client(version=4), device, payload="wav")
    audio = recorder.post(frames=100)
    assert read_wave(finish(lab, recorder, payload="msgpack")) == (Format(), audio)


# Acknowledgements


@pytest.mark.parametrize("payload, content_type", [
    ("msgpack", MSGPACK), ("json-array", JSON), ("json-base64", JSON), ("wav", JSON)
])
def test_acknowledgement_has_the_fragments_encoding(client, device, payload, content_type):
    recorder = Recorder(client, device, payload=payload)
    recorder.store(frames=160, seq=0)
    message = client.messages[-1]
    assert message.content_type == content_type
    assert message.qos == 0 and not message.retain
    answer = message.document
    assert answer == answer | {
        "status": "ok", "device": device, "session": "s1", "seq": 0, "frames": 160,
        "missing": [], "missing_frames": [], "lost": [],
    }


def test_acknowledgement_names_what_is_missing(client, recorder):
    for seq in range(8):
        recorder.store(frames=100, seed=seq, seq=seq)
    answer = recorder.store(frames=100, seed=11, seq=11)
    assert answer["seq"] == 11
    assert answer["missing"] == [[8, 10]]
    answer = recorder.store(frames=100, seed=9, seq=9)
    assert (answer["seq"], answer["missing"]) == (11, [[8, 8], [10, 10]])
    recorder.store(frames=100, seed=8, seq=8)
    answer = recorder.store(frames=100, seed=10, seq=10)
    assert (answer["seq"], answer["missing"]) == (11, [])


def test_acknowledgement_names_missing_frames(recorder):
    recorder.store(frames=100, frame=0)
    answer = recorder.store(frames=100, frame=150)
    assert answer["missing_frames"] == [[100, 150]]
    assert recorder.store(frames=50, frame=100)["missing_frames"] == []


def test_acknowledgement_names_the_boot(recorder):
    assert recorder.store(frames=10, seq=0, boot="first")["boot"] == "first"
    answer = recorder.store(frames=10, seed=1, seq=0, boot=77)
    assert (answer["boot"], answer["seq"]) == (77, 0)


def test_response_topic_wins_over_reply_to(client, recorder):
    other = f"{PREFIX}/reply/{recorder.device}/other"
    client.subscribe(other)
    recorder.store(frames=10, seq=0, reply_to=other)
    recorder.store(frames=10, seq=1)
    assert client.select(lambda m: m.topic == other) == []


def test_reply_to_in_mqtt_5_without_a_response_topic(client, device):
    topic = f"{PREFIX}/reply/{device}/in-payload"
    client.subscribe(topic)
    recorder = Recorder(client, device)
    recorder.post(frames=10, seq=0, reply_to=topic)
    assert client.wait_message(lambda m: m.topic == topic).document["seq"] == 0


def test_who_does_not_ask_gets_no_acknowledgement(lab, client, device):
    recorder = Recorder(client, device)
    for seq in range(3):
        recorder.post(frames=10, seed=seq, seq=seq)
    recorder.store(frames=10, seed=3, seq=3)
    lab.watcher.wait_message(lambda m: m.topic == recorder.reply)
    told = lab.watcher.select(lambda m: f"/reply/{device}" in m.topic)
    assert [message.topic for message in told] == [recorder.reply]


def test_one_acknowledgement_for_a_batch_carries_the_last_correlation(make_lab):
    lab = make_lab({"ingest.commit_interval_ms": 400})
    client = lab.client()
    recorder = Recorder(client, "mic")
    client.subscribe(recorder.reply)
    for seq in range(50):
        recorder.post(frames=10, seed=seq, seq=seq, reply=recorder.reply,
                      correlation=b"%d" % seq, wait=False)
    last = client.wait_message(lambda m: m.correlation == b"49")
    assert last.document["seq"] == 49
    assert len(client.select(lambda m: m.topic == recorder.reply)) < 10


@pytest.mark.parametrize("last", [b"x", b"", None])
def test_a_correlation_is_not_mixed_with_the_one_before(make_lab, last):
    lab = make_lab({"ingest.commit_interval_ms": 400})
    client = lab.client()
    recorder = Recorder(client, "mic")
    client.subscribe(recorder.reply)
    for seq, correlation in enumerate([b"longer", b"longer still", last]):
        recorder.post(frames=10, seed=seq, seq=seq, reply=recorder.reply, correlation=correlation,
                      wait=False)
    told = client.wait_message(lambda m: m.topic == recorder.reply and m.document["seq"] == 2)
    assert told.correlation == last


# How a recording ends, and goes on


def test_end_may_carry_audio_or_none(lab, client, device):
    with_audio, without = Recorder(client, device, "with"), Recorder(client, device, "without")
    audio = with_audio.post(frames=10, seq=0) + with_audio.post(frames=10, seed=1, seq=1, end=True)
    without.post(data=audio, seq=0)
    without.post(seq=1, end=True)
    for recorder in (with_audio, without):
        event = lab.watcher.wait_event(device, recorder.session, "completed")
        assert event["recording"]["end_reason"] == "end"
        assert event["recording"]["state"] == "complete"
        assert read_wave(lab.sink.wav(device, recorder.session)) == (Format(), audio)


def test_recording_without_news_becomes_complete(make_lab):
    lab = make_lab({"session.idle_timeout_s": 1})
    recorder = Recorder(lab.client(), "mic")
    audio = recorder.post(frames=100, seq=0)
    event = lab.watcher.wait_event("mic", "s1", "completed")
    assert event["recording"]["end_reason"] == "idle"
    assert read_wave(lab.sink.wav("mic", "s1")) == (Format(), audio)
    recorder.store(frames=100, seed=1, seq=1)
    lab.watcher.wait_event("mic", "s1", "reopened")
    lab.watcher.wait_event("mic", "s1", "completed", count=2)
    assert read_wave(lab.sink.wav("mic", "s1"))[1] == audio + Format().noise(100, 1)


def test_idle_recording_is_completed_by_the_next_sink_too(make_lab):
    lab = make_lab({"session.idle_timeout_s": 2})
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=100, seq=0)
    lab.sink.restart(kill=True)
    assert lab.watcher.wait_event("mic", "s1", "completed")["recording"]["end_reason"] == "idle"


def test_new_audio_opens_a_complete_recording_again(lab, recorder):
    audio = recorder.post(frames=100, seq=0)
    finish(lab, recorder, seq=1)
    audio += Format().noise(100, 1)
    recorder.store(frames=100, seed=1, seq=2)
    assert lab.watcher.wait_event(recorder.device, "s1", "reopened")
    assert recorder.info()["state"] == "recording"
    recorder.end(seq=3)
    lab.watcher.wait_event(recorder.device, "s1", "completed", count=2)
    assert read_wave(lab.sink.wav(recorder.device, "s1")) == (Format(), audio)
    assert len(lab.watcher.events(recorder.device, "s1", "started")) == 1


def test_repeat_does_not_open_a_complete_recording(lab, recorder):
    recorder.store(frames=100, seq=0)
    path = finish(lab, recorder, seq=1)
    before = sha256_of(path)
    recorder.store(frames=100, seq=0)
    info = recorder.info()
    assert (info["state"], info["duplicates"]) == ("complete", 1)
    assert lab.watcher.events(recorder.device, "s1", "reopened") == []
    assert sha256_of(path) == before


def test_sha256_of_a_complete_file_is_the_files(lab, recorder):
    recorder.store(frames=1000, seq=0)
    assert recorder.info()["sha256"] is None
    path = finish(lab, recorder, seq=1)
    digest = wait_for(lambda: recorder.info()["sha256"], "the digest")
    assert digest == sha256_of(path)
    recorder.store(frames=10, seed=1, seq=2)
    assert recorder.info()["sha256"] is None


def test_ending_a_recording_that_has_no_audio_yet(lab, recorder):
    """An empty last fragment as the first says that nothing was heard; what comes of it is either
    an empty recording or an error, never silence about it."""
    answer = recorder.send(b"", end=True)
    assert answer["status"] in ("ok", "error")
    if answer["status"] == "ok":
        assert probe(lab.sink.wav(recorder.device, "s1"))[1] == 0


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "without a broker"])
def test_a_burst_is_in_the_file_though_nothing_follows(make_lab, connected):
    """What a reader of the file sees comes up by itself: the recording goes on growing."""
    made = make_lab()
    recorder = Recorder(made.client(), "mic1")
    parts = (recorder.post(frames=1600, seed=seq, seq=seq) for seq in range(59))
    audio = b"".join(parts) + recorder.form.noise(1600, 59)
    recorder.store(recorder.form.noise(1600, 59), seq=59)
    path = made.sink.wav("mic1", "s1")
    assert recorder.info()["state"] == "recording"
    if not connected:
        made.close_clients()
        made.broker.stop()
    wait_for(lambda: read_wave(path)[1] == audio, "the file's header to say all of it")
    assert_same_audio(read_sox(path, recorder.form), audio, recorder.form)
    if not connected:
        made.broker.start()
        made.sink.wait_online()
