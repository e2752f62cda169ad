"""Flood: MQTT 5 packets made by hand and written to a socket in bulk: as fast as a broker takes
them, and as odd as no client library would make them."""
import selectors
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import PATIENCE_S, NotReady  # noqa: E402

CONTENT_TYPE, RESPONSE_TOPIC, CORRELATION, USER = b"\x03", b"\x08", b"\x09", b"\x26"
IN_BULK = 1 << 20  # bytes for one write to the socket


def varint(number):
    encoded = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def text(value):
    """A string or binary of MQTT: its length in two bytes, then itself."""
    value = value.encode() if isinstance(value, str) else value
    return len(value).to_bytes(2, "big") + value


def packet(kind, body):
    return bytes([kind]) + varint(len(body)) + body


def properties(response_topic=None, correlation=None, content_type=None, user=()):
    """The properties of a PUBLISH; `user` holds pairs, and may hold a pair many times."""
    made = [CONTENT_TYPE + text(content_type)] if content_type is not None else []
    made += [RESPONSE_TOPIC + text(response_topic)] if response_topic is not None else []
    made += [CORRELATION + text(correlation)] if correlation is not None else []
    made += [USER + text(name) + text(value) for name, value in user]
    return b"".join(made)


def publish(topic, payload=b"", listed=b""):
    """A PUBLISH at QoS 0; `listed` is what `properties` made."""
    return packet(0x30, text(topic) + varint(len(listed)) + listed + payload)


def subscribe(number, topic):
    return packet(0x82, number.to_bytes(2, "big") + b"\x00" + text(topic) + b"\x00")


class Flood:
    """A connection that sends what it is given and throws away what it gets. One that is `deaf`
    reads nothing after its CONNACK, and has a small buffer for what it does not read."""

    def __init__(self, broker, name, deaf=False):
        self.deaf = deaf
        self._socket = socket.socket()
        if deaf:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect((broker.host, broker.port))
        self._socket.sendall(packet(0x10, text("MQTT") + b"\x05\x02\x00\x00\x00" + text(name)))
        self._received = b""
        while len(self._received) < 4:
            self._receive()
        assert self._received[:1] == b"\x20" and self._received[3] == 0, "the flood was not let in"
        self._socket.setblocking(False)
        self._events = selectors.DefaultSelector()
        self._events.register(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def _receive(self):
        fresh = self._socket.recv(1 << 16)
        if not fresh:
            raise NotReady("the broker closed the flood's connection")
        self._received = (self._received[-8:] + fresh)[-4096:]

    def send(self, packets):
        """Send packets, from any iterable, in bulk."""
        waiting = bytearray()
        for made in packets:
            waiting += made
            if len(waiting) >= IN_BULK:
                self._send_all(waiting)
                waiting = bytearray()
        self._send_all(waiting)

    def _send_all(self, waiting):
        view = memoryview(waiting)
        while view:
            ready = self._events.select(PATIENCE_S)
            if not ready:
                raise NotReady("the broker does not read what the flood sends")
            if ready[0][1] & selectors.EVENT_READ and not self.deaf:
                self._receive()
            if ready[0][1] & selectors.EVENT_WRITE:
                view = view[self._socket.send(view) :]

    def settle(self):
        """Wait until the broker has taken in all that was sent."""
        assert not self.deaf
        self._send_all(b"\xc0\x00")
        self._socket.settimeout(PATIENCE_S)
        while self._received[-2:] != b"\xd0\x00":
            self._receive()
        self._received = b""
        self._socket.setblocking(False)

    def close(self):
        self._events.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
