"""The fences of the configuration that comes with reel, systemd/mosquitto-reel.conf and reel.acl:
each is tried to be crossed."""
import itertools
import json
import subprocess

import paho.mqtt.client as mqtt
import pytest

from harness import BUILD, PREFIX, Format, Recorder, fragment, wav_bytes
from lab import PATIENCE_S, TREE, accepts_connections, free_port, wait_for
from labs import Lab, started
from shipped import ACL, SETTINGS, USERS, ShippedBroker

OPS = ("list", "info", "download", "status", "devices", "rejects", "reject", "delete", "keep",
       "tag", "upload-begin", "upload-end")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fenced")
    (folder / "password").write_text(USERS["reeld"] + "\n")
    login = {"broker.username": "reeld", "broker.password_file": folder / "password"}
    with started(Lab(folder, SETTINGS | login, broker_class=ShippedBroker,
                     credentials=user("admin"))) as lab:
        yield lab


def user(name):
    return {"username": name, "password": USERS[name]}


@pytest.fixture
def enter(lab):
    """Come in as a user."""
    return lambda name, **options: lab.client(**user(name), **options)


def denied(lab, client, topic, payload=b"x", **options):
    """Publish; whether the broker refused it."""
    mark = f"Denied PUBLISH from {client.name} "
    before = [line for line in lab.broker.log().splitlines() if mark in line]
    client.publish(topic, payload, **options)
    after = [line for line in lab.broker.log().splitlines() if mark in line]
    return len(after) > len(before) and f"'{topic}'" in after[-1]


def assert_denied(lab, client, topics):
    passed = [topic for topic in topics if not denied(lab, client, topic)]
    assert passed == []


def session():
    return f"s{next(_numbers)}"


# A device


def test_device_writes_only_its_own_audio(lab, enter):
    mic1, name = enter("mic1"), session()
    before = lab.client().request("list", {"count": True})["total"]
    assert_denied(lab, mic1, [f"{PREFIX}/{topic}" for topic in (
        "audio/mic2/s1", "audio/mic2", "audio/mic10/s1", "audio/mic", "audio", "audio/$check/x",
        "upload/mic2/s1", "upload/mic2/s1/0123456789abcdef/0", "upload/mic1", "upload/mic1/a/b/c/d",
    )])
    assert lab.client().request("list", {"count": True})["total"] == before
    assert Recorder(mic1, "mic1", name).store(frames=10)["frames"] == 10
    assert not denied(lab, mic1, f"{PREFIX}/audio/mic1", fragment(
        Format().noise(10), id=name))
    assert not denied(lab, mic1, f"{PREFIX}/upload/mic1/{name}-file", wav_bytes(
        Format().noise(10), Format()))


def test_device_speaks_for_nobody_else(lab, enter):
    assert_denied(lab, enter("mic1"), [f"{PREFIX}/{topic}" for topic in (
        "reply/mic1/x", "reply/mic2/x", "response/list", "response/list/mic1", "response/info/mic2",
        "event/mic1/s1", "event/mic2/s1", "status/sink", "status/mic1", "metrics/sink",
    )] + ["reel", "reel/v1", "other", "hermes/audioServer/mic1/audioFrame"])


def test_device_asks_only_about_itself(lab, enter):
    mic1, name = enter("mic1"), session()
    Recorder(enter("mic2"), "mic2", name).store(frames=10)
    Recorder(mic1, "mic1", name).store(frames=10)
    assert_denied(lab, mic1, [f"{PREFIX}/request/{op}{whose}" for op in OPS
                              for whose in ("", "/mic2")])
    asked = {"device": "mic2", "session": name}
    for op in "list", "info", "download", "rejects":
        assert mic1.refusal(op, asked, device="mic1")["code"] == "not-allowed"
    assert mic1.request("info", {"session": name}, device="mic1")["frames"] == 10
    listed = mic1.request("list", device="mic1")["recordings"]
    assert {one["device"] for one in listed} == {"mic1"}
    for op in "status", "rejects":
        mic1.request(op, device="mic1")


