"""What reeld says without its password or its broker, and reel that its broker refuses: what is
wrong, and what to do."""
import subprocess
from pathlib import Path

import pytest

from harness import BUILD
from lab import Broker, Sink, free_port, wait_for

REELD, REEL = (str(Path(BUILD).absolute() / name) for name in ("reeld", "reel"))


def start(*options):
    """Start it on settings with which it ends; return its status and what it said."""
    arguments = [word for option in options for word in ("-o", option)]
    done = subprocess.run([REELD, "-c", "/dev/null", "-o", f"broker.port={free_port()}",
                           *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


# The password


@pytest.mark.parametrize("name, words", [
    ("none", "No such file or directory: name a file with the password in its first line"),
    ("", "Is a directory: name a file with the password in its first line"),
    ("empty", "is empty: the password must stand in its first line"),
])
def test_a_password_file_that_cannot_be_used(tmp_path, name, words):
    (tmp_path / "empty").touch()
    status, said = start(f"store.dir={tmp_path}/store", "broker.username=u",
                         f"broker.password_file={tmp_path / name}")
    assert status == 78 and words in said and not (tmp_path / "store").exists()


# The broker


def test_a_broker_that_is_not_there_or_does_not_know_us(tmp_path):
    with Broker(tmp_path / "broker", users={"sink": "secret"}) as broker:
        sink = Sink(BUILD, tmp_path, broker, {"broker.username": "sink"})
        sink.launch()
        wait_for(lambda: "look at broker.username and broker.password_file" in sink.log(), "a word")
        sink.stop()
        sink = Sink(BUILD, tmp_path, broker, {"broker.port": free_port()}, name="lost")
        sink.launch()
        wait_for(lambda: "does it run, and are broker.host and broker.port its own?" in sink.log(),
                 "a word")
        sink.stop()
        refused = subprocess.run([REEL, "list", "-p", str(broker.port), "-u", "sink"], text=True,
                                 capture_output=True, timeout=60, check=False)
    assert refused.returncode == 1 and "look at --username and --password" in refused.stderr
