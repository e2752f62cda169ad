"""The client when things break: the sink, the broker, its own process, the rights it has."""
import json
import os
import resource
import socket
import threading

import pytest

from cli import ALSA, finished, frames_of, reel, start, wait_frames
from harness import Format, Recorder, assert_same_audio, read_ffmpeg
from lab import PREFIX, free_port, wait_for
from test_access import ACL, ADMIN, USERS, authority, tls_lab  # noqa: F401

RAW = ["--rate", 16000, "--channels", 1, "--sample-size", 2]


def publish_live(lab, device, *words):
    return start(lab.broker, "publish", "-", "--device", device, "--session", "s1", *RAW, *words)


def feed(process, audio):
    process.stdin.write(audio)
    process.stdin.flush()


# publish


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_sink_that_goes_and_comes_back(make_lab, kill):
    lab = make_lab()
    audio = Format().noise(48000)
    process = publish_live(lab, "mic")
    feed(process, audio[:32000])
    wait_frames(lab.client(), "mic", "s1", 16000)
    lab.sink.kill() if kill else lab.sink.stop()
    feed(process, audio[32000:])
    process.stdin.close()
    process.stdin = None
    with pytest.raises(Exception):
        process.wait(1)
    lab.sink.start()
    said = finished(process)
    assert said.status == 0, said.err
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1")), audio)


def test_broker_that_forgets_what_it_held(make_lab):
    """The sink is away, the broker is killed and has kept nothing: only the client has it all."""
    lab = make_lab()
    audio = Format().noise(48000)
    process = publish_live(lab, "mic")
    feed(process, audio[:32000])
    wait_frames(lab.client(), "mic", "s1", 16000)
    lab.close_clients()
    lab.sink.stop()
    feed(process, audio[32000:64000])
    wait_for(lambda: lab.broker.log().count("Received PUBLISH") >= 15, "fragments at the broker")
    lab.broker.restart(kill=True)
    feed(process, audio[64000:])
    process.stdin.close()
    process.stdin = None
    lab.sink.start()
    said = finished(process)
    assert said.status == 0, said.err
    assert "connecting again" in said.err
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1")), audio)


def test_acknowledgements_that_get_lost_are_asked_for_again(make_lab):
    """An access list that lets no answer through at first."""
    acl = f"topic write {PREFIX}/#\ntopic readwrite {PREFIX}/audio/#\n"
    lab = make_lab(start=False, broker={"acl": "topic readwrite #\n"})
    lab.sink.start()
    process = publish_live(lab, "mic", "--timeout", 60)
    feed(process, Format().noise(1600))
    wait_frames(lab.client(), "mic", "s1", 1600)
    lab.close_clients()
    path = lab.broker.folder / "acl"
    path.write_text(acl)
    lab.broker.program.send(1)
    wait_for(lambda: "Reloading config" in lab.broker.log(), "the access list")
    process.stdin.close()
    process.stdin = None
    with pytest.raises(Exception):
        process.wait(1)
    path.write_text("topic readwrite #\n")
    lab.broker.program.send(1)
    assert finished(process).status == 0


def test_no_sink_is_an_error_in_time(make_lab):
    lab = make_lab(start=False)
    said = reel(lab.broker, "publish", ALSA[0], "--timeout", 0.5, status=4)
    assert "no sink acknowledged" in said.err and "not known to be stored" in said.err
    said = reel(lab.broker, "list", "--timeout", 0.3, status=4)
    assert "no sink answered `list` under reel/v1" in said.err
    said = reel(lab.broker, "get", "a/b", "--timeout", 0.3, "--out", "-", status=4)
    assert "no sink answered" in said.err


def test_sink_that_has_gone_is_named(make_lab):
    lab = make_lab()
    lab.sink.stop()
    assert "sink sink is offline" in reel(lab.broker, "list", "--timeout", 0.5, status=4).err


