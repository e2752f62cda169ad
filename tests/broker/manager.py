"""Manager: the service manager's end of sd_notify: it keeps what a service tells it."""
import socket
import threading
import time

from lab import wait_for


class Manager:
    """A socket that is read by a thread; `environment` names it to a service."""

    def __init__(self, folder, watchdog_s=None):
        path = folder / "notify"
        self.environment = {"NOTIFY_SOCKET": str(path)}
        if watchdog_s:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.told = []  # (monotonic seconds, variable, value)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while True:
            text = self._socket.recv(65536).decode()
            if not text:
                return
            for line in text.splitlines():
                self.told.append((time.monotonic(), *line.split("=", 1)))

    def values(self, name):
        return [value for _, variable, value in list(self.told) if variable == name]

    def times(self, name):
        return [at_s for at_s, variable, _ in list(self.told) if variable == name]

    def wait_status(self, matches, after=0):
        """The first STATUS, from number `after` on, for which `matches` holds."""
        return wait_for(lambda: next(filter(matches, self.values("STATUS")[after:]), None),
                        "a status line")

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self.environment["NOTIFY_SOCKET"])
        self._thread.join()
        self._socket.close()
