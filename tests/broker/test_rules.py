"""Rules: what is refused at a recording's beginning, while it grows, and for coming too fast; each
refusal names its rule, and what is stored stays as it was."""
import json
import os
import subprocess

import pytest

from audio import fragment, read_wave, wav_bytes
from cli import reel
from harness import PREFIX, Format, Recorder, RequestFailed
from lab import wait_for
from labs import Lab, started
from uploads import BlockUploader, Uploader

STUDIO = Format(1, 48000, 3)
CD = Format(2, 44100, 2)
HEADER_BYTES = 1024


@pytest.fixture(scope="module")
def ruled(tmp_path_factory):
    """A sink with other rules for each kind of device."""
    with started(Lab(tmp_path_factory.mktemp("ruled"), {
        "rules.rates": "48000, 96000",
        "rules.sample_sizes": "3",
        'rules "any-*".rates': "",
        'rules "any-*".sample_sizes': "",
        'rules "mono-*".channels': "1",
        'rules "whole-*".encodings': "pcm",
        'rules "whole-*".sample_sizes': "3 4",
        'rules "short-*".max_duration_s': "1",
        'rules "long-*".min_duration_s': "1",
        'rules "small-*".max_bytes': str(2 * HEADER_BYTES + 30000),
        'rules "few-*".max_recordings': "2",
        'rules "slow-*".max_fragments_per_s': "5",
        'rules "slow-*".max_requests_per_s': "2",
    })) as lab:
        yield lab


@pytest.fixture
def client(ruled):
    yield ruled.client()
    ruled.check()
    ruled.close_clients()


@pytest.fixture
def name(device):
    """A device of its own for each test, of the kind that it asks for."""
    return lambda kind: f"{kind}-{device}"


def assert_refused(ruled, recorder, rule, *arguments, **options):
    """Refused by that rule, kept byte for byte, and told."""
    error = recorder.refused(*arguments, **options)
    assert (error["code"], error["field"]) == ("not-allowed", rule), error
    event = ruled.watcher.wait_event(recorder.device, None, "rejected")
    assert (event["code"], event["field"]) == ("not-allowed", rule)
    kept = recorder.client.ask("reject", {"quarantine_id": event["quarantine_id"]})
    assert len(kept.payload) > 0
    return error


# What a recording is

@pytest.mark.parametrize("kind, form, rule", [
    ("mic", CD, "rules.rates"),
    ("mic", Format(1, 48000, 2), "rules.sample_sizes"),
    ("mono", Format(2, 96000, 3), "rules.channels"),
    ("whole", Format(2, 96000, 4, "float"), "rules.encodings"),
])
@pytest.mark.parametrize("payload", ["msgpack", "json-base64", "wav"])
def test_a_format_that_the_rules_do_not_allow_begins_no_recording(
        ruled, client, name, kind, form, rule, payload):
    recorder = Recorder(client, name(kind), form=form, payload=payload)
    error = assert_refused(ruled, recorder, rule, frames=100)
    assert "the rules allow" in error["message"]
    assert client.refusal("info", {"device": recorder.device, "session": "s1"})["code"] == \
        "not-found"
    assert not (ruled.sink.store / "recordings" / recorder.device).exists()


@pytest.mark.parametrize("kind, form", [
    ("mic", STUDIO), ("mic", Format(2, 96000, 3)), ("any", CD),
    ("whole", Format(2, 96000, 4)), ("mono", STUDIO),
])
def test_a_format_that_the_rules_allow_is_taken(ruled, client, name, kind, form):
    recorder = Recorder(client, name(kind), form=form)
    audio = form.noise(100)
    recorder.store(audio, seq=0)
    recorder.end(seq=1)
    assert read_wave(ruled.sink.wav(recorder.device, "s1")) == (form, audio)


def test_mosquitto_pub_is_told_by_the_event(ruled, client, name, tmp_path):
    """A WAV file as sox or a satellite sends it, without a place for answers."""
    device = name("mic")
    path = tmp_path / "cd.wav"
    path.write_bytes(wav_bytes(CD.noise(1000), CD))
    subprocess.run(["mosquitto_pub", "-p", str(ruled.broker.port), "-q", "1", "-t",
                    f"{PREFIX}/audio/{device}/s1", "-f", str(path)], check=True, timeout=60)
    event = ruled.watcher.wait_event(device, "s1", "rejected")
    assert (event["code"], event["field"]) == ("not-allowed", "rules.rates")
    assert event["message"] == "its rate is 44100, and the rules allow 48000, 96000"
    path.write_bytes(wav_bytes(STUDIO.noise(1000), STUDIO))
    subprocess.run(["mosquitto_pub", "-p", str(ruled.broker.port), "-q", "1", "-t",
                    f"{PREFIX}/audio/{device}/s1", "-f", str(path)], check=True, timeout=60)
    ruled.watcher.wait_event(device, "s1", "started")


