"""A small disk: a file system of its own, in memory."""
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, size="1m"):
    """Mount one at the folder, which is made. Where that is not allowed the test is skipped."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                             check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
