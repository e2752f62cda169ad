"""Lab: a private broker and a sink, for the tests, the demo and `make run`.

Needs Python's own library and Debian's mosquitto and mosquitto-clients, nothing else. Everything
runs on loopback ports that were free, in a folder that the caller gives, and dies with the caller.
"""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PREFIX = "reel/v1"
# Slow builds (sanitizers, coverage) and busy machines get the same tests, with more patience.
PATIENCE_S = float(os.environ.get("REEL_PATIENCE_S", "30"))
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Undefined|Thread)\w*Sanitizer|: runtime error: |Sanitizer:DEADLYSIGNAL"
)


class NotReady(AssertionError):
    """What was waited for did not come, or a program ended that should run."""


def wait_for(condition, what, timeout_s=None):
    """Call `condition` until it returns something true; return that."""
    deadline = time.monotonic() + (timeout_s or PATIENCE_S)
    pause = 0.002
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise NotReady(f"waited {timeout_s or PATIENCE_S:.0f} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def free_port(host="127.0.0.1"):
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def port_is_free(port, host="127.0.0.1"):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def accepts_connections(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def die_with_parent():
    """In a child before exec: let the kernel end it when this process ends, however it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Program:
    """A child process with a log. It is in its own session, so Ctrl-C reaches only its owner."""

    def __init__(self, command, log, env=None):
        self.command = [str(word) for word in command]
        self.log_path = Path(log)
        self._env = env
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        assert not self.running(), f"{self.command[0]} runs already"
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def running(self):
        return self._process is not None and self._process.poll() is None

    def send(self, signal_number):
        os.kill(self.pid, signal_number)

    def wait(self, timeout_s=None):
        """Wait for its end; return the exit status (negative: the signal)."""
        return self._process.wait(timeout_s or PATIENCE_S)

    def terminate(self):
        """End it in an orderly way; return the exit status, None if it did not run."""
        if not self.running():
            return self._process and self._process.returncode
        self.send(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotReady(f"{self.command[0]} did not end on SIGTERM:\n{self.log()}") from None

    def kill(self):
        """End it at once, as a power cut would."""
        if self.running():
            self.send(signal.SIGKILL)
            self.wait()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


class Broker:
    """A mosquitto of our own.

    `users` maps names to passwords; with any, anonymous clients are refused. `acl` is the text of
    an ACL file, `extra` further lines of the configuration, `log_types` what its log tells (the
    tests read it all).
    """

    PASSWORDS = "passwords"  # the file's name in its folder

    def __init__(self, folder, port=None, bind="127.0.0.1", users=None, acl=None, extra="",
                 persistence=False, log_types=("all",)):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.bind = bind
        self.host = "127.0.0.1" if bind == "0.0.0.0" else bind
        self._port_given = port
        self.port = port
        self._users = users or {}
        self._acl = acl
        self._extra = extra
        self._persistence = persistence
        self._log_types = log_types
        self.program = None

    def _write_configuration(self):
        folder = self.folder.resolve()
        lines = [
            f"listener {self.port} {self.bind}",
            f"allow_anonymous {'false' if self._users else 'true'}",
            "max_queued_messages 0",
            "set_tcp_nodelay true",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            *(f"log_type {kind}" for kind in self._log_types),
        ]
        if os.geteuid() == 0:
            lines.append("user root")
        if self._users:
            lines.append(f"password_file {folder}/{self.PASSWORDS}")
        if self._acl is not None:
            (folder / "acl").write_text(self._acl)
            (folder / "acl").chmod(0o600)
            lines.append(f"acl_file {folder}/acl")
        if self._persistence:
            lines += ["persistence true", f"persistence_location {folder}/"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n" + self._extra)

    def _write_passwords(self):
        """Into a file that mosquitto_passwd then hashes, so that no command line shows them."""
        path = self.folder / self.PASSWORDS
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}:{word}\n" for name, word in self._users.items()))
        if self._users:
            subprocess.run(["mosquitto_passwd", "-U", path], check=True)

    def _settled(self):
        return accepts_connections(self.port, self.host) or not self.program.running()

    def start(self):
        """Start it and wait until it accepts connections. A port that was taken meanwhile is
        replaced, unless the caller chose it."""
        self._write_passwords()
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"  # where Debian keeps mosquitto
        for _ in range(10):
            self.port = self.port or free_port()
            self._write_configuration()
            self.program = Program(
                ["mosquitto", "-c", self.folder / "mosquitto.conf"],
                self.folder / "mosquitto.log",
                env=os.environ | {"PATH": path},
            )
            self.program.start()
            wait_for(self._settled, "the broker")
            if self.program.running():
                return self
            if self._port_given:
                break
            self.port = None
        raise NotReady(f"mosquitto does not start:\n{self.program.log()}")

    def restart(self, kill=False):
        """Stop and start it on the same port."""
        self.stop(kill)
        self.program.start()
        wait_for(lambda: accepts_connections(self.port, self.host), "the broker after its restart")

    def stop(self, kill=False):
        if self.program:
            self.program.kill() if kill else self.program.terminate()

    def log(self):
        return self.program.log()

    def client_options(self):
        """Connection options as the mosquitto clients and `reel` take them."""
        options = ["-h", self.host, "-p", str(self.port)]
        for name, password in list(self._users.items())[:1]:
            options += ["-u", name, "-P", password]
        return options

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Sink:
    """A reeld of our own. `settings` maps `section.key` to a value."""

    def __init__(self, build, folder, broker, settings=None, name="sink", wrapper=(), env=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.broker = broker
        self.name = name
        self.prefix = (settings or {}).get("broker.prefix", PREFIX)
        self.store = Path((settings or {}).get("store.dir", self.folder / "store"))
        self.settings = {
            "broker.host": broker.host,
            "broker.port": broker.port,
            "sink.name": name,
            "store.dir": self.store,
        } | (settings or {})
        self.binary = Path(TREE, build, "reeld")
        self._wrapper = list(wrapper)
        self._env = os.environ | (env or {})
        self._connections = set()  # the `connected_at` of each time it was online
        self._killed = False
        self.program = None

    def command(self, *more):
        options = ["-c", os.devnull]  # not those of a sink that is installed here
        for key, value in self.settings.items():
            options += ["-o", f"{key}={value}"]
        return [*self._wrapper, self.binary, *options, *more]

    def launch(self):
        """Start it without waiting."""
        log = self.folder / f"{self.name}.log"
        self.program = Program(self.command(), log, self._env)
        self._killed = False
        self.program.start()
        return self

    def status(self):
        """Its retained status, or None."""
        command = ["mosquitto_sub", *self.broker.client_options(), "-C", "1", "-W", "1"]
        topic = f"{self.prefix}/status/{self.name}"
        said = subprocess.run([*command, "-t", topic], capture_output=True, check=False).stdout
        return json.loads(said) if said.strip() else None

    def _online_anew(self):
        if not self.program.running():
            raise NotReady(f"reeld ended with {self.program.wait()}")
        status = self.status()
        if not status or not status["online"] or status["connected_at"] in self._connections:
            return None
        return status

    def wait_online(self):
        """Wait until it says that it is online, after the last time it was waited for."""
        try:
            status = wait_for(self._online_anew, "the sink to be online")
        except NotReady as error:
            raise NotReady(f"{error}:\n{self.log()[-4000:]}") from None
        self._connections.add(status["connected_at"])
        return status

    def start(self):
        self.launch()
        self.wait_online()
        return self

    def stop(self):
        """End it in an orderly way and look at what it leaves behind."""
        if self.program is None or self._killed:
            return
        status = self.program.terminate()
        self.check()
        if status not in (0, None):
            raise NotReady(f"reeld ended with {status}:\n{self.log()[-4000:]}")

    def kill(self):
        """End it as a power cut would."""
        assert self.program.running(), f"reeld ended by itself:\n{self.log()[-4000:]}"
        self._killed = True
        self.program.kill()

    def restart(self, kill=False):
        """Stop it (`kill`: as a power cut would) and start it again on the same store."""
        self.kill() if kill else self.stop()
        self.start()

    def check(self):
        """Fail if a sanitizer has something to say."""
        if SANITIZER_REPORT.search(self.log()):
            raise AssertionError(f"a sanitizer reports:\n{self.log()[-8000:]}")

    def log(self):
        return self.program.log() if self.program else ""

    def wav(self, device, session):
        """Where the recording's file is."""
        return self.store / "recordings" / device / f"{session}.wav"

    def uncommitted_wav(self, device, session):
        """Where the recording's file is until its first commit."""
        return self.store / "recordings" / device / f".{session}.wav.tmp"

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None or kind is KeyboardInterrupt:
            self.stop()
        elif self.program:
            self.program.kill()
