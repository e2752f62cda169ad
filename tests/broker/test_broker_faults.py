"""Brokers that do not answer, refuse, vanish, or come back with nothing: the sink goes on trying,
with bounded waits, says why, ends when it is told to, and records what comes afterwards."""
import re
import signal
import socket
import subprocess
from contextlib import suppress

import pytest

from cli import finished, reel, start
from harness import PREFIX, Recorder, assert_same_audio
from lab import wait_for
from proxy import UP, Proxy
from refusing import NOT_AUTHORISED, RefusingBroker
from test_durability import TRACED, acknowledged, finish, inject, noise, strace
from test_spool import bytes_in

INGEST = "-ingest"  # in its CONNECT


@pytest.fixture
def make_far_lab(make_lab):
    """Labs whose sink reaches its broker through a network of ours."""
    networks = []

    def make(settings=None, start=True, **options):
        lab = make_lab(settings, start=False, **options)
        networks.append(Proxy(lab.broker))
        lab.sink.settings["broker.port"] = networks[-1].port
        if start:
            lab.sink.start()
        return lab, networks[-1]

    yield make
    for network in networks:
        network.heal()
        network.close()


def count(sink, text):
    return sink.log().count(text)


def ends_when_told(lab):
    assert lab.sink.program.terminate() == 0
    lab.sink.check()
    lab.sink.settings["broker.host"], lab.sink.settings["broker.port"] = "127.0.0.1", lab.broker.port
    lab.sink.start()
    assert Recorder(lab.client(), "mic").store(noise(0))["frames"] == 160


# No connection


def test_name_that_does_not_resolve(make_lab):
    lab = make_lab({"broker.host": "nowhere.invalid"}, start=False)
    lab.sink.launch()
    wait_for(lambda: count(lab.sink, "no ingest connection to nowhere.invalid") >= 2, "two attempts")
    assert re.search(r"nowhere\.invalid port \d+: .*[Nn]ame", lab.sink.log()), lab.sink.log()
    ends_when_told(lab)


