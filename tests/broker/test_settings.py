"""The settings: one INI file, `-o` over it, errors with file and line, exit status 78."""
import subprocess
from pathlib import Path

import pytest
from harness import BUILD

REELD = str(Path(BUILD).absolute() / "reeld")


def check(*arguments, folder="."):
    return subprocess.run([REELD, *arguments, "--check-config"], capture_output=True, text=True,
                          timeout=60, check=False, cwd=folder)


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
[hermes]
enabled = 1
sites = living room, kitchen
max_duration_s = 900
[ingest]
commit_interval_ms = 1000
commit_bytes = 16777216
[limits]
max_fragment_bytes = 1048576
max_gap_s = 3600
max_gap_bytes = 268435456
max_response_bytes = 8388608
max_upload_bytes = 67108864
max_recordings_open = 20000
new_recordings_per_minute = 600
[upload]
overwrite = 0
[quarantine]
max_bytes = 67108864
[rules]
rates = 44100, 48000
sample_sizes = 2 3
channels = 1,2
encodings = pcm
min_duration_s = 1
max_duration_s = 600
max_bytes = 1073741824
max_recordings = 1000
max_fragments_per_s = 100
max_requests_per_s = 10
[retention]
max_age_s = 604800
max_bytes = 10737418240
min_free_bytes = 1073741824
[rules "mic-*"]
rates =
max_duration_s = 0
[retention "mic-?"]
max_age_s = 86400
max_bytes = 1073741824
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
    ("[broker]\nport = 1\nhost = a\nport = 2\n", 4, "broker.port stands on line 2"),
    ("[rules]\nrates = 44100,\n  48000\n", 3, "rules.rates stands on line 2"),
    ("[rules]\nrates = 48000 768001\n", 2, "rules.rates"),
    ("[rules]\nrates = 48k\n", 2, "rules.rates"),
    ("[rules]\nsample_sizes = 16\n", 2, "rules.sample_sizes"),
    ("[rules]\nchannels = 0\n", 2, "rules.channels"),
    ("[rules]\nencodings = pcm mp3\n", 2, "rules.encodings is a list of pcm, float, alaw, ulaw"),
    ("[rules]\nmin_duration_s = 0.5\n", 2, "rules.min_duration_s"),
    ('[rules "mic-*"]\nrate = 1\n', 2, "rules.rate"),
    ('[rules "mic-*"]\nmax_bytes = -1\n', 2, "rules.max_bytes"),
    ('[rules "mic-*"]\nmax_bytes = 1\nmax_bytes = 2\n', 3, "stands on line 2"),
    ('[retention "mic-*"]\nmin_free_bytes = 1\n', 2, "retention.min_free_bytes"),
    ('[broker "mic-*"]\nport = 1\n', 2, "broker.port"),
    ('[rules "mic/1"]\nmax_bytes = 1\n', 2, '[NAME "PATTERN"]'),
    ('[rules ""]\nmax_bytes = 1\n', 2, '[NAME "PATTERN"]'),
    ('[rules "-*"]\nmax_bytes = 1\n', 2, '[NAME "PATTERN"]'),
    ('[rules "a" "b"]\nmax_bytes = 1\n', 2, '[NAME "PATTERN"]'),
    ('[rules "mic]\nmax_bytes = 1\n', 2, '[NAME "PATTERN"]'),
    ('[rules mic-*]\nmax_bytes = 1\n', 2, "rules mic-*.max_bytes"),
    (f'[rules "{"m" * 64}"]\nmax_bytes = 1\n', 2, '[NAME "PATTERN"]'),
    ("".join(f'[rules "m{i}"]\nmax_bytes = 2000\n' for i in range(129)), 258, "more than 128"),
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
    ("hermes.enabled=yes", "hermes.enabled"),
    ("hermes.sites=kitchen,a/b", "hermes.sites"),
    ("hermes.sites=+", "hermes.sites"),
    ("hermes.max_duration_s=0", "hermes.max_duration_s"),
    ("store.dir=", "store.dir"),
    ("store.sync=", "store.sync"),
    ("store.sync=file", "store.sync"),
    ("broker.cert=/etc/cert.pem", "broker.cert"),
    ("broker.psk_file=/etc/key.psk", "broker.psk_identity"),
    ("broker.psk_identity=sink", "broker.psk_file"),
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


@pytest.mark.parametrize("text, lines, named", [
    ("[rules]\nmin_duration_s = 20\nmax_duration_s = 10\n", (2, 3), "rules.max_duration_s"),
    ("[rules]\nencodings = alaw\nsample_sizes = 3\n", (3, 2), "rules.encodings"),
    ("[rules]\nsample_sizes = 1 7\n", (2,), "rules.sample_sizes"),
    ("[rules]\nrates = 48000\nmin_duration_s = 60\nmax_bytes = 2000000\n", (4, 3),
     "rules.max_bytes"),
    ("[rules]\nmax_bytes = 1000\n", (2,), "rules.max_bytes"),
    ("[limits]\nmax_fragment_bytes = 1024\n[rules]\nrates = 48000\nmax_fragments_per_s = 20\n",
     (5, 2), "limits.max_fragment_bytes"),
    ('[rules]\nmin_duration_s = 20\n[rules "mic-*"]\nmax_duration_s = 10\n', (2, 4),
     "of device mic-"),
    ('[rules "mic-*"]\nmax_duration_s = 10\n[rules "*-attic"]\nmin_duration_s = 20\n', (4, 2),
     "of device mic-attic"),
    ('[rules "cam"]\nencodings = ulaw\n[rules "*"]\nsample_sizes = 2\n', (4, 2), "of device cam"),
])
def test_rules_that_contradict_each_other_are_told_with_both_lines(tmp_path, text, lines, named):
    (tmp_path / "reeld.conf").write_text(text)
    result = check("-c", "reeld.conf", folder=tmp_path)
    assert result.returncode == 78
    assert " and ".join(f"reeld.conf:{line}" for line in lines) + ": " in result.stderr
    assert named in result.stderr


@pytest.mark.parametrize("text", [
    '[rules]\nmin_duration_s = 20\n[rules "mic-*"]\nmin_duration_s = 0\nmax_duration_s = 10\n',
    '[rules "a*"]\nmin_duration_s = 20\n[rules "b*"]\nmax_duration_s = 10\n',
    '[rules "*"]\nmin_duration_s = 9\n[rules "a*"]\nmax_duration_s = 5\n[rules "*"]\n'
    'min_duration_s = 1\n',
    '[rules]\nsample_sizes = 1 2\n[rules "tel-*"]\nsample_sizes = 1\nencodings = alaw ulaw\n',
])
def test_rules_of_different_devices_may_differ(tmp_path, text):
    path = tmp_path / "r.conf"
    path.write_text(text)
    result = check("-c", path)
    assert (result.returncode, result.stderr) == (0, "")


def test_options_and_the_file_may_contradict_each_other(tmp_path):
    path = tmp_path / "r.conf"
    path.write_text("[rules]\nmin_duration_s = 20\n")
    result = check("-c", path, "-o", "rules.max_duration_s=10")
    assert result.returncode == 78
    assert f"{path}:2 and -o: " in result.stderr
    assert check("-c", path, "-o", "rules.max_duration_s=20").returncode == 0
    assert check("-c", path, "-o", "rules.min_duration_s=5", "-o",
                 "rules.max_duration_s=10").returncode == 0
    assert check("-c", path, "-o", 'rules "mic.1*".max_duration_s=10').returncode == 78


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
