"""The client: what it publishes, shows and fetches, against a real broker and sink."""
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import threading

import pytest

from cli import ALSA, finished, frames_of, reel, start, wait_frames
from harness import Format, Recorder, assert_same_audio, probe, read_ffmpeg, wav_bytes
from lab import wait_for

WIRE_FORMATS = [
    Format(1, 8000, 1), Format(2, 44100, 2), Format(3, 48000, 3), Format(1, 16000, 4),
    Format(2, 48000, 4, "float"), Format(1, 48000, 8, "float"), Format(1, 8000, 1, "alaw"),
    Format(2, 8000, 1, "ulaw"),
]


def raw_options(form):
    options = ["--rate", form.rate, "--channels", form.channels]
    options += ["--sample-size", form.sample_size]
    return options + (["--encoding", form.encoding] if form.encoding else [])


def publish_raw(lab, device, audio, form=Format(), session="s1", *words):
    return reel(lab.broker, "publish", "-", "--device", device, "--session", session,
                *raw_options(form), *words, data=audio)


# publish


def test_recorded_speech_comes_back_bit_for_bit(lab, device, tmp_path):
    said = reel(lab.broker, "publish", *ALSA, "--device", device)
    assert len(said.text.splitlines()) == len(ALSA) and said.err == ""
    for path in ALSA:
        reel(lab.broker, "get", f"{device}/{path.stem}", "--out", tmp_path)
        assert_same_audio(frames_of(tmp_path / path.name), frames_of(path))
        assert_same_audio(frames_of(lab.sink.wav(device, path.stem)), frames_of(path))
        info = reel(lab.broker, "info", f"{device}/{path.stem}", "--json").json
        assert (info["state"], info["end_reason"], info["rejected"]) == ("complete", "end", 0)
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in ALSA)
    reel(lab.broker, "get", device, ALSA[0].stem, "--out", tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / ALSA[0].name).read_bytes()
    assert reel(lab.broker, "info", device, ALSA[0].stem).text


@pytest.mark.parametrize("form", WIRE_FORMATS, ids=str)
def test_raw_standard_input_comes_back_as_raw_output(lab, device, form):
    audio = form.noise(9001)
    publish_raw(lab, device, audio, form)
    found = reel(lab.broker, "get", f"{device}/s1", "--raw", "--out", "-").out
    assert_same_audio(found, audio, form)
    assert probe(lab.sink.wav(device, "s1")) == (form, 9001)


@pytest.mark.parametrize("suffix, options", [
    ("flac", ["-b", "24"]), ("aiff", []), ("au", []), ("w64", []),
])
def test_any_file_of_libsndfile(lab, device, tmp_path, suffix, options):
    path = tmp_path / f"a.{suffix}"
    subprocess.run(["sox", "-n", "-r", "32000", "-c", "2", *options, path, "synth", "1", "pink"],
                   check=True)
    reel(lab.broker, "publish", path, "--device", device)
    stored = lab.sink.wav(device, "a")
    decoded = [
        subprocess.run(["sox", "-D", source, "-t", "raw", "-e", "signed", "-b", "24", "-"],
                       check=True, capture_output=True).stdout
        for source in (path, stored)
    ]
    assert len(decoded[0]) == 2 * 3 * 32000
    assert_same_audio(decoded[1], decoded[0], Format(2, 32000, 3))


@pytest.mark.parametrize("declared", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, None])
def test_wav_on_standard_input_whatever_length_it_declares(lab, device, declared):
    form = Format(2, 44100, 2)
    audio = form.noise(5000)
    stream = wav_bytes(audio, form)
    if declared is None:  # its length is true, and something stands behind the audio
        stream += b"LIST\x04\x00\x00\x00INFO"
    else:
        stream = stream[:40] + declared.to_bytes(4, "little") + stream[44:]
    reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", data=stream)
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, "s1")), audio, form)
    assert probe(lab.sink.wav(device, "s1"))[0] == form


