"""`reeld --check-broker`: the configuration that comes with reel passes, each way of getting it wrong
is noticed, with what to change; and it leaves nothing behind."""
import json
import re
import socket
import subprocess
import threading
from contextlib import suppress

import pytest

from certificates import Authority
from harness import BUILD, CHECK, PREFIX, Client, Recorder
from lab import PATIENCE_S, TREE, Broker, free_port, wait_for
from labs import Lab
from shipped import SETTINGS, USERS, ShippedBroker

LOGIN = {"broker.username": "reeld"}
SMALL = {"limits.max_upload_bytes": 65536, "limits.max_response_bytes": 65536}


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(USERS["reeld"] + "\n")
    return path


def check(settings, *words, broker=None):
    """Run it; its exit status and what it said."""
    if broker:
        settings = {"broker.host": broker.host, "broker.port": broker.port} | settings
    command = [TREE / BUILD / "reeld", "-c", "/dev/null", "-o", "sink.name=sink", "--check-broker"]
    for name, value in settings.items():
        command += ["-o", f"{name}={value}"]
    done = subprocess.run([str(word) for word in (*command, *words)], capture_output=True,
                          text=True, timeout=4 * PATIENCE_S)
    assert done.returncode in (0, 1), done
    assert "Sanitizer" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def changes(settings, broker):
    """What is to be changed: what it is about, and the advice."""
    status, said = check(settings, "--json", broker=broker)
    document = json.loads(said)
    found = {one["about"]: one["advice"] for one in document["findings"]
             if one["verdict"] == "change"}
    assert (status == 0) == document["ok"] == (not found)
    return found


def anonymous(folder, extra="", **options):
    """A broker that lets everybody in, with our settings but for what `extra` has."""
    return Broker(folder, extra=extra + "\n", **options)


# The configuration that comes with reel


def test_shipped_configuration_passes_beside_a_running_sink(tmp_path, password):
    """Which does not notice it, and after which nothing is left at the broker."""
    lab = Lab(tmp_path, SETTINGS | LOGIN | {"broker.password_file": password},
              broker_class=ShippedBroker,
              credentials={"username": "admin", "password": USERS["admin"]})
    try:
        lab.sink.start()
        recorder = Recorder(lab.client(username="mic1", password=USERS["mic1"]), "mic1")
        recorder.store(frames=10, seq=0)
        log, seen = lab.sink.log(), len(lab.watcher.messages)
        status, said = check(lab.sink.settings | {"store.dir": tmp_path / "none"})
        assert status == 0 and said.endswith("the broker is right\n"), said
        assert not re.search("^change", said, re.M) and re.search("^ok +connection: ", said, re.M)
        assert not (tmp_path / "none").exists()
        assert recorder.store(frames=10, seq=1)["frames"] == 20
        client = lab.client()
        assert client.request("rejects")["rejects"] == []
        assert client.request("list", {"count": True})["total"] == 1
        assert lab.sink.log() == log
        kinds = {m.topic.split("/")[2] for m in lab.watcher.messages[seen:] if CHECK in m.topic}
        assert kinds == {"status", "metrics", "event", "response", "reply"}  # it was there
        client.subscribe(f"{PREFIX}/status/+", f"{PREFIX}/metrics/+")
        client.wait_message(lambda m: m.topic == f"{PREFIX}/status/sink")
        assert [m.topic for m in client.messages if CHECK in m.topic] == []
    finally:
        lab.close()
    check_sessions(lab.broker.log())


def check_sessions(log):
    """The last of each name began anew, and ended with its connection."""
    begun = re.findall(r"as (reeld-sink-check\S*) \(p5, c(\d)", log)
    assert {name for name, _ in begun} == {f"reeld-sink-check{it}" for it in ("", "-2", "-queue")}
    assert set(dict(begun).values()) == {"1"}, begun


def test_tls_is_checked_by_tls(tmp_path):
    authority = Authority(tmp_path / "ca")
    key_file = tmp_path / "reeld.psk"
    key_file.write_text("00112233")
    with ShippedBroker(tmp_path / "broker", authority=authority,
                       keys={"reeld": "00112233"}) as broker:
        by_key = SMALL | {"broker.port": broker.psk_port, "broker.psk_identity": "reeld",
                  "broker.psk_file": key_file}
        by_certificate = SMALL | {"broker.port": broker.tls_port} | authority.issue("reeld").settings(
            authority)
        for settings in by_key, by_certificate:
            status, said = check(settings, broker=broker)
            assert status == 0 and "with TLS" in said, said
        expired = authority.issue("reeld", days=-1).settings(authority)
        status, said = check(by_certificate | expired, broker=broker)
        assert status == 1 and "our certificate, cert, has expired" in said
        key_file.write_text("44556677")
        status, said = check(by_key, broker=broker)
        assert status == 1 and "does not take our pre-shared key" in said


