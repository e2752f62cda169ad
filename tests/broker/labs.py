"""Labs: what most tests begin with, a broker, a sink and who watches them."""
from contextlib import contextmanager

from harness import BUILD, Client, Watcher
from lab import Broker, Sink

# Fast enough for a test to wait for each acknowledgement; not the defaults.
SETTINGS = {"ingest.commit_interval_ms": 20, "session.idle_timeout_s": 600}


class Lab:
    """A broker, a sink, and a watcher that was there before the sink."""

    def __init__(self, folder, settings=None, broker=None, credentials=None, build=BUILD,
                 broker_class=Broker, **sink_options):
        self.broker = broker_class(folder / "broker", **(broker or {})).start()
        self._credentials = credentials or {}  # username and password of watcher and clients
        self.watcher = Watcher(self.broker, **self._credentials)
        self.sink = Sink(build, folder, self.broker, SETTINGS | (settings or {}), **sink_options)
        self._clients = []

    def client(self, version=5, **options):
        client = Client(self.broker, version, **(self._credentials | options))
        self._clients.append(client)
        return client

    def restart_broker(self):
        """Kill the broker and start it again; the clients are closed, a new watcher stands by."""
        self.close_clients()
        seen = self.watcher
        seen.close()
        self.broker.restart(kill=True)
        self.watcher = Watcher(self.broker, **self._credentials)
        self.watcher.messages[:0] = seen.messages
        self.watcher.violations += seen.violations
        self.sink.wait_online()

    def check(self):
        """What must hold after every test: the sink lives, and said nothing against its schemas."""
        assert self.sink.program.running(), f"reeld ended:\n{self.sink.log()[-4000:]}"
        self.sink.check()
        violations, self.watcher.violations = self.watcher.violations, []
        assert not violations, "\n".join(violations)

    def close_clients(self):
        while self._clients:
            self._clients.pop().close()

    def close(self):
        self.close_clients()
        self.watcher.close()
        try:
            self.sink.stop()
        finally:
            self.broker.stop()
        assert not self.watcher.violations, "\n".join(self.watcher.violations)


@contextmanager
def started(lab):
    """Start its sink; close all of it in the end."""
    try:
        lab.sink.start()
        yield lab
    finally:
        lab.close()
