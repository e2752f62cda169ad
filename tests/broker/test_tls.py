"""TLS with certificates and with pre-shared keys, under the lines for it in the configuration that
comes with reel; and what is said of everything about it that can be wrong."""
import os
import shutil
import subprocess

import pytest

from certificates import Authority
from harness import BUILD, Format, wav_bytes
from lab import PATIENCE_S, TREE, Sink, accepts_connections, free_port, wait_for
from proxy import Proxy
from shipped import USERS, ShippedBroker

KEYS = {"reeld": "00112233445566778899aabbccddeeff", "mic1": "ffeeddccbbaa99887766554433221100"}
WILDCARDS = ("+", "mic2/+")
KEYS |= {name: "0123456789abcdef" for name in WILDCARDS}


class World:
    """An authority, a stranger, and a broker with a listener for each of its certificates."""

    def __init__(self, folder):
        self.ca, self.stranger = Authority(folder / "ca"), Authority(folder / "stranger", "other")
        self.expired_port, self.misnamed_port = free_port(), free_port()
        lines = []
        for port, server in ((self.expired_port, self.ca.issue("server", days=-1)),
                             (self.misnamed_port, self.ca.issue("server", names="DNS:elsewhere"))):
            lines += [f"listener {port} 127.0.0.1", f"cafile {self.ca.certificate}",
                      f"certfile {server.certificate}", f"keyfile {server.key}"]
        self.broker = ShippedBroker(folder / "broker", authority=self.ca, keys=KEYS,
                                    extra="\n".join(lines))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("tls"))
    with made.broker:
        for port in made.expired_port, made.misnamed_port:
            wait_for(lambda port=port: accepts_connections(port), "the broker's other listeners")
        yield made


# Root reads everything, unless it is without these.
AS_A_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search",
             "--inh-caps=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def reel(options, *words, wrapper=()):
    """`reel` with --NAME VALUE for each option."""
    command = [*wrapper, TREE / BUILD / "reel", "-h", "127.0.0.1", "--timeout", "5"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return subprocess.run([str(word) for word in (*command, *words)], capture_output=True,
                          text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)


def by_certificate(world, name, **issue):
    issued = world.ca.issue(name, **issue)
    return {"port": world.broker.tls_port, "cafile": world.ca.certificate,
            "cert": issued.certificate, "key": issued.key, "username": name}


def by_key(world, name, key=None):
    return {"port": world.broker.psk_port, "psk": key or KEYS[name], "psk-identity": name,
            "username": name}


def said_of(done):
    """A failed `reel` in one line."""
    assert done.returncode in (1, 4), done
    return done.stderr.strip()


# What works


@pytest.mark.parametrize("way", ["certificate", "key"])
def test_sink_and_device_come_in_without_a_password(world, tmp_path, way):
    """As who they are by certificate or key: the access list holds for them."""
    if way == "certificate":
        issued = world.ca.issue("reeld")
        settings = issued.settings(world.ca)
        come, port = by_certificate, world.broker.tls_port
        for name, path in (("reeld.crt", issued.certificate), ("reeld.key", issued.key)):
            shutil.copy(path, tmp_path / name)
        settings |= {"broker.cert": "reeld.crt", "broker.key": "reeld.key"}
    else:
        (tmp_path / "reeld.psk").write_text(KEYS["reeld"] + "\n")
        settings = {"broker.psk_identity": "reeld", "broker.psk_file": "reeld.psk"}
        come, port = by_key, world.broker.psk_port
    speech = tmp_path / "speech.wav"
    speech.write_bytes(wav_bytes(Format().noise(100), Format()))
    sink = Sink(BUILD, tmp_path, world.broker, settings | {"broker.port": port},
                name=way, env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with sink:  # which sees it online by the listener for passwords
        mic1 = come(world, "mic1")
        assert reel(mic1, "publish", "--device", "mic1", speech).returncode == 0
        assert "does not let us" in said_of(reel(mic1, "list"))
        assert reel(mic1, "publish", "--device", "mic2", speech).returncode == 1
        unnamed = {name: value for name, value in mic1.items() if name != "username"}
        assert "say with --username" in said_of(reel(unnamed, "list", "--device", "mic1"))
    assert sink.wav("mic1", "speech").exists() and not sink.wav("mic2", "speech").exists()


@pytest.mark.parametrize("name", WILDCARDS)
def test_a_name_that_is_a_wildcard_opens_no_corner(world, name):
    """Who signs certificates or makes keys may have let one slip in."""
    port = str(world.broker.psk_port)
    done = subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-V", "5", "--psk", KEYS[name],
         "--psk-identity", name, "-q", "1", "-t", "reel/v1/audio/mic2/s1", "-m", "x"],
        capture_output=True, text=True, timeout=PATIENCE_S)
    assert "Not authorized" in done.stderr, done


# What does not


