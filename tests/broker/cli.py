"""What the tests of the client share: `reel` run as people and programs run it."""
import json
import os
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

from harness import BUILD
from lab import SANITIZER_REPORT, TREE, wait_for

REEL = Path(TREE, BUILD, "reel")
PATIENCE_S = 120
ALSA = sorted(Path("/usr/share/sounds/alsa").glob("*.wav"))


@dataclass
class Result:
    status: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode()

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def finished(process, data=None):
    """Wait for its end; return what it said."""
    out, err = process.communicate(data, timeout=PATIENCE_S)
    err = err.decode()
    assert not SANITIZER_REPORT.search(err), err
    return Result(process.returncode, out, err)


def start(broker, command, *words, **options):
    """Start `reel COMMAND -h ... -p ... WORDS` and return the process."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("REEL_")}
    env |= options.pop("env", {})
    connection = ["-h", broker.host, "-p", broker.port] if broker else []
    line = [str(word) for word in [REEL, command, *connection, *words]]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, env=env, **(pipes | options))


def reel(broker, command, *words, data=b"", status=0, **options):
    """Run it to its end, and insist on its exit status."""
    result = finished(start(broker, command, *words, **options), data)
    assert result.status == status, f"exit status {result.status}:\n{result.err}"
    return result


def frames_of(path):
    """The audio of a WAV file, by Python's wave."""
    with wave.open(str(path), "rb") as reader:
        return reader.readframes(reader.getnframes())


def wait_frames(client, device, session, frames):
    """Wait until the sink has so many frames of the recording."""

    def there():
        rows = client.request("list", {"device": device, "session": session})["recordings"]
        return rows and rows[0]["frames"] >= frames

    wait_for(there, f"{frames} frames of {device}/{session}")
