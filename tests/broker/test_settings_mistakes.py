"""Mistakes in the settings: each kind with its file and line, all of them at once, exit status 78,
and the same from a start as from --check-config."""
import os
import subprocess
from pathlib import Path

import pytest

from harness import BUILD

REELD = str(Path(BUILD).absolute() / "reeld")
WHOLE = "must be a whole number from"
SECTION = 'a section for devices is [NAME "PATTERN"]'
UNREADABLE = "it must be a file that the sink's user may read"


def complaints(*arguments, folder):
    """What is complained of, a line each; none where the settings are right."""
    done = subprocess.run([REELD, *arguments, "--check-config"], capture_output=True, text=True,
                          timeout=60, check=False, cwd=folder, errors="replace")
    lines = done.stderr.splitlines()
    assert all(line.startswith("reeld: ") for line in lines), done.stderr
    assert done.returncode == (78 if lines else 0), done.stderr
    assert (done.stdout == "the settings are right\n") == (not lines)
    return [line.removeprefix("reeld: ") for line in lines]


def written(folder, text, name="r.conf"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# What stands in a file, and what is said of which line of it.
MISTAKES = {
    "unknown key": (
        "[broker]\nhots = a\n", {2: "no setting broker.hots: did you mean broker.host?"}),
    "key of another section": (
        "[limits]\nidle_timeout_s = 4\n",
        {2: "no setting limits.idle_timeout_s: did you mean session.idle_timeout_s?"}),
    "misspelt section": (
        "[sessions]\nidle_timeout_s = 4\n[rule]\nmax_bytes = 5000\n",
        {2: "did you mean session.idle_timeout_s?", 4: "did you mean rules.max_bytes?"}),
    "unknown section": ("[frobnicate]\nx = 1\n", {2: "there is no setting frobnicate.x"}),
    "key before any section": (
        "host = a\n[broker]\n", {1: "host stands before the first [section]"}),
    "upper case": ("[broker]\nHost = a\n", {2: "did you mean broker.host?"}),
    "duplicate": ("[broker]\nport = 1\nhost = a\nport = 2\n",
                  {4: "broker.port stands on line 2 already"}),
    "duplicate in a section that comes twice": (
        "[broker]\nport = 1\n[sink]\nname = a\n[broker]\nport = 1\n",
        {6: "broker.port stands on line 2 already"}),
    "no number": ("[broker]\nport = mqtt\n", {2: f'broker.port {WHOLE} 1 to 65535, not "mqtt"'}),
    "number and more": ("[broker]\nport = 1883 # usual\n", {2: 'not "1883 # usual"'}),
    "number with a point": ("[session]\nidle_timeout_s = 1.5\n", {2: 'not "1.5"'}),
    "hexadecimal": ("[broker]\nport = 0x75b\n", {2: 'not "0x75b"'}),
    "thousands": ("[limits]\nmax_gap_bytes = 1_000_000\n", {2: 'not "1_000_000"'}),
    "negative": ("[limits]\nmax_gap_s = -1\n", {2: f'limits.max_gap_s {WHOLE} 0 to'}),
    "unit of bytes": ("[quarantine]\nmax_bytes = 64M\n", {2: 'not "64M"'}),
    "unit of time": ("[ingest]\ncommit_interval_ms = 1s\n", {2: 'not "1s"'}),
    "too small": ("[broker]\nkeepalive_s = 4\n", {2: f"broker.keepalive_s {WHOLE} 5 to 65535"}),
    "too large": ("[broker]\nport = 65536\n", {2: f"broker.port {WHOLE} 1 to 65535"}),
    "past 64 bits": ("[limits]\nmax_gap_s = 99999999999999999999\n", {2: "limits.max_gap_s"}),
    "no number at all": ("[broker]\nport =\n", {2: 'not ""'}),
    "yes or no": (
        "[hermes]\nenabled = yes\n", {2: 'hermes.enabled must be either 0 or 1, not "yes"'}),
    "a level by name": ("[log]\nlevel = debug\n", {2: f"log.level {WHOLE} 3 to 7"}),
    "list with a stranger": ("[rules]\nencodings = pcm mp3\n",
                             {2: 'a list of pcm, float, alaw, ulaw; "mp3" is none'}),
    "list with a unit": ("[rules]\nrates = 44100, 48k\n", {2: '"48k" is none'}),
    "list with a wrong separator": ("[rules]\nrates = 44100;48000\n", {2: '"44100;48000" is none'}),
    "bits for bytes": ("[rules]\nsample_sizes = 16\n", {2: "whole numbers from 1 to 8"}),
    "list that is too long": (f"[rules]\nrates = {' '.join(map(str, range(1000, 1017)))}\n",
                              {2: "rules.rates names more than 16"}),
    "list that goes on below": ("[rules]\nrates = 44100,\n  48000\n", {
        3: "rules.rates stands on line 2 already (an indented line goes on with the setting before"
           " it)"}),
    "word": ("[store]\nsync = fsync\n", {2: "store.sync must be auto, files or filesystem"}),
    "format": ("[upload]\nformats = wav opus\n", {2: "upload.formats must be a list of wav"}),
    "empty host": ("[broker]\nhost =\n", {2: "broker.host is empty"}),
    "empty folder": ("[store]\ndir =\n", {2: "store.dir is empty"}),
    "prefix with a wildcard": ("[broker]\nprefix = reel/#\n", {2: "broker.prefix must be a topic"}),
    "prefix with a comma": ("[broker]\nprefix = reel,v1\n", {2: "broker.prefix must be a topic"}),
    "prefix with what is no character": (
        "[broker]\nprefix = reel\uffff\n", {2: "broker.prefix must be a topic"}),
    "reply_allow with half a wildcard": (
        "[broker]\nreply_allow = reel/v1/reply/a/#, reel/v1/reply/b#\n",
        {2: "broker.reply_allow are topic filters"}),
    "reply_allow with more behind #": (
        "[broker]\nreply_allow = reel/#/reply\n", {2: "broker.reply_allow are topic filters"}),
    "name with a space": ("[sink]\nname = my sink\n", {2: "sink.name must be 1 to 64 of"}),
    "site with a slash": ("[hermes]\nsites = a/b\n", {2: "hermes.sites are levels of a topic"}),
    "file from the sink's folder on": ("[metrics]\ntextfile = reel.prom\n",
                                       {2: "metrics.textfile must be a path from / on"}),
    "file that no collector reads": ("[metrics]\ntextfile = /run/reel/metrics.txt\n",
                                     {2: "that ends in .prom"}),
    "no equals sign": ("[broker]\nhost\nport = 1\n", {2: "neither [section] nor key = value"}),
    "no equals sign on the last line": ("[broker]\nhost", {2: "neither [section] nor key = value"}),
    "section without an end": ("[broker\nhost = a\n",
                               {1: "there is no ]", 2: "host stands before the first [section]"}),
    "setting on the line of its section": (
        "[broker] host = a\n", {1: "a section has a line of its own"}),
    "lines that end in a return": (b"[broker]\rhost = a\rport = x\r", {1: "a control character"}),
    "escape sequence": ("[broker]\nusername = a\x1b[1mb\n", {2: "a control character"}),
    "line too long": (
        f"[store]\ndir = /{'x' * 300}\n", {2: "the line has 307 bytes: it may have 198"}),
    "line too long, without an end": (f"# {'x' * 300}", {1: "the line has 302 bytes"}),
    "NUL byte": (b"[broker]\nhost = a\0b\n", {2: "a NUL byte: the file must be text in UTF-8"}),
    "UTF-16": ("[sink]\n".encode("utf-16-le"), {1: "a NUL byte", 2: "a NUL byte"}),
    "Latin-1": ("[store]\ndir = /bücher\n".encode("latin-1"), {2: "not UTF-8"}),
    "device section's setting elsewhere": ('[broker "mic-*"]\nport = 1\n', {2: "broker.port"}),
    "pattern with a slash": ('[rules "mic/1"]\nmax_bytes = 1\n', {2: SECTION}),
    "empty pattern": ('[rules ""]\nmax_bytes = 1\n', {2: SECTION}),
    "two patterns": ('[rules "a" "b"]\nmax_bytes = 1\n', {2: SECTION}),
    "pattern without its end": ('[rules "mic]\nmax_bytes = 1\n', {2: SECTION}),
    "pattern with umlauts": ('[rules "küche"]\nmax_bytes = 1\n', {2: SECTION}),
    "pattern that is too long": (f'[rules "{"m" * 64}"]\nmax_bytes = 1\n', {2: SECTION}),
    "unknown key of a device": ('[rules "mic-*"]\nrate = 1\n', {2: "did you mean rules.rates?"}),
    "bad number of a device": ('[rules "mic-*"]\nmax_bytes = 1k\n', {2: 'not "1k"'}),
    "duplicate of a device": ('[rules "m"]\nmax_bytes = 3000\nmax_bytes = 3000\n',
                              {3: "rules.max_bytes stands on line 2 already"}),
    "key without certificate": ("[broker]\ncafile = /a\nkey = /k\n", {3: "broker.cert is missing"}),
    "certificate without key": ("[broker]\ncafile = /a\ncert = /c\n", {3: "broker.key is missing"}),
    "certificate without authority": ("[broker]\ncert = /c\nkey = /k\n",
                                      {2: "a client certificate needs broker.cafile too"}),
    "password without a user": ("[broker]\npassword_file = p\n",
                                {2: "broker.password_file is of no use without broker.username"}),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_nothing_else_is(tmp_path, kind):
    text, told = MISTAKES[kind]
    path = written(tmp_path, text)
    found = complaints("-c", path, folder=tmp_path)
    assert len(found) == len(told), found
    for line, (number, words) in zip(found, told.items()):
        assert line.startswith(f"{path}:{number}: ") and words in line


def test_all_of_them_are_told_at_once_in_their_order(tmp_path):
    """One file after the other, each number being that of its own file."""
    files = [f"{i:02}.conf" for i in range(6)]
    kinds = ["unknown key", "no number", "duplicate of a device", "yes or no", "line too long",
             "Latin-1"]
    for name, kind in zip(files, kinds):
        written(tmp_path, MISTAKES[kind][0], f"r.conf.d/{name}")
    found = complaints("-c", written(tmp_path, "x\n"), "-o", "broker.port=0", "-o", "nothing",
                       "-o", "sink.name=-", folder=tmp_path)
    expected = [(str(tmp_path / "r.conf") + ":1: ", "neither [section]")]
    for name, kind in zip(files, kinds):
        number, words = next(iter(MISTAKES[kind][1].items()))
        expected.append((f"{tmp_path}/r.conf.d/{name}:{number}: ", words))
    expected += [("-o: ", f"broker.port {WHOLE}"), ("-o: ", "section.key=value"),
                 ("-o: ", "sink.name must be")]
    assert len(found) == len(expected), found
    for line, (place, words) in zip(found, expected):
        assert line.startswith(place) and words in line


def test_of_very_many_some_are_told_and_the_rest_is_counted(tmp_path):
    found = complaints("-c", written(tmp_path, "x\n" * 500), folder=tmp_path)
    assert found[31].startswith(f"{tmp_path}/r.conf:32: ")
    assert found[32:] == ["468 more mistakes are not shown"]


@pytest.mark.parametrize("text", [
    b"\xef\xbb\xbf[broker]\nhost = a\n",
    b"\xef\xbb\xbfhost\n",
    b"[broker]\r\nhost = a\r\nport = 1\r\n",
    "; Grüße\n# Käse\n\n   \n[broker]\nhost = käse ; trailing\n".encode(),
    b"[broker]\n" + b"#" * 198 + b"\nhost:a",
    b"[broker] ; theirs\r\n\thost\t=\ta\r\r\n[sink]\t#mine\n\f\n",
    b"[broker]\nreply_allow = +/v1/reply/#, #\treel//reply/+ ,\n",
    b"",
])
def test_what_editors_leave_is_no_mistake(tmp_path, text):
    found = complaints("-c", written(tmp_path, text), folder=tmp_path)
    assert found == ([] if b"host\n" not in text else [
        f"{tmp_path}/r.conf:1: neither [section] nor key = value"])


# Files that are none


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    assert complaints("-c", tmp_path / "none", folder=tmp_path) == [
        f"{tmp_path}/none: No such file or directory: {UNREADABLE}"]
    assert complaints("-c", tmp_path, folder=tmp_path) == [
        f"{tmp_path}: Is a directory: {UNREADABLE}"]
    (tmp_path / "loop").symlink_to("loop")
    assert complaints("-c", "loop", folder=tmp_path) == [
        f"loop: Too many levels of symbolic links: {UNREADABLE}"]


def test_a_file_that_never_ends_is_told(tmp_path):
    found = complaints("-c", "/dev/zero", folder=tmp_path)
    assert found[-1] == "/dev/zero: larger than 1 MiB: this is no file of settings"


def test_a_pipe_is_read_unless_nothing_comes(tmp_path):
    """Whoever has settings in secret may hand them over so; one left lying about holds nothing up."""
    os.mkfifo(tmp_path / "r.conf")
    assert complaints("-c", "r.conf", folder=tmp_path) == [
        f"r.conf: A pipe that nothing comes from: {UNREADABLE}"]
    writing = subprocess.Popen(["sh", "-c", "printf '[broker]\\nhots = a\\n' > r.conf"],
                               cwd=tmp_path)
    found = complaints("-c", "r.conf", folder=tmp_path)
    assert writing.wait(timeout=60) == 0
    assert len(found) == 1 and found[0].startswith("r.conf:2: there is no setting broker.hots")


@pytest.mark.parametrize("name", ["r.conf", "r.conf.d", "r.conf.d/a.conf"])
def test_what_the_sinks_user_may_not_read_is_told(tmp_path, name):
    """Root may without the rights that make it root."""
    path = written(tmp_path, "")
    written(tmp_path, "", "r.conf.d/a.conf")
    (tmp_path / name).chmod(0)
    command = [REELD, "-c", path, "--check-config"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert f"reeld: {tmp_path / name}: Permission denied: " in done.stderr
    (tmp_path / name).chmod(0o700)


# The folder beside the file


def test_the_folder_stands_over_the_file_by_the_order_of_names(tmp_path):
    """What wins is seen by the contradiction that only it is part of."""
    path = written(tmp_path, "[rules]\nmin_duration_s = 1\n")
    written(tmp_path, "[rules]\nmin_duration_s = 50\n", "r.conf.d/10-first.conf")
    written(tmp_path, "[rules]\nmin_duration_s = 20\n", "r.conf.d/9-last.conf")
    for ignored in (".hidden.conf", "9-last.conf~", "9-last.conf.dpkg-old", "README"):
        written(tmp_path, "nonsense\n", f"r.conf.d/{ignored}")
    assert complaints("-c", path, folder=tmp_path) == []
    found = complaints("-c", path, "-o", "rules.max_duration_s=10", folder=tmp_path)
    assert found == [f"{tmp_path}/r.conf.d/9-last.conf:2 and -o: rules.min_duration_s and "
                     "rules.max_duration_s: no recording is both 20 s and at most 10 s long"]


def test_a_section_for_devices_goes_on_in_another_file(tmp_path):
    path = written(tmp_path, '[rules "mic-*"]\nmin_duration_s = 20\n')
    written(tmp_path, '[rules "mic-*"]\nmin_duration_s = 9\nmax_duration_s = 10\n',
            "r.conf.d/a.conf")
    assert complaints("-c", path, folder=tmp_path) == []
    written(tmp_path, '[rules "mic-*"]\nmin_duration_s = 30\n', "r.conf.d/b.conf")
    found = complaints("-c", path, folder=tmp_path)
    assert len(found) == 1 and "b.conf:2 and " in found[0] and "a.conf:3: " in found[0]


def test_a_contradiction_of_all_devices_is_told_once(tmp_path):
    path = written(tmp_path, "[rules]\nmin_duration_s = 20\nmax_duration_s = 10\n"
                             '[retention "a*"]\nmax_age_s = 1\n[retention "*b"]\nmax_age_s = 1\n')
    assert len(complaints("-c", path, folder=tmp_path)) == 1


def test_too_many_files_and_folders_among_them_are_told(tmp_path):
    path = written(tmp_path, "")
    for i in range(32):
        written(tmp_path, "", f"r.conf.d/{i:02}.conf")
    (tmp_path / "r.conf.d/10.conf").unlink()
    (tmp_path / "r.conf.d/10.conf").mkdir()
    found = complaints("-c", path, folder=tmp_path)
    assert found == [f"{tmp_path}/r.conf.d/10.conf: Is a directory: {UNREADABLE}",
                     f"{tmp_path}/r.conf.d/31.conf: not read: settings are in at most 32 files, "
                     "whose paths have at most 255 characters"]


def test_a_start_says_the_same_and_starts_nothing(tmp_path):
    path = written(tmp_path, f"[store]\ndir = {tmp_path}/store\n[broker]\nport = x\nhots = y\n")
    done = subprocess.run([REELD, "-c", path], capture_output=True, text=True, timeout=60,
                          check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 2)
    assert not (tmp_path / "store").exists()
