"""Brokers that ask who is there: passwords, access lists as the protocol gives them, TLS."""
import pytest

from certificates import openssl
from harness import PREFIX, Format, Recorder, fragment
from lab import NotReady, free_port, wait_for

# What protocol.md grants: a device its own corner, the sink its part, an administrator all.
ACL = f"""
user admin
topic readwrite #

user reeld
topic read {PREFIX}/audio/#
topic read {PREFIX}/upload/#
topic read {PREFIX}/request/#
topic readwrite {PREFIX}/status/+
topic write {PREFIX}/metrics/+
topic write {PREFIX}/event/#
topic write {PREFIX}/response/#
topic write {PREFIX}/reply/#

pattern write {PREFIX}/audio/%u/#
pattern write {PREFIX}/audio/%u
pattern write {PREFIX}/upload/%u/+
pattern write {PREFIX}/request/list/%u
pattern write {PREFIX}/request/info/%u
pattern write {PREFIX}/request/download/%u
pattern write {PREFIX}/request/status/%u
pattern write {PREFIX}/request/rejects/%u
pattern read {PREFIX}/reply/%u/#
pattern read {PREFIX}/response/+/%u
"""
USERS = {"admin": "a secret", "reeld": "r secret", "mic": "m secret", "spy": "s secret"}
ADMIN = {"username": "admin", "password": USERS["admin"]}


@pytest.fixture
def fenced(make_lab, tmp_path):
    """A lab whose broker lets each device into its own corner only."""
    secret = tmp_path / "password"
    secret.write_text(USERS["reeld"] + "\n")
    return make_lab(
        {"broker.username": "reeld", "broker.password_file": secret},
        broker={"users": USERS, "acl": ACL},
        credentials=ADMIN,
    )


def test_device_records_and_asks_within_its_corner(fenced):
    mic = fenced.client(username="mic", password=USERS["mic"])
    recorder = Recorder(mic, "mic")
    assert recorder.store(frames=100, seq=0)["frames"] == 100
    info = mic.request("info", {"device": "mic", "session": "s1"}, device="mic")
    assert info["frames"] == 100
    assert [row["device"] for row in mic.request("list", device="mic")["recordings"]] == ["mic"]


def test_device_is_not_heard_outside_of_it(fenced):
    spy = fenced.client(username="spy", password=USERS["spy"])
    spy.publish(f"{PREFIX}/audio/mic/s1", fragment(Format().noise(10)), qos=0)
    wait_for(lambda: "Denied PUBLISH" in fenced.broker.log(), "the broker to refuse it")
    # mosquitto 2.0.11 drops an MQTT 5 client whose message it refuses.
    spy = fenced.client(username="spy", password=USERS["spy"])
    Recorder(spy, "spy").store(frames=10)
    recordings = fenced.client().request("list")["recordings"]
    assert [row["device"] for row in recordings] == ["spy"]


def test_sink_does_not_publish_for_a_device_where_it_may_not_itself(fenced):
    """The sink may write to all replies; a device must not make it."""
    spy = fenced.client(username="spy", password=USERS["spy"])
    admin = fenced.client()
    admin.subscribe(f"{PREFIX}/reply/mic/#", f"{PREFIX}/response/+/spy")
    stolen = f"{PREFIX}/reply/mic/x"
    spy.publish(f"{PREFIX}/audio/spy/s1", fragment(Format().noise(10)), response_topic=stolen)
    spy.publish(f"{PREFIX}/request/list/spy", b"{}", response_topic=stolen)
    for _ in range(2):
        admin.wait_message(lambda m: m.topic.startswith(f"{PREFIX}/response/"))
    Recorder(spy, "spy").store(frames=10)
    assert admin.select(lambda m: m.topic == stolen) == []
    told = admin.select(lambda m: m.topic.startswith(f"{PREFIX}/response/"))
    assert {m.document["error"]["code"] for m in told} == {"not-allowed"}


def test_wrong_password_is_said_and_tried_again(make_lab, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("x7-no-such-secret\n")
    lab = make_lab(
        {"broker.username": "reeld", "broker.password_file": secret},
        start=False, broker={"users": USERS, "acl": ACL}, credentials=ADMIN,
    )
    lab.sink.launch()
    wait_for(lambda: "not auth" in lab.sink.log().lower(), "its complaint")
    assert lab.sink.program.running()
    assert "x7-no" not in lab.sink.log()


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with an authority, a stranger's authority, and keys of a server and a client."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj",
                f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
                folder / f"{name}.key", "-out", folder / f"{name}.csr")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.crt", "-CAkey",
                folder / "ca.key", "-CAcreateserial", "-days", 2, "-extfile", folder / "names",
                "-out", folder / f"{name}.crt")
    return folder


def tls_lab(make_lab, folder, settings):
    """A lab whose sink comes in by a second listener, which speaks TLS and asks for a
    certificate."""
    port = free_port()
    listener = (
        f"listener {port} 127.0.0.1\nallow_anonymous true\ncafile {folder}/ca.crt\n"
        f"certfile {folder}/server.crt\nkeyfile {folder}/server.key\nrequire_certificate true\n"
    )
    return make_lab({"broker.port": port} | settings, start=False, broker={"extra": listener})


def test_sink_connects_by_tls_with_its_own_certificate(make_lab, authority):
    lab = tls_lab(make_lab, authority, {
        "broker.cafile": authority / "ca.crt",
        "broker.cert": authority / "client.crt",
        "broker.key": authority / "client.key",
    })
    lab.sink.start()
    assert Recorder(lab.client(), "mic").store(frames=10)["frames"] == 10


@pytest.mark.parametrize("settings", [
    {"broker.cafile": "stranger.crt", "broker.cert": "client.crt", "broker.key": "client.key"},
    {"broker.cafile": "ca.crt"},
], ids=["broker of a strange authority", "no certificate to show"])
def test_sink_does_not_come_online_by_tls_that_fails(make_lab, authority, settings):
    lab = tls_lab(make_lab, authority, {key: authority / name for key, name in settings.items()})
    lab.sink.launch()
    complaint = wait_for(lambda: "connect" in lab.sink.log() and lab.sink.log(), "its complaint")
    assert lab.sink.program.running(), complaint
    with pytest.raises(NotReady):
        wait_for(lambda: (lab.sink.status() or {}).get("online"), "nothing", timeout_s=1.5)