@pytest.fixture
def full_port():
    """A port whose host answers no connection request: its queue of those is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port, waiting = listener.getsockname()[1], []
        with suppress(TimeoutError):
            while True:
                waiting.append(socket.create_connection(("127.0.0.1", port), timeout=0.3))
        yield port
        for end in waiting:
            end.close()


def test_sink_ends_while_it_connects_to_a_host_that_does_not_answer(make_lab, full_port):
    """The kernel would try for two minutes."""
    lab = make_lab({"broker.port": full_port}, start=False)
    lab.sink.launch()
    wait_for(lambda: syn_sent(full_port), "its attempt to connect")
    ends_when_told(lab)


def syn_sent(port):
    """Whether somebody tries to connect to that port of this host."""
    with open("/proc/net/tcp") as table:
        states = [line.split()[2:4] for line in table.read().splitlines()[1:]]
    return [f"0100007F:{port:04X}", "02"] in states


def test_client_does_not_wait_for_a_host_that_does_not_answer(full_port):
    said = reel(None, "status", "-h", "127.0.0.1", "-p", full_port, status=4)
    assert f"the broker at 127.0.0.1 port {full_port} does not answer" in said.err


def test_recorder_with_a_spool_ends_while_it_connects(full_port, tmp_path):
    process = start(None, "publish", "-h", "127.0.0.1", "-p", full_port, "--device", "mic",
                    "--spool", tmp_path / "spool", "-", "--session", "s1", "--rate", 16000,
                    "--sample-size", 2)
    process.stdin.write(noise(0, 16000))
    process.stdin.flush()
    wait_for(lambda: syn_sent(full_port), "its attempt to connect")
    wait_for(lambda: bytes_in(tmp_path / "spool") > 30000, "the audio in the spool")
    for _ in range(30):  # the first that it takes ends the recording, the next the program
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            assert process.wait(1) == 130
            break
    process.kill()
    assert finished(process).status == 130


def test_broker_that_takes_the_connection_and_says_nothing(make_far_lab):
    """It is given up and tried again long before the keepalive is over."""
    lab, network = make_far_lab(start=False)
    network.stall()
    lab.sink.launch()
    wait_for(lambda: network.count() == 2, "both connections")
    wait_for(lambda: "no answer" in lab.sink.log(), "it to be given up", timeout_s=60)
    network.heal()
    lab.sink.wait_online()
    network.stall()
    lab.sink.program.send(signal.SIGTERM)
    assert lab.sink.program.wait() == 0
    network.heal()
    lab.sink.settings["broker.port"] = lab.broker.port
    lab.sink.start()


# A refusal


@pytest.mark.parametrize("refusal", ["connack", "suback"])
def test_refusal_is_said_and_not_hammered_at(make_lab, refusal):
    """At least a second between two attempts, and then twice as long each time."""
    lab = make_lab(start=False)
    broker = RefusingBroker(**{refusal: NOT_AUTHORISED})
    lab.sink.settings["broker.port"] = broker.port
    lab.sink.launch()
    wait_for(lambda: len(broker.attempts) >= 6, "three attempts of each connection")
    said = {"connack": "the broker refuses us: Not authorized",
            "suback": f"does not let us subscribe to {PREFIX}/audio/#"}[refusal]
    assert said in lab.sink.log()
    span_s = broker.attempts[5] - broker.attempts[0]
    assert span_s >= 2.9, f"six attempts in {span_s:.1f} s"
    broker.close()
    ends_when_told(lab)


def test_sink_is_let_in_after_a_refusal(make_lab, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("r secret\n")
    users = {"admin": "a secret", "reeld": "another"}
    lab = make_lab({"broker.username": "reeld", "broker.password_file": secret}, start=False,
                   broker={"users": users},
                   credentials={"username": "admin", "password": "a secret"})
    lab.sink.launch()
    wait_for(lambda: count(lab.sink, "no ingest connection") >= 2, "two refusals")
    assert "the broker refuses us" in lab.sink.log()
    users["reeld"] = "r secret"
    lab.broker._write_passwords()
    lab.restart_broker()
    assert Recorder(lab.client(), "mic").store(noise(0))["frames"] == 160


# A host that vanishes


def test_half_open_connections_are_noticed(make_far_lab):
    """Neither end of the socket hears of it: what has been asked and not answered tells."""
    lab, network = make_far_lab({"broker.keepalive_s": 5})
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    network.freeze()
    recorder.post(noise(1), seq=1)
    recorder.store(noise(2), seq=2)
    assert "ingest connection ended" in lab.sink.log()
    lab.sink.wait_online()
    assert_same_audio(finish(lab, recorder), b"".join(noise(seq) for seq in range(3)))


def timers(sink):
    """Of its connections: the kind of timer that runs on each (2: is the peer there?), and when it
    will be over, in seconds."""
    with open(f"/proc/{sink.program.pid}/net/tcp") as table:
        rows = [line.split() for line in table.read().splitlines()[1:]]
    port = f":{sink.broker.port:04X}"
    # timer:clock ticks
    return [int(row[5].split(":")[1], 16) / 100 for row in rows
            if row[2].endswith(port) and row[5].startswith("02:")]


def test_kernel_asks_whether_the_brokers_host_is_there(make_lab):
    """The keepalive of MQTT, 300 s unless it is set, is too long for what a broker drops."""
    lab = make_lab()
    Recorder(lab.client(), "mic").store(noise(0))
    due_s = wait_for(lambda: len(timers(lab.sink)) >= 2 and timers(lab.sink), "timers of both")
    assert all(seconds <= 20 for seconds in due_s), due_s


# A broker that came back


def save(broker):
    """Let it write down what it knows and has in flight."""
    path = broker.folder / "mosquitto.db"
    before = path.stat().st_mtime_ns if path.exists() else 0
    broker.program.send(signal.SIGUSR1)
    wait_for(lambda: path.exists() and path.stat().st_mtime_ns != before, "the broker to save")


def sessions_lost(lab):
    return lab.client().request("status")["counters"]["sessions_lost"]


def test_broker_that_came_back_without_our_session_is_said(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    assert sessions_lost(lab) == 0 and "without our session" not in lab.sink.log()
    lab.restart_broker()
    assert count(lab.sink, "the broker came back without our session") == 1
    assert sessions_lost(lab) == 1
    wait_for(lambda: [m for m in lab.watcher.select(lambda m: "/metrics/" in m.topic)
                      if m.document["reel_sessions_lost_total"] == 1], "the metric")
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    recorder.store(noise(1), seq=1)
    assert_same_audio(finish(lab, recorder), noise(0) + noise(1))


def test_broker_that_came_back_empty_while_the_sink_was_away_is_said_once(make_lab):
    lab = make_lab()
    Recorder(lab.client(), "mic").store(noise(0))
    lab.sink.stop()
    lab.broker.restart(kill=True)
    for _ in range(2):
        lab.sink.start()
        assert count(lab.sink, "the broker came back without our session") == 1
        lab.sink.stop()
    lab.sink.start()


def test_broker_that_came_back_with_our_session_is_not_taken_for_one_without(make_lab):
    lab = make_lab(broker={"persistence": True})
    Recorder(lab.client(), "mic").store(noise(0))
    lab.sink.restart()
    save(lab.broker)
    lab.restart_broker()
    Recorder(lab.client(), "mic").store(noise(1))
    assert "without our session" not in lab.sink.log()


# Redelivery of fragments without numbers


def unacknowledged(lab, network, recorder, parts):
    """Let the sink make them durable, in several batches, while none of its acknowledgements reach
    the broker."""
    before = recorder.info()["fragments"]
    network.stall(UP, only=INGEST)
    for n, part in enumerate(parts):
        recorder.post(part)
        wait_for(lambda n=n: recorder.info()["fragments"] == before + n + 1, "a commit")


@pytest.mark.parametrize("what", ["cut off", "killed", "broker killed", "broker and sink killed"])
def test_unnumbered_that_are_durable_and_not_acknowledged_come_once(make_far_lab, what):
    lab, network = make_far_lab(broker={"persistence": True})
    recorder = Recorder(lab.client(), "mic")
    parts = [noise(seed) for seed in (1, 2, 2, 3, 3, 3)]
    recorder.store(noise(0))
    wait_for(lambda: len(acknowledged(lab.broker)) == 1, "the acknowledgement of the first")
    unacknowledged(lab, network, recorder, parts)
    if "sink" in what or what == "killed":
        lab.sink.kill()
    if "broker" in what:
        save(lab.broker)
        lab.broker.stop(kill=True)
    network.reset()
    network.heal()
    assert len(acknowledged(lab.broker)) == 1
    if not lab.sink.program.running():
        lab.sink.launch()
    if "broker" in what:
        lab.restart_broker()
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(3))
    assert recorder.info()["duplicates"] == len(parts)
    assert_same_audio(finish(lab, recorder), noise(0) + b"".join(parts) + noise(3))


# A disk that is slower than the broker is patient


@strace
def test_sync_longer_than_the_keepalive(make_lab, tmp_path):
    """The broker drops the sink in the middle of it: the batch is durable, its acknowledgements are
    lost, and what comes again is recognised, with numbers and without."""
    lab = make_lab({"broker.keepalive_s": 5, "ingest.commit_interval_ms": 500}, env=TRACED)
    numbered, plain = (Recorder(lab.client(), name) for name in ("numbered", "plain"))
    numbered.store(noise("numbered 0"), seq=0)
    plain.store(noise("plain 0"))
    calls = "fdatasync,fsync,syncfs"
    tracer = inject(lab.sink, tmp_path / "slow", f"{calls}:delay_enter=15000000:when=1")
    for n in range(1, 6):
        numbered.post(noise(f"numbered {n}"), seq=n)
        plain.post(noise(f"plain {n}"))
    wait_for(lambda: "reeld-sink-ingest has exceeded timeout" in lab.broker.log(),
             "the broker to drop it")
    tracer.terminate()
    for recorder in numbered, plain:
        wait_for(lambda r=recorder: r.info()["fragments"] == 6, "all of them")
    wait_for(lambda: count(lab.sink, "taking in audio") == 2, "it to be back")
    numbered.store(noise("numbered 6"), seq=6)
    plain.store(noise("plain 6"))
    for recorder in numbered, plain:
        expected = b"".join(noise(f"{recorder.device} {n}") for n in range(7))
        assert recorder.info()["duplicates"] == 5
        assert_same_audio(finish(lab, recorder), expected)