def test_device_deletes_nothing(lab, enter):
    mic1, name = enter("mic1"), session()
    heard = Format().noise(10)
    upload = wav_bytes(heard, Format())
    mic1.publish(f"{PREFIX}/upload/mic1/{name}", upload)
    lab.watcher.wait_event("mic1", name, "completed")
    assert_denied(lab, mic1, [f"{PREFIX}/request/{op}/mic1" for op in ("delete", "keep", "tag")])
    reply = f"{PREFIX}/reply/mic1/{name}"
    mic1.subscribe(reply)
    silence = wav_bytes(bytes(len(heard)), Format())
    mic1.publish(f"{PREFIX}/upload/mic1/{name}", silence, user={"overwrite": "true"},
                 response_topic=reply)
    error = mic1.wait_message(lambda m: m.topic == reply).document["error"]
    assert (error["code"], error["field"]) == ("not-allowed", "upload.overwrite")
    begin = {"session": name, "size": len(silence), "sha256": "0" * 64, "overwrite": True}
    assert mic1.refusal("upload-begin", begin, device="mic1") == error
    assert mic1.refusal("upload-begin", begin | {"overwrite": False},
                        device="mic1")["code"] == "conflict"
    got = lab.client().ask("download", {"device": "mic1", "session": name, "format": "raw"})
    assert got.payload == heard


def test_device_reads_only_what_is_meant_for_it(lab, enter):
    mic1, name = enter("mic1"), session()
    mic1.subscribe("#", "$SYS/#", f"{PREFIX}/#", f"{PREFIX}/reply/#", f"{PREFIX}/reply/mic2/#",
                   f"{PREFIX}/+/mic2/#", f"{PREFIX}/event/#", f"{PREFIX}/response/#",
                   f"{PREFIX}/request/#", f"{PREFIX}/status/+", f"{PREFIX}/metrics/+")
    mic2 = enter("mic2")
    Recorder(mic2, "mic2", name).store(frames=10)
    mic2.request("info", {"session": name}, device="mic2")
    mic2.request("list", device="mic2", response_topic=f"{PREFIX}/response/list/mic2")
    lab.client().request("status")
    lab.watcher.wait_event("mic2", name, "started")
    Recorder(mic1, "mic1", name).store(frames=10)
    own = f"{PREFIX}/reply/mic1/"
    assert [m.topic for m in mic1.messages if not m.topic.startswith(own)] == []


def test_no_reply_of_a_device_is_aimed_at_someone_else(lab, enter):
    """The sink may write there."""
    mic1, admin, name = enter("mic1"), lab.client(), session()
    audio = Format().noise(10)
    stolen = [f"{PREFIX}/{topic}" for topic in (
        "reply/mic2/x", "reply/mic1", "reply/reader/x", "response/list/mic2", "response/list",
        "request/delete", "audio/mic2/s1", "event/mic1/s1", "status/sink")] + ["other/topic"]
    admin.subscribe(*stolen)
    mic1.subscribe(f"{PREFIX}/response/+/mic1")
    told = 0
    for topic in stolen:
        mic1.publish(f"{PREFIX}/audio/mic1/{name}", fragment(audio), response_topic=topic)
        mic1.publish(f"{PREFIX}/audio/mic1/{name}", fragment(audio, reply_to=topic))
        mic1.publish(f"{PREFIX}/request/list/mic1", b"{}", response_topic=topic)
        mic1.publish(f"{PREFIX}/request/list/mic1", json.dumps({"reply_to": topic}))
        mic1.publish(f"{PREFIX}/upload/mic1/{name}-{told}", b"RIFF", response_topic=topic)
        told += 5
    mic1._until(lambda: len(mic1.messages) >= told, f"{told} refusals")
    refusals = [m.document["error"]["code"] for m in mic1.messages if "/upload/" not in m.topic]
    assert set(refusals) == {"not-allowed"}
    topics = {m.topic for m in mic1.messages}
    assert topics == {f"{PREFIX}/response/{op}/mic1" for op in ("audio", "list", "upload")}
    assert [m for m in admin.messages if m.topic in stolen and m.user.get("status")] == []


# A reader


def test_reader_lists_and_downloads(lab, enter):
    name, audio = session(), Format().noise(100)
    Recorder(enter("mic2"), "mic2", name).store(audio, end=True)
    reader = enter("reader")
    listed = reader.request("list", {"device": "mic2"})["recordings"]
    assert name in [one["session"] for one in listed]
    assert reader.request("info", {"device": "mic2", "session": name})["frames"] == 100
    reader.request("status"), reader.request("rejects")
    got = reader.ask("download", {"device": "mic2", "session": name, "format": "raw"})
    assert got.payload == audio


def test_reader_changes_nothing(lab, enter):
    reader, name = enter("reader"), session()
    Recorder(enter("mic2"), "mic2", name).store(frames=10)
    assert_denied(lab, reader, [f"{PREFIX}/request/{op}{whose}" for whose in (
        "", "/mic2", "/reader") for op in ("delete", "keep", "tag", "upload-begin", "upload-end")])
    assert_denied(lab, reader, [f"{PREFIX}/{topic}" for topic in (
        f"audio/mic2/{name}", "audio/mic2", "audio/reader/s1", "audio/reader", "upload/mic2/s1",
        "upload/reader/s1", "event/mic2/s1", "status/sink", "metrics/sink", "reply/mic2/x",
        "reply/reader/x", "response/list", "request/list/mic2")])
    assert lab.client().request("info", {"device": "mic2", "session": name})["frames"] == 10


