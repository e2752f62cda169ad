"""The container description, followed by buildah in a chroot, on the same minimal Debian: no
container engine is needed for that, and no registry. Then both images run, side by side."""
import configparser
import json
import os
import re
import shutil
import subprocess

import machine
import pytest
import yaml
from conftest import FOLDER, TREE
from lab import Program, wait_for

CONTAINER = TREE / "systemd/container"
COMPOSE = (CONTAINER / "compose.yaml").read_text()
STORAGE = FOLDER / "containers"
BUILDAH = ["buildah", "--root", STORAGE / "root", "--runroot", STORAGE / "run",
           "--storage-driver", "vfs"]
PASSWORDS = {"reeld": "not-a-secret", "mic1": "nor-is-this"}
SETTINGS = "[broker]\nusername = reeld\npassword_file = reeld.password\n"
SPEECH = "/usr/share/sounds/alsa/Front_Center.wav"


def buildah(*arguments):
    return machine.run([*BUILDAH, *arguments], env=os.environ | {"BUILDAH_ISOLATION": "chroot"})


@pytest.fixture(scope="module")
def images(packages):
    """Names of the images by their targets."""
    if os.geteuid() != 0 or not shutil.which("buildah"):
        pytest.skip("needs root and buildah")
    machine.run(["rm", "-rf", "--one-file-system", STORAGE])
    base = buildah("from", "scratch").split()[-1]
    buildah("add", "--quiet", base, machine.make_base(FOLDER))
    buildah("commit", "--quiet", base, "localhost/base")
    for target in ("sink", "broker"):
        buildah("build", "--build-arg", "BASE=localhost/base", "--target", target, "-t",
                f"reel-{target}", "-f", CONTAINER / "Containerfile", packages.folder)
    yield {"sink": "localhost/reel-sink", "broker": "localhost/reel-broker"}
    machine.run(["rm", "-rf", "--one-file-system", STORAGE])


class Network:
    """A network of its own, held by a process that does nothing else."""

    def __init__(self):
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        mine = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{self._holder.pid}/ns/net") != mine, "the network")
        machine.run([*self.enter(), "ip", "link", "set", "lo", "up"])

    def enter(self):
        return ["nsenter", "-t", str(self._holder.pid), "-n"]

    def close(self):
        self._holder.kill()
        self._holder.wait()


class Container:
    """A container of an image, with files of this machine in it."""

    def __init__(self, network, image, files):
        self._name = buildah("from", image).split()[-1]
        self._config = json.loads(buildah("inspect", self._name))["OCIv1"]["config"]
        self.root = buildah("mount", self._name).split()[-1]
        mounts = [word for path, at in files.items() for word in ("-v", f"{path}:{at}:ro")]
        self._run = [*network.enter(), *BUILDAH, "run", "--isolation", "chroot", *mounts,
                     self._name, "--"]

    def start(self, log):
        """Start what the image starts."""
        program = Program([*self._run, *self._config["Entrypoint"]], log)
        program.start()
        return program

    def run(self, *command):
        return machine.run([*self._run, *command])


@pytest.fixture
def files(tmp_path):
    """What compose.yaml has mounted; passwords for the containers' users alone."""
    made = {"reeld.password": PASSWORDS["reeld"], "reeld.conf": SETTINGS,
            "reel.passwd": "".join(f"{name}:{word}\n" for name, word in PASSWORDS.items())}
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    subprocess.run(["mosquitto_passwd", "-U", tmp_path / "reel.passwd"], check=True)
    for user, name in re.findall(r"^#   chown (\d+) (\S+)", COMPOSE, re.M):
        os.chown(tmp_path / name, int(user), -1)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def test_a_sink_and_a_broker_record_in_containers(images, files):
    network = Network()
    broker = Container(network, images["broker"],
                       {files / "reel.passwd": "/etc/mosquitto/reel.passwd"})
    sink = Container(network, images["sink"], {
        files / "reeld.conf": "/etc/reel/reeld.conf", SPEECH: "/speech.wav",
        files / "reeld.password": "/run/secrets/reeld.password"})
    programs = [broker.start(files / "broker.log"), sink.start(files / "sink.log")]
    try:
        wait_for(lambda: "taking in audio" in programs[1].log() or not programs[1].running(),
                 "the sink to subscribe")
        assert programs[1].running(), programs[1].log() + programs[0].log()
        said = sink.run("reel", "publish", "--device", "mic1", "--session", "s1", "-u", "mic1",
                        "-P", PASSWORDS["mic1"], "/speech.wav")
        assert "durable" in said
        made = sink.run("stat", "-c", "%u %a", "/var/lib/reel/recordings/mic1/s1.wav").split()
        assert made[0] == "990"
    finally:
        for program in reversed(programs):
            program.terminate()
        network.close()


def test_compose_builds_what_the_container_description_has():
    """Each service's target is there, and what is mounted is what the images look for."""
    compose = yaml.safe_load(COMPOSE)
    stages = (CONTAINER / "Containerfile").read_text()
    for service in compose["services"].values():
        assert f" AS {service['build']['target']}\n" in stages
        assert (CONTAINER / service["build"]["context"]).resolve() == TREE / "build/deb"
        dockerfile = CONTAINER / service["build"]["context"] / service["build"]["dockerfile"]
        assert os.path.normpath(dockerfile) == str(CONTAINER / "Containerfile")
        assert service["cap_drop"] == ["ALL"] and service["read_only"]
    assert compose["services"]["sink"]["secrets"] == list(compose["secrets"])


def test_compose_names_the_sink():
    """The host's name is its name, which its session at the broker has: by default a container has
    another each time that it is made."""
    assert yaml.safe_load(COMPOSE)["services"]["sink"]["hostname"] == "sink"


def test_settings_of_the_compose_file_are_right(tmp_path):
    """Those that the shell lines write; the fence's two are among them."""
    lines = re.findall(r"^#   (printf '.*>reeld.conf)$", COMPOSE, re.M)
    subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=tmp_path, check=True)
    parsed = configparser.ConfigParser()
    parsed.read(tmp_path / "reeld.conf")
    assert parsed["broker"]["host"] == "broker" and parsed["upload"]["overwrite"] == "0"
    assert parsed["broker"]["reply_allow"].split() == [
        "reel/v1/reply/admin/#", "reel/v1/reply/reader/#"]