def test_wav_that_a_program_streams(lab, device):
    with subprocess.Popen(["sox", ALSA[0], "-t", "wav", "-"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as sox:
        process = start(lab.broker, "publish", "-", "--device", device, "--session", "s1",
                        stdin=sox.stdout)
        assert finished(process).status == 0
    assert_same_audio(frames_of(lab.sink.wav(device, "s1")), frames_of(ALSA[0]))


def test_raw_bytes_of_no_declared_form_are_what_arecord_sends_by_default(lab, device):
    audio = Format(1, 8000, 1).noise(3000)
    said = reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", data=audio)
    assert "8000" in said.err
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, "s1")), audio)
    assert probe(lab.sink.wav(device, "s1"))[0] == Format(1, 8000, 1)


def test_file_as_standard_input(lab, device, tmp_path):
    path = tmp_path / "a.flac"
    subprocess.run(["sox", ALSA[0], path], check=True)
    with path.open("rb") as source:
        process = start(lab.broker, "publish", "-", "--device", device, "--session", "s1",
                        stdin=source)
        assert finished(process).status == 0
    assert_same_audio(frames_of(lab.sink.wav(device, "s1")), frames_of(ALSA[0]))


def test_half_a_frame_at_the_end_is_told_and_the_rest_is_stored(lab, device):
    audio = Format().noise(500)
    said = reel(lab.broker, "publish", "-", "--device", device, "--session", "s1",
                *raw_options(Format()), data=audio + b"x", status=1)
    assert "within a frame" in said.err
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, "s1")), audio)


def test_json_tells_what_became_of_each(lab, device, tmp_path):
    (tmp_path / "text.wav").write_text("no audio at all")
    said = reel(lab.broker, "publish", ALSA[0], tmp_path / "text.wav", ALSA[1], "--json",
                "--device", device, status=1)
    good, bad, also_good = said.lines
    assert (good["status"], good["session"], good["device"]) == ("ok", ALSA[0].stem, device)
    assert good["frames"] == len(frames_of(ALSA[0])) // 2
    assert (bad["status"], bad["error"]["code"]) == ("error", "bad-request")
    assert also_good["status"] == "ok"
    assert "text.wav" in said.err


def test_refused_audio_is_told_with_its_code(lab, device):
    publish_raw(lab, device, Format().noise(10))
    said = reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", "--rate", 8000,
                "--sample-size", 2, data=Format().noise(10), status=1)
    assert "conflict" in said.err or "bad-request" in said.err
    assert reel(lab.broker, "info", f"{device}/s1", "--json").json["frames"] == 10
    refused = reel(lab.broker, "rejects", "--device", device, "--json").json["rejects"]
    assert len(refused) >= 1
    payload = reel(lab.broker, "rejects", refused[0]["quarantine_id"], "--out", "-").out
    assert len(payload) == refused[0]["size"]
    assert str(refused[0]["quarantine_id"]) in reel(lab.broker, "rejects").text
    reel(lab.broker, "rejects", 4242424242, "--out", "-", status=3)


def test_continuing_a_recording_keeps_what_was_there(lab, device):
    first, second = Format().noise(300, 1), Format().noise(200, 2)
    publish_raw(lab, device, first)
    said = publish_raw(lab, device, second)
    assert "behind" in said.text
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, "s1")), first + second)


def test_realtime_takes_as_long_as_it_plays_and_names_the_time(lab, device):
    began = os.times().elapsed
    publish_raw(lab, device, Format().noise(16000), Format(), "s1", "--realtime")
    assert os.times().elapsed - began >= 0.95
    assert reel(lab.broker, "info", f"{device}/s1", "--json").json["captured_from"]


def test_tags_and_fragment_length_reach_the_sink(lab, device):
    publish_raw(lab, device, Format().noise(1600), Format(), "s1", "--tag", "site=kitchen",
                "--tag", "gain=-3.5", "--fragment-ms", 10)
    info = reel(lab.broker, "info", f"{device}/s1", "--json").json
    assert info["tags"] == {"site": "kitchen", "gain": -3.5}
    assert info["fragments"] in (10, 11)  # an empty last one may follow
    rows = reel(lab.broker, "list", "--device", device, "--tag", "site=kitchen", "--json").json
    assert len(rows["recordings"]) == 1


