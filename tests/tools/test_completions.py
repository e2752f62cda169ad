"""Completions: bash's own machinery is driven with words as they are typed, zsh's in a terminal of
its own; what is offered is what the programs take."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import make_commands
from lab import Broker, Sink, TREE
from made import said

BUILD = os.environ.get("REEL_BUILD", "build")
FOLDER = TREE / "systemd/completions"
ENVIRONMENT = os.environ | {"PATH": f"{(TREE / BUILD).absolute()}:{os.environ['PATH']}",
                            "REEL_HOST": "127.0.0.1", "REEL_PORT": "1",
                            "ASAN_OPTIONS": "detect_leaks=0"}


def complete(line, folder=TREE, **environment):
    """What bash offers at the end of a line; its words are parted as readline parts them."""
    words = re.findall(r"=|[^\s=]+", line) + ([""] if line.endswith((" ", "=")) else [])
    program = words[0]
    script = f"""
        compopt() {{ :; }}  # it works only while readline completes
        . {FOLDER}/{program}.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE={json.dumps(line)}
        _{program} "$1" "${{!#}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-u", "-c", script, "bash", *words], cwd=folder, text=True,
                          env=ENVIRONMENT | environment, capture_output=True, timeout=60)
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


def forms(usage, head):
    return {form for letter, name, *_ in make_commands.options(usage, head)
            for form in (letter, name) if form}


# bash, reeld


def test_reelds_options():
    lines = re.findall(r"^  (?:(-\w),? )? *(--[\w-]+)?", said(BUILD, "reeld", "--help"), re.M)
    taken = {form for line in lines for form in line if form}
    assert len(taken) > 8 and complete("reeld -") == taken
    assert complete("reeld --re") == {"--reindex"}


def test_reelds_settings_and_files(tmp_path):
    listed = json.loads(said(BUILD, "reeld", "--list-settings"))
    names = {f"{setting['name']}=" for setting in listed}
    assert complete("reeld -o ") == names
    assert complete("reeld -c x -o limits.max_g") == {"limits.max_gap_s=", "limits.max_gap_bytes="}
    assert complete("reeld -o broker.host=") == complete("reeld -o broker.host=a") == set()
    (tmp_path / "site.conf").touch()
    for option in ("-c", "--config"):
        assert complete(f"reeld {option} si", tmp_path) == {"site.conf"}


# bash, reel

COMMANDS = make_commands.commands(BUILD)


def test_reels_commands():
    assert complete("reel ") == set(COMMANDS)
    assert complete("reel -h list st") == complete("reel -q --port 5 st") == {"status"}


@pytest.mark.parametrize("name", COMMANDS)
def test_reels_options(name):
    common = forms(COMMANDS[name], "Options of every command:")
    own = forms(COMMANDS[name], "Options:")
    assert complete("reel -") == common
    assert complete(f"reel {name} -") == complete(f"reel -p 5 {name} x -") == common | own


def test_what_options_take(tmp_path):
    assert complete("reel list --state ") == {"recording", "complete"}
    assert complete("reel list --sort d") == {"duration"}
    assert complete("reel publish --encoding a") == {"alaw"}
    assert complete("reel list --limit ") == set()
    (tmp_path / "a.pem").touch()
    (tmp_path / "a folder").mkdir()
    assert complete("reel --cafile a", tmp_path) == {"a.pem", "a folder"}
    assert complete("reel publish --spool a", tmp_path) == {"a folder"}
    assert complete("reel publish a", tmp_path) == {"a.pem", "a folder"}


def test_recordings_are_those_of_the_sink_that_is_meant(tmp_path):
    with Broker(tmp_path / "broker") as broker, Sink(BUILD, tmp_path, broker):
        for name in ("mic1/morning", "mic1/noon", "attic/noon"):
            device, session = name.split("/")
            subprocess.run([TREE / BUILD / "reel", "upload", "-q", "-p", str(broker.port),
                            "--device", device, "--session", session,
                            "/usr/share/sounds/alsa/Noise.wav"], check=True, env=ENVIRONMENT)
        port = str(broker.port)
        for line in (f"reel -p {port} info ", f"reel get -p {port} -o x "):
            assert complete(line) == {"mic1/morning", "mic1/noon", "attic/noon"}
        assert complete("reel rm mic1/m", REEL_PORT=port) == {"mic1/morning"}
        assert complete("reel list --device ", REEL_PORT=port) == {"mic1", "attic"}
    assert complete("reel info ", REEL_PORT=port) == set()  # nobody is there, and nothing is said


# zsh

ZPTY = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PROMPT_EOL_MARK= fpath=($1 \$fpath); autoload -Uz compinit && compinit -u -D"
zpty -w z "zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' verbose no"
zpty -w z "LISTMAX=1000000"
zpty -w z "bindkey '^I' list-choices; stty columns 200; print READY"
zpty -r z said '*READY*READY*'
zpty -n -w z "$2"$'\t'
for ((i = 0; i < 600; i++)); do
    sleep 0.05
    while zpty -rt z more; do said+=$more; done
    [[ $said == *$~3* ]] && break
done
zpty -d z
print -r -- "$said"
"""


@pytest.mark.parametrize("name", ["_reel", "_reeld"])
def test_zsh_takes_them(name):
    done = subprocess.run(["zsh", "-n", FOLDER / name], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (FOLDER / name).read_text().startswith(f"#compdef {name[1:]}\n")


@pytest.mark.parametrize("line, offered", [
    ("reel ", ["publish", "verify", "rejects"]),
    ("reel list --", ["--has-gaps", "--sort", "--cafile"]),
    ("reel list --state ", ["complete", "recording"]),
    ("reeld --", ["--check-config", "--config", "--list-settings"]),
    ("reeld -o limits.max_g", ["limits.max_gap_s", "limits.max_gap_bytes"]),
])
def test_zsh_offers_them(tmp_path, line, offered):
    done = subprocess.run(["zsh", "-f", "-c", ZPTY, "zsh", FOLDER, line, offered[-1]], text=True,
                          capture_output=True, timeout=60, cwd=tmp_path, stdin=subprocess.DEVNULL,
                          env=ENVIRONMENT | {"TERM": "dumb", "HOME": str(tmp_path)})
    said_by_zsh = done.stdout.partition("READY")[2]
    assert all(word in said_by_zsh for word in offered), said_by_zsh[-3000:]
