"""reel replay: a stored recording published again, as its recorder would have."""
import os
import signal
import subprocess
import threading
from datetime import datetime, timezone

import msgpack
import pytest

from cli import ALSA, finished, frames_of, reel, start, wait_frames
from harness import Format, Recorder, assert_same_audio, read_ffmpeg, read_sox
from lab import wait_for
from test_cli import WIRE_FORMATS, publish_raw


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def info(lab, name):
    return reel(lab.broker, "info", name, "--json").json


def replay(lab, device, *words, session="s1", **options):
    return reel(lab.broker, "replay", f"{device}/{session}", *words, **options)


@pytest.fixture
def hour(make_lab):
    """A lab with a recording of some megabytes, mic/s1, and its audio."""
    lab = make_lab()
    form = Format(2, 48000, 2)
    audio = form.noise(1 << 20)
    publish_raw(lab, "mic", audio, form)
    return lab, audio


# what is replayed


@pytest.mark.parametrize("form", WIRE_FORMATS, ids=str)
def test_replay_equals_what_it_replays(lab, device, form):
    audio = form.noise(9001)
    publish_raw(lab, device, audio, form)
    said = replay(lab, device)
    assert said.text.startswith(f"{device}/s1-replay: ") and said.err == ""
    first, second = (lab.sink.wav(device, session) for session in ("s1", "s1-replay"))
    assert_same_audio(read_ffmpeg(second), audio, form)
    assert_same_audio(read_ffmpeg(first), audio, form)
    again = info(lab, f"{device}/s1-replay")
    assert (again["state"], again["end_reason"], again["gap_frames"]) == ("complete", "end", 0)


def test_speech_in_the_eyes_of_others(lab, device):
    path = ALSA[0]
    reel(lab.broker, "publish", path, "--device", device, "--tag", "site=roof",
         "--tag", "gain=-3.5")
    reel(lab.broker, "replay", f"{device}/{path.stem}", "--as", f"{device}/again")
    stored = lab.sink.wav(device, "again")
    assert_same_audio(frames_of(stored), frames_of(path))
    assert_same_audio(read_sox(stored, Format(1, 48000, 2)), frames_of(path))
    assert info(lab, f"{device}/again")["tags"] == {"site": "roof", "gain": -3.5}


def test_slice_and_silence_where_audio_is_missing(lab, client, device):
    recorder = Recorder(client, device)
    parts = [recorder.store(frames=1600, seq=seq, frame=1600 * seq) for seq in (0, 1, 3)]
    recorder.end(seq=4, frame=6400)
    before = reel(lab.broker, "get", f"{device}/s1", "--raw", "--out", "-").out
    assert len(parts) == 3 and before[2 * 3200:2 * 4800] == bytes(3200)
    replay(lab, device, "--as", f"{device}/slice", "--from", "0.1", "--to", "0.35")
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, "slice")), before[3200:11200])
    assert info(lab, f"{device}/slice")["gap_frames"] == 0


def test_fragments_and_the_answer_for_programs(lab, device):
    publish_raw(lab, device, Format().noise(16000))
    said = replay(lab, device, "--fragment-ms", 50, "--json").json
    assert (said["session"], said["status"], said["frames"]) == ("s1-replay", "ok", 16000)
    assert said["fragments"] == 20 == info(lab, f"{device}/s1-replay")["fragments"]


# time


def test_captured_now_or_when_it_was(lab, client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=16000, seq=0, time=1700000000000000)
    recorder.end(seq=1)
    before = datetime.now(timezone.utc)
    replay(lab, device)
    now = info(lab, f"{device}/s1-replay")
    assert 0 <= (moment(now["captured_from"]) - before).total_seconds() < 60
    length = moment(now["captured_to"]) - moment(now["captured_from"])
    assert length.total_seconds() == pytest.approx(1, abs=0.001)
    replay(lab, device, "--as", f"{device}/then", "--original-time", "--from", "0.5")
    then = info(lab, f"{device}/then")
    assert moment(then["captured_from"]).timestamp() == pytest.approx(1700000000.5)
    assert moment(then["captured_to"]).timestamp() == pytest.approx(1700000001)


@pytest.mark.parametrize("words, seconds", [(["--realtime"], 1), (["--speed", "0.5"], 2)])
def test_pace(lab, device, words, seconds):
    publish_raw(lab, device, Format().noise(16000))
    began = os.times().elapsed
    replay(lab, device, *words)
    assert os.times().elapsed - began >= 0.95 * seconds
    assert info(lab, f"{device}/s1-replay")["fragments"] in (10, 11)


def test_fetching_waits_for_the_pace_without_losing_patience(hour):
    """What is fetched is read for longer than --timeout; that is nobody's silence."""
    lab, audio = hour
    reel(lab.broker, "replay", "mic/s1", "--speed", 4, "--timeout", 2)
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1-replay")), audio, Format(2, 48000, 2))


# elsewhere


