"""The README: every block of it is run against a broker and a sink, its tables are compared with
what they describe. A block's info string names the test that runs it."""
import configparser
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import msgpack
import pytest
import yaml

import schemas
import shipped
from harness import BUILD, RequestFailed, read_wave
from lab import PATIENCE_S, TREE, free_port, wait_for

UNIT = (TREE / "systemd/reeld.service").read_text()
README = (TREE / "README.md").read_text()
BLOCKS = {
    name: text for name, text in re.findall(r"^```\w* ?(\S*)\n(.*?)^```$", README, re.S | re.M)
}
SPEECH = Path("/usr/share/sounds/alsa/Front_Center.wav")
FLAGS = {"san": "-fsanitize=address,undefined", "cov": "--coverage"}.get(Path(BUILD).name, "")


def test_every_block_is_run():
    fences = re.findall(r"^```", README, re.M)
    assert len(fences) == 2 * len(BLOCKS)
    assert set(BLOCKS) == {
        "targets", "client", "settings", "broker", "shell", "tags", "upload", "parts.conf",
        "parts", "satellite", "spool", "publish.py", "publish.mjs", "publish.c", "build-c",
        "esp32.c", "verify", "delete", "retention.conf", "rules.conf", "rules",
        "package",  # by tests/release/test_gateway.py
    }


def test_make_has_the_targets():
    """`make test` is what runs this; what the others run is tested below."""
    makefile = (TREE / "Makefile").read_text()
    rules = re.findall(r"^([\w ]+):(?!=)", makefile, re.M)
    targets = re.findall(r"^make (\w+) +#", BLOCKS["targets"], re.M)
    assert targets == ["demo", "test", "run"]
    assert set(targets) <= {target for rule in rules for target in rule.split()}
    assert "tests/tools/$@.py --build" in makefile


def test_demo():
    done = subprocess.run(
        [TREE / "tests/tools/demo.py", "--build", BUILD], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=4 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert "9 downloads, each sample equal" in done.stdout.decode()


@pytest.mark.parametrize("asked", [{}, {"BIND": "127.0.0.2", "PASSWORD": "it's a \"secret\""}])
def test_run(tmp_path, asked):
    port = str(free_port())
    run = subprocess.Popen(
        [TREE / "tests/tools/run.py", "--build", BUILD, "--folder", tmp_path], cwd=TREE,
        env=os.environ | asked | {"PORT": port},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
    )
    try:
        told = []
        while not told or "Ctrl-C stops both." not in told[-1]:
            told.append(run.stdout.readline().decode())
            assert told[-1], "".join(told)
        typed = re.search(r"\S+/reel list.*", "".join(told))[0]
        assert f"-p {port}" in typed
        subprocess.run(["sh", "-c", typed], cwd=TREE, check=True, stdout=subprocess.PIPE)
        run.send_signal(signal.SIGINT)
        assert run.wait(PATIENCE_S) == 0
    finally:
        run.kill()
        run.wait()


# Where the blocks are run


def samples(path):
    """Channels, rate, bytes a sample and the samples of a WAV file."""
    form, data = read_wave(path)
    return form.channels, form.rate, form.sample_size, data


class Desk:
    """A folder to type in, with the programs on the path and the broker where they expect it."""

    def __init__(self, folder, lab):
        self.folder = folder
        self.lab = lab
        self.port = lab.broker.port
        (folder / "build").symlink_to(TREE / BUILD)
        tools = folder / "tools"
        tools.mkdir()
        for name in ("mosquitto_pub", "mosquitto_rr"):
            self._write_tool(name, f"{name} -h 127.0.0.1 -p {self.port}")
        self._write_tool("cc", f"cc -Wall -Wextra -Werror {FLAGS}")
        self._environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "REEL_HOST": "127.0.0.1",
            "REEL_PORT": str(self.port),
            "ASAN_OPTIONS": "detect_leaks=0",
        }

    def _write_tool(self, name, command):
        path = self.folder / "tools" / name
        program = shutil.which(command.split()[0])
        path.write_text(f'#!/bin/sh\nexec {program} {command.partition(" ")[2]} "$@"\n')
        path.chmod(0o755)

    def write_script(self, name, line):
        """A tool of our own, with the program it stands for as {program}."""
        path = self.folder / "tools" / name
        program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
        path.write_text(f"#!/bin/sh\n{line.format(program=program)}\n")
        path.chmod(0o755)

    def write(self, name):
        """Put a block into a file, the broker's port in the place of the usual one."""
        (self.folder / name).write_text(BLOCKS[name].replace("1883", str(self.port)))

    def run(self, command, **environment):
        """Run a line or a block in the shell; return what it printed."""
        done = subprocess.run(
            ["bash", "-e", "-c", command], cwd=self.folder, env=self._environment | environment,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=4 * PATIENCE_S,
        )
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"{command}\n{said}\n{done.stderr.decode(errors='replace')}"
        return said

    def recording(self, device, session):
        """What the sink says of a recording, once it has it."""
        client = self.lab.client()

        def found():
            try:
                return client.request("info", {"device": device, "session": session})
            except RequestFailed:
                return None

        return wait_for(found, f"recording {device}/{session}")

    def recorded(self, device, session):
        """The file's audio; of a recording that still grows what a download gives, since the
        header of its file may lag."""
        if self.recording(device, session)["state"] == "complete":
            return samples(self.lab.sink.wav(device, session))
        self.run(f"build/reel get -q {device}/{session} -o growing.wav")
        return samples(self.folder / "growing.wav")

    def raw(self):
        """speech.raw as a WAV file of it would read."""
        return 1, 48000, 2, (self.folder / "speech.raw").read_bytes()


