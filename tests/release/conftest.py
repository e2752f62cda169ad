"""Fixtures of the release tests: the packages, built twice, and a machine to install them on."""
import os
import shutil
from pathlib import Path

import machine
import pytest

TREE = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("REEL_RELEASE_DIR", TREE / "build/release")).resolve()


class Packages:
    """The packages of one build: attributes of the names that tests use."""

    def __init__(self, folder):
        self.folder = folder
        self.changes = next(folder.glob("reel_*.changes"))

    def path(self, name):
        return next(self.folder.glob(f"{name}_*.deb"))


def build_packages(folder, revision=""):
    machine.run(["make", "-C", TREE, "--no-print-directory", "deb", f"REVISION={revision}",
                 f"BUILD={folder}"])
    return Packages(folder / "deb")


@pytest.fixture(scope="session")
def packages():
    """The packages as `make deb` makes them."""
    return build_packages(FOLDER / "first")


@pytest.fixture(scope="session")
def newer_packages():
    """The same, of a higher version."""
    return build_packages(FOLDER / "second", "1")


@pytest.fixture(scope="module")
def gateway():
    """A machine without our packages, booted."""
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
        pytest.skip("needs root and systemd-nspawn")
    FOLDER.mkdir(parents=True, exist_ok=True)
    root = FOLDER / "gateway"
    machine.run(["rm", "-rf", "--one-file-system", root])
    made = machine.Machine(machine.make_base(FOLDER), root)
    yield made
    made.close()