def test_ctrl_c_ends_live_audio_in_good_order(lab, device):
    audio = Format().noise(8000)
    process = start(lab.broker, "publish", "-", "--device", device, "--session", "s1",
                    *raw_options(Format()))
    process.stdin.write(audio)
    process.stdin.flush()
    wait_frames(lab.client(), device, "s1", 8000)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    finished(process)
    info = reel(lab.broker, "info", f"{device}/s1", "--json").json
    assert (info["end_reason"], info["frames"]) == ("end", 8000)


def test_names_come_from_files_and_the_user(lab, device, tmp_path):
    path = tmp_path / "-_ my talk (2).final.wav"
    path.write_bytes(wav_bytes(Format().noise(10)))
    reel(lab.broker, "publish", path, env={"REEL_DEVICE": device})
    rows = reel(lab.broker, "list", "--device", device, "--json").json["recordings"]
    assert [row["session"] for row in rows] == ["my-talk--2-.final"]


# list, info, status, watch


def test_list_filters_sorts_and_pages(lab, device):
    for number in range(5):
        publish_raw(lab, device, Format().noise(100 * (number + 1)), Format(), f"s{number}")
    listed = ["list", "--device", device, "--json", "--sort", "-duration"]
    rows = reel(lab.broker, *listed).json
    assert [row["session"] for row in rows["recordings"]] == ["s4", "s3", "s2", "s1", "s0"]
    assert rows["next_cursor"] is None and "total" not in rows
    rows = reel(lab.broker, *listed, "--limit", 2, "--count").json
    assert [row["session"] for row in rows["recordings"]] == ["s4", "s3"]
    assert rows["total"] == 5 and rows["next_cursor"]
    rows = reel(lab.broker, *listed, "--max-duration", "0.015").json
    assert [row["session"] for row in rows["recordings"]] == ["s1", "s0"]
    table = reel(lab.broker, "list", "--device", device, "--sort", "name").text.splitlines()
    assert table[0].split()[:2] == ["RECORDING", "STATE"]
    assert [line.split()[0] for line in table[1:]] == [f"{device}/s{n}" for n in range(5)]
    assert "bad-request" in reel(lab.broker, "list", "--since", "soon", status=1).err


def test_info_shows_gaps(lab, client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0, frame=0)
    recorder.store(frames=100, seq=3, frame=300)
    text = reel(lab.broker, "info", f"{device}/s1").text
    assert "400 frames, 200 of them missing" in text and "[1, 2]" in text.replace("[1,2]", "[1, 2]")
    assert "-" in reel(lab.broker, "list", "--device", device).text


def test_status_says_how_the_sink_is(lab):
    assert reel(lab.broker, "status", "--json").json["state"] == "ok"
    assert "state" in reel(lab.broker, "status").text


def wait_watching(lab, name):
    wait_for(lambda: f"{name} 1 reel/v1/event/" in lab.broker.log(), "the watcher's subscription")


def test_watch_shows_events_as_they_come(lab, device):
    words = ["--device", device, "--count", 2, "-i"]
    as_json = start(lab.broker, "watch", "--json", *words, f"j-{device}")
    as_text = start(lab.broker, "watch", *words, f"t-{device}")
    wait_watching(lab, f"j-{device}")
    wait_watching(lab, f"t-{device}")
    publish_raw(lab, device, Format().noise(10))
    events = finished(as_json).lines
    assert [event["event"] for event in events] == ["started", "completed"]
    assert events[1]["recording"]["frames"] == 10
    text = finished(as_text).text
    assert f"{device}/s1" in text and "completed" in text and "online" in text


def test_watch_says_how_the_sink_is_once_and_again_when_that_changes(lab, device):
    process = start(lab.broker, "watch", "--prefix", device, "--count", 1, "-i", f"p-{device}")
    wait_for(lambda: f"p-{device} 1 {device}/event/" in lab.broker.log(), "the subscription")
    sink = lab.client()
    for state in ("ok", "ok", "stalled", "stalled", "ok"):
        status = {"online": True, "time": "2026-01-02T03:04:05Z", "state": state, "reason": ""}
        sink.publish(f"{device}/status/s", json.dumps(status).encode())
    sink.publish(f"{device}/event/{device}/s1", b'{"event": "started"}')
    said = [line.split()[-1] for line in finished(process).text.splitlines() if "online" in line]
    assert said == ["ok", "stalled", "ok"]


