"""The life of a gateway: packages in, broker as shipped, recorded, upgraded, removed, purged.

The tests of this file go on from each other, on one machine, in their order.
"""
import json
import re
import time
import wave
from pathlib import Path

import machine
from conftest import TREE
from lab import wait_for

SPEECH = "/usr/share/sounds/alsa/Front_Center.wav"
README = (TREE / "README.md").read_text()
PASSWORDS = {"reeld": "not-a-secret", "admin": "nor-is-this", "mic1": "a-third-one"}
FRAGMENT = json.dumps({"metadata": {"session": {"seq": 0},
                                    "audio": {"channels": 1, "rate": 8000, "sample_size": 2}},
                       "data": [0, 8000, 0, -8000]})
# What the administrator put there, and what dpkg knows of the client, which stays.
EXPECTED_LEFT = "/etc/(credstore|mosquitto|reel)|/var/lib/dpkg/info/reel\\."
BROKER = "install -m 644 /usr/share/reel/mosquitto-reel.conf /etc/mosquitto/conf.d/reel.conf\n" \
         "install -o mosquitto -m 600 /usr/share/reel/reel.acl /etc/mosquitto/reel.acl\n" \
         "install -o mosquitto -m 600 /dev/null /etc/mosquitto/reel.passwd\n"


def show(gateway, name):
    """A property of the unit."""
    return gateway.run(f"systemctl show -P {name} reeld").strip()


def wait_ready(gateway, *others):
    """Until the sink has subscribed, in a process that is none of `others`; return its id."""

    def ready():
        pid = show(gateway, "MainPID")
        return show(gateway, "ActiveState") == "active" and pid not in ("0", *others) and pid

    return wait_for(ready, "reeld to be ready", 60)


def reel(gateway, command, user="admin", **options):
    return gateway.run(f"cd /root && reel {command} -u {user} -P {PASSWORDS[user]}", **options)


def recordings(gateway):
    found = json.loads(reel(gateway, "list --json"))["recordings"]
    return {f"{r['device']}/{r['session']}": r for r in found}


def samples(path):
    with wave.open(str(path)) as file:
        return file.readframes(file.getnframes())


def readme_block(name):
    return re.search(rf"^```sh {name}\n(.*?)^```", README, re.M | re.S).group(1)


def with_description(package, description, folder):
    """The same package, but that the unit has another description."""
    machine.run(["dpkg-deb", "-R", package, folder / "package"])
    unit = folder / "package/lib/systemd/system/reeld.service"
    unit.write_text(re.sub("^Description=.*", f"Description={description}", unit.read_text(),
                           flags=re.M))
    return Path(machine.run(["dpkg-deb", "-b", folder / "package", folder]).split("'")[-2])


def test_the_packages_go_in_as_the_readme_says(gateway, packages):
    """Nobody waits for a broker there, and the last line of the block says what became of it."""
    for name in ("reeld", "reel"):
        gateway.copy(packages.path(name), f"root/build/deb/{packages.path(name).name}")
    make, *lines = readme_block("package").splitlines()
    assert make == "make deb"
    script = "\n".join(lines).replace("apt install", "apt-get install -y --no-install-recommends")
    script = script.replace("/dev/stdin", "/root/secret")
    gateway.write("root/secret", PASSWORDS["reeld"])
    began = time.monotonic()
    said = gateway.run(f"cd /root\n{script}")
    assert time.monotonic() - began < 80
    assert "Active: active (running)" in said
    assert show(gateway, "UnitFileState") == "enabled"
    assert gateway.run("stat -c '%U:%G %a' /var/lib/reel").strip() == "reeld:reeld 750"


def test_the_broker_is_configured_as_shipped(gateway):
    names = "".join(f"mosquitto_passwd -b /etc/mosquitto/reel.passwd {name} {word}\n"
                    for name, word in PASSWORDS.items())
    gateway.run("apt-get install -y --no-install-recommends mosquitto-clients\n"
                f"{BROKER}{names}systemctl restart mosquitto")
    refused = gateway.run("mosquitto_pub -t reel/v1/audio/mic1 -m x", ok=(5,))
    assert "not authorised" in refused.lower()
    wait_ready(gateway)


def test_without_its_broker_it_waits_and_says_so(gateway):
    gateway.run("systemctl stop mosquitto; systemctl restart --no-block reeld")
    wait_for(lambda: "broker" in show(gateway, "StatusText"), "a status that names the broker")
    assert show(gateway, "ActiveState") == "activating"
    assert show(gateway, "TimeoutStartUSec") == "infinity"
    gateway.run("systemctl start mosquitto")
    wait_ready(gateway)


