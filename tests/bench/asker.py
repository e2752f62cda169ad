"""Asker: a client that asks the sink one question at a time, and what each took in the sink.

From outside a question's time has the way through the broker in it, there and back. So the sink
says it itself: at log level 7 it writes a line for each request.
"""
import json
import queue
import re
from contextlib import contextmanager

import paho.mqtt.client as mqtt
from lab import PATIENCE_S, PREFIX, wait_for
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SETTINGS = {"log.level": 7}
TOOK = re.compile(r"request (\S+): took (\d+) us")


class Asker:
    def __init__(self, sink, client, answers):
        self._sink = sink
        self._client = client
        self._answers = answers
        self._asked = 0
        self._offset = sink.program.log_path.stat().st_size
        self._pending = []

    def _request(self, op, document):
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = f"{PREFIX}/reply/bench"
        self._client.publish(f"{PREFIX}/request/{op}", json.dumps(document), properties=properties)
        self._asked += 1
        return self._answers.get(timeout=PATIENCE_S)

    def ask(self, op, **document):
        """The answer's data."""
        answer = json.loads(self._request(op, document))
        if answer["status"] != "ok":
            raise AssertionError(f"{op} {document}: {answer}")
        return answer["data"]

    def bytes(self, op, **document):
        """The answer as it came: audio."""
        return self._request(op, document)

    def _read(self):
        with self._sink.program.log_path.open("rb") as log:
            log.seek(self._offset)
            text = log.read()
        whole = text.rfind(b"\n") + 1
        self._offset += whole
        self._pending += [int(us) for _, us in TOOK.findall(text[:whole].decode(errors="replace"))]
        return len(self._pending) >= self._asked

    def took_us(self):
        """What each question since the last call took in the sink, in their order."""
        wait_for(self._read, "the sink to have logged each request")
        took, self._pending, asked = self._pending, [], self._asked
        self._asked = 0
        assert len(took) == asked, f"{asked} asked, {len(took)} in the log: somebody else asks too"
        return took


@contextmanager
def asking(broker, sink):
    answers = queue.Queue()
    ready = queue.Queue()
    client = mqtt.Client("bench-asker", protocol=mqtt.MQTTv5)
    client.on_message = lambda _client, _user, message: answers.put(message.payload)
    client.on_subscribe = lambda *_: ready.put(True)
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        client.subscribe(f"{PREFIX}/reply/bench", qos=0)
        ready.get(timeout=PATIENCE_S)
        yield Asker(sink, client, answers)
    finally:
        client.disconnect()
        client.loop_stop()
