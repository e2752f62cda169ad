"""Proxy: a network between clients and a broker that fails when it is told to.

One thread carries the bytes of all connections. What is told holds for those that stand and for
those to come, until `heal`; with `only`, for connections whose first bytes (a CONNECT has the
client's id in them) contain that text.
"""
import selectors
import socket
import struct
import threading
import time
from collections import deque
from contextlib import suppress

UP, DOWN = "up", "down"  # towards the broker, towards the client
WAYS = (UP, DOWN)
CHUNK_BYTES = 65536
TICK_S = 0.02


def _reset(end):
    """Close it so that the other side gets a RST, and nothing that was under way."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


class _Way:
    """One direction of a connection: what was read, and since when it waits to be written."""

    def __init__(self, name, source, sink):
        self.name, self.source, self.sink = name, source, sink
        self.chunks = deque()  # (bytes, when read)
        self.over = False  # the source has ended
        self.shut = False  # and so has the sink
        self.passed = 0
        self.paid_s = time.monotonic()

    def wants(self):
        return not self.over and len(self.chunks) < 4

    def read(self):
        data = self.source.recv(CHUNK_BYTES)
        if data:
            self.chunks.append((data, time.monotonic()))
        else:
            self.over = True

    def write(self, allowed):
        """Write what is allowed of the oldest chunk; return how much that was."""
        data, read_s = self.chunks.popleft()
        try:
            sent = self.sink.send(data[:allowed])
        except BlockingIOError:
            sent = 0
        self.passed += sent
        if sent < len(data):
            self.chunks.appendleft((data[sent:], read_s))
        return sent

    def end(self):
        """Pass an end on, once all before it has been."""
        if self.over and not self.chunks and not self.shut:
            self.shut = True
            with suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)


class _Link:
    def __init__(self, near, far):
        self.near, self.far = near, far
        self.first = b""
        self.frozen = False
        self.ways = {UP: _Way(UP, near, far), DOWN: _Way(DOWN, far, near)}


class Proxy:
    """Listens on a loopback port of its own (`host`, `port`); `target` has `host` and `port`."""

    def __init__(self, target):
        self._target = target
        self.host, self.port = "127.0.0.1", 0
        self._listener = self._listen()
        self.port = self._listener.getsockname()[1]
        self._lock = threading.RLock()
        self._links = []
        self._rules = []  # (only, name, way, value)
        self._stop = False
        self.accepted = 0  # connections so far
        self._carried = {UP: 0, DOWN: 0}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _listen(self):
        listener = socket.create_server((self.host, self.port))
        listener.setblocking(False)
        return listener

    # What may be told

    def stall(self, *ways, only=""):
        """Carry nothing any more, in these directions or both; the connections stay."""
        self._rule("stall", ways, True, only)

    def delay(self, seconds, *ways, only=""):
        self._rule("delay", ways, seconds, only)

    def slow(self, bytes_per_s, *ways, only=""):
        self._rule("slow", ways, bytes_per_s, only)

    def cut_after(self, count, *ways, only=""):
        """Reset a connection when so many bytes more have passed, wherever in a packet that is."""
        with self._lock:
            for link in self._chosen(only):
                for name in ways or WAYS:
                    link.ways[name].passed = 0
            self._rule("cut", ways, count, only)

    def refuse(self):
        """Let nobody connect."""
        with self._lock:
            if self._listener:
                self._listener.close()
                self._listener = None

    def reset(self, only=""):
        """Reset the connections that stand."""
        with self._lock:
            for link in self._chosen(only):
                self._drop(link)

    def freeze(self, only=""):
        """Let the connections that stand carry nothing any more, for good, as if the other host had
        vanished without a word."""
        with self._lock:
            for link in self._chosen(only):
                link.frozen = True

    def close_half(self, *ways, only=""):
        """End one direction of the connections that stand, as `shutdown` does: what comes after is
        not carried, the other direction goes on."""
        with self._lock:
            for link in self._chosen(only):
                for name in ways or WAYS:
                    way = link.ways[name]
                    way.over = True
                    way.chunks.clear()
                    way.end()

    def heal(self):
        """Carry what comes, and what was held back; what is broken stays so."""
        with self._lock:
            self._rules.clear()
            if not self._listener:
                self._listener = self._listen()

    def count(self, only=""):
        """How many connections stand."""
        with self._lock:
            return len(self._chosen(only))

    def carried_bytes(self, way):
        """What was carried that way so far, over all connections."""
        return self._carried[way]

    # How it is done

    def _rule(self, name, ways, value, only):
        with self._lock:
            self._rules += [(only.encode(), name, way, value) for way in ways or WAYS]

    def _chosen(self, only):
        return [link for link in self._links if only.encode() in link.first]

    def _told(self, link, name, way):
        """The latest that holds, or None."""
        if name == "stall" and link.frozen:
            return True
        return next((value for only, rule, rule_way, value in reversed(self._rules)
                     if (rule, rule_way) == (name, way) and only in link.first), None)

    def _run(self):
        while not self._stop:
            with self._lock, selectors.DefaultSelector() as selector:
                self._turn(selector)

    def _turn(self, selector):
        if self._listener:
            selector.register(self._listener, selectors.EVENT_READ, None)
        waiting = self._watch(selector)
        self._lock.release()
        try:
            time.sleep(0 if waiting else 0.001)  # others want the lock, too
            ready = selector.select(TICK_S)
        finally:
            self._lock.acquire()
        for key, events in ready:
            self._serve(key, events)
        for link in list(self._links):
            self._settle(link)

    def _watch(self, selector):
        """Ask for what can be done now."""
        for link in self._links:
            for end, out, into in ((link.near, UP, DOWN), (link.far, DOWN, UP)):
                events = 0
                if link.ways[out].wants() and not self._told(link, "stall", out):
                    events |= selectors.EVENT_READ
                if self._allowed(link, link.ways[into]) > 0:
                    events |= selectors.EVENT_WRITE
                if events:
                    selector.register(end, events, (link, out, into))

    def _allowed(self, link, way):
        """How many bytes may be written now."""
        if not way.chunks or self._told(link, "stall", way.name):
            return 0
        data, read_s = way.chunks[0]
        now_s, most = time.monotonic(), len(data)
        if now_s < read_s + (self._told(link, "delay", way.name) or 0):
            return 0
        pace = self._told(link, "slow", way.name)
        if pace:
            most = min(most, int((now_s - max(way.paid_s, read_s)) * pace))
        left = self._told(link, "cut", way.name)
        return most if left is None else min(most, left - way.passed)

    def _serve(self, key, events):
        if key.data is None:
            self._accept()
            return
        link, out, into = key.data
        if link not in self._links:
            return
        try:
            if events & selectors.EVENT_READ and link.ways[out].wants():
                link.ways[out].read()
                if not link.first and out == UP:
                    link.first = link.ways[out].chunks[0][0] if link.ways[out].chunks else b""
            if events & selectors.EVENT_WRITE:
                way = link.ways[into]
                allowed = self._allowed(link, way)  # less than before the wait, perhaps
                sent = way.write(allowed) if allowed > 0 else 0
                self._carried[way.name] += sent
                if sent:
                    way.paid_s = time.monotonic()
        except BlockingIOError:
            pass
        except OSError:
            self._drop(link)

    def _settle(self, link):
        """Pass ends on; drop a connection that is over, or cut."""
        for way in link.ways.values():
            left = self._told(link, "cut", way.name)
            if left is not None and way.passed >= left:
                self._drop(link)
                return
            if not self._told(link, "stall", way.name):
                way.end()
        if all(way.shut for way in link.ways.values()):
            self._drop(link)

    def _accept(self):
        try:
            near, _ = self._listener.accept()
        except OSError:
            return
        try:
            far = socket.create_connection((self._target.host, self._target.port))
        except OSError:
            _reset(near)
            return
        for end in near, far:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted += 1
        self._links.append(_Link(near, far))

    def _drop(self, link):
        if link in self._links:
            self._links.remove(link)
        _reset(link.near)
        _reset(link.far)

    def close(self):
        self._stop = True
        self._thread.join()
        self.refuse()
        self.reset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