def test_no_reply_of_a_reader_is_aimed_at_a_device(lab, enter):
    """A recording can be made to read as an acknowledgement, for which the device would drop what
    is not stored."""
    name = session()
    forged = json.dumps({"status": "ok", "device": "mic2", "session": "s1", "seq": 10**9}).encode()
    form = Format(channels=1, sample_size=1)
    Recorder(enter("mic1"), "mic1", name, form).store(forged)
    victim = enter("mic2")
    victim.subscribe(f"{PREFIX}/reply/mic2/#")
    reader = enter("reader")
    reader.subscribe(f"{PREFIX}/response/+")
    asked = {"device": "mic1", "session": name, "format": "raw"}
    reader.publish(f"{PREFIX}/request/download", json.dumps(asked),
                   response_topic=f"{PREFIX}/reply/mic2/s1")
    reader.publish(f"{PREFIX}/request/download", json.dumps(
        asked | {"reply_to": f"{PREFIX}/reply/mic2/s1"}))
    reader._until(lambda: len(reader.messages) >= 2, "two refusals")
    assert {m.document["error"]["code"] for m in reader.messages} == {"not-allowed"}
    Recorder(victim, "mic2", name).store(frames=10)
    assert {m.document["status"] for m in victim.messages} == {"ok"}
    assert [m for m in victim.messages if m.payload == forged] == []


# Others