# How long it may become

def test_audio_that_would_make_it_too_long_is_refused(ruled, client, name):
    recorder = Recorder(client, name("short"), form=STUDIO)
    audio = recorder.form.noise(48000)
    half = 24000 * recorder.form.frame_bytes
    recorder.store(audio[:half], seq=0)
    recorder.store(audio[half:], seq=1)
    assert_refused(ruled, recorder, "rules.max_duration_s", frames=1, seq=2)
    assert recorder.store(audio[:half], seq=0)["seq"] == 1  # a repeat
    recorder.end(seq=2)
    info = recorder.info()
    assert (info["state"], info["duplicates"], info["rejected"]) == ("complete", 1, 1)
    assert_refused(ruled, recorder, "rules.max_duration_s", frames=1, seq=3)
    assert ruled.watcher.events(recorder.device, "s1", "reopened") == []
    assert read_wave(ruled.sink.wav(recorder.device, "s1")) == (STUDIO, audio)


def test_what_is_refused_does_not_keep_a_recording_open(make_lab, device):
    """A recorder that never ends: its recording is complete once nothing more of it is taken."""
    lab = make_lab({"rules.max_duration_s": "1", "session.idle_timeout_s": 1})
    recorder = Recorder(lab.client(), device, form=STUDIO)
    recorder.store(frames=48000, seq=0)

    def completed():
        recorder.refused(frames=480, seq=1)
        return lab.watcher.events(device, "s1", "completed")

    done = wait_for(completed, "the recording to be complete")[0]["recording"]
    assert (done["end_reason"], done["frames"]) == ("idle", 48000)


def test_a_session_goes_on_in_a_part_only_as_far_as_the_rules_allow(make_lab, device):
    lab = make_lab({"session.max_duration_s": 1, "rules.max_recordings": 2})
    recorder = Recorder(lab.client(), device, form=STUDIO)
    audio = STUDIO.noise(96000)
    half = len(audio) // 2
    recorder.store(audio[:half], seq=0)
    recorder.store(audio[half:], seq=1)
    error = recorder.refused(frames=1, seq=2)
    assert (error["code"], error["field"]) == ("not-allowed", "rules.max_recordings")
    recorder.end(seq=2)
    assert read_wave(lab.sink.wav(device, "s1")) == (STUDIO, audio[:half])
    assert read_wave(lab.sink.wav(device, "s1-2")) == (STUDIO, audio[half:])
    assert not lab.sink.wav(device, "s1-3").exists()


def test_a_gap_counts_and_what_fills_it_comes_in(ruled, client, name):
    recorder = Recorder(client, name("short"), form=STUDIO)
    audio = recorder.form.noise(48000)
    bytes_of = recorder.form.frame_bytes
    recorder.store(audio[:100 * bytes_of], frame=0)
    assert_refused(ruled, recorder, "rules.max_duration_s", frames=101, frame=47900)
    recorder.store(audio[47900 * bytes_of:], frame=47900)
    recorder.store(audio[100 * bytes_of:47900 * bytes_of], frame=100)
    recorder.end(frame=48000)
    assert read_wave(ruled.sink.wav(recorder.device, "s1")) == (STUDIO, audio)


def test_a_first_fragment_that_is_too_long_begins_nothing(ruled, client, name):
    recorder = Recorder(client, name("short"), form=STUDIO)
    assert_refused(ruled, recorder, "rules.max_duration_s", frames=48001)
    assert ruled.watcher.events(recorder.device, "s1", "started") == []


# How short it may be

def removed(ruled, recorder):
    """The two events that a recording's end has, if it is too short."""
    ruled.watcher.wait_event(recorder.device, recorder.session, "completed")
    event = ruled.watcher.wait_event(recorder.device, recorder.session, "deleted")
    assert event["reason"] == "rules.min_duration_s"
    assert recorder.client.refusal(
        "info", {"device": recorder.device, "session": recorder.session})["code"] == "not-found"
    wait_for(lambda: not ruled.sink.wav(recorder.device, recorder.session).exists(), "its file gone")
    return event["recording"]