def test_watch_ends_well_on_ctrl_c(lab, device):
    process = start(lab.broker, "watch", "-i", "watch-ends")
    wait_watching(lab, "watch-ends")
    publish_raw(lab, device, Format().noise(10))
    while b"completed" not in process.stdout.readline():
        continue
    process.send_signal(signal.SIGINT)
    assert finished(process).status == 0


def test_what_a_stranger_says_does_not_move_the_terminal(lab):
    process = start(lab.broker, "watch", "--prefix", "other", "--count", 1, "-i", "stranger")
    wait_for(lambda: "stranger 1 other/event/" in lab.broker.log(), "the watcher's subscription")
    event = {"event": "\x1b[2Jstarted", "note": "\x9b1m\x07", "recording": {"device": "\r"}}
    lab.client().publish("other/event/mic/s1", json.dumps(event))
    text = finished(process).text
    assert "started" in text and not set(text) & set("\x1b\x9b\x07\r")


def test_another_prefix(make_lab, tmp_path):
    lab = make_lab({"broker.prefix": "home/audio"})
    prefix = ["--prefix", "home/audio"]
    reel(lab.broker, "publish", ALSA[0], "--device", "mic", *prefix)
    reel(lab.broker, "get", f"mic/{ALSA[0].stem}", "-o", tmp_path / "a.wav", *prefix)
    assert_same_audio(frames_of(tmp_path / "a.wav"), frames_of(ALSA[0]))


# get


@pytest.mark.parametrize("words, begin, end", [
    (["--from", "0.5"], 8000, 48000),
    (["--to", "1"], 0, 16000),
    (["--from", "0:01", "--to", "00:00:02.5"], 16000, 40000),
    (["--to", "1:00:00"], 0, 48000),
])
def test_slices(lab, device, tmp_path, words, begin, end):
    audio = Format().noise(48000)
    publish_raw(lab, device, audio)
    reel(lab.broker, "get", f"{device}/s1", *words, "-o", tmp_path / "a.wav")
    assert_same_audio(frames_of(tmp_path / "a.wav"), audio[2 * begin : 2 * end])
    said = reel(lab.broker, "get", f"{device}/s1.wav", *words, "-o", "-")
    assert said.out == (tmp_path / "a.wav").read_bytes()


def test_get_of_a_growing_recording_is_as_long_as_it_is_now(lab, client, device, tmp_path):
    audio = Recorder(client, device).store(frames=500, seq=0) and Format().noise(500)
    said = reel(lab.broker, "get", f"{device}/s1", "-o", tmp_path / "a.wav", "--json").json
    assert (said["from_frame"], said["to_frame"]) == (0, 500)
    assert_same_audio(frames_of(tmp_path / "a.wav"), audio)


def test_get_replaces_a_file_and_leaves_nothing_of_what_is_not_there(lab, device, tmp_path):
    publish_raw(lab, device, Format().noise(10))
    (tmp_path / "s1.wav").write_text("old")
    reel(lab.broker, "get", f"{device}/s1", cwd=tmp_path)
    assert_same_audio(frames_of(tmp_path / "s1.wav"), Format().noise(10))
    said = reel(lab.broker, "get", f"{device}/s2", cwd=tmp_path, status=3)
    assert f"{device}/s2" in said.err and "not-found" in said.err
    said = reel(lab.broker, "get", f"{device}/s1", "--from", 5, cwd=tmp_path, status=1)
    assert "bad-request" in said.err and "from" in said.err
    assert os.listdir(tmp_path) == ["s1.wav"]


