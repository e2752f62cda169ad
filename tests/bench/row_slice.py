"""One second out of a recording of 24 hours, against one out of a recording of a minute.

The long one is a short one whose file was grown to a sparse one, with noise at the seconds that are
asked for, and whose rows in the catalog were made to say so. The time is what the sink says that
the download took (asker.py).
"""
import contextlib
import random
import sqlite3
import subprocess
import wave

import asker
import numpy as np
from lab import wait_for
from measure import alternate, median, ratio
from row import Curve, Row

RATE = 16000
HEADER_BYTES = 1024
MINUTE_S, DAY_S = 60, 86400


class Long:
    """A recording in the store, brought to a length, of which some seconds are known."""

    def __init__(self, bench, folder, broker, sink, seconds):
        self.device = f"of{seconds}"
        self._path = sink.wav(self.device, "s1")
        self._sink = sink
        noise = np.random.default_rng(seconds)
        self._known = {}
        self._upload(bench, folder / f"{self.device}.wav", broker)
        self._grow(seconds)
        with self._path.open("r+b") as file:
            for second in sorted({0, seconds - 1, *(random.Random(1).choices(range(seconds), k=30))}):
                self._known[second] = noise.bytes(RATE * 2)
                file.seek(HEADER_BYTES + second * RATE * 2)
                file.write(self._known[second])

    def _upload(self, bench, path, broker):
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", None))
            file.writeframes(bytes(RATE * 2))
        subprocess.run([bench.build / "reel", "upload", *broker.client_options(), "--device",
                        self.device, "--session", "s1", path], check=True, capture_output=True)

    def _grow(self, seconds):
        frames = seconds * RATE
        with self._path.open("r+b") as file:
            file.truncate(HEADER_BYTES + frames * 2)
        path = self._sink.store / "catalog.db"
        with contextlib.closing(sqlite3.connect(path, 60)) as catalog, catalog:
            # Its sum is the last that the sink has to write of it.
            (recording,) = wait_for(lambda: catalog.execute(
                "SELECT recording FROM recording WHERE device = ? AND sha256 IS NOT NULL",
                (self.device,)).fetchone(), "the sum of the upload")
            catalog.execute("UPDATE recording SET frames = ?, duration_s = ? WHERE recording = ?",
                            (frames, seconds, recording))
            catalog.execute("UPDATE run SET frames = ? WHERE recording = ?", (frames, recording))

    def times_us(self, client):
        """What each download took, of a second that is known, compared bit for bit."""
        client.took_us()
        for second, audio in self._known.items():
            said = client.bytes("download", device=self.device, session="s1", **{"from": second,
                                "to": second + 1}, format="raw")
            assert said == audio, (f"second {second} of {self.device}, {len(said)} bytes, is not what"
                               f" is in its file: {said[:200]}")
        return client.took_us()


def contest(bench, lengths_s):
    with bench.folder("slice") as folder, bench.broker(folder) as broker, \
            bench.sink(folder, broker, asker.SETTINGS) as sink:
        longs = {seconds: Long(bench, folder, broker, sink, seconds) for seconds in lengths_s}
        with asker.asking(broker, sink) as client:
            return alternate(bench.sized(bench.rounds * 4, 1), {
                seconds: lambda long=long: median(long.times_us(client))
                for seconds, long in longs.items()})


def measure(bench):
    times_us = contest(bench, [MINUTE_S, bench.sized(DAY_S, 600)])
    minute_us, day_us = times_us.values()
    of_both, least, most = ratio(day_us, minute_us)
    return [Row("one second out of a 24-hour recording", "independent of its length",
                f"{of_both:.2f} times one out of a minute ({median(day_us):.0f} us in the sink)",
                of_both < 1.25,
                {"minute_us": minute_us, "day_us": day_us, "least": least, "most": most})]


def growth(bench):
    lengths_s = bench.sized([10, 60, 600, 3600, 6 * 3600, DAY_S], [10, 60])
    times_us = contest(bench, lengths_s)
    return [Curve("slice", "One second out of a recording", "recording, s", "us in the sink",
                  {"download": [(seconds, median(us)) for seconds, us in times_us.items()]})]
