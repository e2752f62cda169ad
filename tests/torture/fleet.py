"""Fleet: recorders that send what they have until the sink says that it is durable."""
import sys
import threading
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import msgpack
import paho.mqtt.client as mqtt

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))
from harness import publish_properties  # noqa: E402
from lab import PREFIX, NotReady, Sink, wait_for  # noqa: E402

from marked import CHANNELS, RATE, SAMPLE_BYTES, Recording  # noqa: E402

WINDOW = 16  # fragments under way for each recorder
RESEND_S = 0.4
AUDIO = {"channels": CHANNELS, "sample_size": SAMPLE_BYTES}


@dataclass(frozen=True)
class Style:
    """How a recorder numbers and sends. `boots`: each run says its own boot; without, a new run
    is a recorder that restarted under its old name."""

    name: str
    qos: int = 1
    seq: bool = True
    frame: bool = True
    boots: bool = False
    runs: int = 1
    varied: bool = False
    backwards: bool = False  # sends its window from the far end


# At QoS 0 what the sink was not there for is gone, and sent again into the gap that it left. Who
# counts in seq alone, or starts anew, needs its fragments in order: they come at QoS 1.
STYLES = (
    Style("seq-frame", qos=0),
    Style("seq", frame=False, runs=2),
    Style("boots", boots=True, runs=2, varied=True),
    Style("frame", seq=False, varied=True),
    Style("backwards", qos=0, backwards=True, varied=True),
)


def introduce(build, folder, broker):
    """Let the broker hold a session for the sink, so that nothing at QoS 1 is lost before the sink
    under test has first subscribed: who counts in seq alone could not say what."""
    with Sink(build, Path(folder, "introduced"), broker):
        pass


class Recorder:
    """One device: recordings, one after the other."""

    def __init__(self, fleet, name, style, fragments, frames):
        self.fleet, self.name, self.style = fleet, name, style
        self.fragments, self.frames = fragments, frames
        self.reply = f"{PREFIX}/reply/{name}/torture"
        self.recording = None
        self.begun = 0
        self.run = 0
        self.next_seq = 0
        self.under_way = {}  # seq: when it was last sent
        self.heard = 0.0

    def begin(self, number):
        style = self.style
        self.recording = Recording(number, self.name, f"s{number}", self.fragments, self.frames,
                                   style.runs, style.varied, ends=not style.backwards,
                                   rate=self.fleet.rate)
        self.starts = self.recording.starts()
        self.run, self.next_seq, self.under_way = 0, 0, {}
        self.fleet.ledger.add(self.recording)
        self.begun += 1

    def work(self, now):
        """Send what the window has room for, or again what no answer came for."""
        if not self.under_way and self.next_seq == self.fragments:
            self.run, self.next_seq = self.run + 1, 0
            if self.run == self.style.runs:
                self.recording = None
                return
        if self.under_way and now - self.heard > RESEND_S:
            again = sorted(self.under_way)
        else:
            room = min(WINDOW - len(self.under_way), self.fragments - self.next_seq)
            again = range(self.next_seq, self.next_seq + room)
            self.next_seq += room
            if not self.under_way:
                self.heard = now
        for seq in reversed(again) if self.style.backwards else again:
            self.send(seq, now)

    def send(self, seq, now):
        style, head = self.style, {}
        if style.seq:
            head["seq"] = seq
        if style.frame:
            head["frame"] = self.starts[seq]
        if style.boots:
            head["boot"] = 100 + self.run
        recording = self.recording
        if recording.ends and seq == self.fragments - 1 and self.run == style.runs - 1:
            head["end"] = True
        self.fleet.ledger.note_sent(self.recording, self.run, seq)
        self.under_way[seq] = self.heard = now
        payload = msgpack.packb({
            "metadata": {"session": head, "audio": AUDIO | {"rate": recording.rate}},
            "data": self.recording.data(self.run, seq),
        })
        self.fleet.publish(f"{PREFIX}/audio/{self.name}/{self.recording.session}", payload,
                           style.qos, self.reply,
                           f"{self.recording.session} {self.run}".encode())

    def hear(self, document, run):
        fresh = self.fleet.ledger.note_acknowledgement(document, run)
        current = self.recording and document.get("session") == self.recording.session
        if not fresh or not current or run != self.run:
            return
        self.heard = time.monotonic()
        for _, seq in fresh:
            self.under_way.pop(seq, None)


class Fleet:
    """Recorders on one connection, each with its own topics. `numbers` go on over fleets that
    share a ledger."""

    def __init__(self, broker, ledger, devices, fragments=60, frames=40, styles=STYLES, numbers=None,
                 rate=RATE):
        self.ledger = ledger
        self.rate = rate
        self.numbers = numbers or count(1)
        self.acknowledgements = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._finish = False
        self.recorders = {}
        for n in range(devices):
            style = styles[n % len(styles)]
            name = f"{style.name}-{n}"
            self.recorders[name] = Recorder(self, name, style, fragments, frames)
        self._paho = mqtt.Client(f"fleet-{id(self)}", protocol=mqtt.MQTTv5)
        self._paho.max_inflight_messages_set(5000)
        self._paho.on_message = self._on_message
        self._paho.connect(broker.host, broker.port)
        self._paho.loop_start()
        wait_for(self._paho.is_connected, "the fleet to be connected")
        granted = threading.Event()
        self._paho.on_subscribe = lambda *_: granted.set()
        self._paho.subscribe(f"{PREFIX}/reply/+/torture", qos=1)
        assert granted.wait(10), "no SUBACK for the fleet"
        self.failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def publish(self, topic, payload, qos, reply, correlation):
        properties = publish_properties(response_topic=reply, correlation=correlation)
        self._paho.publish(topic, payload, qos, properties=properties)

    def _on_message(self, _client, _user, message):
        try:
            _, run = message.properties.CorrelationData.split()
            recorder = self.recorders[message.topic.split("/")[-2]]
            with self._lock:
                self.acknowledgements += 1
                recorder.hear(msgpack.unpackb(message.payload), int(run))
        except Exception as error:  # shown by whoever waits for the fleet
            self.failure = self.failure or error

    def _run(self):
        try:
            while not self._stop.wait(0.002):
                with self._lock:
                    for recorder in self.recorders.values():
                        self._turn(recorder)
        except Exception as error:
            self.failure = error

    def _turn(self, recorder):
        if recorder.recording is None and not self._finish:
            recorder.begin(next(self.numbers))
        if recorder.recording is not None:
            recorder.work(time.monotonic())

    def check(self):
        if self.failure is not None:
            raise NotReady(f"the fleet failed: {self.failure!r}") from self.failure

    def begin_no_more(self):
        """What was begun is sent to its end; every recorder has begun something."""
        wait_for(lambda: all(recorder.begun for recorder in self.recorders.values()), "a beginning")
        self._finish = True

    def finish(self, timeout_s=60):
        """Begin no new recordings; wait until all that was begun is acknowledged."""
        self.begin_no_more()

        def done():
            self.check()
            return self.idle()

        wait_for(done, "everything to be acknowledged", timeout_s)

    def idle(self):
        """Whether nothing is under way."""
        return all(recorder.recording is None for recorder in self.recorders.values())

    def close(self):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._paho.disconnect()
        self._paho.loop_stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
