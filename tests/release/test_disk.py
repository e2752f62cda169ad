"""A store on a disk of its own: the drop-in as shipped, and a disk that hangs under a real systemd.

The tests of this file go on from each other, on one machine, in their order.
"""
import json
import os
import re

import machine
import pytest
from conftest import FOLDER, TREE
from lab import wait_for

DROP_IN = (TREE / "systemd/reeld.store.conf").read_text()
FOLDER_THERE = re.search(r"^ReadWritePaths=(.*)$", DROP_IN, re.M).group(1)
MOUNTED_AT = os.path.dirname(FOLDER_THERE)
UNIT_OF_MOUNT = MOUNTED_AT.strip("/").replace("/", "-") + ".mount"
DISK_MIB = 128


@pytest.fixture(scope="module")
def disk():
    """A block device with a file system in a file; the path of the device."""
    image = FOLDER / "disk.img"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(DISK_MIB << 20)
    machine.run(["mkfs.ext4", "-q", image])
    device = machine.run(["losetup", "--find", "--show", image]).strip()
    yield device
    machine.run(["losetup", "--detach", device])
    image.unlink()


def show(gateway, name):
    """A property of the unit."""
    return gateway.run(f"systemctl show -P {name} reeld").strip()


def publish(gateway, seq, session="s1"):
    """One fragment; what it gives back is when the broker has it, not the sink."""
    document = json.dumps({"metadata": {"session": {"seq": seq},
                                        "audio": {"channels": 1, "rate": 8000, "sample_size": 2}},
                           "data": [seq * 100] * 80})
    gateway.run(f"mosquitto_pub -q 1 -t reel/v1/audio/mic1/{session} -m '{document}'")


def frames(gateway, session="s1"):
    found = json.loads(gateway.run("reel list --json"))["recordings"]
    return next((row["frames"] for row in found if row["session"] == session), None)


def test_the_store_is_moved_as_the_drop_in_says(gateway, packages, disk):
    numbers = os.stat(disk).st_rdev
    gateway.run(f"mknod /root/disk b {os.major(numbers)} {os.minor(numbers)}\n"
                f"mkdir -p {MOUNTED_AT}; echo '/root/disk {MOUNTED_AT} ext4 defaults' >>/etc/fstab\n"
                f"systemctl daemon-reload; systemctl start {UNIT_OF_MOUNT}")
    gateway.install("mosquitto", "mosquitto-clients", packages.path("reeld"), packages.path("reel"))
    said = re.search(r"install -d [^)]*", DROP_IN.replace("\n# ", " ")).group()
    gateway.run(f"{said}\nprintf '[store]\\ndir = {FOLDER_THERE}\\n' >>/etc/reel/reeld.conf")
    gateway.write("etc/systemd/system/reeld.service.d/store.conf", DROP_IN)
    gateway.run("systemctl daemon-reload; systemctl restart reeld", patience_s=60)
    publish(gateway, 0)
    wait_for(lambda: frames(gateway) == 80, "a fragment to be recorded")
    assert "s1.wav" in gateway.run(f"ls {FOLDER_THERE}/recordings/mic1")
    assert gateway.run("ls /var/lib/reel/recordings") == ""


def test_a_disk_that_hangs_is_noticed_and_what_came_meanwhile_is_stored(gateway):
    """The watchdog is fed by what hangs. Nothing can end a process that waits for a disk: it is
    started again as soon as it can go."""
    gateway.write("etc/systemd/system/reeld.service.d/soon.conf", "[Service]\nWatchdogSec=3\n")
    gateway.run("systemctl daemon-reload; systemctl restart reeld", patience_s=60)
    pid = show(gateway, "MainPID")
    gateway.run(f"fsfreeze --freeze {MOUNTED_AT}")
    try:
        publish(gateway, 1)
        wait_for(lambda: "Watchdog timeout" in gateway.run("journalctl -u reeld"),
                 "systemd to notice", 60)
        publish(gateway, 2)
        assert show(gateway, "MainPID") in (pid, "0")
    finally:
        gateway.run(f"fsfreeze --unfreeze {MOUNTED_AT}")
    wait_for(lambda: show(gateway, "ActiveState") == "active" and show(gateway, "MainPID") != pid,
             "the sink to be there again", 60)
    wait_for(lambda: frames(gateway) == 240, "what came meanwhile to be recorded")
    assert show(gateway, "NRestarts") == "1"


def test_the_sink_ends_before_its_disk_goes_and_brings_it_back(gateway):
    gateway.run(f"systemctl stop {UNIT_OF_MOUNT}")
    assert show(gateway, "ActiveState") == "inactive"
    assert show(gateway, "Result") == "success"
    assert gateway.run(f"ls {MOUNTED_AT}") == ""
    gateway.run("systemctl start reeld", patience_s=60)
    assert frames(gateway) == 240


def test_without_its_disk_it_does_not_begin(gateway):
    """Not in the empty folder that the disk is mounted at."""
    gateway.run(f"systemctl stop {UNIT_OF_MOUNT}; mv /root/disk /root/away")
    with pytest.raises(machine.Failed) as refused:
        gateway.run("systemctl start reeld", patience_s=60)
    assert "dependency job for reeld.service failed" in refused.value.said
    assert gateway.run(f"ls {MOUNTED_AT}") == ""
    gateway.run("mv /root/away /root/disk; systemctl start reeld", patience_s=60)
    assert frames(gateway) == 240