def test_what_ends_too_short_is_removed(ruled, client, name):
    short = Recorder(client, name("long"), form=STUDIO)
    short.store(frames=47999, seq=0)
    short.end(seq=1)
    assert removed(ruled, short)["frames"] == 47999
    long = Recorder(client, short.device, "s2", STUDIO)
    long.store(frames=24000, frame=0)
    long.store(frames=1, frame=47999)  # a gap is of its length
    long.end(frame=48000)
    assert long.info()["state"] == "complete"
    assert ruled.watcher.events(long.device, "s2", "deleted") == []


def test_what_is_too_short_once_nothing_comes_is_removed(make_lab, device):
    lab = make_lab({"rules.min_duration_s": "1", "session.idle_timeout_s": 1})
    recorder = Recorder(lab.client(), device, form=STUDIO)
    recorder.store(frames=100, seq=0)
    assert removed(lab, recorder)["end_reason"] == "idle"
    recorder.store(frames=100, seq=0)  # a repeat, which is dropped
    assert len(lab.watcher.events(device, "s1", "started")) == 1


def test_many_that_end_too_short_at_once_are_all_removed(make_lab, device):
    lab = make_lab({"rules.min_duration_s": "1", "ingest.commit_interval_ms": 1000})
    client = lab.client()
    for number in range(150):
        Recorder(client, device, f"s{number}", STUDIO).post(frames=10, end=True, wait=False)
    lab.watcher.wait_event(device, "s149", "completed")
    lab.sink.stop()  # at once: none is forgotten
    lab.sink.start()
    assert client.request("list", {"device": device})["recordings"] == []
    wait_for(lambda: len(lab.watcher.events(device, None, "deleted")) == 150, "their events")


def test_a_kept_one_may_be_short(ruled, client, name):
    recorder = Recorder(client, name("long"), form=STUDIO)
    recorder.store(frames=100, seq=0)
    client.request("keep", {"device": recorder.device, "session": "s1"})
    recorder.end(seq=1)
    ruled.watcher.wait_event(recorder.device, "s1", "completed")
    other = Recorder(client, recorder.device, "s2", STUDIO)
    other.store(frames=100, seq=0)
    other.end(seq=1)
    removed(ruled, other)
    assert recorder.info()["kept"] is True


def test_the_last_part_of_a_session_may_be_short(make_lab, device):
    lab = make_lab({"rules.min_duration_s": "1", "session.max_duration_s": 1})
    recorder = Recorder(lab.client(), device, form=STUDIO)
    recorder.store(frames=48000, seq=0)
    recorder.store(frames=10, seq=1)
    recorder.end(seq=2)
    lab.watcher.wait_event(device, "s1-2", "completed")
    Recorder(recorder.client, device, "s2", STUDIO).store(frames=10, seq=0)
    Recorder(recorder.client, device, "s2", STUDIO).end(seq=1)
    lab.watcher.wait_event(device, "s2", "deleted")
    assert Recorder(recorder.client, device, "s1-2").info()["frames"] == 10


# Whole files

@pytest.mark.parametrize("kind, form, seconds, rule", [
    ("mic", CD, 1, "rules.rates"),
    ("long", STUDIO, 0.5, "rules.min_duration_s"),
    ("short", STUDIO, 1.5, "rules.max_duration_s"),
    ("small", STUDIO, 1, "rules.max_bytes"),
])
def test_an_upload_obeys_the_rules(ruled, client, name, kind, form, seconds, rule):
    uploader = Uploader(client, name(kind))
    wav = wav_bytes(form.noise(int(seconds * form.rate)), form)
    error = uploader.refused(wav)
    assert (error["code"], error["field"]) == ("not-allowed", rule)
    assert ruled.watcher.wait_event(uploader.device, "s1", "rejected")["field"] == rule
    assert client.refusal("info", {"device": uploader.device, "session": "s1"})["code"] == \
        "not-found"
    assert Uploader(client, "any-" + uploader.device).upload(wav)["state"] == "complete"


