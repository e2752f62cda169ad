"""deps.sh: what it asks apt for."""
import os
import subprocess

from lab import TREE


def test_apt_waits_for_another_that_is_at_work(tmp_path):
    """A machine that has just been set up installs its updates by itself."""
    for name, script in {"dpkg-query": "exit 1", "id": "echo 0", "env": "shift; exec \"$@\"",
                         "apt-get": f'echo "$@" >>{tmp_path}/asked'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["sh", TREE / "tests/tools/deps.sh", "deb"], check=True,
                   stdout=subprocess.DEVNULL, env=os.environ | {"PATH": path})
    asked = (tmp_path / "asked").read_text()
    assert "DPkg::Lock::Timeout=300" in asked and "install" in asked and "debhelper" in asked
