"""Held: whether a sink lets acknowledgements go only after the syncs that cover them, as strace
sees its calls."""
import re
import subprocess
from contextlib import contextmanager

CALLS = "read,write,writev,sendto,sendmsg,fsync,fdatasync,syncfs"
CALL = re.compile(r'(?P<name>\w+)\(\d+<(?P<what>.*?)>(?:, "(?P<data>.*?)".*|\)) += (?P<size>\d+)$')
PUBLISH, PUBACK = 3, 4
HEAD_BYTES = 16  # of what each call moves: at least the heads of packets


class Stream:
    """Counts the packets of one direction of a connection, from its bytes as they pass."""

    def __init__(self):
        self.count = {PUBLISH: 0, PUBACK: 0}
        self._head = b""
        self._left = 0  # of the packet under way

    def move(self, data, size):
        """`size` bytes pass, which begin with `data`: all of them, or all heads of packets."""
        at = 0
        while at < size:
            step = min(self._left, size - at)
            self._left -= step
            at += step
            if at < size and not self._left:
                self._take(data[at:at + 1])
                at += 1

    def _take(self, byte):
        assert byte, "more than one packet began in one call: trace more of its bytes"
        self._head += byte
        if len(self._head) > 1 and byte[0] < 128:
            kind = self._head[0] >> 4
            self.count[kind] = self.count.get(kind, 0) + 1
            self._left = sum((byte & 127) << 7 * place
                             for place, byte in enumerate(self._head[1:]))
            self._head = b""


class Ledger:
    """What one thread of the sink read, made durable and acknowledged, in this order."""

    def __init__(self):
        self.incoming, self.outgoing = Stream(), Stream()
        self.in_files = 0  # messages read before the last sync of files ...
        self.durable = 0  # ... and before the last sync of the catalog after that
        self.early = 0  # acknowledgements that left before their messages were durable

    def took_in(self):
        return self.incoming.count[PUBLISH]

    def call(self, name, what, data, size):
        if "sync" in name and "catalog.db" in what:
            self.durable = self.in_files
        elif "sync" in name:
            self.in_files = self.took_in()
        elif what.startswith("TCP") and name == "read":
            self.incoming.move(data, size)
        elif what.startswith("TCP"):
            self.outgoing.move(data, size)
            self.early += self.outgoing.count[PUBACK] > self.durable


def plain(text):
    """What strace -xx wrote as hexadecimal escapes, and nothing else, as bytes."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def read_ledger(path):
    ledger = Ledger()
    for line in path.read_text().splitlines():
        call = CALL.match(line)
        if call:
            ledger.call(call["name"], plain(call["what"]).decode(), plain(call["data"] or ""),
                        int(call["size"]))
    return ledger


@contextmanager
def watched(sink, folder, messages):
    """Trace what the sink does; at the end raise unless it acknowledged at least so many messages,
    and none before that message and the catalog were synced. At first it must hold none back."""
    command = ["strace", "-ff", "-yy", "-xx", "-s", HEAD_BYTES, "-e", f"trace={CALLS}",
               "-o", folder / "trace", "-p", sink.program.pid]
    tracer = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    try:
        attached = tracer.stderr.readline()
        assert "attached" in attached, attached
        yield
    finally:
        tracer.terminate()
        tracer.wait()
    # Another thread, with a connection of its own, hears of other sinks.
    ledger = max(map(read_ledger, folder.glob("trace.*")), key=Ledger.took_in)
    assert ledger.outgoing.count[PUBACK] >= messages, "not all that was sent was acknowledged"
    assert not ledger.early, "acknowledged before it was durable"
