"""Harness: what the broker tests see of the sink from outside.

Clients that nobody here wrote (paho with Debian's msgpack), a recorder that waits for its
acknowledgements, and a watcher that checks each message of the sink against its schema. What the
tests need of audio.py comes through here too.
"""
import itertools
import json
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import msgpack
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from audio import (  # noqa: E402, F401
    FORMS, Format, assert_same_audio, document, fragment, probe, read_ffmpeg, read_sox, read_wave,
    sha256_of, wav_bytes,
)
from lab import PATIENCE_S, PREFIX, NotReady, wait_for  # noqa: E402
from schemas import validate  # noqa: E402

BUILD = os.environ.get("REEL_BUILD", "build")
JSON, MSGPACK = "application/json", "application/msgpack"
CHECK = "$check"  # below it `reeld --check-broker` talks to itself
_numbers = itertools.count(1)


@dataclass
class Message:
    """One message as it came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    content_type: str = None
    response_topic: str = None
    correlation: bytes = None
    user: dict = field(default_factory=dict)

    @property
    def document(self):
        """The payload, decoded: MessagePack if it says or looks so, else JSON."""
        if self.content_type == MSGPACK or self.payload[:1] > b"\x7f":
            return msgpack.unpackb(self.payload)
        return json.loads(self.payload)


def _message_of(raw):
    properties = raw.properties.json() if getattr(raw, "properties", None) else {}
    return Message(
        topic=raw.topic,
        payload=raw.payload,
        qos=raw.qos,
        retain=bool(raw.retain),
        content_type=properties.get("ContentType"),
        response_topic=properties.get("ResponseTopic"),
        correlation=getattr(raw.properties, "CorrelationData", None) if properties else None,
        user=dict(properties.get("UserProperty", [])),
    )


def encode(document, form):
    return msgpack.packb(document) if form == MSGPACK else json.dumps(document).encode()


class RequestFailed(AssertionError):
    """The sink answered with an error; it is in `error` (code, message, field)."""

    def __init__(self, error):
        super().__init__(f"{error}")
        self.error = error


class Client:
    """A paho client, connected, that keeps every message it gets."""

    def __init__(self, broker, version=5, name=None, username=None, password=None):
        self.version = version
        self.name = name or f"test-{os.getpid()}-{next(_numbers)}"
        self.reply_name = username or self.name  # as `reel` does, and access lists expect
        self.messages = []
        self._changed = threading.Condition()
        self._filters = set()
        self._granted = set()
        self._published = set()
        protocol = {5: mqtt.MQTTv5, 4: mqtt.MQTTv311}[version]
        self._paho = mqtt.Client(self.name, protocol=protocol)
        self._paho.on_message = self._on_message
        self._paho.on_subscribe = self._on_subscribe
        self._paho.max_inflight_messages_set(1000)
        if username:
            self._paho.username_pw_set(username, password)
        self._paho.connect(broker.host, broker.port)
        self._paho.loop_start()
        wait_for(self._paho.is_connected, f"{self.name} to be connected")

    def close(self):
        self._paho.disconnect()
        self._paho.loop_stop()

    def _on_message(self, _client, _user, raw):
        with self._changed:
            self.messages.append(_message_of(raw))
            self._changed.notify_all()

    def _on_subscribe(self, _client, _user, number, *_):
        with self._changed:
            self._granted.add(number)
            self._changed.notify_all()

    def subscribe(self, *filters):
        """Subscribe at QoS 1 and wait until the broker has agreed."""
        for name in set(filters) - self._filters:
            if self.version == 5:
                _, number = self._paho.subscribe(name, options=SubscribeOptions(qos=1))
            else:
                _, number = self._paho.subscribe(name, qos=1)
            self._until(lambda n=number: n in self._granted, f"SUBACK of {name}")
            self._filters.add(name)

    def publish(self, topic, payload, qos=1, retain=False, wait=True, **properties):
        """Publish; `properties` are content_type, response_topic, correlation, user (a dict or a
        list of pairs), expiry. With `wait` until the broker has it."""
        arguments = {}
        if self.version == 5:
            arguments["properties"] = publish_properties(**properties)
        assert self.version == 5 or not properties, "MQTT 3.1.1 has no properties"
        sent = self._paho.publish(topic, payload, qos, retain, **arguments)
        if wait:
            sent.wait_for_publish(PATIENCE_S)
            assert sent.is_published(), f"no PUBACK for a message to {topic}"
        return sent

    def _until(self, condition, what, timeout_s=None):
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s or PATIENCE_S):
                raise NotReady(f"waited for {what}; {self.name} got:\n{self._tail()}")
            return condition()

    def _tail(self):
        lines = [f"  {m.topic}: {m.payload[:300]!r}" for m in self.messages[-20:]]
        return "\n".join(lines) or "  nothing"

    def wait_message(self, matches, what="a message", after=0, timeout_s=None):
        """Return the first message, from number `after` on, for which `matches` holds."""

        def first():
            return next((m for m in self.messages[after:] if matches(m)), None)

        return self._until(first, what, timeout_s)

    def select(self, matches):
        with self._changed:
            return [message for message in self.messages if matches(message)]

    def ask(self, op, document=None, device=None, form=JSON, payload=None, **options):
        """Send a request, return the first message of the response.

        MQTT 5 says by properties where the answer goes and which question it belongs to; 3.1.1
        says it in the document (`reply_to`, `transaction`). `payload` replaces the encoded
        document; `options` are passed to publish.
        """
        device_part = f"/{device}" if device else ""
        # What came by a topic that names a device is answered under reply/{device}/ alone.
        reply = f"{PREFIX}/reply/{device or self.reply_name}/{next(_numbers)}"
        document = dict(document or {})
        token = f"question {next(_numbers)}"
        if self.version == 5:
            options.setdefault("response_topic", reply)
            options.setdefault("correlation", token.encode())
            options.setdefault("content_type", form)
            reply = options["response_topic"] or f"{PREFIX}/response/{op}{device_part}"
        else:
            document = {"reply_to": reply, "transaction": token} | document
            reply = document["reply_to"]
        self.subscribe(reply)
        with self._changed:
            after = len(self.messages)
        if payload is None:
            payload = encode(document, form)
        self.publish(f"{PREFIX}/request/{op}{device_part}", payload, wait=False, **options)
        answer = self.wait_message(lambda m: m.topic == reply, f"an answer on {reply}", after)
        if self.version == 5 and options["correlation"] is not None:
            assert answer.correlation == options["correlation"]
        return answer

    def request(self, op, document=None, device=None, form=JSON, **options):
        """Ask, and return the response's `data`; RequestFailed if it is an error."""
        answer = self.ask(op, document, device, form, **options).document
        if answer["status"] != "ok":
            raise RequestFailed(answer["error"])
        return answer["data"]

    def refusal(self, op, document=None, device=None, form=JSON, **options):
        """Ask what the sink must not grant; return the error."""
        answer = self.ask(op, document, device, form, **options).document
        assert answer["status"] == "error", answer
        return answer["error"]


