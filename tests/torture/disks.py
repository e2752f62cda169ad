"""Disks that fill up: small file systems of their own, and a limit on the size of files.

A way has `prepare(folder)`, once; `bound(sink)` at each start of the sink; `fill(sink, generator)`,
`press()` once the sink is stalled, until it is true, and `well(sink)`, in turn. File systems are mounted where nobody else sees them (full.py runs in a
mount namespace of its own), so nothing of them outlives the process.
"""
import os
import resource
import subprocess
from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20
CAN_MOUNT = "mount -t tmpfs -o size=1m tmpfs /mnt"


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False)
    return done.returncode == 0, done.stderr.strip()


def must(*command):
    well, said = run(*command)
    assert well, f"{command}: {said}"


def can_mount():
    """Whether file systems of our own can be had here: as root, where mounting is allowed."""
    return run("unshare", "-m", "sh", "-c", CAN_MOUNT)[0]


class Mounted:
    """A file system of `size_bytes` that a ballast file leaves little room on."""

    size_bytes = 24 * MIB
    reasons = ("No space left on device", "database or disk is full")

    def prepare(self, folder):
        self.folder = Path(folder, "disk")
        self.folder.mkdir(parents=True)
        self.mount(folder)
        self.ballast = self.folder / "ballast"
        return self.folder / "store"

    def bound(self, sink):
        """Nothing: whoever writes there meets the end of it."""

    def fill(self, _sink, generator):
        """Leave between nothing and half a mebibyte."""
        status = os.statvfs(self.folder)
        free = status.f_bavail * status.f_frsize
        left = int(generator.choice([0, 64 * KIB, 512 * KIB]) * generator.random())
        with self.ballast.open("ab") as file:
            self.grow(file, max(0, free - left))

    @staticmethod
    def grow(file, more):
        """By at most `more` bytes, as far as there is room."""
        step = MIB
        at = file.seek(0, os.SEEK_END)
        while more > 0 and step >= 4 * KIB:
            try:
                os.posix_fallocate(file.fileno(), at, min(step, more))
            except OSError:
                step //= 4
                continue
            more -= min(step, more)
            at = os.fstat(file.fileno()).st_size

    def press(self):
        """Take what room was left, or became free."""
        with self.ballast.open("ab") as file:
            self.grow(file, self.size_bytes)
        return True

    def well(self, _sink):
        self.ballast.unlink(missing_ok=True)


class Ext4(Mounted):
    def mount(self, folder):
        image = Path(folder, "image")
        with image.open("wb") as file:
            file.truncate(self.size_bytes)
        must("/sbin/mkfs.ext4", "-q", "-F", "-m", "0", image)
        must("mount", "-o", "loop", image, self.folder)


class Tmpfs(Mounted):
    def mount(self, _folder):
        must("mount", "-t", "tmpfs", "-o", f"size={self.size_bytes}", "tmpfs", self.folder)


class ReadOnly(Ext4):
    """Full, and then read-only: the sink has to be stalled before a file system with files open for
    writing can become so."""

    reasons = Ext4.reasons + ("Read-only file system", "readonly database")

    def press(self):
        """Whether it is read-only now; while a file is open for writing it cannot become so."""
        return super().press() and run("mount", "-o", "remount,ro", self.folder)[0]

    def well(self, sink):
        must("mount", "-o", "remount,rw", self.folder)
        super().well(sink)


class FileSize:
    """No file may grow past a limit: what others than root can have. A write across it is short."""

    reasons = ("File too large", "disk I/O error", "database or disk is full")

    def prepare(self, folder):
        self.limit = resource.RLIM_INFINITY
        return Path(folder, "store")

    def bound(self, sink):
        hard = resource.prlimit(sink.program.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(sink.program.pid, resource.RLIMIT_FSIZE, (self.limit, hard))

    def fill(self, sink, generator):
        """Met by recordings, or by the catalog's log."""
        log = Path(sink.store, "catalog.db-wal")
        log_bytes = log.stat().st_size if log.exists() else 0
        self.limit = generator.choice([generator.randrange(200, 20 * KIB),
                                       log_bytes + generator.randrange(64 * KIB)])
        self.bound(sink)

    def press(self):
        return True

    def well(self, sink):
        self.limit = resource.RLIM_INFINITY
        self.bound(sink)


WAYS = {"ext4": Ext4, "tmpfs": Tmpfs, "read-only": ReadOnly, "file size": FileSize}


def ways_here():
    """Those that can be had here."""
    return [way for way in WAYS if way == "file size" or can_mount()]
