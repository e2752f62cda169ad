"""Target: a healthy recording, at which tests aim bad input."""
import msgpack

from harness import Format, Recorder, read_wave

FORM = Format()
AUDIO = FORM.noise(100)


class Target:
    """A healthy recording, at which bad input is aimed."""

    def __init__(self, lab, device):
        self.lab = lab
        self.client = lab.client()
        self.device = device
        self.recorder = Recorder(self.client, device)
        self.recorder.store(AUDIO, seq=0)
        self.before = self.recorder.info()

    def publish(self, payload, topic=None, **options):
        """Publish bad input so that it asks for an answer; return the error."""
        reply = self.recorder.reply
        after = len(self.client.messages)
        if isinstance(payload, dict):
            payload = msgpack.packb(payload)
        options.setdefault("response_topic", reply)
        options.setdefault("correlation", b"bad")
        self.client.publish(topic or self.recorder.topic, payload, wait=False, **options)
        answer = self.client.wait_message(lambda m: m.topic == reply, "the error", after)
        assert answer.correlation == options["correlation"]
        said = answer.document
        assert said["status"] == "error", said
        return said["error"]

    def assert_rejected(self, error, code, field, payload=None):
        """The error is clear, an event says the same, and the payload is in quarantine."""
        assert (error["code"], error["field"]) == (code, field), error
        assert error["message"] and error["message"].isprintable(), error
        event = self.lab.watcher.wait_event(self.device, None, "rejected")
        assert (event["code"], event["field"]) == (code, field), event
        assert event["message"] == error["message"] and event["count"] == 1
        if payload is not None:
            kept = self.client.ask("reject", {"quarantine_id": event["quarantine_id"]})
            assert kept.payload == payload

    def assert_untouched(self):
        """Nothing else of the recording changed, and it goes on."""
        after = self.recorder.info()
        for name in ("rejected", "updated_at"):
            assert self.before.pop(name) is not None and after.pop(name) is not None
        assert after == self.before
        self.recorder.store(FORM.noise(100, 1), seq=1)
        self.recorder.end(seq=2)
        self.lab.watcher.wait_event(self.device, "s1", "completed")
        path = self.lab.sink.wav(self.device, "s1")
        assert read_wave(path) == (FORM, AUDIO + FORM.noise(100, 1))
        assert self.lab.watcher.events(self.device, "s1", "started") != []
