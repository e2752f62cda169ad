"""Satellites of the Hermes protocol: small WAV files built byte by byte as the published code of
several builds them, become recordings of their sites."""
import binascii
import io
import re
import struct
import subprocess
import time
import wave

import pytest

from harness import Format, Recorder, RequestFailed, assert_same_audio, read_wave, wait_for

ON = LAB_SETTINGS = {"hermes.enabled": 1}
NAME = re.compile(r"\d{8}T\d{6}(\.\d{6})?Z")
FORM = Format()  # 16 kHz, mono, 16 bit: what voice assistants take


# What satellites send


def by_wave(audio, form=FORM):
    """Rhasspy's microphone services and hermes-audio-server: Python's wave into memory, of 2048 and
    of 512 bytes of samples."""
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(form.channels)
        writer.setsampwidth(form.sample_size)
        writer.setframerate(form.rate)
        writer.writeframes(audio)
    return made.getvalue()


def fmt_chunk(form=FORM):
    block = form.channels * form.sample_size
    return b"fmt " + struct.pack("<IHHIIHH", 16, 1, form.channels, form.rate, form.rate * block,
                                 block, 8 * form.sample_size)


def by_esp32(audio, declared=1024):
    """The ESP32 satellites: one header for the microphone's read of 1024 bytes, in front of each
    message of 512."""
    return (b"RIFF" + struct.pack("<I", declared + 36) + b"WAVE" + fmt_chunk() + b"data"
            + struct.pack("<I", declared) + audio)


def by_snips(audio, milliseconds=1767323045678, extra=b""):
    """Snips' audio server: a chunk `time` before the samples."""
    stamp = struct.pack("<Q", milliseconds) + extra
    body = (b"WAVE" + fmt_chunk() + b"time" + struct.pack("<I", len(stamp)) + stamp + b"data"
            + struct.pack("<I", len(audio)) + audio)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def by_snips_without_time_in_its_size(audio):
    """The same, the size in front counting the samples and a plain header alone."""
    made = bytearray(by_snips(audio))
    made[4:8] = struct.pack("<I", 36 + len(audio))
    return bytes(made)


def by_pipe(audio):
    """A program that writes into a pipe, and never goes back for the sizes."""
    return by_esp32(audio, declared=0xFFFFFFFF - 36)


BUILDERS = {
    "rhasspy": (by_wave, 2048), "hermes-audio-server": (by_wave, 512), "esp32": (by_esp32, 512),
    "snips": (by_snips, 512), "snips16": (lambda audio: by_snips(audio, extra=bytes(8)), 512),
    "snips-size": (by_snips_without_time_in_its_size, 512), "pipe": (by_pipe, 640),
}


# What the sink makes of it


def topic_of(site, session=None):
    if session is None:
        return f"hermes/audioServer/{site}/audioFrame"
    return f"hermes/audioServer/{site}/{session}/audioSessionFrame"


def recordings(client, device, **more):
    return client.request("list", {"device": device, "sort": "started"} | more)["recordings"]


def began(recording):
    """When it began, to the second, as a name has it."""
    return recording["started_at"][:19].translate({ord("-"): None, ord(":"): None})


def wait_frames(client, device, frames, count=1):
    """The device's recordings, once there are `count`, of so many frames in all."""
    def found():
        listed = recordings(client, device)
        return listed if (len(listed), sum(r["frames"] for r in listed)) == (count, frames) else None
    return wait_for(found, f"{frames} frames of {device} in {count} recordings")


def audio_of(client, recording):
    wanted = {key: recording[key] for key in ("device", "session")} | {"format": "raw"}
    return client.ask("download", wanted).payload