def test_many_gets_at_once(lab, device, tmp_path):
    audio = Format(2, 48000, 4).noise(400000)
    publish_raw(lab, device, audio, Format(2, 48000, 4))
    jobs = [
        threading.Thread(target=reel, args=(lab.broker, "get", f"{device}/s1", "--raw", "-o",
                                            tmp_path / f"{number}"))
        for number in range(4)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    for number in range(4):
        assert (tmp_path / f"{number}").read_bytes() == audio


# The command line


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["--nonsense"], ["get"], ["get", "a/b", "c"], ["get", "a"], ["get", "a", "b", "c"], ["get", "../b"],
    ["get", "a/b", "--from", "soon"],
    ["get", "a/b", "--from", "1e3"], ["get", "a/b", "--from", "0x10"],
    ["get", "a/b", "--from", "1:60"], ["get", "a/b", "--from", "1:2:3:4"],
    ["list", "--timeout", "99999999999"], ["get", "a/b", "--from", "2", "--to", "1"],
    ["info", "a/b/c"], ["publish"], ["publish", "-", "--encoding", "mp3"],
    ["publish", "-", "--sample-size", "16"], ["publish", "-", "--device", "a b"],
    ["publish", "a.wav", "b.wav", "--session", "s"], ["publish", "x/a.wav", "y/a.flac"],
    ["publish", "-", "--tag", "novalue"], ["publish", "-", "--fragment-ms", "0"],
    ["list", "--limit", "-1"], ["list", "-p", "70000"], ["list", "--has-gaps", "--no-gaps"],
    ["rejects", "5"], ["rejects", "x", "--out", "-"], ["list", "what"],
    ["keep"], ["keep", "a/b", "c"], ["tag", "a/b"], ["tag", "x=1"], ["tag", "a/b", "x=1", "c/d"],
    ["tag", "a/b", "=1"], ["tag", "a", "x=1"],
], ids=" ".join)
def test_usage_errors_end_with_2(words):
    command, *rest = words or [""]
    line = rest if command else []
    said = reel(None, command, *line, status=2) if command else finished(start(None, "--json"))
    assert said.status == 2 and said.err.startswith("reel") and said.out == b""


@pytest.mark.parametrize("command", ["publish", "list", "info", "get", "watch", "rejects",
                                     "status", "keep", "tag", "replay",
                                     "rm", "upload"])
def test_each_command_explains_itself(command):
    said = reel(None, command, "--help")
    assert said.text.startswith(f"usage: reel {command}") and "--cafile" in said.text
    assert f"  {command} " in reel(None, "--help").text


def test_version():
    assert reel(None, "--version").text.startswith("reel 0.")


def test_connection_comes_from_the_environment_and_before_the_command(lab):
    where = {"REEL_HOST": lab.broker.host, "REEL_PORT": str(lab.broker.port)}
    assert reel(None, "status", "--json", env=where).json["state"] == "ok"
    said = reel(None, "-p", str(lab.broker.port), "-h", "localhost", "--json", "status")
    assert said.json["state"] == "ok"


def test_progress_is_for_terminals_alone(lab, device):
    process = start(lab.broker, "publish", ALSA[0], "--device", device, "--realtime", stdin=None)
    assert finished(process).err == ""


@pytest.mark.parametrize("columns", [24, 50, 120])
def test_progress_keeps_to_one_line(lab, device, columns):
    leader, follower = pty.openpty()
    size = struct.pack("4H", 24, columns, 0, 0)
    fcntl.ioctl(follower, termios.TIOCSWINSZ, size)
    process = start(lab.broker, "publish", ALSA[0], "--device", device, "--realtime",
                    stderr=follower)
    os.close(follower)
    shown = b""
    while chunk := read_terminal(leader):
        shown += chunk
    assert process.wait(60) == 0 and b"%" in shown
    lines = shown.split(b"\r\x1b[K")
    assert len(lines) > 2 and max(len(line) for line in lines) < columns
    process.communicate()


def read_terminal(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other side is closed
        return b""


def test_output_that_goes_nowhere_is_an_error(lab):
    with open("/dev/full", "wb") as full:
        process = start(lab.broker, "status", stdout=full)
        said = finished(process)
    assert said.status == 1 and "standard output" in said.err


def test_json_of_every_reading_command_is_json(lab, device):
    publish_raw(lab, device, Format().noise(10))
    for words in (["list"], ["info", f"{device}/s1"], ["rejects"], ["status"]):
        assert isinstance(json.loads(reel(lab.broker, *words, "--json").text), dict)
