"""Fixtures of the broker tests. Each test file has a broker and a sink of its own; a test that
stops or misconfigures a sink makes another with `make_lab`."""
import itertools
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import Recorder  # noqa: E402
from labs import Lab, started  # noqa: E402
from target import Target  # noqa: E402

_devices = itertools.count(1)


@pytest.fixture(scope="module")
def shared_lab(request, tmp_path_factory):
    """The lab that the tests of one file share, with the file's LAB_SETTINGS."""
    settings = getattr(request.module, "LAB_SETTINGS", None)
    with started(Lab(tmp_path_factory.mktemp("lab"), settings)) as lab:
        yield lab


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