def test_another_prefix_where_no_sink_is(lab, device, tmp_path):
    publish_raw(lab, device, Format().noise(40000))
    topic = f"lab-{device}/audio/{device}/s1"
    command = ["mosquitto_sub", "-V", "5", "-q", "1", "-h", lab.broker.host,
               "-p", str(lab.broker.port), "-t", f"lab-{device}/#", "-i", f"sub-{device}",
               "-F", "%t %R %x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        wait_for(lambda: f"sub-{device} 1 lab-" in lab.broker.log(), "the listener")
        said = replay(lab, device, "--to-prefix", f"lab-{device}", "--no-ack")
        assert "at the broker" in said.text
        heard = []
        while not heard or not heard[-1]["metadata"]["session"]["end"]:
            to, *rest = listener.stdout.readline().split()
            assert to == topic and len(rest) == 1  # no Response Topic: nobody is asked
            heard.append(msgpack.unpackb(bytes.fromhex(rest[0])))
            heard[-1]["metadata"]["session"].setdefault("end", False)
        listener.terminate()
    numbers = [each["metadata"]["session"]["seq"] for each in heard]
    assert numbers == list(range(10))
    assert_same_audio(b"".join(each["data"] for each in heard), Format().noise(40000))


def test_no_ack_under_the_same_prefix_reaches_the_sink_all_the_same(hour):
    lab, audio = hour
    reel(lab.broker, "replay", "mic/s1", "--no-ack")
    client = lab.client()
    wait_frames(client, "mic", "s1-replay", 1 << 20)
    wait_for(lambda: info(lab, "mic/s1-replay")["state"] == "complete", "its end")
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1-replay")), audio, Format(2, 48000, 2))


# what goes wrong


def test_what_cannot_be_replayed_is_told(lab, device):
    publish_raw(lab, device, Format().noise(1600))
    assert "onto itself" in replay(lab, device, "--as", f"{device}/s1", status=2).err
    assert "not-found" in replay(lab, device, session="none", status=3).err
    replay(lab, device)
    assert "s1-replay exists" in replay(lab, device, status=1).err
    assert info(lab, f"{device}/s1-replay")["frames"] == 1600
    assert "bad-request" in replay(lab, device, "--from", 5, "--as", f"{device}/x", status=1).err
    assert "--as" in replay(lab, device, session=60 * "x", status=2).err
    said = replay(lab, device, "--to-prefix", "nobody", "--timeout", 0.5, status=4)
    assert "no sink answered `info` under nobody" in said.err


@pytest.mark.parametrize("words", [
    [], ["a"], ["a/b", "--speed", "0"], ["a/b", "--speed", "fast"], ["a/b", "--speed", "1e2"],
    ["a/b", "--speed", "2", "--realtime"], ["a/b", "--as", "c"], ["a/b", "--fragment-ms", "0"],
    ["a/b", "--from", "2", "--to", "1"], ["a/b", "--to-prefix", 600 * "x"],
], ids=lambda words: " ".join(words)[:30])
def test_usage(words):
    assert reel(None, "replay", *words, status=2).out == b""


@pytest.mark.parametrize("what", ["sink", "broker"])
def test_one_that_is_killed_in_the_middle(hour, what):
    lab, audio = hour
    process = start(lab.broker, "replay", "mic/s1", "--speed", 5)
    wait_frames(lab.client(), "mic", "s1-replay", 100000)
    lab.close_clients()
    if what == "sink":
        lab.sink.kill()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        lab.sink.start()
    else:
        lab.broker.restart(kill=True)
    said = finished(process)
    assert said.status == 0, said.err
    assert said.err.count("connecting again") == (what == "broker")
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1-replay")), audio, Format(2, 48000, 2))


def test_one_that_is_deleted_in_the_middle(make_lab):
    """What came of it has no end, so nobody takes it for the whole."""
    lab = make_lab()
    publish_raw(lab, "mic", 4 * Format(2, 48000, 2).noise(1 << 20), Format(2, 48000, 2))
    process = start(lab.broker, "replay", "mic/s1", "--speed", 20)
    wait_frames(lab.client(), "mic", "s1-replay", 100000)
    reel(lab.broker, "rm", "mic/s1")
    said = finished(process)
    assert said.status == 1 and "not-found" in said.err
    assert info(lab, "mic/s1-replay")["state"] == "recording"


def test_ctrl_c(hour):
    lab, _ = hour
    process = start(lab.broker, "replay", "mic/s1", "--realtime")
    wait_frames(lab.client(), "mic", "s1-replay", 10000)
    process.send_signal(signal.SIGINT)
    said = finished(process)
    assert said.status == 130 and "interrupted" in said.err
    assert info(lab, "mic/s1-replay")["state"] == "recording"


def test_memory_does_not_grow_with_the_recording(make_lab, tmp_path):
    lab = make_lab()
    peaks = []
    for frames in (1000, 24 << 20):
        publish_raw(lab, "mic", bytes(2 * frames), session=f"s{frames}")
        process = start(lab.broker, "replay", f"mic/s{frames}", stdin=None,
                        env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
        pipes = [threading.Thread(target=pipe.read) for pipe in (process.stdout, process.stderr)]
        for pipe in pipes:
            pipe.start()
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] - peaks[0] < 40_000  # kilobytes: two windows, not the 48 MB of audio