def test_no_broker_is_an_error_that_names_it():
    port = free_port()
    for words in (["list"], ["publish", ALSA[0]], ["get", "a/b", "-o", "-"], ["watch"]):
        said = reel(None, *words, "-h", "127.0.0.1", "-p", port, status=4)
        assert f"127.0.0.1 port {port}" in said.err and "refused" in said.err


def test_host_that_is_no_broker():
    """A port that accepts and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def close_each():
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
        threading.Thread(target=close_each, daemon=True).start()
        said = finished(start(None, "list", "-h", "127.0.0.1", "-p", server.getsockname()[1]))
    assert said.status in (1, 4) and "127.0.0.1" in said.err


def test_one_refused_file_does_not_stop_the_others(make_lab, tmp_path):
    lab = make_lab({"limits.max_fragment_bytes": 20000})
    small = tmp_path / "small.wav"
    small.write_bytes(ALSA[0].read_bytes()[:44 + 2000])
    said = reel(lab.broker, "publish", ALSA[0], small, "--device", "mic", "--json", status=1)
    big, good = said.lines
    assert (big["status"], big["error"]["code"]) == ("error", "too-large")
    assert good["status"] == "ok" or good["error"]["code"] == "bad-request"  # cut short
    assert lab.sink.wav("mic", "small").exists()
    reel(lab.broker, "publish", ALSA[0], "--device", "mic", "--session", "s1",
         "--fragment-ms", 100)
    assert_same_audio(frames_of(lab.sink.wav("mic", "s1")), frames_of(ALSA[0]))


def test_broker_that_drops_what_it_acknowledged(make_lab):
    """Its queue for a sink that is away is short, and it does not say what falls out of it."""
    lab = make_lab(broker={"extra": "max_queued_messages 3\nmax_inflight_messages 3\n"})
    audio = Format().noise(48000)
    process = publish_live(lab, "mic", "--json")
    feed(process, audio[:32000])
    wait_frames(lab.client(), "mic", "s1", 16000)
    lab.sink.stop()
    feed(process, audio[32000:])
    process.stdin.close()
    process.stdin = None
    wait_for(lambda: lab.broker.log().count("'reel/v1/audio/mic/s1'") >= 40, "all fragments")
    lab.sink.start()
    said = finished(process)
    assert said.status == 0, said.err
    assert said.json["resent"] > 10
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1")), audio)


def test_busy_sink_is_waited_for(make_lab):
    lab = make_lab({"limits.max_recordings_open": 1})
    other = Recorder(lab.client(), "other")
    other.store(frames=10, seq=0)
    audio = Format().noise(48000)
    process = publish_live(lab, "mic")
    feed(process, audio)
    process.stdin.close()
    process.stdin = None
    lab.watcher.wait_event("mic", "s1", "rejected")
    other.end(seq=1)
    said = finished(process)
    assert said.status == 0, said.err
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1")), audio)


# Rights


@pytest.fixture
def fenced(make_lab, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(USERS["reeld"] + "\n")
    return make_lab({"broker.username": "reeld", "broker.password_file": secret},
                    broker={"users": USERS, "acl": ACL}, credentials=ADMIN)


def test_device_account_works_within_its_corner(fenced, tmp_path):
    mic = ["-u", "mic", "-P", USERS["mic"]]
    reel(fenced.broker, "publish", ALSA[0], *mic)
    name = ALSA[0].stem
    rows = reel(fenced.broker, "list", "--device", "mic", "--json", *mic).json["recordings"]
    assert [row["session"] for row in rows] == [name]
    assert reel(fenced.broker, "info", f"mic/{name}", "--json", *mic).json["device"] == "mic"
    reel(fenced.broker, "get", f"mic/{name}", "-o", tmp_path / "a.wav", *mic)
    assert_same_audio(frames_of(tmp_path / "a.wav"), frames_of(ALSA[0]))
    assert reel(fenced.broker, "status", "--device", "mic", *mic).text
    secret = {"REEL_USERNAME": "admin", "REEL_PASSWORD": USERS["admin"]}
    assert name in reel(fenced.broker, "list", env=secret).text


def test_account_without_the_right_is_told_so(fenced, tmp_path):
    spy = ["-u", "spy", "-P", USERS["spy"], "--timeout", 20]
    said = reel(fenced.broker, "publish", ALSA[0], "--device", "mic", *spy, status=1)
    assert "broker refuses" in said.err and "mic" in said.err
    assert "does not let us ask" in reel(fenced.broker, "list", *spy, status=1).err
    said = reel(fenced.broker, "get", "mic/s1", "-o", tmp_path / "a.wav", *spy, status=1)
    assert "does not let us ask" in said.err and not list(tmp_path.glob("a.wav*"))


def test_wrong_password_is_told(fenced):
    said = reel(fenced.broker, "list", "-u", "mic", "-P", "wrong", status=1)
    assert "refuses us" in said.err and "uthori" in said.err and "wrong" not in said.err


def test_tls_with_a_certificate(make_lab, authority):  # noqa: F811
    lab = tls_lab(make_lab, authority, {"broker.cafile": authority / "ca.crt",
                                        "broker.cert": authority / "client.crt",
                                        "broker.key": authority / "client.key"})
    lab.sink.start()
    where = ["-h", "127.0.0.1", "-p", lab.sink.settings["broker.port"]]
    certificate = ["--cert", authority / "client.crt", "--key", authority / "client.key"]
    said = reel(None, "status", *where, "--cafile", authority / "ca.crt", *certificate, "--json")
    assert said.json["state"] == "ok"
    said = finished(start(None, "status", *where, "--cafile", authority / "stranger.crt",
                          *certificate))
    assert said.status != 0 and said.err
    said = finished(start(None, "status", *where, "--cafile", "/nowhere"))
    assert said.status != 0 and "TLS" in said.err


# get


WIDE = Format(2, 48000, 4)


def fetch_until(lab, name, path, size, *options):
    """Run `get` with a bound on the file's size, at which the kernel kills it."""
    process = start(lab.broker, "get", name, "-o", path, *options, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (size, size)))
    said = finished(process)
    assert said.status < 0, said.err


