"""Shipped: a broker under the configuration and access list that come with reel, and the settings
of the sink that go with them. Only ports and folders differ from what is installed."""
import os
from pathlib import Path

from lab import PREFIX, TREE, Broker, free_port

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
    are put before ours, as an administrator's would be."""

    PASSWORDS = "reel.passwd"

    def __init__(self, folder, changes=None, acl_changes=None, **options):
        super().__init__(folder, **({"users": USERS} | options))
        self.websockets_port = free_port()
        self._changes = changes or {}
        self._acl_changes = acl_changes or {}

    def _placed(self, text):
        """The configuration, with our ports and our folder for its own."""
        changes = {
            "listener 1883\n": f"listener {self.port} {self.bind}\n",
            "listener 9001 127.0.0.1\n": f"listener {self.websockets_port} 127.0.0.1\n",
            "/etc/mosquitto/": f"{self.folder.resolve()}/",
        } | self._changes
        return replaced(text, changes)

    def _write_configuration(self):
        folder = self.folder.resolve()
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
