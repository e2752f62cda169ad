"""Fleet: many recorders sending at once (bench_load), and whether what they sent was stored."""
import json
import subprocess
import wave
from dataclasses import dataclass

import numpy as np

TABLE_FRAMES = 65521  # as in bench_load.c
RECORDING_STEP = 8191
TABLE = (np.arange(TABLE_FRAMES, dtype=np.uint32) * np.uint32(2654435761) >> 16).astype("<u2")


@dataclass(frozen=True)
class Fleet:
    """`each` fragments of `size` bytes of audio for each of so many recordings."""

    recordings: int
    each: int
    size: int = 1920

    @property
    def fragments(self):
        return self.recordings * self.each

    def send(self, bench, broker, first_seq=0, rate_hz=0, await_sink=False):
        """Send all, the recordings in turn; return the load's own figures. With `await_sink` it
        ends when the sink has said of each recording that all of it is durable."""
        command = [bench.program("load"), "-p", broker.port, "-r", self.recordings,
                   "-n", self.fragments, "-b", self.size, "-f", first_seq, "-s", rate_hz]
        if await_sink:
            command.append("-a")
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise AssertionError(f"the load failed: {done.stderr}")
        return json.loads(done.stdout)

    def check(self, store):
        """Raise unless each recording's file under `store` holds just what was sent, bit for bit.
        The sink has ended, so that the headers say how long they are."""
        frames = self.each * self.size // 2
        for recording in range(self.recordings):
            path = store / "recordings" / f"mic{recording}" / "s1.wav"
            with wave.open(str(path)) as file:
                form = file.getnchannels(), file.getsampwidth(), file.getframerate()
                samples = np.frombuffer(file.readframes(file.getnframes()), "<u2")
            assert form == (1, 2, 48000), f"{path}: {form}"
            sent = content(recording, frames)
            assert np.array_equal(samples, sent), f"{path} is not what was sent"


def content(recording, frames):
    """What the load sends to that recording, as samples."""
    start = recording * RECORDING_STEP % TABLE_FRAMES
    return np.resize(np.roll(TABLE, -start), frames)