def publish_properties(content_type=None, response_topic=None, correlation=None, user=(),
                       expiry=None):
    properties = Properties(PacketTypes.PUBLISH)
    if content_type is not None:
        properties.ContentType = content_type
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    if correlation is not None:
        properties.CorrelationData = correlation
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    if user:
        pairs = user.items() if isinstance(user, dict) else user
        properties.UserProperty = [(str(name), str(value)) for name, value in pairs]
    return properties


class Watcher(Client):
    """Sees what the sink says to all, and to anyone; checks each message against its schema."""

    def __init__(self, broker, **options):
        super().__init__(broker, name=f"watcher-{os.getpid()}-{next(_numbers)}", **options)
        self.violations = []
        self.subscribe(
            *(f"{PREFIX}/{who}/#" for who in ("event", "status", "metrics", "response", "reply"))
        )

    def _on_message(self, client, user, raw):
        message = _message_of(raw)
        properties = {"content_type": message.content_type, "user": message.user}
        if f"/{CHECK}" in message.topic:
            return super()._on_message(client, user, raw)
        try:
            validate(message.topic, message.payload, properties)
        except Exception as error:  # whatever the validator raises is what the test shows
            text = f"{message.topic}: {error}\n{message.payload[:1000]!r}"
            self.violations.append(text)
        super()._on_message(client, user, raw)

    def events(self, device, session=None, kind=None):
        """The events of a device or recording so far, oldest first, as documents."""
        start = f"{PREFIX}/event/{device}/" + (session or "")
        found = self.select(lambda m: m.topic.startswith(start))
        documents = [message.document for message in found]
        return [event for event in documents if kind in (None, event["event"])]

    def wait_event(self, device, session, kind, count=1):
        """Wait until the recording has had `count` events of that kind; return the last of them."""

        def enough():
            events = self.events(device, session, kind)
            return events[count - 1] if len(events) >= count else None

        try:
            return wait_for(enough, f"event {kind} of {device}/{session}")
        except NotReady as error:
            raise NotReady(f"{error}; got {self.events(device, session)}") from None