def test_tenants_of_one_broker_do_not_reach_each_other(tmp_path):
    """Each has a listener, users and an access list of its own."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "acl").write_text(ACL.read_text().replace("reel/v1/", "other/v1/"))
    (other / "acl").chmod(0o600)
    (other / "passwords").touch(mode=0o600)
    (other / "passwords").write_text("mic1:theirs\nreeld:theirs\n")
    subprocess.run(["mosquitto_passwd", "-U", other / "passwords"], check=True)
    port = free_port()
    listener = (f"per_listener_settings true\nlistener {port} 127.0.0.1\nallow_anonymous false\n"
                f"password_file {other}/passwords\nacl_file {other}/acl")

    def may_publish(at, password, prefix, name="mic1"):
        done = mosquitto("pub", at, "-u", name, "-P", password, "-q", "1", "-t",
                         f"{prefix}/v1/audio/mic1/s1", "-m", "x")
        return "not authori" not in done.stderr.lower()

    with ShippedBroker(tmp_path / "broker", extra=listener) as broker:
        assert may_publish(broker.port, USERS["mic1"], "reel")
        assert may_publish(port, "theirs", "other")
        assert not may_publish(broker.port, USERS["mic1"], "other")
        assert not may_publish(port, "theirs", "reel")
        assert not may_publish(broker.port, "theirs", "reel")
        assert not may_publish(port, USERS["mic1"], "other")
        assert not may_publish(port, "theirs", "reel", "reeld")


def test_who_has_no_password_does_not_come_in(lab):
    for name, word in ((None, None), ("mic1", "wrong"), ("nobody", "x"), ("mic1", None)):
        login = ["-u", name, "-P", word] if word else ["-u", name] if name else []
        done = mosquitto("sub", lab.broker.port, *login, "-t", "#", "-C", "1")
        assert "not authori" in done.stderr.lower(), done.stderr


def test_sink_keeps_to_its_part(lab, enter):
    sink = enter("reeld")
    assert_denied(lab, sink, [f"{PREFIX}/{topic}" for topic in (
        "audio/mic1/s1", "upload/mic1/s1", "request/delete", "status/a/b")] + ["other"])


def test_another_prefix_is_out_of_reach(lab, enter):
    for name in "mic1", "reader", "admin", "reeld":
        client = enter(name)
        client.subscribe("other/v1/#")
        assert_denied(lab, client, [f"other/v1/{topic}" for topic in (
            f"audio/{name}/s1", f"request/list/{name}", "request/list", f"reply/{name}/x")])


def test_websockets_lead_into_the_same_corner(lab, enter):
    """A page in a browser that lists what one device recorded."""
    name = session()
    Recorder(enter("mic1"), "mic1", name).store(frames=10)
    page = mqtt.Client(f"page-{name}", transport="websockets", protocol=mqtt.MQTTv5)
    page.username_pw_set("mic1", USERS["mic1"])
    answers = []
    page.on_message = lambda _client, _user, message: answers.append(message.payload)
    page.connect("127.0.0.1", lab.broker.websockets_port)
    page.loop_start()
    try:
        wait_for(page.is_connected, "the page to be connected")
        page.subscribe([(f"{PREFIX}/response/+/mic1", 1), (f"{PREFIX}/event/#", 1)])
        page.publish(f"{PREFIX}/request/delete/mic1", b"{\"all\": true}", qos=1)
        page.publish(f"{PREFIX}/request/list/mic1", b"{}", qos=1)
        wait_for(lambda: answers, "an answer")
        recordings = json.loads(answers[0])["data"]["recordings"]
        assert name in [one["session"] for one in recordings] and len(answers) == 1
        assert f"Denied PUBLISH from page-{name} " in lab.broker.log()
    finally:
        page.disconnect()
        page.loop_stop()


def test_websockets_are_for_this_machine(lab):
    """A socket that listens on all addresses does on this one, too."""
    assert accepts_connections(lab.broker.websockets_port)
    assert not accepts_connections(lab.broker.websockets_port, "127.0.0.2")


# By others' programs


def mosquitto(tool, port, *words, **options):
    """One of the mosquitto clients, MQTT 5."""
    command = [f"mosquitto_{tool}", "-h", "127.0.0.1", "-p", str(port), "-V", "5", *words]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE_S, **({
        "text": True} | options))


def reel(lab, name, *words):
    command = [TREE / BUILD / "reel", "-h", "127.0.0.1", "-p", lab.broker.port, "-u", name, "-P",
               USERS[name], *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=PATIENCE_S)


def test_the_fences_by_mosquittos_own_clients(lab):
    port = lab.broker.port
    mic1, reader = (["-u", name, "-P", USERS[name]] for name in ("mic1", "reader"))
    name, heard = session(), Format().noise(100)
    reply = f"{PREFIX}/reply/mic1/{name}"
    said = fragment(heard, payload="json-base64").decode()
    done = mosquitto("rr", port, *mic1, "-q", "1", "-W", "10", "-t", f"{PREFIX}/audio/mic1/{name}",
                     "-e", reply, "-m", said)
    assert json.loads(done.stdout)["frames"] == 100, done
    for words in (["-t", f"{PREFIX}/audio/mic2/{name}"], ["-t", f"{PREFIX}/request/list"],
                  ["-t", f"{PREFIX}/request/delete/mic1"]):
        done = mosquitto("pub", port, *mic1, "-q", "1", *words, "-m", "{}")
        assert "Not authorized" in done.stderr, done
    done = mosquitto("sub", port, *mic1, "-t", f"{PREFIX}/status/+", "-W", "1")
    assert done.stdout == ""
    done = mosquitto("rr", port, *reader, "-N", "-W", "10", "-t", f"{PREFIX}/request/download",
                     "-e", f"{PREFIX}/reply/reader/{name}", "-m",
                     json.dumps({"device": "mic1", "session": name}), text=False)
    assert done.stdout[:4] == b"RIFF" and done.stdout.endswith(heard)
    done = mosquitto("pub", port, *reader, "-q", "1", "-t", f"{PREFIX}/request/delete", "-m",
                     json.dumps({"device": "mic1", "session": name}))
    assert "Not authorized" in done.stderr, done


def test_the_fences_by_reel(lab, tmp_path):
    speech, out, name = tmp_path / "speech.wav", tmp_path / "out.wav", session()
    speech.write_bytes(wav_bytes(Format().noise(1000), Format()))

    def ends(status, *words):
        done = reel(lab, *words)
        assert done.returncode == status, done
        return done.stdout + done.stderr

    ends(0, "mic1", "publish", "--device", "mic1", "--session", name, speech)
    ends(0, "mic1", "upload", "--device", "mic1", "--session", f"{name}-file", speech)
    assert name in ends(0, "reader", "list")
    ends(0, "reader", "get", f"mic1/{name}", "-o", out)
    assert out.read_bytes()[-2000:] == speech.read_bytes()[-2000:]
    for who, *words in (("mic1", "publish", "--device", "mic2", speech),
                        ("mic1", "rm", f"mic1/{name}"), ("reader", "rm", f"mic1/{name}"),
                        ("reader", "keep", f"mic1/{name}"),
                        ("reader", "upload", "--device", "reader", speech),
                        ("mic1", "list")):
        said = ends(1, who, "--timeout", "5", *words)
        assert "refuse" in said or "does not let us" in said, said
    ends(0, "admin", "upload", "--timeout", "5", "--device", "mic1", "--session", f"{name}-admin",
         speech)
    ends(0, "admin", "keep", f"mic1/{name}")
    ends(0, "admin", "keep", "--off", f"mic1/{name}")
    ends(0, "admin", "rm", f"mic1/{name}")