def test_an_upload_in_blocks_obeys_the_rules(ruled, client, name):
    wav = wav_bytes(CD.noise(2000), CD)
    uploader = BlockUploader(client, name("mic"), wav)
    uploader.begin()
    for block in uploader.missing():
        uploader.send(block)
    with pytest.raises(RequestFailed) as refused:
        uploader.end()
    assert (refused.value.error["code"], refused.value.error["field"]) == \
        ("not-allowed", "rules.rates")
    assert client.refusal("info", {"device": uploader.device, "session": "s1"})["code"] == \
        "not-found"
    wait_for(lambda: not list(ruled.sink.store.glob("uploads/*")), "its bytes to be gone")


def test_uploads_and_fragments_share_what_a_device_may_store(ruled, client, name):
    device = name("small")
    wav = wav_bytes(STUDIO.noise(6000), STUDIO)
    Uploader(client, device, "a").upload(wav)
    recorder = Recorder(client, device, "b", STUDIO)
    assert_refused(ruled, recorder, "rules.max_bytes", frames=4001)
    recorder.store(frames=4000)
    assert Uploader(client, device, "c").refused(wav)["field"] == "rules.max_bytes"
    Uploader(client, device, "a").upload(wav, user={"overwrite": "true"})  # in its own place
    assert Uploader(client, name("few"), "c").upload(wav)["state"] == "complete"


def test_what_is_deleted_makes_room(ruled, client, name):
    device = name("small")
    a, b = (Recorder(client, device, session, STUDIO) for session in "ab")
    a.store(frames=9000, seq=0)
    a.end(seq=1)
    b.store(frames=1000, seq=0)
    assert_refused(ruled, b, "rules.max_bytes", frames=9000, seq=1)
    client.request("delete", {"device": device, "session": "a"})
    b.store(frames=9000, seq=1)


# How much a device may store

def test_a_device_has_so_many_bytes_over_all_its_recordings(ruled, client, name):
    device = name("small")
    a = Recorder(client, device, "a", STUDIO)
    b = Recorder(client, device, "b", STUDIO)
    a.store(frames=4000, seq=0)
    a.end(seq=1)
    b.store(frames=5000, seq=0)
    assert_refused(ruled, b, "rules.max_bytes", frames=1001, seq=1)
    b.store(frames=5000, seq=0)  # a repeat
    b.store(frames=1000, seq=1)
    assert_refused(ruled, b, "rules.max_bytes", frames=1, seq=2)
    b.end(seq=2)
    assert sum(os.path.getsize(ruled.sink.wav(device, session)) for session in "ab") == \
        2 * HEADER_BYTES + 30000
    assert_refused(ruled, Recorder(client, device, "c", STUDIO), "rules.max_bytes", frames=1)
    Recorder(client, device + "x", "c", STUDIO).store(frames=1)


def test_a_bound_on_bytes_holds_after_a_restart(make_lab, device):
    lab = make_lab({"rules.max_bytes": str(HEADER_BYTES + 6000)})
    recorder = Recorder(lab.client(), device, form=STUDIO)
    recorder.store(frames=1500, seq=0)
    lab.sink.restart(kill=True)
    recorder.store(frames=500, seq=1)
    assert recorder.refused(frames=1, seq=2)["field"] == "rules.max_bytes"


def test_a_device_has_so_many_recordings(ruled, client, name):
    device = name("few")
    a, b, c = (Recorder(client, device, session, STUDIO) for session in "abc")
    a.store(frames=10, seq=0)
    a.end(seq=1)
    b.store(frames=10, seq=0)
    assert_refused(ruled, c, "rules.max_recordings", frames=10, seq=0)
    b.store(frames=10, seq=1)
    a.store(frames=10, seq=2)  # opens again
    assert a.info()["state"] == "recording"
    assert_refused(ruled, c, "rules.max_recordings", frames=10, seq=0)


# How fast

def test_a_flood_is_refused_but_for_ten_seconds_worth(ruled, client, name):
    device = name("slow")
    recorder = Recorder(client, device, form=STUDIO)
    recorder.store(frames=10, seq=0)
    for seq in range(1, 300):
        recorder.post(frames=10, seq=seq, wait=False)
    event = ruled.watcher.wait_event(device, "s1", "rejected")
    assert (event["code"], event["field"]) == ("not-allowed", "rules.max_fragments_per_s")

    def counted():
        info = recorder.info()
        return info if info["fragments"] + info["rejected"] == 300 else None

    info = wait_for(counted, "the flood to be taken in or refused")
    assert 50 <= info["fragments"] < 150
    answer = recorder.store(frames=10, seq=0)  # a repeat
    assert answer["seq"] >= 49
    Recorder(client, device + "x", form=STUDIO).store(frames=10)