@pytest.fixture
def desk(tmp_path, lab):
    desk = Desk(tmp_path, lab)
    shutil.copy(SPEECH, tmp_path / "speech.wav")
    (tmp_path / "speech.raw").write_bytes(samples(SPEECH)[3])
    return desk


# The blocks


def test_client(desk):
    (desk.folder / "speech.raw").unlink()
    said = desk.run(BLOCKS["client"])
    assert desk.raw()[3] == samples(SPEECH)[3]
    assert desk.recorded("mic1", "speech") == samples(SPEECH)
    assert desk.recorded("mic1", "live") == desk.raw()
    assert desk.recorded("mic1", "speech-replay") == samples(SPEECH)
    assert desk.recorded("mic1", "take1") == samples(SPEECH)
    assert desk.recording("mic1", "take1")["end_reason"] == "upload"
    speech = desk.recording("mic1", "speech")
    assert speech["kept"] and speech["tags"] == {"site": "kitchen", "gain": -3.5}
    channels, rate, size, second = samples(desk.folder / "second.wav")
    assert second == samples(SPEECH)[3][rate // 5 * size :][: rate * size]
    assert "mic1" in said and "speech" in said


def test_settings(desk):
    text = BLOCKS["settings"]
    file = desk.folder / "reeld.conf"
    file.write_text(text)
    desk.run("build/reeld -c reeld.conf --check-config")
    credential = re.search(r"^LoadCredential=(.+)$", UNIT, re.M)[1]
    assert f"password_file = {credential}\n" in text and f"/etc/credstore/{credential}`" in README
    for line in [line for line in text.splitlines() if "=" in line]:
        file.write_text(text.replace(line, "x" + line))
        done = subprocess.run([desk.folder / "build/reeld", "-c", file, "--check-config"])
        assert done.returncode == 78


def test_broker(desk):
    """What the block puts in place is what test_fences.py runs under."""
    etc, share = desk.folder / "etc", desk.folder / "share"
    (etc / "mosquitto/conf.d").mkdir(parents=True)
    share.mkdir()
    for name in "mosquitto-reel.conf", "reel.acl":
        shutil.copy(TREE / "systemd" / name, share)
    desk.write_script("mosquitto_passwd", 'exec {program} -b "$1" "$2" secret')
    desk.write_script("systemctl", "echo systemctl $*")
    block = BLOCKS["broker"].replace(" -g mosquitto", "").replace("/etc/", f"{etc}/")
    said = desk.run(block.replace("/usr/local/share/reel", str(share)), PATH=os.pathsep.join([
        str(desk.folder / "tools"), os.environ["PATH"], "/usr/sbin"]))
    assert said == "systemctl restart mosquitto\n"
    placed = etc / "mosquitto"
    assert (placed / "conf.d/reel.conf").read_text() == shipped.CONFIGURATION.read_text()
    assert (placed / "reel.acl").read_text() == shipped.ACL.read_text()
    users = [line.split(":")[0] for line in (placed / "reel.passwd").read_text().splitlines()]
    assert set(users) < set(shipped.USERS) and "mic1" in users
    wanted = set(re.findall(r"/etc/mosquitto/reel\.\w+$", shipped.CONFIGURATION.read_text(), re.M))
    assert {Path(name).name for name in wanted} <= {path.name for path in placed.iterdir()} | {
        "reel.psk"}


def test_the_settings_of_the_fence_are_those_that_are_tested():
    parser = configparser.ConfigParser()
    parser.read_string(BLOCKS["settings"])
    told = {f"{section}.{key}": value
            for section in parser.sections() for key, value in parser[section].items()}
    for name, value in shipped.SETTINGS.items():
        assert told[name] == str(value)


def test_shell(desk):
    said = desk.run(BLOCKS["shell"])
    answer = json.loads(said)
    assert (answer["status"], answer["seq"], answer["frames"]) == ("ok", 0, 4)
    assert desk.recording("mic2", "numbers")["end_reason"] == "end"
    assert desk.recorded("mic2", "speech") == samples(SPEECH)


def test_tags(desk):
    said = desk.run(BLOCKS["tags"])
    assert re.search(r"^mic7/speech ", said, re.M), said
    assert samples(desk.folder / "tagged.wav") == samples(SPEECH)
    assert "cellar" in said.splitlines()[-1], said
    assert desk.recording("mic7", "speech")["tags"] == {"site": "cellar"}


def test_delete(desk):
    for session in "bad", "good":
        desk.run(f"build/reel publish --device mic8 --session {session} speech.wav")
    kept, shown, gone = [json.loads(line)["data"]
                         for line in desk.run(BLOCKS["delete"]).splitlines()]
    assert kept["kept"] and (shown["dry_run"], gone["dry_run"]) == (True, False)
    assert [one["session"] for one in shown["recordings"]] == ["bad"]
    assert (gone["deleted"], gone["spared"]) == (1, 1)
    assert not desk.lab.sink.wav("mic8", "bad").exists()
    assert desk.recorded("mic8", "good") == samples(SPEECH)


def test_retention(desk):
    desk.write("retention.conf")
    desk.run("build/reeld -c retention.conf --check-config")


def test_upload(desk):
    desk.run(BLOCKS["upload"])
    assert desk.recorded("me", "take1") == desk.recorded("me", "take2") == samples(SPEECH)
    assert desk.recording("me", "take2")["tags"] == {"site": "attic"}


def test_parts(make_lab, tmp_path):
    (tmp_path / "desk").mkdir()
    desk = Desk(tmp_path / "desk", make_lab({"session.max_duration_s": 1}))
    desk.write("parts.conf")
    desk.run("build/reeld -c parts.conf --check-config")
    desk.run("sox -D -n -r 16000 -b 16 said.wav synth 2.5 pinknoise")
    desk.run("build/reel publish --device mic9 --session meeting said.wav")
    assert re.findall(r"^(mic9/\S+)", desk.run(BLOCKS["parts"]), re.M)
    assert samples(desk.folder / "whole.wav") == samples(desk.folder / "said.wav")


def test_rules(make_lab, tmp_path):
    (tmp_path / "desk").mkdir()
    parser = configparser.ConfigParser()
    parser.read_string(BLOCKS["rules.conf"])
    settings = {f"{section}.{key}": value
                for section in parser.sections() for key, value in parser[section].items()}
    desk = Desk(tmp_path / "desk", make_lab(settings))
    shutil.copy(SPEECH, tmp_path / "desk/speech.wav")
    desk.write("rules.conf")
    desk.run("build/reeld -c rules.conf --check-config")
    said = desk.run(BLOCKS["rules"])
    assert "no rule allows it" in said and "rules.sample_sizes" in said, said
    desk.run("sox studio.wav -t wavpcm plain.wav")  # which Python's wave reads
    plain = samples(desk.folder / "plain.wav")
    assert plain[:3] == (1, 48000, 3) and desk.recorded("mic9", "studio") == plain
    desk.run("sox speech.wav -r 8000 -b 8 call.wav")
    desk.run("build/reel publish --device intercom-1 call.wav")
    accepts = desk.lab.sink.status()["accepts"]
    assert accepts["rules"] == {"rates": [48000], "sample_sizes": [3]}
    assert [entry["pattern"] for entry in accepts["devices"]] == ["intercom-*"]


def test_satellite(tmp_path, make_lab):
    desk = Desk(tmp_path, make_lab({"hermes.enabled": 1}))
    shutil.copy(SPEECH, tmp_path / "speech.wav")
    desk.run(BLOCKS["satellite"])
    frame = samples(tmp_path / "frame.wav")
    assert desk.recorded("kitchen", "dialog-7") == frame
    listed = desk.lab.client().request("list", {"device": "kitchen", "session": "20"})
    (named,) = [one["session"] for one in listed["recordings"]]
    assert re.fullmatch(r"\d{8}T\d{6}Z", named)
    assert desk.recorded("kitchen", named) == (*frame[:3], 2 * frame[3])


def test_spool(desk):
    desk.run(BLOCKS["spool"])
    assert desk.recorded("mic4", "attic") == samples(SPEECH)
    assert os.listdir(desk.folder / "spool") == ["lock"]


def test_python(desk):
    desk.write("publish.py")
    desk.run("/usr/bin/python3 publish.py")
    assert desk.recorded("mic3", "speech") == samples(SPEECH)
    assert desk.recording("mic3", "speech")["end_reason"] == "end"


def test_verify(desk):
    desk.run("build/reel publish -q --device mic6 speech.wav")
    command = BLOCKS["verify"].replace("build/run/store", str(desk.lab.sink.store))
    assert command != BLOCKS["verify"]
    assert "0 differences" in desk.run(command)


def node_modules():
    """The packages that the README names, installed once; skips where they cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js is not here")
    command = re.search(r"`(npm install [^`]+)`", README)[1]
    folder = TREE / "build" / "readme-node"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            install = f"{command} --ignore-scripts --no-audit --no-fund --prefix ."
            if subprocess.run(install.split(), cwd=folder, capture_output=True).returncode:
                pytest.skip("the packages of npm cannot be had")
            (folder / "complete").touch()
    return folder / "node_modules"


def test_javascript(desk):
    (desk.folder / "node_modules").symlink_to(node_modules())
    desk.write("publish.mjs")
    desk.run("node publish.mjs")
    assert desk.recorded("mic4", "speech") == desk.raw()


def test_c(desk):
    mode = {"san": ["SAN=1"], "cov": ["COV=1"]}.get(Path(BUILD).name, [])
    prefix = desk.folder / "prefix"
    subprocess.run(["make", "-s", "install", f"PREFIX={prefix}", f"BUILD={BUILD}", *mode], cwd=TREE,
                   check=True)
    desk.write("publish.c")
    said = desk.run(BLOCKS["build-c"], PKG_CONFIG_PATH=f"{prefix}/lib/pkgconfig")
    count = -(-len(desk.raw()[3]) // 9600)
    assert said in (f"{n} fragments of {n} are durable\n" for n in (count, count + 1))
    assert desk.recorded("mic5", "speech") == desk.raw()


def esp32_sources():
    """The files of ours that the README tells to take."""
    text = README[README.index("### From an ESP32") :]
    named = re.findall(r"`(src/[^`]+\.c)`", text)
    return subprocess.run(["bash", "-c", f"echo {' '.join(named)}"], capture_output=True, cwd=TREE,
                          check=True).stdout.decode().split()


def test_esp32(desk):
    desk.write("esp32.c")
    board = TREE / "tests/readme/esp32"
    sources = [TREE / path for path in esp32_sources()]
    words = ["cc", "-o", "board", "-I", board, "-I", TREE / "include", "-I", TREE / "src",
             "-D_GNU_SOURCE", "esp32.c", board / "board.c", *sources, "-lmosquitto"]
    desk.run(" ".join(map(str, words)))
    desk.run(f"./board mqtt://127.0.0.1:{desk.port} esp32 whole < speech.raw")
    desk.run(f"./board mqtt://127.0.0.1:{desk.port} esp32 holes < speech.raw", AWAY="10-12")

    frames = len(desk.raw()[3]) // 2 // 1024 * 1024
    whole = desk.raw()[3][: 2 * frames]
    wait_for(lambda: desk.recording("esp32", "whole")["frames"] == frames, "the whole recording")
    assert desk.recorded("esp32", "whole") == (1, 16000, 2, whole)
    wait_for(lambda: desk.recording("esp32", "holes")["frames"] == frames, "the one with holes")
    hole = slice(2 * 10 * 1024, 2 * 13 * 1024)
    silent = whole[: hole.start] + bytes(3 * 2048) + whole[hole.stop :]
    assert desk.recorded("esp32", "holes")[3] == silent
    info = desk.recording("esp32", "holes")
    assert info["missing"] == [[10, 12]] and info["gap_frames"] == 3 * 1024


# The tables


def table_after(heading):
    """The rows of the first table after a heading, as lists of cells."""
    lines = README[README.index(f"\n## {heading}\n") :].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def codes(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_curl_table(desk):
    audio = {"channels": 1, "rate": 8000, "sample_size": 2}
    fragment = {"metadata": {"session": {"id": "s1"}, "audio": audio}, "data": b"\1\0\2\0"}
    (desk.folder / "fragment.msgpack").write_bytes(msgpack.packb(fragment))
    shutil.copy(SPEECH, desk.folder / "myfile.wav")
    store, post, by_length, info, download = (codes(cells[1]) for cells in table_after("From curl"))
    desk.run(store[0])
    desk.run(post[0])
    desk.recording("me", "s1"), desk.recording("me", "myfile")
    found = json.loads(desk.run(by_length[0]))["data"]["recordings"]
    assert {"s1", "myfile"} <= {each["session"] for each in found if each["device"] == "me"}
    assert json.loads(desk.run(info[0]))["data"]["duration"] == pytest.approx(1.428, abs=0.01)
    desk.run(download[0])
    out = desk.folder / "out.wav"
    assert samples(out) == samples(SPEECH) and out.stat().st_size == 44 + len(samples(out)[3])
    assert desk.recorded("me", "s1")[3] == b"\1\0\2\0"
    # The way for longer files, named beside the second line, continues what is there.
    desk.run("build/" + post[1])


def test_topics_table():
    document = yaml.safe_load((schemas.FOLDER / "asyncapi.yaml").read_text())
    addresses = {channel["address"] or "reel/v1/reply/..."
                 for channel in document["channels"].values()}
    rows = table_after("Topics")
    topics = [topic for row in rows for topic in codes(row[0])]
    outside = {topic for topic in topics if topic.startswith(("hermes/", "homeassistant/"))}
    assert outside | {f"reel/v1/{topic}" for topic in topics if topic not in outside} == addresses
    said = {topic: codes(row[2]) for row in rows for topic in codes(row[0])}
    assert tuple(said["request/{op}"]) == schemas.OPS
    assert said["event/{device}/{session}"] == schemas.load("event")["properties"]["event"]["enum"]


def test_settings_table():
    """Made from the sink's list (tests/tools/test_manual.py), and read as a reader does."""
    listed = json.loads(subprocess.run([Path(BUILD).absolute() / "reeld", "--list-settings"],
                                       stdout=subprocess.PIPE, check=True).stdout)
    empty = {"list": "any"}
    expected = {setting["name"]: setting["default"] or empty.get(setting["kind"], "none")
                for setting in listed}
    shown = {codes(cells[0])[0]: cells[1] for cells in table_after("Settings")}
    assert len(expected) > 20 and shown == expected
    marked = {codes(cells[0])[0] for cells in table_after("Settings") if cells[0].endswith(" *")}
    assert marked == {setting["name"] for setting in listed if setting["restart"]}


def test_files_table(lab):
    named = {codes(cells[0])[0].split("/")[0] for cells in table_after("Where the files are")}
    there = {path.name for path in lab.sink.store.iterdir()}
    assert {"recordings", "catalog.db", "quarantine"} <= there & named
    unnamed = {name for name in there - named if not name.startswith("catalog.db-")}
    assert unnamed <= {"lock", "store.id"}, unnamed


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (TREE / link).exists()
