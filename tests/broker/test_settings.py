"""The settings: one INI file, `-o` over it, errors with file and line, exit status 78."""
import subprocess
from pathlib import Path

import pytest
from harness import BUILD

REELD = str(Path(BUILD) / "reeld")


def check(*arguments):
    return subprocess.run([REELD, *arguments, "--check-config"], capture_output=True, text=True,
                          timeout=60, check=False)


def test_the_defaults_are_right():
    result = check("-c", "/dev/null")
    assert (result.returncode, result.stderr) == (0, "")


def test_every_setting_of_the_protocol_is_known(tmp_path):
    path = tmp_path / "reeld.conf"
    path.write_text("""\
[broker]
host = localhost
port = 1883
username = sink
password_file = /etc/reel/password
cafile = /etc/reel/ca.pem
cert = /etc/reel/cert.pem
key = /etc/reel/key.pem
prefix = reel/v1
reply_allow = reel/v1/reply/#
[sink]
name = attic
[store]
dir = /var/lib/reel
sync = auto
[session]
idle_timeout_s = 30
[ingest]
commit_interval_ms = 1000
commit_bytes = 4194304
[limits]
max_fragment_bytes = 1048576
max_gap_s = 3600
max_gap_bytes = 268435456
max_response_bytes = 8388608
max_upload_bytes = 67108864
max_recordings_open = 20000
new_recordings_per_minute = 600
[quarantine]
max_bytes = 67108864
""")
    result = check("-c", path)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("text, line, named", [
    ("[broker]\nhots = localhost\n", 2, "broker.hots"),
    ("[store]\ndir = /tmp\n[nothing]\nhere = 1\n", 4, "nothing.here"),
    ("[broker]\nport = 0\n", 2, "broker.port"),
    ("[broker]\nport = 65536\n", 2, "broker.port"),
    ("[broker]\n\nport = 18x\n", 3, "broker.port"),
    ("[session]\nidle_timeout_s = -1\n", 2, "session.idle_timeout_s"),
    ("[limits]\nmax_gap_s = 99999999999999999999\n", 2, "limits.max_gap_s"),
    ("[broker]\nprefix\n", 2, ""),
])
def test_a_mistake_is_told_with_file_and_line(tmp_path, text, line, named):
    path = tmp_path / "reeld.conf"
    path.write_text(text)
    result = check("-c", path)
    assert result.returncode == 78
    assert f"{path}:{line}:" in result.stderr
    assert named in result.stderr


@pytest.mark.parametrize("option, named", [
    ("broker.port=none", "broker.port"),
    ("broker.prefix=", "broker.prefix"),
    ("broker.prefix=/reel", "broker.prefix"),
    ("broker.prefix=reel/#", "broker.prefix"),
    ("sink.name=my sink", "sink.name"),
    ("sink.name=-x", "sink.name"),
    ("store.dir=", "store.dir"),
    ("store.sync=", "store.sync"),
    ("store.sync=file", "store.sync"),
    ("broker.cert=/etc/cert.pem", "broker.cert"),
    ("no.such=1", "no.such"),
    ("nothing", "section.key=value"),
])
def test_an_option_that_is_wrong_is_named(option, named):
    result = check("-c", "/dev/null", "-o", option)
    assert result.returncode == 78
    assert named in result.stderr


def test_an_option_stands_over_the_file(tmp_path):
    path = tmp_path / "reeld.conf"
    path.write_text("[broker]\nprefix = bad/\n")
    assert check("-c", path).returncode == 78
    assert check("-c", path, "-o", "broker.prefix=good").returncode == 0


def test_a_file_that_is_not_there_is_said(tmp_path):
    result = check("-c", tmp_path / "none.conf")
    assert result.returncode == 78
    assert "none.conf" in result.stderr


def test_a_password_file_that_is_not_there_ends_with_78(tmp_path):
    result = subprocess.run([REELD, "-c", "/dev/null", "-o", f"store.dir={tmp_path}/store", "-o",
                             f"broker.password_file={tmp_path}/none"],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 78
    assert "broker.password_file" in result.stderr


def test_version_and_help():
    version = subprocess.run([REELD, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("reeld ")
    usage = subprocess.run([REELD, "--help"], capture_output=True, text=True, check=True)
    assert "--reindex" in usage.stdout
    wrong = subprocess.run([REELD, "--no-such"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 78
