"""A broker that refuses: what mosquitto cannot be set to do. It takes MQTT 5 connections, and answers
each CONNECT with `connack`, each SUBSCRIBE with `suback`, and nothing else."""
import socket
import threading
import time
from contextlib import suppress

CONNECT, SUBSCRIBE = 1, 8
NOT_AUTHORISED = 0x87


class RefusingBroker:
    def __init__(self, connack=0, suback=0):
        self.connack, self.suback = connack, suback
        self.attempts = []  # when, by time.monotonic, each CONNECT came
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                end, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(end,), daemon=True).start()

    def _serve(self, end):
        with suppress(ConnectionError), end:
            self._answer(end, end.makefile("rb"))

    def _answer(self, end, stream):
        while head := stream.read(1):
            body = stream.read(self._length(stream))
            if head[0] >> 4 == CONNECT:
                self.attempts.append(time.monotonic())
                end.sendall(bytes([0x20, 3, 0, self.connack, 0]))
                if self.connack:
                    return
            elif head[0] >> 4 == SUBSCRIBE:
                end.sendall(bytes([0x90, 4, body[0], body[1], 0, self.suback]))

    @staticmethod
    def _length(stream):
        length, shift, byte = 0, 0, 0x80
        while byte & 0x80:
            byte = stream.read(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
        return length

    def close(self):
        self._listener.close()
