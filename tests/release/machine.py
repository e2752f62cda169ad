"""Machine: a minimal Debian 12 that is booted, systemd and all, in a container of namespaces.

`base` is what debootstrap makes, kept in a folder for the next time. A `Machine` is a copy of it,
booted by systemd-nspawn without a network; what is to be installed there was downloaded before.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import NotReady, Program, wait_for  # noqa: E402

SUITE = "bookworm"
BASE_PACKAGES = "systemd,systemd-sysv,dbus"
# What the gateway has besides our packages, and what these need.
DOWNLOADED = ["mosquitto", "mosquitto-clients", "libmosquitto1", "libmsgpackc2", "libjansson4",
              "libinih1", "libncursesw6", "libsndfile1", "libsqlite3-0", "libnettle8",
              "libsystemd0", "libxxhash0"]
BOOT_S = 60


class Failed(AssertionError):
    """A command ended badly; `status` and `said` tell how."""

    def __init__(self, command, status, said):
        super().__init__(f"{command!r} ended with {status}:\n{said}")
        self.status, self.said = status, said


def run(command, patience_s=600, ok=(0,), **options):
    """Run a command; return all it said."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=patience_s, text=True,
                          errors="replace", **options)
    if done.returncode not in ok:
        raise Failed(command, done.returncode, done.stdout)
    return done.stdout


def mirror():
    """MIRROR, else the mirror of this machine, else Debian's."""
    lines = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)",
                 "Created-By: Packages"]).splitlines()
    found = [line.split()[0] for line in lines if line.endswith(f" {SUITE}")]
    return os.environ.get("MIRROR") or (found or ["http://deb.debian.org/debian"])[0]


def make_base(folder):
    """The base in `folder`, made if it is not there yet: Debian, and packages to be installed."""
    base = Path(folder) / "base"
    complete = base / ".complete"
    wanted = " ".join([BASE_PACKAGES, *DOWNLOADED])
    if complete.exists() and complete.read_text() == wanted:
        return base
    shutil.rmtree(base, ignore_errors=True)
    run(["debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", SUITE, base, mirror()])
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", base / "etc" / name)
    run(["chroot", base, "apt-get", "install", "-y", "-q", "--no-install-recommends",
         "--download-only", *DOWNLOADED])
    complete.write_text(wanted)
    return base


class Machine:
    """A copy of the base, booted. `close` stops and removes it."""

    def __init__(self, base, folder):
        self.root = Path(folder)
        run(["cp", "-a", base, self.root])
        (self.root / "etc/machine-id").write_text("")
        self._nspawn = Program(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
             "--private-network", "--console=read-only", "--machine=gateway",
             f"--directory={self.root}"], self.root.with_suffix(".log"))
        self._nspawn.start()
        wait_for(self._booted, "the machine to boot", BOOT_S)

    def _init(self):
        """The machine's first process, as this one sees it."""
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text()
        return children.split()[0] if children.split() else None

    def _booted(self):
        if not self._nspawn.running():
            raise NotReady(f"it ended:\n{self._nspawn.log()}")
        try:
            state = self.run("systemctl is-system-running", ok=(0, 1))
        except (Failed, OSError):
            return False
        return state.strip() in ("running", "degraded")

    def run(self, script, ok=(0,), patience_s=600, **environment):
        """Run a shell script there as root; return all it said."""
        init = self._init()
        if init is None:
            raise Failed(script, None, "there is no machine")
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive"}
        return run(["nsenter", "-t", init, "-m", "-u", "-i", "-n", "-p", "-r", "-w",
                    "sh", "-ec", script], patience_s, ok, env=clean | environment)

    def install(self, *packages, **environment):
        """Install packages, ours by their path on this machine, others by name."""
        inside = []
        for package in packages:
            path = Path(package)
            if path.suffix == ".deb":
                self.copy(path, f"var/tmp/{path.name}")
                package = f"/var/tmp/{path.name}"
            inside.append(package)
        return self.run("apt-get install -y -q --no-install-recommends "
                        + " ".join(inside), **environment)

    def copy(self, path, target):
        """Copy a file of this machine to a path there; return where it is."""
        there = self.root / target.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        return shutil.copy(path, there)

    def read(self, path):
        return (self.root / path.lstrip("/")).read_text()

    def write(self, path, text):
        there = self.root / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)

    def close(self):
        """Stop it, and remove its copy of the base."""
        if self._nspawn.running():
            try:
                self.run("systemctl --no-block poweroff")
                self._nspawn.wait(BOOT_S)
            except (Failed, subprocess.TimeoutExpired):
                self._nspawn.kill()
        run(["rm", "-rf", "--one-file-system", self.root])