# No connection


def test_no_connection(tmp_path, password):
    status, said = check({"broker.port": free_port(), "broker.host": "127.0.0.1"})
    assert status == 1 and "Connection refused" in said and "> listener " in said
    with ShippedBroker(tmp_path / "broker") as broker:
        for settings in ({}, LOGIN, LOGIN | {"broker.password_file": password}):
            if "broker.password_file" in settings:
                password.write_text("wrong\n")
            status, said = check(settings, broker=broker)
            assert status == 1 and "the broker refuses us: " in said, said
            assert "mosquitto_passwd /etc/mosquitto/reel.passwd reeld" in said
            assert said.endswith("1 to change\n")


# Brokers that are not right


@pytest.mark.parametrize("extra, about, advice", [
    ("max_queued_messages 1000", "queue", "max_queued_messages 10000000"),
    ("max_queued_messages 100000\nmax_queued_bytes 500000", "queue", "max_queued_bytes 536870912"),
    ("message_size_limit 100000", "limits.max_fragment_bytes", "message_size_limit 1048576"),
    ("message_size_limit 2000000", "limits.max_response_bytes", "message_size_limit 8388608"),
    ("max_packet_size 100000", "limits.max_fragment_bytes", "max_packet_size 1114112"),
    ("retain_available false", "retained messages", "retain_available true"),
    ("max_qos 0", "quality of service", "max_qos 2"),
    ("memory_limit 3000000", "limits.max_response_bytes", "memory_limit 0"),
])
def test_a_setting_that_is_wrong(tmp_path, extra, about, advice):
    right = "" if "max_queued_messages" in extra else "max_queued_messages 100000\n"
    with anonymous(tmp_path / "broker", right + extra) as broker:
        found = changes({} if "limits" in about else SMALL, broker)
    assert advice in found[about].splitlines(), found
    if about not in ("quality of service", "retained messages"):  # of which much else follows
        assert set(found) <= {about, "limits.max_response_bytes", "upload.block_bytes"}, found


def test_clients_named_after_their_users(tmp_path, password):
    change = {"allow_anonymous false": "allow_anonymous false\nuse_username_as_clientid true"}
    with ShippedBroker(tmp_path / "broker", changes=change) as broker:
        found = changes(SMALL | LOGIN | {"broker.password_file": password}, broker)
    assert found["two connections"] == "use_username_as_clientid false"


def test_a_broker_that_ends_the_connection_for_what_it_refuses(tmp_path, password):
    """As 2.0.11 does with max_queued_messages 0. The other findings are as right as ever."""
    change = {"max_queued_messages 10000000": "max_queued_messages 0"}
    lacks = {f"topic write {PREFIX}/event/#\n": ""}
    with ShippedBroker(tmp_path / "broker", changes=change, acl_changes=lacks) as broker:
        found = changes(SMALL | LOGIN | {"broker.password_file": password}, broker)
    assert found["refusals"] == "max_queued_messages 10000000"
    assert set(found) == {"refusals", f"{PREFIX}/event/#"}


class Meddler:
    """Forwards to a broker, and changes what is said to it."""

    def __init__(self, port, old, new):
        self._port, self._old, self._new = port, old, new
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._port))
                for ends in (near, far, True), (far, near, False):
                    threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source, sink, meddle):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data.replace(self._old, self._new) if meddle else data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self._listener.close()


def test_a_broker_that_sends_few_before_the_first_is_acknowledged(tmp_path):
    """Mosquitto sends as many as it is asked for; here it is asked for twenty."""
    with anonymous(tmp_path / "broker", "max_queued_messages 100000") as broker:
        meddler = Meddler(broker.port, b"\x21\xff\xff", b"\x21\x00\x14")
        status, said = check(SMALL | {"broker.port": meddler.port, "broker.host": "127.0.0.1"},
                             "--json")
        meddler.close()
    found = {one["about"]: one for one in json.loads(said)["findings"]
             if one["verdict"] == "change"}
    assert status == 1 and set(found) == {"in flight"}
    assert found["in flight"]["found"].startswith("20 messages come before the first")
    assert "max_inflight_messages 0" in found["in flight"]["advice"]


WRITTEN = {"status/+": "readwrite", "metrics/+": "write", "event/#": "write",
           "response/#": "write", "reply/#": "write"}
READ = dict.fromkeys(("audio/#", "upload/#", "request/#"), "read")


def test_a_broker_without_acknowledgements_is_asked_nothing_else(tmp_path):
    """What is refused for that would look like a matter of the access list."""
    with anonymous(tmp_path, "max_qos 0") as broker:
        assert changes(SMALL, broker) == {"quality of service": "max_qos 2"}


