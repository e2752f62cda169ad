"""Other machines and another compiler: all is built without a warning, and the unit tests and the
store's pass; those of other processors under an emulator that runs one program at a time."""
import os
import re
from pathlib import Path

import pytest
from conftest import FOLDER, TREE
from machine import SUITE, mirror, run

# Debian's name of each, with the compiler's and the emulator's.
PORTS = {"arm64": ("aarch64-linux-gnu", "qemu-aarch64"),
         "armhf": ("arm-linux-gnueabihf", "qemu-arm")}  # 32 bits
NOT_FOR_TARGET = {"gcc", "make", "pkgconf"}
UNIT = sorted(path.stem for path in (TREE / "tests/unit").glob("test_*.c"))
# What has to do with sizes past 4 GiB, times and the catalog. The crash tests take too long there.
STORE = ["catalog", "disk", "reader", "recover_file", "sidecar", "store", "store_commit", "upload",
         "wav"]


def libraries():
    """What the tree needs to be built, as tests/tools/deps.sh has it."""
    named = re.search(r"^build='([^']*)'", (TREE / "tests/tools/deps.sh").read_text(), re.M)[1]
    return sorted({*named.split(), "libcmocka-dev"} - NOT_FOR_TARGET)


def make_system(name):
    """A folder with Debian's libraries for that processor, made if it is not there yet."""
    root = FOLDER / f"system-{name}"
    complete = root / ".complete"
    wanted = " ".join(libraries())
    if complete.exists() and complete.read_text() == wanted:
        return root
    run(["rm", "-rf", "--one-file-system", root])
    run(["debootstrap", "--foreign", f"--arch={name}", "--variant=minbase",
         f"--include={','.join(libraries())}", SUITE, root, mirror()])
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        run(["dpkg", "-x", package, root])
    complete.write_text(wanted)
    return root


class Port:
    """The tree, built for another processor."""

    def __init__(self, name):
        self.tool, self._emulator = PORTS[name]
        self._system = make_system(name)
        self.build = FOLDER / f"build-{name}"

    def make(self, *targets, **variables):
        libraries_at = [self._system / "usr/lib" / self.tool / "pkgconfig",
                        self._system / "usr/share/pkgconfig"]
        environment = os.environ | {
            "PKG_CONFIG_SYSROOT_DIR": str(self._system),
            "PKG_CONFIG_LIBDIR": ":".join(map(str, libraries_at))}
        make(self.build, f"{self.tool}-gcc --sysroot={self._system}", targets,
             {"AR": f"{self.tool}-ar"} | variables, environment)

    def run(self, program, *arguments):
        return run([self._emulator, "-L", self._system, self.build / program, *arguments])


def make(build, compiler, targets, variables, environment=None):
    settings = {"BUILD": build, "CC": compiler} | variables
    run(["make", "-C", TREE, "-j2", *(f"{name}={value}" for name, value in settings.items()),
         *targets], env=environment)


@pytest.fixture(scope="module", params=PORTS)
def port(request):
    return Port(request.param)


def test_all_is_built_without_a_warning(port):
    port.make("all", "unit-tests", CI=1)


def test_the_programs_start(port):
    for program in ("reeld", "reel"):
        assert re.fullmatch(program + r" [0-9.]+\n", port.run(program, "--version"))
    assert "right" in port.run("reeld", "-c", "/dev/null", "--check-config")


def failures(port, folder, names):
    """What those say that fail."""
    said = {}
    for name in names:
        try:
            port.run(Path("tests", folder, name))
        except AssertionError as error:
            said[name] = str(error)
    return said


def test_the_unit_tests_pass(port):
    assert not failures(port, "unit", UNIT)


def test_the_stores_tests_pass(port):
    names = [f"test_{name}" for name in STORE]
    port.make(*(port.build / "tests/store" / name for name in names))
    assert not failures(port, "store", names)


def test_clang_builds_all_without_a_warning_and_the_unit_tests_pass():
    build = FOLDER / "build-clang"
    make(build, "clang", ["all", "unit-tests"], {"CI": 1})
    for name in UNIT:
        run([build / "tests/unit" / name], cwd=TREE)
