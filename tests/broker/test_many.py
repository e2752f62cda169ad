"""A hundred recordings at once, by a hundred clients that know nothing of each other, each with a
history of its own: what they send out of order, twice, never, or after a restart."""
import random
import threading

import pytest

from harness import Client, Format, Recorder, assert_same_audio, read_ffmpeg
from lab import PREFIX, wait_for

RECORDINGS = 100
FORMATS = [Format(), Format(2, 48000, 2), Format(1, 8000, 1), Format(1, 44100, 3),
           Format(2, 16000, 4), Format(1, 8000, 1, "ulaw"), Format(4, 16000, 2),
           Format(1, 48000, 4, "float")]


class History:
    """What one recorder sends, and what must come of it.

    The expectation is made while the history is: the audio of each boot in its order, silence
    where a fragment is never sent. No code of the sink's is asked.
    """

    def __init__(self, number):
        self.number = number
        self.device = f"mic-{number:03}"
        self.form = FORMATS[number % len(FORMATS)]
        self.payload = ["msgpack", "json-base64", "msgpack-str"][number % 3]
        self.generator = random.Random(number)
        self.numbers = self.generator.choice(["seq", "frame", "both"])
        self.sends = []  # (audio, numbers) in the order of sending
        self.repeats = 0
        self.missing = 0  # frames that stay silent
        parts = [self._boot(boot) for boot in range(self.generator.randrange(1, 4))]
        self.audio = b"".join(parts)

    def _boot(self, boot):
        """Add one run of the recorder; return its audio as it must stand in the file."""
        frames = self.generator.choice([80, 160, 333])
        fragments = []
        for n in range(self.generator.randrange(20, 40)):
            fields = {"seq": n, "frame": n * frames}
            fields = fields if self.numbers == "both" else {self.numbers: fields[self.numbers]}
            audio = self.form.noise(frames, f"{self.number} {boot} {n}")
            fragments.append((audio, fields | {"boot": boot}))
        # The first ten come in order, so that a gap's length can be inferred from seq alone; the
        # last comes in its place, so that the boot's length is known.
        middle = fragments[10:-1]
        never = set(self.generator.sample(range(len(middle)), 3))
        sent = [item for n, item in enumerate(middle) if n not in never]
        order = sorted(range(len(sent)), key=lambda n: n + self.generator.uniform(0, 4))
        sends = fragments[:10] + [sent[n] for n in order] + fragments[-1:]
        for _ in range(5):
            at = self.generator.randrange(1, len(sends))
            sends.insert(at, sends[self.generator.randrange(at)])
            self.repeats += 1
        self.sends += sends
        self.missing += 3 * frames
        silence = self.form.silence * frames
        kept = [silence if n in never else item[0] for n, item in enumerate(middle)]
        return b"".join([fragments[i][0] for i in range(10)] + kept + [fragments[-1][0]])


def publish(broker, history, barrier, failures):
    """One recorder: connect, wait for the others, send everything, end, go."""
    try:
        client = Client(broker, version=5 if history.number % 4 else 4, name=history.device)
        recorder = Recorder(client, history.device, "run", history.form, history.payload)
        barrier.wait()
        for audio, numbers in history.sends:
            recorder.post(audio, wait=False, **numbers)
        recorder.post(end=True, wait=True)
        client.close()
    except Exception as error:
        failures.append(f"{history.device}: {error!r}")
        barrier.abort()


@pytest.fixture(scope="module")
def recorded(shared_lab):
    """All histories, published at once and complete."""
    histories = [History(number) for number in range(RECORDINGS)]
    barrier, failures = threading.Barrier(RECORDINGS), []
    threads = [
        threading.Thread(target=publish, args=(shared_lab.broker, history, barrier, failures))
        for history in histories
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

    def complete():
        """Devices told complete; a fragment may open one again that its end overtook nothing of."""
        events = shared_lab.watcher.select(lambda m: m.topic.endswith("/run"))
        return {m.topic for m in events if m.document["event"] == "completed"}

    wait_for(lambda: len(complete()) == RECORDINGS, "100 complete recordings", timeout_s=120)
    return histories


@pytest.mark.parametrize("number", range(RECORDINGS))
def test_recording_is_bit_exact(shared_lab, recorded, number):
    history = recorded[number]
    path = shared_lab.sink.wav(history.device, "run")
    assert_same_audio(read_ffmpeg(path), history.audio, history.form)


def test_repeats_and_gaps_are_counted(lab, client, recorded):
    rows = {row["device"]: row for row in client.request("list", {"limit": 1000})["recordings"]}
    assert len(rows) == RECORDINGS
    for history in recorded:
        row = rows[history.device]
        expected = {
            "frames": len(history.audio) // history.form.frame_bytes,
            "duplicates": history.repeats,
            "gap_frames": history.missing,
            "rejected": 0,
            "state": "complete",
            "end_reason": "end",
        }
        assert {name: row[name] for name in expected} == expected, history.device


def test_nothing_was_refused(lab, client, recorded):
    assert client.request("rejects")["rejects"] == []


def test_correlation_data_closes_a_batch(make_lab):
    """It waits in memory for the commit, so it counts for the batch as audio does."""
    lab = make_lab({"ingest.commit_interval_ms": 60_000})
    client = lab.client()
    recorder = Recorder(client, "mic")
    for seq in range(100):
        reply = f"{PREFIX}/reply/mic/{seq}"
        recorder.post(b"12", seq=seq, wait=False, reply=reply, correlation=bytes(60_000))
    wait_for(lambda: lab.watcher.events("mic", "s1", "started"), "the first commit")