def test_certificates_that_do_not_hold(world):
    good, foreign = by_certificate(world, "admin"), world.stranger.issue("admin")
    foreign = {"cert": foreign.certificate, "key": foreign.key}
    for change, said in (
        ({"cafile": world.stranger.certificate}, "is not of an authority in cafile"),
        ({"port": world.expired_port}, "the broker's certificate, or that of its authority, has "
                                       "expired: it must be renewed"),
        ({"port": world.misnamed_port}, "is for other names than that of the host"),
        (foreign, "the broker does not know the authority of our certificate"),
        (by_certificate(world, "admin", days=-1), "our certificate, cert, has expired: it must be "
                                                  "renewed"),
    ):
        assert said in said_of(reel(good | change, "list"))
    del good["cert"], good["key"]
    assert "the broker asks for a certificate: set cert and key" in said_of(reel(good, "list"))


def test_files_that_cannot_be_used(world, tmp_path):
    good, other = by_certificate(world, "admin"), world.ca.issue("admin", passphrase="secret")
    text = tmp_path / "text"
    text.write_text("no certificate\n")
    for change, said in (
        ({"cafile": text}, "cafile holds no certificate"),
        ({"cert": text}, "cert holds no certificate"),
        ({"key": text}, "key is no private key"),
        ({"key": other.key}, "without a passphrase, or not that of cert"),
        ({"cert": other.certificate}, "or not that of cert"),
        ({"cafile": tmp_path / "none"}, "none: No such file"),
        ({"cert": tmp_path}, "Is a directory"),
        ({"key": tmp_path / "none"}, "none: No such file"),
    ):
        assert said in said_of(reel(good | change, "list"))
    text.chmod(0)
    for name in "cafile", "cert", "key":
        done = reel(good | {name: text}, "list", wrapper=AS_A_USER)
        assert f"TLS: {name} {text}: Permission denied" in said_of(done)


def test_keys_that_do_not_hold(world):
    good = by_key(world, "mic1")
    refused = "the broker does not take our pre-shared key"
    for change, said in (
        ({"psk": "00" * 16}, refused),
        ({"psk-identity": "nobody"}, refused),
        ({"psk-identity": "reeld"}, refused),
        ({"port": world.broker.tls_port}, refused),
        ({"psk": "xy"}, "hexadecimal digits"),
        ({"psk": "abc"}, "hexadecimal digits"),
        ({"psk": "00" * 129}, "hexadecimal digits"),
        ({"cafile": world.ca.certificate}, "not with certificates"),
    ):
        assert said in said_of(reel(good | change, "list"))
    del good["psk-identity"]
    assert "goes together with an identity" in said_of(reel(good, "list"))


def test_a_broker_that_shows_a_certificate_instead_of_the_key_is_not_believed(world):
    """libmosquitto 2.0.11 would take any, of whoever answers, and tell it the password."""
    options = by_key(world, "mic1") | {"port": world.expired_port, "password": "a secret"}
    before = world.broker.log()
    assert "does not take our pre-shared key" in said_of(reel(options, "list"))
    assert "CONNACK" not in world.broker.log()[len(before):]


def test_tls_where_there_is_none_and_the_other_way_round(world):
    with_tls = by_certificate(world, "admin") | {"port": world.broker.port}
    assert "does it speak TLS at this port?" in said_of(reel(with_tls, "list"))
    for port in world.broker.tls_port, world.broker.psk_port:
        said = said_of(reel({"port": port, "username": "admin", "password": USERS["admin"]}, "list"))
        assert f"port {port}, without TLS" in said
    wrong = by_certificate(world, "admin") | {"port": world.broker.psk_port}
    assert "does it take certificates at this port?" in said_of(reel(wrong, "list"))


def test_sink_says_it_and_tries_again(world, tmp_path):
    key_file = tmp_path / "sink.psk"
    key_file.write_text("00" * 16)
    sink = Sink(BUILD, tmp_path, world.broker, {
        "broker.port": world.broker.psk_port, "broker.psk_identity": "reeld",
        "broker.psk_file": key_file})
    sink.launch()
    wait_for(lambda: sink.log().count("does not take our pre-shared key") >= 2, "its complaints")
    assert f"by TLS to 127.0.0.1 port {world.broker.psk_port}: " in sink.log()
    key_file.write_text(KEYS["reeld"])  # read anew at each attempt
    wait_for(lambda: "taking in audio" in sink.log(), "the sink to be online")
    sink.stop()


class TlsListener:
    """Where a proxy leads to."""

    def __init__(self, broker):
        self.host, self.port = "127.0.0.1", broker.tls_port


def test_a_connection_that_is_cut_later_is_no_mistake_in_tls(world, tmp_path):
    """OpenSSL says the same of an end without a farewell as it does during the handshake."""
    with Proxy(TlsListener(world.broker)) as network:
        sink = Sink(BUILD, tmp_path, world.broker, world.ca.issue("reeld").settings(world.ca) | {
            "broker.port": network.port})
        with sink:
            network.close_half()
            wait_for(lambda: "the ingest connection ended: " in sink.log(), "the sink to notice")
    assert "TLS was set up" not in sink.log(), sink.log()