@pytest.mark.parametrize("kind", BUILDERS)
def test_frames_of_published_satellites(lab, client, device, tmp_path, kind):
    build, size = BUILDERS[kind]
    audio = FORM.noise(4 * size // 2)
    for at in range(0, len(audio), size):
        (tmp_path / "frame.wav").write_bytes(build(audio[at:at + size]))
        subprocess.run(["mosquitto_pub", "-h", lab.broker.host, "-p", str(lab.broker.port),
                        "-t", topic_of(device), "-f", tmp_path / "frame.wav"], check=True)
    (recording,) = wait_frames(client, device, len(audio) // 2)
    assert NAME.fullmatch(recording["session"])
    assert recording["session"] == began(recording) + "Z"
    assert (recording["state"], recording["fragments"]) == ("recording", 4)
    assert_same_audio(audio_of(client, recording), audio)


def test_a_session_of_the_topic(lab, client, device):
    audio = FORM.noise(1024)
    for at in range(0, 2048, 512):
        client.publish(topic_of(device, "b1c-22.x"), by_wave(audio[at:at + 512]), qos=0)
    (recording,) = wait_frames(client, device, 1024)
    assert recording["session"] == "b1c-22.x"
    assert_same_audio(audio_of(client, recording), audio)


def test_sites_and_topics_side_by_side(lab, client, device):
    """Two sites, frame by frame in turns, each of them with both topics."""
    ways = [(f"{device}-{site}", session) for site in "ab" for session in (None, "dialog")]
    audio = {way: FORM.noise(10 * 256, seed) for seed, way in enumerate(ways)}
    for at in range(0, 10 * 512, 512):
        for way in ways:
            client.publish(topic_of(*way), by_wave(audio[way][at:at + 512]), qos=0, wait=False)
    for site in "ab":
        for recording in wait_frames(client, f"{device}-{site}", 2 * 10 * 256, count=2):
            named = recording["session"] == "dialog"
            assert named or NAME.fullmatch(recording["session"])
            way = (recording["device"], "dialog" if named else None)
            assert_same_audio(audio_of(client, recording), audio[way])


@pytest.mark.parametrize("site, device", [
    ("living room", "living-room-"), ("Küche", "K-che-"), ("-x", "xx-"), ("s" * 65, "s" * 59 + "-"),
    ("ünten.oben", "xnten.oben-"),
])
def test_names_that_are_none_of_ours(client, site, device):
    session = "a b"
    client.publish(topic_of(site, session), by_wave(FORM.noise(256)), qos=0)
    device += f"{binascii.crc_hqx(site.encode(), 0):04x}"
    (recording,) = wait_frames(client, device, 256)
    assert recording["session"] == f"a-b-{binascii.crc_hqx(session.encode(), 0):04x}"


def test_another_format_is_another_recording(lab, client, device):
    other = Format(2, 48000, 2)
    first, second = FORM.noise(256), other.noise(256)
    client.publish(topic_of(device), by_wave(first), qos=0)
    client.publish(topic_of(device), by_wave(second, other), qos=0)
    client.publish(topic_of(device), by_wave(second, other), qos=0)
    one, two = wait_frames(client, device, 3 * 256, count=2)
    assert (one["state"], one["end_reason"]) == ("complete", "end")
    assert (two["state"], two["channels"], two["rate"]) == ("recording", 2, 48000)
    assert two["session"] > one["session"] or "." in two["session"]
    assert_same_audio(audio_of(client, two), 2 * second, other)


@pytest.mark.parametrize("payload, field", [
    (b"", "payload"), (b"{}", "payload"), (b"\x80", "payload"), (b"RIFF", "payload"),
    (by_wave(b"")[:30], "payload"), (by_wave(bytes(512)).replace(b"fmt ", b"fmt_"), "payload"),
    (by_wave(bytes(512)).replace(b"\x80\x3e\0\0", bytes(4), 1), "metadata.audio.rate"),
], ids=range(7))
def test_bad_frames(lab, client, device, payload, field):
    audio = FORM.noise(256)
    client.publish(topic_of(device), by_wave(audio), qos=0)
    client.publish(topic_of(device), payload, qos=0)
    event = lab.watcher.wait_event(device, None, "rejected")
    assert (event["code"], event["field"]) == ("bad-request", field)
    refused = client.request("rejects", {"device": device})["rejects"]
    assert [one["size"] for one in refused] == [len(payload)]
    client.publish(topic_of(device), by_wave(audio), qos=0)
    (recording,) = wait_frames(client, device, 512)
    assert_same_audio(audio_of(client, recording), audio + audio)


def test_user_properties_are_none_of_its_numbers(lab, client, device):
    for seq in ("7", "7", "x"):
        client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=1,
                       user={"seq": seq, "session": "other", "end": "true"})
    (recording,) = wait_frames(client, device, 3 * 256)
    assert NAME.fullmatch(recording["session"]) and recording["state"] == "recording"


def test_a_retained_frame_is_refused(lab, client, device):
    client.publish(topic_of(device), by_wave(FORM.noise(256)), retain=True)
    assert lab.watcher.wait_event(device, None, "rejected")["field"] == "retain"
    client.publish(topic_of(device), b"", retain=True)


@pytest.mark.parametrize("whose", ["hermes", "session", "rules"])
def test_long_sessions_are_ended_and_go_on_under_another_name(make_lab, device, whose):
    """By the length of the audio, not in parts; within a second the names still differ."""
    lab = make_lab(ON | {f"{whose}.max_duration_s": 1})
    client = lab.client()
    audio = FORM.noise(5 * 8000)
    for at in range(0, len(audio), 16000):
        client.publish(topic_of(device), by_wave(audio[at:at + 16000]), qos=0)
    found = wait_frames(client, device, 40000, count=3)
    assert [(r["state"], r["end_reason"]) for r in found] == [
        ("complete", "limit"), ("complete", "limit"), ("recording", None)]
    assert all(NAME.fullmatch(r["session"]) and r["session"][:15] == began(r) for r in found)
    assert b"".join(audio_of(client, r) for r in found) == audio
    assert lab.watcher.wait_event(device, found[0]["session"], "completed")


def test_a_frame_that_is_refused_ends_nothing(make_lab, device):
    lab = make_lab(ON | {"rules.rates": 16000})
    client = lab.client()
    other = Format(1, 48000, 2)
    audio = FORM.noise(512)
    client.publish(topic_of(device), by_wave(audio[:512]), qos=0)
    client.publish(topic_of(device), by_wave(other.noise(512), other), qos=0)
    event = lab.watcher.wait_event(device, None, "rejected")
    assert (event["code"], event["field"]) == ("not-allowed", "rules.rates")
    client.publish(topic_of(device), by_wave(audio[512:]), qos=0)
    (recording,) = wait_frames(client, device, 512)
    assert recording["state"] == "recording"
    assert_same_audio(audio_of(client, recording), audio)


def test_long_sessions_are_ended_by_the_clock_too(make_lab, device):
    lab = make_lab(ON | {"hermes.max_duration_s": 1})
    client = lab.client()
    for _ in range(2):
        client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=0)
        time.sleep(1.1)  # what is looked at is the clock
    one, _ = wait_frames(client, device, 512, count=2)
    assert one["end_reason"] == "limit"