def test_a_broker_that_ends_meanwhile_is_not_called_too_small(tmp_path):
    with anonymous(tmp_path) as broker:
        command = [TREE / BUILD / "reeld", "-c", "/dev/null", "--check-broker", "-o",
                   f"broker.host={broker.host}", "-o", f"broker.port={broker.port}"]
        checking = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        wait_for(lambda: "(1048576 bytes)" in broker.log(), "the first of them to have come")
        broker.stop(kill=True)
        said = checking.communicate(timeout=4 * PATIENCE_S)[0]
    assert checking.returncode == 1
    assert re.search("^note +limits.max_upload_bytes: could not be tried: no check conn", said, re.M)
    assert not re.search("does not pass .no check connection", said)


@pytest.mark.parametrize("lacking", [WRITTEN, READ], ids=["written", "read"])
def test_an_access_list_that_lacks_lines(tmp_path, password, lacking):
    """Each of those, and no other, is given back."""
    lines = {f"{PREFIX}/{below}": f"topic {verb} {PREFIX}/{below}"
             for below, verb in lacking.items()}
    without = {f"{line}\n": "" for line in lines.values()}
    with ShippedBroker(tmp_path / "broker", acl_changes=without) as broker:
        found = changes(SMALL | LOGIN | {"broker.password_file": password}, broker)
    assert found == {about: f"in the acl_file: user reeld\n{line}" for about, line in lines.items()}


def test_an_access_list_under_which_it_cannot_be_found_out(tmp_path, password):
    """Where the sink may read, but not write to itself."""
    kinds = ("audio", "upload", "request")
    without = {f"topic write {PREFIX}/{kind}/$check/#\n": "" for kind in kinds}
    with ShippedBroker(tmp_path / "broker", acl_changes=without) as broker:
        found = changes(SMALL | LOGIN | {"broker.password_file": password}, broker)
    assert set(found) == {f"{PREFIX}/{kind}/#" for kind in kinds}
    for kind in kinds:
        assert f"topic write {PREFIX}/{kind}/$check/" in found[f"{PREFIX}/{kind}/#"]


def test_satellites_are_checked_where_they_are_taken(tmp_path, password):
    login = SMALL | LOGIN | {"broker.password_file": password}
    with ShippedBroker(tmp_path / "broker") as broker:
        found = changes(login | {"hermes.enabled": 1}, broker)
    assert {about.split("/")[0] for about in found} == {"hermes"} and len(found) == 2
    granted = {"#topic ": "topic ", "#pattern ": "pattern ", "#user ": "user "}
    with ShippedBroker(tmp_path / "granted", acl_changes=granted) as broker:
        assert changes(login | {"hermes.enabled": 1}, broker) == {}


def test_discovery_is_checked_where_it_is_on(tmp_path, password):
    login = SMALL | LOGIN | {"broker.password_file": password}
    shown = login | {"homeassistant.enabled": 1, "sink.name": "sink"}
    line = "topic readwrite homeassistant/+/reel_sink/#"
    with ShippedBroker(tmp_path / "broker") as broker:
        assert changes(shown, broker) == {
            "homeassistant/+/reel_sink/#": f"in the acl_file: user reeld\n{line}"}
    with ShippedBroker(tmp_path / "granted", acl_changes={f"#{line}": line}) as broker:
        assert changes(shown, broker) == {}


def test_a_check_that_is_killed_leaves_nothing_that_lasts(tmp_path):
    """Its sessions and what it had retained go by themselves, or with the next check."""
    with anonymous(tmp_path / "broker", "max_queued_messages 100000") as broker:
        command = [TREE / BUILD / "reeld", "-c", "/dev/null", "-o", f"broker.port={broker.port}",
                   "-o", "broker.host=127.0.0.1", "-o", "sink.name=sink", "--check-broker"]
        for mark in ("as reeld-sink-check-queue ", "'reel/v1/status/$check'"):
            seen = broker.log().count(mark)
            run = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
            wait_for(lambda m=mark, s=seen: broker.log().count(m) > s, "it to be in the middle")
            run.kill()
            run.wait()
        assert check(SMALL, broker=broker)[0] == 0
        client = Client(broker)
        client.subscribe("#")
        assert client.messages == []
        client.close()


def test_options_that_do_not_go_together():
    reeld = TREE / BUILD / "reeld"
    for words in (["--check-broker", "--verify"], ["--check-broker", "--reindex"], ["--json"]):
        done = subprocess.run([reeld, "-c", "/dev/null", *words], capture_output=True, timeout=60)
        assert done.returncode == 78 and b"usage" in done.stderr