def test_the_machine_does_not_wait_for_it_when_it_boots(gateway):
    """It may wait for a broker for days."""
    after = gateway.run("systemctl show -P After multi-user.target graphical.target").split()
    assert "basic.target" in after and "reeld.service" not in after
    assert {"basic.target", "sysinit.target"} <= set(show(gateway, "After").split())
    assert "shutdown.target" in show(gateway, "Before").split()


def test_a_device_records_with_its_credentials(gateway):
    gateway.copy(SPEECH, "root/speech.wav")
    reel(gateway, "publish --device mic1 --session s1 speech.wav", user="mic1")
    reel(gateway, "get mic1/s1 -o back.wav")
    assert samples(gateway.root / "root/back.wav") == samples(SPEECH)
    assert recordings(gateway)["mic1/s1"]["state"] == "complete"


def test_metrics_are_read(gateway):
    """They come every some seconds: those that know of the recording."""

    def told():
        text = gateway.run("mosquitto_sub -W 30 -C 1 -t 'reel/v1/metrics/#' "
                           f"-u admin -P {PASSWORDS['admin']}")
        return json.loads(text).get("reel_fragments_total", 0) > 0

    wait_for(told, "metrics that know of the recording", 90)


def test_the_fence_does_not_break_the_work(gateway):
    """Whatever a sink does, done by the unit as it is shipped, without a word of a refused call."""
    for command in ("upload --device mic1 --session whole speech.wav", "keep mic1/s1",
                    "tag mic1/s1 site=kitchen", "info mic1/s1", "replay mic1/s1", "rejects",
                    "get mic1/s1 --from 0.2 --to 1 -o part.wav", "rm mic1/whole", "status"):
        reel(gateway, command)
    gateway.run("mosquitto_pub -q 1 -t reel/v1/audio/mic1/bad -m '{' "
                f"-u mic1 -P {PASSWORDS['mic1']}")
    wait_for(lambda: "mic1" in reel(gateway, "rejects"), "the refused message in quarantine")
    gateway.run("runuser -u reeld -- reeld --verify")
    log = gateway.run("journalctl -u reeld --no-pager")
    assert not re.search("not permitted|denied|SYS|Read-only", log), log
    status = gateway.run(f"cat /proc/{show(gateway, 'MainPID')}/status")
    assert re.search(r"^Seccomp:\s2$", status, re.M) and re.search(r"^CapBnd:\s0+$", status, re.M)


def test_a_reload_has_it_read_its_settings_again(gateway):
    """Also where procps is not installed, and so no /bin/kill."""
    gateway.run("printf '[log]\\nlevel = 7\\n' >/etc/reel/reeld.conf.d/log.conf\n"
                "systemctl reload reeld")
    wait_for(lambda: 'log.level is "7" now' in gateway.run("journalctl -u reeld --no-pager"),
             "the log to say what changed")
    gateway.run("rm /etc/reel/reeld.conf.d/log.conf; systemctl reload reeld")


def test_a_sink_that_dies_is_started_again(gateway):
    before = wait_ready(gateway)
    gateway.run(f"kill -KILL {before}")
    wait_ready(gateway, before)
    assert "mic1/s1" in recordings(gateway)


def test_an_upgrade_keeps_settings_and_recordings(gateway, newer_packages, tmp_path):
    """A recording that is under way goes on under the newer one, and under its unit."""
    gateway.run("printf '[session]\\nidle_timeout_s = 600\\n' >>/etc/reel/reeld.conf")
    before = wait_ready(gateway)
    gateway.run(f"mosquitto_pub -q 1 -t reel/v1/audio/mic1/long -m '{FRAGMENT}' "
                f"-u mic1 -P {PASSWORDS['mic1']}")
    wait_for(lambda: "mic1/long" in recordings(gateway), "the recording to begin")
    newer = with_description(newer_packages.path("reeld"), "A newer unit", tmp_path)
    gateway.install(newer, newer_packages.path("reel"))
    wait_ready(gateway, before)
    assert show(gateway, "Description") == "A newer unit"
    assert show(gateway, "NeedDaemonReload") == "no"
    assert "idle_timeout_s = 600" in gateway.read("etc/reel/reeld.conf")
    assert gateway.run("dpkg-query -W -f '${Version}' reeld").endswith("+1")
    found = recordings(gateway)
    assert found["mic1/long"]["state"] == "recording" and found["mic1/s1"]["state"] == "complete"