def test_silence_ends_a_session(make_lab, device):
    lab = make_lab(ON | {"session.idle_timeout_s": 1})
    client = lab.client()
    for way in (None, "dialog"):
        client.publish(topic_of(device, way), by_wave(FORM.noise(256)), qos=0)
    wait_for(lambda: len(recordings(client, device, end_reason="idle")) == 2, "both to be idle")
    for way in (None, "dialog"):
        client.publish(topic_of(device, way), by_wave(FORM.noise(256)), qos=0)
    found = wait_frames(client, device, 4 * 256, count=3)  # the topic's own is opened again
    assert {r["session"]: r["frames"] for r in found}["dialog"] == 512


@pytest.mark.parametrize("kill", [True, False])
def test_a_session_goes_on_after_a_restart(make_lab, device, kill):
    lab = make_lab(ON)
    client = lab.client()
    audio = FORM.noise(1024)
    client.publish(topic_of(device), by_wave(audio[:1024]), qos=0)
    (before,) = wait_frames(client, device, 512)
    lab.sink.restart(kill=kill)
    client.publish(topic_of(device), by_wave(audio[1024:]), qos=0)
    (after,) = wait_frames(client, device, 1024)
    assert (after["id"], after["session"]) == (before["id"], before["session"])
    assert_same_audio(audio_of(client, after), audio)


def test_a_numbered_recording_of_such_a_name_is_another(make_lab, device):
    lab = make_lab(ON)
    client = lab.client()
    recorder = Recorder(client, device, "20260102T030405Z")
    recorder.store(frames=256, seq=0)
    lab.sink.restart()
    client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=0)
    wait_frames(client, device, 512, count=2)
    assert recorder.info()["frames"] == 256 and recorder.info()["state"] == "recording"


def test_a_recording_that_is_deleted_meanwhile(lab, client, device):
    client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=0)
    (before,) = wait_frames(client, device, 256)
    client.request("delete", {"device": device, "session": before["session"]})
    client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=0)
    (after,) = wait_frames(client, device, 256)
    assert after["id"] != before["id"] and NAME.fullmatch(after["session"])


def test_only_the_sites_that_are_listed(make_lab, device):
    lab = make_lab(ON | {"hermes.sites": f"other, {device}"})
    client = lab.client()
    for site in (f"{device}2", "living room", device):
        client.publish(topic_of(site), by_wave(FORM.noise(256)), qos=0)
    wait_frames(client, device, 256)
    assert client.request("list", {})["recordings"] == recordings(client, device)
    assert client.request("rejects")["rejects"] == []


def test_off_unless_it_is_asked_for(make_lab, device):
    """Nor by what an earlier life of the sink subscribed to, which the broker remembers."""
    lab = make_lab(ON)
    client = lab.client()
    client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=0)
    wait_frames(client, device, 256)
    lab.sink.stop()
    lab.sink.settings.pop("hermes.enabled")
    lab.sink.start()
    for qos in (0, 1):
        client.publish(topic_of(device), by_wave(FORM.noise(256)), qos=qos)
    Recorder(client, device, "s1").store(frames=100)
    assert [r["frames"] for r in recordings(client, device)] == [256, 100]
    assert client.request("rejects")["rejects"] == []


def test_the_file_is_a_recording_as_any(lab, client, device):
    audio = FORM.noise(256)
    client.publish(topic_of(device, "s1"), by_wave(audio), qos=0)
    wait_frames(client, device, 256)
    Recorder(client, device, "s1", payload="wav").end()
    assert read_wave(lab.sink.wav(device, "s1")) == (FORM, audio)
    with pytest.raises(RequestFailed):
        client.request("info", {"device": device, "session": "s2"})
