"""Shipped: a broker under the configuration and access list that come with reel, and the settings
of the sink that go with them. Only ports and folders differ from what is installed."""
import os
import re
import shutil
from pathlib import Path

from lab import PREFIX, TREE, Broker, accepts_connections, free_port

CONFIGURATION = TREE / "systemd/mosquitto-reel.conf"
ACL = TREE / "systemd/reel.acl"
USERS = {name: f"secret of {name}" for name in ("admin", "reeld", "reader", "mic1", "mic2")}
# The sink's side of the fence: see README, "Install".
SETTINGS = {
    "broker.reply_allow": f"{PREFIX}/reply/admin/# {PREFIX}/reply/reader/#",
    "upload.overwrite": 0,
}


class ShippedBroker(Broker):
    """A mosquitto configured as Debian does it, with ours in its conf.d. `changes` maps lines of
    ours to what stands there instead, `acl_changes` the same in the access list; `extra` lines
    are put before ours, as an administrator's would be. With an `authority` (certificates.py) the
    lines for TLS hold, those for pre-shared keys with `keys`, too."""

    PASSWORDS = "reel.passwd"

    def __init__(self, folder, changes=None, acl_changes=None, authority=None, keys=None,
                 **options):
        super().__init__(folder, **({"users": USERS} | options))
        self.websockets_port, self.tls_port, self.psk_port = (free_port() for _ in range(3))
        self._authority = authority
        self._keys = keys or {}
        self._changes = changes or {}
        self._acl_changes = acl_changes or {}

    def _placed(self, text):
        """The configuration, with our ports and our folder for its own."""
        changes = {
            "listener 1883\n": f"listener {self.port} {self.bind}\n",
            "listener 9001 127.0.0.1\n": f"listener {self.websockets_port} 127.0.0.1\n",
            "/etc/mosquitto/": f"{self.folder.resolve()}/",
        } | self._changes
        if self._authority:
            text = re.sub(r"^#(?! )", "", text, flags=re.M)
            changes |= {"listener 8883\n": f"listener {self.tls_port} {self.bind}\n",
                        "listener 8884\n": f"listener {self.psk_port} {self.bind}\n"}
        return replaced(text, changes)

    def _write_secrets(self):
        """What the lines for TLS name."""
        for name in "ca_certificates", "certs":
            (self.folder / name).mkdir(exist_ok=True)
        shutil.copy(self._authority.certificate, self.folder / "ca_certificates/reel-ca.crt")
        server = self._authority.issue("server")
        shutil.copy(server.certificate, self.folder / "certs/reel.crt")
        shutil.copy(server.key, self.folder / "certs/reel.key")
        keys = "".join(f"{name}:{key}\n" for name, key in self._keys.items())
        (self.folder / "reel.psk").write_text(keys)

    def _settled(self):
        """All listeners are there, which open one after the other."""
        ports = [self.port, self.websockets_port]
        ports += [self.tls_port, self.psk_port] if self._authority else []
        return all(accepts_connections(port) for port in ports) or not self.program.running()

    def _write_configuration(self):
        folder = self.folder.resolve()
        if self._authority:
            self._write_secrets()
        (folder / "conf.d").mkdir(exist_ok=True)
        (folder / "conf.d/reel.conf").write_text(self._placed(CONFIGURATION.read_text()))
        (folder / "reel.acl").write_text(replaced(ACL.read_text(), self._acl_changes))
        (folder / "reel.acl").chmod(0o600)
        lines = ["persistence true", f"persistence_location {folder}/", "log_type all",
                 *(["user root"] if os.geteuid() == 0 else []), self._extra,
                 f"include_dir {folder}/conf.d"]
        Path(folder, "mosquitto.conf").write_text("\n".join(lines) + "\n")


def replaced(text, changes):
    """The text with each change made, which must find something to change."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text