def test_an_upgrade_goes_on_with_a_sink_that_is_not_enabled(gateway, newer_packages):
    """One that was started by hand; one that was stopped stays so."""
    package = gateway.copy(newer_packages.path("reeld"), "var/tmp/reeld.deb")
    install = f"dpkg -i /{package.relative_to(gateway.root)}"
    before = wait_ready(gateway)
    gateway.run(f"systemctl disable reeld\n{install}")
    wait_ready(gateway, before)
    gateway.run(f"systemctl stop reeld\n{install}")
    assert (show(gateway, "ActiveState"), show(gateway, "UnitFileState")) == ("inactive", "disabled")
    gateway.run("systemctl enable --now reeld")


def test_removed_it_leaves_settings_and_recordings(gateway):
    gateway.run("apt-get remove -y reeld")
    assert show(gateway, "ActiveState") == "inactive"
    assert "reeld" not in gateway.run("cat /proc/[0-9]*/comm").split()
    assert gateway.read("etc/reel/reeld.conf")
    assert (gateway.root / "var/lib/reel/recordings/mic1/s1.wav").exists()


def test_installed_again_it_goes_on(gateway, newer_packages):
    gateway.install(newer_packages.path("reeld"))
    wait_ready(gateway)
    assert "mic1/s1" in recordings(gateway)


def test_purge_leaves_recordings_unless_told(gateway, newer_packages):
    said = gateway.run("apt-get purge -y reeld")
    assert "/var/lib/reel is kept" in said and "REEL_PURGE_RECORDINGS=yes" in said
    assert (gateway.root / "var/lib/reel/recordings/mic1/s1.wav").exists()
    assert not (gateway.root / "etc/reel/reeld.conf").exists()
    gateway.install(newer_packages.path("reeld"))
    gateway.run("apt-get purge -y reeld", REEL_PURGE_RECORDINGS="yes")
    assert not (gateway.root / "var/lib/reel").exists()


def test_purge_deletes_nothing_that_it_cannot_look_at(gateway, newer_packages):
    gateway.install(newer_packages.path("reeld"))
    gateway.run("install -m 755 /dev/stdin /root/find <<end\n#!/bin/sh\nexit 1\nend")
    said = gateway.run("PATH=/root:$PATH dpkg --purge reeld; rm /root/find")
    assert "/var/lib/reel is kept" in said
    assert (gateway.root / "var/lib/reel/catalog.db").exists()


def test_purge_leaves_a_link_and_what_it_leads_to(gateway, newer_packages):
    gateway.run("mv /var/lib/reel /srv/reel; ln -s /srv/reel /var/lib/reel")
    gateway.install(newer_packages.path("reeld"))
    said = gateway.run("apt-get purge -y reeld", REEL_PURGE_RECORDINGS="yes")
    assert "/var/lib/reel is a link" in said
    assert (gateway.root / "srv/reel/catalog.db").exists()
    gateway.run("rm -r /var/lib/reel /srv/reel")


def test_purge_empties_a_disk_that_is_mounted_there(gateway, newer_packages):
    """The mount point stays: it is not the package's to remove."""
    gateway.run("mkdir /var/lib/reel; mount -t tmpfs store /var/lib/reel")
    gateway.install(newer_packages.path("reeld"))
    wait_for(lambda: gateway.run("ls /var/lib/reel"), "the store to be made")
    said = gateway.run("apt-get purge -y reeld; ls -A /var/lib/reel; mountpoint /var/lib/reel",
                       REEL_PURGE_RECORDINGS="yes")
    assert said.endswith("/var/lib/reel is a mountpoint\n") and "not all of" not in said
    gateway.run("umount /var/lib/reel; rmdir /var/lib/reel")


def test_a_store_without_recordings_is_no_reason_to_stay(gateway, newer_packages):
    gateway.install(newer_packages.path("reeld"))
    assert (gateway.root / "var/lib/reel").exists()
    gateway.run("apt-get purge -y reeld")
    assert not (gateway.root / "var/lib/reel").exists()
    left = set(gateway.run("find /etc /usr /var/lib -xdev -name 'reel*'").split())
    left -= set(gateway.run("dpkg -L reel").split())
    assert {path for path in left if not re.match(EXPECTED_LEFT, path)} == set()
