"""Each fence of the unit, tried: what crosses all of them by root without the unit crosses none
behind it; and systemd does what the unit asks of it when the sink hangs, or its store is elsewhere.
"""
import re
import subprocess
from pathlib import Path

import pytest
from lab import wait_for

HERE = Path(__file__).resolve().parent
PROBE_UNIT = "/etc/systemd/system/probe.service"
ALLOWED = {"write the store"}


def outcomes(text):
    """What became of each probe, by its name."""
    found = dict(re.findall(r"^(?:.*\]: )?([a-z][^:\n]*): (.*)$", text, re.M))
    assert len(found) >= 24, text
    return found


@pytest.fixture(scope="module")
def sink(gateway, packages, tmp_path_factory):
    """The machine, with a broker and the sink running beside it."""
    gateway.install(packages.path("reeld"), packages.path("reel"), "mosquitto")
    program = tmp_path_factory.mktemp("probe") / "probe"
    subprocess.run(["gcc", "-static", "-o", program, HERE / "probe.c"], check=True)
    gateway.copy(program, "usr/bin/probe")
    gateway.write("root/secret", "-")
    gateway.run("touch /tmp/shared; probe share")
    return gateway


def test_root_without_the_unit_crosses_them_all(sink):
    """So it is the fences that hold below."""
    control = outcomes(sink.run("probe"))
    assert {name for name, outcome in control.items() if outcome != "crossed"} == set()


def test_no_fence_is_crossed_behind_the_unit(sink):
    """The unit as it is shipped, with the probe in the sink's place."""
    sink.run("rm -f /usr/probe /etc/reel/probe /var/lib/reel/probe /var/lib/reel/device; umount /mnt")
    unit = sink.read("lib/systemd/system/reeld.service")
    unit = re.sub(r"^ExecStart=.*$", "ExecStart=/usr/bin/probe", unit, flags=re.M)
    unit = re.sub(r"^(Type|Restart|WatchdogSec)=.*$", "", unit, flags=re.M)
    sink.write(PROBE_UNIT, unit.replace("[Service]", "[Service]\nType=oneshot"))
    sink.run("systemctl daemon-reload; systemctl start probe")
    behind = outcomes(sink.run("journalctl -u probe --no-pager -o cat"))
    assert {name for name, outcome in behind.items() if outcome == "crossed"} == ALLOWED, behind