def test_audio_that_waited_at_the_broker_is_no_flood(make_lab, device):
    """A minute of audio, sent while the sink is away, comes within a moment."""
    lab = make_lab({"rules.max_fragments_per_s": "10"},
                   broker={"extra": "max_queued_messages 0\n"})
    recorder = Recorder(lab.client(), device, form=STUDIO)
    recorder.store(frames=4800, seq=0)
    lab.sink.stop()
    for seq in range(1, 600):
        recorder.post(frames=4800, seq=seq, wait=seq % 100 == 0)
    recorder.post(b"", seq=600, end=True)
    lab.sink.start()
    done = lab.watcher.wait_event(device, "s1", "completed")["recording"]
    assert (done["frames"], done["gap_frames"], done["rejected"]) == (600 * 4800, 0, 0)
    assert lab.watcher.events(device, "s1", "rejected") == []


def test_requests_of_a_device_are_bounded(ruled, client, name):
    device = name("slow")
    answers = [client.ask("list", {}, device).document for _ in range(60)]
    refused = [answer["error"] for answer in answers if answer["status"] == "error"]
    assert answers[0]["status"] == "ok" and 20 <= len(answers) - len(refused) < 60
    assert {(error["code"], error["field"]) for error in refused} == \
        {("not-allowed", "rules.max_requests_per_s")}
    assert client.request("list", {}, device + "x")["recordings"] == []
    assert client.request("list", {"device": device})["recordings"] == []


def test_mosquitto_rr_is_told_of_its_rule(ruled, client, name):
    device = name("slow")

    def ask():
        """While others of the name leave it nothing."""
        for _ in range(40):
            client.publish(f"{PREFIX}/request/list/{device}", b"{}", wait=False)
        asked = subprocess.run(
            ["mosquitto_rr", "-p", str(ruled.broker.port), "-W", "30", "-t",
             f"{PREFIX}/request/list/{device}", "-e", f"{PREFIX}/reply/{device}/x", "-m", "{}"],
            capture_output=True, text=True, check=True, timeout=60)
        return json.loads(asked.stdout).get("error")

    assert wait_for(ask, "a refusal")["field"] == "rules.max_requests_per_s"


def test_reel_shows_which_rule_refuses(ruled, client, name, tmp_path):
    path = tmp_path / "cd.wav"
    path.write_bytes(wav_bytes(CD.noise(1000), CD))
    said = reel(ruled.broker, "publish", "--device", name("mic"), path, status=1)
    assert "its rate is 44100, and the rules allow 48000, 96000" in said.err
    assert "rules.rates" in said.err


# Beforehand

def test_the_status_says_what_is_accepted(ruled):
    accepts = ruled.sink.status()["accepts"]
    assert accepts["rules"] == {"rates": [48000, 96000], "sample_sizes": [3]}
    devices = {entry["pattern"]: entry["rules"] for entry in accepts["devices"]}
    assert list(devices)[:2] == ["any-*", "mono-*"]
    assert devices["any-*"] == {"rates": [], "sample_sizes": []}
    assert devices["whole-*"] == {"encodings": ["pcm"], "sample_sizes": [3, 4]}
    assert devices["slow-*"] == {"max_fragments_per_s": 5, "max_requests_per_s": 2}


def test_rules_that_change_are_for_recordings_that_begin(make_lab, device):
    """One that began under other rules goes on."""
    lab = make_lab()
    recorder = Recorder(lab.client(), device, form=CD)
    audio = CD.noise(200)
    recorder.store(audio[:400], seq=0)
    lab.sink.stop()
    lab.sink.settings["rules.rates"] = "48000"
    lab.sink.start()
    recorder.store(audio[400:], seq=1)
    other = Recorder(recorder.client, device, "s2", CD)
    assert other.refused(frames=10)["field"] == "rules.rates"
    recorder.end(seq=2)
    assert read_wave(lab.sink.wav(device, "s1")) == (CD, audio)


def test_a_fragment_without_place_for_answers_is_refused_alike(ruled, client, name):
    device = name("mic")
    client.publish(f"{PREFIX}/audio/{device}", fragment(CD.noise(10), CD, session="s1"))
    assert ruled.watcher.wait_event(device, "s1", "rejected")["field"] == "rules.rates"
