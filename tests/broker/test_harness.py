"""The harness itself: what the other tests lean on must be able to fail."""
import pytest

import harness
from harness import (
    FORMS, JSON, MSGPACK, Client, Format, Message, assert_same_audio, encode, fragment, probe,
    read_ffmpeg, read_sox, read_wave, wav_bytes,
)
from lab import Broker, NotReady, Program, Sink, free_port, port_is_free, wait_for

FORMATS = [Format(1, 8000, 1), Format(2, 44100, 2), Format(1, 48000, 3), Format(2, 16000, 4)]
CODED = [Format(1, 16000, 4, "float"), Format(2, 48000, 8, "float"), Format(1, 8000, 1, "alaw"),
         Format(2, 8000, 1, "ulaw")]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def test_wait_for_returns_what_it_waited_for_and_gives_up():
    answers = iter([None, 0, "there"])
    assert wait_for(lambda: next(answers), "an answer") == "there"
    with pytest.raises(NotReady, match="a miracle"):
        wait_for(lambda: False, "a miracle", timeout_s=0.05)


def test_free_port_is_free_until_taken(broker):
    assert port_is_free(free_port())
    assert not port_is_free(broker.port)


def test_program_is_killed_and_tells_its_end(tmp_path):
    program = Program(["sh", "-c", "echo said; exec sleep 60"], tmp_path / "log")
    program.start()
    wait_for(lambda: program.log() == "said\n", "its word")
    program.kill()
    assert not program.running() and program.wait() == -9


@pytest.mark.parametrize("version", [5, 4])
def test_client_gets_what_was_published(broker, version):
    client = Client(broker, version)
    client.subscribe("a/#")
    client.publish("a/b", b"payload")
    assert client.wait_message(lambda m: m.topic == "a/b").payload == b"payload"
    with pytest.raises(NotReady, match="a/b"):
        client.wait_message(lambda m: m.topic == "a/c", timeout_s=0.05)
    client.close()


def test_client_passes_properties_on(broker):
    client = Client(broker)
    client.subscribe("p")
    client.publish("p", b"{}", content_type=JSON, response_topic="r", correlation=b"\0\xff",
                   user={"status": "ok"})
    message = client.wait_message(lambda m: m.topic == "p")
    assert (message.content_type, message.response_topic) == (JSON, "r")
    assert (message.correlation, message.user) == (b"\0\xff", {"status": "ok"})
    client.close()


def test_broker_restarts_on_its_port_and_keeps_strangers_out(tmp_path):
    with Broker(tmp_path, users={"mic": "secret"}, acl="user mic\ntopic readwrite #\n") as broker:
        port = broker.port
        broker.restart(kill=True)
        assert broker.port == port
        client = Client(broker, username="mic", password="secret")
        client.publish("x", b"")
        client.close()
        with pytest.raises(NotReady):
            wait_for_connection_of_a_stranger(broker)


def wait_for_connection_of_a_stranger(broker):
    patience, harness.wait_for = harness.wait_for, lambda c, w: wait_for(c, w, 0.3)
    try:
        Client(broker)
    finally:
        harness.wait_for = patience


@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_document_is_decoded_in_its_encoding(form):
    payload = encode({"a": [1, None]}, form)
    assert Message("t", payload, 0, False, content_type=form).document == {"a": [1, None]}
    assert Message("t", payload, 0, False).document == {"a": [1, None]}


@pytest.mark.parametrize("form", FORMATS + CODED, ids=str)
def test_readers_find_what_a_wav_file_holds(tmp_path, form):
    audio = form.noise(1000)
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(audio, form))
    assert probe(path) == (form, 1000)
    assert read_ffmpeg(path) == audio
    if form.encoding != "float":
        assert read_sox(path, form) == audio
    if form.encoding is None:
        assert read_wave(path) == (form, audio)


def test_fragments_differ_only_in_their_form():
    audio = Format().noise(3)
    payloads = {name: fragment(audio, payload=name, seq=1) for name in FORMS}
    assert len(set(payloads.values())) == len(FORMS)
    assert payloads["wav"].endswith(audio)
    assert b"\xc4\x06" + audio in payloads["msgpack"]
    assert b"\xa6" + audio in payloads["msgpack-str"]


def test_samples_are_little_endian_and_only_bytes_unsigned():
    assert Format(sample_size=1).samples(b"\x00\xff") == [0, 255]
    assert Format(sample_size=2).samples(b"\x01\x00\xff\xff") == [1, -1]
    assert Format(sample_size=3).samples(b"\x00\x00\x80") == [-(2**23)]


def test_noise_is_the_same_for_the_same_seed_only():
    assert Format().noise(10, 1) == Format().noise(10, 1) != Format().noise(10, 2)
    assert len(Format(3, 16000, 3).noise(10)) == 90


def test_comparison_says_where_audio_differs():
    audio = Format().noise(10)
    assert_same_audio(audio, audio)
    with pytest.raises(AssertionError, match=r"9 frames, expected 10"):
        assert_same_audio(audio[:-2], audio)
    with pytest.raises(AssertionError, match=r"1 differ, the first at \[4\]"):
        assert_same_audio(audio[:8] + bytes([audio[8] ^ 1]) + audio[9:], audio)


# A sink that only says that it is online, or what its setting `fake.says` tells it to say.
FAKE_SINK = r"""#!/bin/bash
while [ $# -gt 0 ]; do
    case $2 in
    broker.port=*) port=${2#*=} ;;
    sink.name=*) name=${2#*=} ;;
    fake.says=*) says=${2#*=} ;;
    fake.status=*) status=${2#*=} ;;
    esac
    shift 2
done
[ -z "$says" ] || echo "$says"
[ -z "$status" ] || exit "$status"
trap 'kill $!; exit 0' TERM
mosquitto_pub -p "$port" -r -t reel/v1/status/$name \
    -m "{\"online\": true, \"connected_at\": \"$(date +%s%N)\"}"
sleep 60 & wait
"""


def fake_sink(folder, broker, **settings):
    (folder / "reeld").write_text(FAKE_SINK)
    (folder / "reeld").chmod(0o755)
    settings = {f"fake.{key}": value for key, value in settings.items()}
    return Sink(folder, folder, broker, settings, name=folder.name)


def test_sink_is_awaited_and_restarted(broker, tmp_path):
    with fake_sink(tmp_path, broker) as sink:
        first = sink.status()["connected_at"]
        sink.restart()
        second = sink.status()["connected_at"]
        sink.restart(kill=True)
        assert len({first, second, sink.status()["connected_at"]}) == 3


def test_sink_that_ends_at_once_is_no_sink(broker, tmp_path):
    with pytest.raises(NotReady, match="ended with 78.*\n.*a bad setting"):
        fake_sink(tmp_path, broker, says="a bad setting", status=78).start()


def test_sink_that_crashes_is_noticed(broker, tmp_path):
    sink = fake_sink(tmp_path, broker).start()
    sink.program.send(9)
    sink.program.wait()
    with pytest.raises(NotReady, match="ended with -9"):
        sink.stop()


@pytest.mark.parametrize("report", [
    "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010",
    "==7==ERROR: LeakSanitizer: detected memory leaks",
    "src/core/place.c:7:3: runtime error: signed integer overflow",
])
def test_sanitizer_report_fails(broker, tmp_path, report):
    sink = fake_sink(tmp_path, broker, says=report).start()
    with pytest.raises(AssertionError, match="a sanitizer reports"):
        sink.stop()