def test_killed_download_goes_on_where_it_was(lab, device, tmp_path):
    audio = WIDE.noise(800000)
    path = tmp_path / "a.wav"
    reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", "--rate", 48000,
         "--channels", 2, "--sample-size", 4, data=audio)
    fetch_until(lab, f"{device}/s1", path, 3000000)
    assert sorted(os.listdir(tmp_path)) == ["a.wav.part", "a.wav.part.json"]
    assert (tmp_path / "a.wav.part").stat().st_size == 3000000
    # What is there already is not fetched again: a change to it stays.
    with open(tmp_path / "a.wav.part", "r+b") as part:
        part.seek(1000)
        part.write(b"marked")
    said = reel(lab.broker, "get", f"{device}/s1", "-o", path)
    assert "going on" in said.err
    found = bytearray(path.read_bytes())
    assert found[1000:1006] == b"marked" and os.listdir(tmp_path) == ["a.wav"]
    reel(lab.broker, "get", f"{device}/s1", "-o", path)
    found[1000:1006] = path.read_bytes()[1000:1006]
    assert found == path.read_bytes()
    assert_same_audio(read_ffmpeg(path), audio, WIDE)


def test_part_of_another_slice_is_not_gone_on_with(lab, device, tmp_path):
    audio = WIDE.noise(400000)
    path = tmp_path / "a.wav"
    reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", "--rate", 48000,
         "--channels", 2, "--sample-size", 4, data=audio)
    fetch_until(lab, f"{device}/s1", path, 2000000)
    said = reel(lab.broker, "get", f"{device}/s1", "--from", 1, "-o", path)
    assert said.err == ""
    assert_same_audio(read_ffmpeg(path), audio[48000 * WIDE.frame_bytes :], WIDE)


