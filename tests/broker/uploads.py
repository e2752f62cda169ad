"""Uploads: who sends them, and what other programs make of the files."""
import itertools
import subprocess

import soundfile

from lab import PREFIX

_numbers = itertools.count(1)


class Uploader:
    """Sends whole files to one name and waits for the answers."""

    def __init__(self, client, device, session="s1"):
        self.client = client
        self.device = device
        self.session = session
        self.reply = None
        self.after = 0

    def begin(self, data, **options):
        """Send, and do not wait."""
        self.reply = f"{PREFIX}/reply/{self.device}/upload-{next(_numbers)}"
        self.client.subscribe(self.reply)
        self.client.publish(f"{PREFIX}/upload/{self.device}/{self.session}", data, wait=False,
                            response_topic=self.reply, correlation=self.reply.encode(), **options)

    def answered(self):
        return bool(self.client.select(lambda m: m.topic == self.reply))

    def answer(self):
        message = self.client.wait_message(lambda m: m.topic == self.reply,
                                           f"an answer on {self.reply}")
        assert message.correlation == self.reply.encode()
        return message.document

    def upload(self, data, **options):
        """Send, and insist that it became a recording; return that."""
        self.begin(data, **options)
        answer = self.answer()
        assert answer["status"] == "ok", answer
        return answer["data"]

    def refused(self, data, **options):
        """Send what must not be taken; return the error."""
        self.begin(data, **options)
        answer = self.answer()
        assert answer["status"] == "error", answer
        return answer["error"]


def recording_path(lab, device, session="s1"):
    return lab.sink.store / "recordings" / device / f"{session}.wav"


def make(path, encoding="signed 16", channels=1, seconds=0.1, rate=16000, *effects):
    """Noise by sox, in the container that the name says. `encoding`: as sox calls it, and bits."""
    kind, bits = encoding.split()
    names = {"unsigned": "unsigned-integer", "signed": "signed-integer", "float": "floating-point"}
    subprocess.run(
        ["sox", "-R", "-D", "-n", "-r", str(rate), "-c", str(channels), "-b", bits,
         "-e", names.get(kind, kind), path, "synth", str(seconds), "whitenoise", *effects],
        check=True)
    return path


def samples_of(path):
    """The samples as sox reads them, in the file's own encoding."""
    return subprocess.run(["sox", path, "-t", "raw", "-"], check=True, capture_output=True).stdout


def decoded(path):
    """Rate and samples as libsndfile's Python has them, exact for all that WAV holds."""
    audio, rate = soundfile.read(path, dtype="float64")
    return rate, audio.tobytes()
