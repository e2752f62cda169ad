"""Uploads: who sends them, and what other programs make of the files."""
import hashlib
import itertools
import subprocess

import soundfile

from harness import JSON, RequestFailed, encode
from lab import PREFIX, wait_for

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


class BlockUploader:
    """Uploads one file in blocks."""

    def __init__(self, client, device, data, session="s1", form=JSON, confined=False):
        self.client = client
        self.device = device
        self.session = session
        self.data = data
        self.form = form
        self.confined = confined
        self.begun = None

    def _name(self):
        name = {"session": self.session}
        return name if self.confined else name | {"device": self.device}

    def _options(self):
        return {"form": self.form, "device": self.device if self.confined else None}

    def _beginning(self, **more):
        return self._name() | {"size": len(self.data),
                               "sha256": hashlib.sha256(self.data).hexdigest()} | more

    def begin(self, **more):
        self.begun = self.client.request("upload-begin", self._beginning(**more),
                                         **self._options())
        return self.begun

    def begin_refused(self, **more):
        return self.client.refusal("upload-begin", self._beginning(**more), **self._options())

    def missing(self):
        """The blocks that the last answer said are missing."""
        return [block for first, last in self.begun["missing"]
                for block in range(first, last + 1)]

    def wait_missing(self, count, **more):
        """Ask until so many are missing; return the answer."""
        return wait_for(lambda: self.begin(**more) and len(self.missing()) == count and self.begun,
                        f"{count} blocks to be missing")

    def topic(self, offset):
        return f"{PREFIX}/upload/{self.device}/{self.session}/{self.begun['upload']}/{offset}"

    def send(self, block):
        offset = block * self.begun["block_size"]
        self.client.publish(self.topic(offset),
                            self.data[offset:offset + self.begun["block_size"]])

    def refused(self, offset, data, **options):
        """Send what is no block of the file; return the error."""
        return self.refused_on(self.topic(offset), data, **options)

    def refused_on(self, topic, data, **options):
        # The answer is the topic's device's.
        reply = f"{PREFIX}/reply/{topic.split('/')[3]}/block-{next(_numbers)}"
        self.client.subscribe(reply)
        self.client.publish(topic, data, response_topic=reply, **options)
        answer = self.client.wait_message(lambda m: m.topic == reply, f"a refusal on {reply}")
        return answer.document["error"]

    def _ending(self):
        return self._name() | {"upload": self.begun["upload"]}

    def end(self):
        """End it, once all that was sent has arrived; return the recording."""
        return wait_for(self.end_unless_missing, "the end of the upload")

    def end_unless_missing(self):
        try:
            return self.client.request("upload-end", self._ending(), **self._options())
        except RequestFailed as failed:
            if failed.error["field"] != "missing":
                raise
            return None

    def end_refused(self):
        return self.client.refusal("upload-end", self._ending(), **self._options())

    def ask_end(self):
        """Ask, and return what waits for the answer."""
        reply = f"{PREFIX}/reply/{self.device}/end-{next(_numbers)}"
        self.client.subscribe(reply)
        self.client.publish(f"{PREFIX}/request/upload-end", encode(self._ending(), self.form),
                            response_topic=reply, content_type=self.form)
        return lambda: self.client.wait_message(lambda m: m.topic == reply).document