class Recorder:
    """Sends the fragments of one recording and waits for the acknowledgement of each.

    `send` numbers nothing by itself: what a test does not say is not in the fragment.
    """

    def __init__(self, client, device, session="s1", form=Format(), payload="msgpack"):
        self.client = client
        self.device = device
        self.session = session
        self.form = form
        self.payload = payload
        self.topic = f"{PREFIX}/audio/{device}/{session}"
        self.reply = f"{PREFIX}/reply/{device}/{session}-{next(_numbers)}"

    def post(self, data=b"", frames=None, seed=0, qos=1, wait=True, reply=None, correlation=None,
             payload=None, form=None, **numbers):
        """Publish one fragment of `data`, or of `frames` frames of noise; return the audio."""
        form = form or self.form
        if frames is not None:
            data = form.noise(frames, seed)
        payload = payload or self.payload
        options = {}
        if self.client.version == 5:
            options = {"response_topic": reply, "correlation": correlation}
        elif reply:
            numbers["reply_to"] = reply
        if payload == "wav":
            if numbers:
                options["user"] = {name: str(value).lower() for name, value in numbers.items()}
            self.client.publish(self.topic, wav_bytes(data, form), qos, wait=wait, **options)
        else:
            body = fragment(data, form, payload, **numbers)
            self.client.publish(self.topic, body, qos, wait=wait, **options)
        return data

    def send(self, *arguments, **options):
        """Post one fragment and return its acknowledgement, which may be an error."""
        self.client.subscribe(self.reply)
        after = len(self.client.messages)
        token = f"fragment {next(_numbers)}".encode() if self.client.version == 5 else None
        self.post(*arguments, reply=self.reply, correlation=token, wait=False, **options)
        answer = self.client.wait_message(
            lambda m: m.topic == self.reply and m.correlation == token,
            f"an acknowledgement for {self.device}/{self.session}",
            after,
        )
        return answer.document

    def store(self, *arguments, **options):
        """Send, and insist that it was stored (or had been)."""
        answer = self.send(*arguments, **options)
        assert answer["status"] == "ok", answer
        return answer

    def refused(self, *arguments, **options):
        """Send, and insist that it was refused; return the error."""
        answer = self.send(*arguments, **options)
        assert answer["status"] == "error", answer
        return answer["error"]

    def end(self, **numbers):
        """Send an empty last fragment."""
        return self.store(b"", end=True, **numbers)

    def info(self):
        return self.client.request("info", {"device": self.device, "session": self.session})
