"""Fixtures of the broker tests. Each test file has a broker and a sink of its own; a test that
stops or misconfigures a sink makes another with `make_lab`."""
import itertools
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import BUILD, Client, Recorder, Watcher  # noqa: E402
from lab import Broker, Sink  # noqa: E402
from target import Target  # noqa: E402

_devices = itertools.count(1)
# Fast enough for a test to wait for each acknowledgement; not the defaults.
SETTINGS = {"ingest.commit_interval_ms": 20, "session.idle_timeout_s": 600}


class Lab:
    """A broker, a sink, and a watcher that was there before the sink."""

    def __init__(self, folder, settings=None, broker=None, credentials=None, **sink_options):
        self.broker = Broker(folder / "broker", **(broker or {})).start()
        self._credentials = credentials or {}  # username and password of watcher and clients
        self.watcher = Watcher(self.broker, **self._credentials)
        self.sink = Sink(BUILD, folder, self.broker, SETTINGS | (settings or {}), **sink_options)
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


@pytest.fixture(scope="module")
def shared_lab(request, tmp_path_factory):
    """The lab that the tests of one file share, with the file's LAB_SETTINGS."""
    lab = Lab(tmp_path_factory.mktemp("lab"), getattr(request.module, "LAB_SETTINGS", None))
    try:
        lab.sink.start()
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(shared_lab):
    yield shared_lab
    shared_lab.close_clients()
    shared_lab.check()


@pytest.fixture
def make_lab(tmp_path):
    """Make labs with settings of their own; `start=False` leaves the sink to the test."""
    labs = []

    def make(settings=None, start=True, **options):
        made = Lab(tmp_path / f"lab{len(labs)}", settings, **options)
        labs.append(made)
        if start:
            made.sink.start()
        return made

    yield make
    errors = []
    for made in labs:
        try:
            made.close()
        except AssertionError as error:
            errors.append(str(error))
    assert not errors, "\n".join(errors)


@pytest.fixture
def client(lab):
    return lab.client()


@pytest.fixture
def device(request):
    """A device's name that no other test uses."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:50].strip("-")
    return f"{readable}-{next(_devices)}"


@pytest.fixture
def recorder(client, device):
    return Recorder(client, device)


@pytest.fixture
def target(lab, device):
    """A healthy recording to aim bad input at."""
    return Target(lab, device)