def test_audio_that_changed_since_is_fetched_anew(lab, client, device, tmp_path):
    path = tmp_path / "a.wav"
    recorder = Recorder(client, device, form=WIDE)
    parts = [WIDE.noise(100000, seed) for seed in range(3)]
    recorder.store(parts[0], frame=0)
    recorder.store(parts[2], frame=200000)
    fetch_until(lab, f"{device}/s1", path, 600000)
    recorder.store(parts[1], frame=100000)
    said = reel(lab.broker, "get", f"{device}/s1", "-o", path)
    assert "beginning anew" in said.err
    assert_same_audio(read_ffmpeg(path), b"".join(parts), WIDE)


def test_tags_that_changed_since_are_fetched_anew_too(lab, client, device, tmp_path):
    """They stand in the header that is there already; samples alone go on."""
    recorder = Recorder(client, device, form=WIDE)
    audio = WIDE.noise(100000)
    recorder.store(audio, tags={"site": "roof"})
    paths = {"wav": tmp_path / "a.wav", "raw": tmp_path / "a.raw"}
    fetch_until(lab, f"{device}/s1", paths["wav"], 600000)
    fetch_until(lab, f"{device}/s1", paths["raw"], 600000, "--raw")
    client.request("tag", {"device": device, "session": "s1", "tags": {"site": "cellar"}})
    said = reel(lab.broker, "get", f"{device}/s1", "-o", paths["wav"])
    assert "beginning anew" in said.err
    assert_same_audio(read_ffmpeg(paths["wav"]), audio, WIDE)
    assert b'{"site":"cellar"}' in paths["wav"].read_bytes()[:1000]
    said = reel(lab.broker, "get", f"{device}/s1", "-o", paths["raw"], "--raw")
    assert "going on" in said.err and "anew" not in said.err
    assert paths["raw"].read_bytes() == audio


def test_sink_and_broker_that_restart_during_a_download(make_lab, tmp_path):
    lab = make_lab()
    audio = WIDE.noise(1500000)
    reel(lab.broker, "publish", "-", "--device", "mic", "--session", "s1", "--rate", 48000,
         "--channels", 2, "--sample-size", 4, data=audio)
    lab.sink.program.send(19)  # SIGSTOP: nothing is answered until it goes on
    process = start(lab.broker, "get", "mic/s1", "-o", tmp_path / "a.wav", "--timeout", 60)
    wait_for(lambda: "request/download" in lab.broker.log(), "the first request")
    lab.broker.restart(kill=True)
    lab.sink.program.send(18)
    said = finished(process)
    assert said.status == 0 and "connecting again" in said.err
    assert_same_audio(read_ffmpeg(tmp_path / "a.wav"), audio, WIDE)


def test_two_downloads_into_one_file_do_not_mix(lab, device, tmp_path):
    reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", *RAW,
         data=Format().noise(10))
    part = tmp_path / "s1.wav.part"
    with open(part, "wb") as held:
        import fcntl
        fcntl.flock(held, fcntl.LOCK_EX)
        said = reel(lab.broker, "get", f"{device}/s1", cwd=tmp_path, status=1)
        assert "another" in said.err and part.exists()
    reel(lab.broker, "get", f"{device}/s1", cwd=tmp_path)


def test_full_disk_is_told_and_nothing_is_renamed(lab, device, tmp_path):
    reel(lab.broker, "publish", "-", "--device", device, "--session", "s1", *RAW,
         data=Format().noise(10))
    with open("/dev/full", "wb") as full:
        process = start(lab.broker, "get", f"{device}/s1", "-o", "-", stdout=full)
        said = finished(process)
    assert said.status != 0 and "No space" in said.err
    said = reel(lab.broker, "get", f"{device}/s1", "-o", tmp_path / "no" / "a.wav", status=1)
    assert "No such file" in said.err
    assert json.dumps(os.listdir(tmp_path)) == "[]"
