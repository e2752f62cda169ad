"""The client when a person gets something wrong: what it says, and that nothing is left behind."""
import os
import socket
import threading

import pytest

from cli import ALSA, reel, start
from harness import Format, Recorder, wav_bytes
from lab import wait_for
from test_access import USERS
from test_cli_faults import fenced  # noqa: F401


@pytest.fixture
def one_way_port():
    """The port of something that takes connections and ends them without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


# publish


@pytest.mark.parametrize("data", [b"", wav_bytes(b"")], ids=["nothing", "header"])
def test_standard_input_without_audio_is_no_recording(lab, device, data):
    said = reel(lab.broker, "publish", "-", "--device", device, "-q", data=data, status=1)
    assert "there is no audio in standard input" in said.err
    assert reel(lab.broker, "list", "--device", device, "--json").json["recordings"] == []


def test_file_without_audio_does_not_keep_others(lab, device, tmp_path):
    empty = tmp_path / "empty.wav"
    empty.write_bytes(wav_bytes(b""))
    said = reel(lab.broker, "publish", empty, ALSA[0], "--device", device, status=1)
    assert f"there is no audio in {empty}" in said.err
    rows = reel(lab.broker, "list", "--device", device, "--json").json["recordings"]
    assert [row["session"] for row in rows] == [ALSA[0].stem]


@pytest.mark.parametrize("option, value, hint", [
    ("--sample-size", 16, "counts bytes, not bits"), ("--rate", 0, "1 to 768000"),
    ("--channels", 65, "1 to 64"),
])
def test_format_that_cannot_be_is_told_with_its_option(option, value, hint):
    said = reel(None, "publish", "-", option, value, status=2)
    assert said.err.startswith(f"reel: {option} ") and hint in said.err


def test_raw_file_by_its_name_is_told_how_it_goes(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(100))
    said = reel(None, "publish", tmp_path / "a.raw", "--rate", 16000, status=2)
    assert "are of raw standard input" in said.err and "`< FILE`" in said.err


# get and rejects


@pytest.fixture
def recording(lab, device):
    recorder = Recorder(lab.client(), device)
    recorder.store(Format().noise(800), seq=0, end=True)
    return f"{device}/{recorder.session}"


@pytest.mark.parametrize("where", ["missing/a.wav", "file/a.wav"])
def test_place_that_cannot_be_written_is_not_worth_trying_again(lab, recording, tmp_path, where):
    (tmp_path / "file").touch()
    said = reel(lab.broker, "get", recording, "-o", tmp_path / where, status=1)
    assert str(tmp_path / where) in said.err


def test_device_account_sees_its_own_rejects(fenced):  # noqa: F811
    mic = ["-u", "mic", "-P", USERS["mic"]]
    publisher = fenced.client()
    for name in ("mic", "spy"):
        publisher.publish(f"reel/v1/audio/{name}/s1", b"no fragment")
    admin = ["-u", "admin", "-P", USERS["admin"], "--json"]
    wait_for(lambda: len(reel(fenced.broker, "rejects", *admin).json["rejects"]) == 2, "rejects")
    rows = reel(fenced.broker, "rejects", "--device", "mic", "--json", *mic).json["rejects"]
    assert [row["device"] for row in rows] == ["mic"]


# The broker, and the command line


def test_port_that_is_no_broker_is_told(one_way_port):
    said = reel(None, "status", "-h", "127.0.0.1", "-p", one_way_port, status=4)
    assert f"no MQTT broker answers at 127.0.0.1 port {one_way_port}, without TLS" in said.err


def test_reader_that_has_enough_is_no_error(lab, recording):
    process = start(lab.broker, "list")
    process.stdout.close()
    process.stdout = open(os.devnull, "rb")
    _, err = process.communicate(timeout=60)
    assert err == b""


def test_usage_is_told_once_and_in_full():
    said = reel(None, "list", "--limit", "x", status=2)
    assert said.err.splitlines() == [
        'reel: --limit: "x" cannot be taken as N', "usage: reel list [OPTION]...",
        "`reel list --help` tells more",
    ]
    assert "no command lst" in reel(None, "lst", status=2).err
