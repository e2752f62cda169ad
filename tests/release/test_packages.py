"""The packages themselves: what Debian's own checks say, and what is in them."""
import re
import subprocess

import machine
from conftest import TREE


def contents(package):
    """Paths of the files in a package."""
    lines = machine.run(["dpkg-deb", "-c", package]).splitlines()
    return {line.split()[5].lstrip(".") for line in lines if not line.startswith("d")}


def test_lintian_has_nothing_to_say(packages):
    said = machine.run(["lintian", "--allow-root", "--fail-on", "error,warning", packages.changes])
    assert not re.search("^[EW]:", said, re.M), said


def test_nothing_that_is_installed_is_in_no_package(packages):
    """dh_missing would say so in the log of the build."""
    assert "dh_missing: warning" not in (packages.folder / "build.log").read_text()


def test_settings_are_kept_by_dpkg(packages, tmp_path):
    machine.run(["dpkg-deb", "-e", packages.path("reeld"), tmp_path])
    assert "/etc/reel/reeld.conf" in (tmp_path / "conffiles").read_text().split()


def test_headers_of_the_tree_are_in_the_library_package(packages):
    found = contents(packages.path("libreel-dev"))
    headers = {f"/usr/include/reel/{path.name}" for path in (TREE / "include/reel").glob("*.h")}
    assert headers and headers <= found
    assert any(path.endswith("/libreel.a") for path in found)
    assert any(path.endswith("/pkgconfig/reel.pc") for path in found)


def test_a_newer_build_is_an_upgrade(packages, newer_packages):
    older, newer = (machine.run(["dpkg-deb", "-f", p.path("reeld"), "Version"]).strip()
                    for p in (packages, newer_packages))
    assert subprocess.run(["dpkg", "--compare-versions", older, "lt", newer]).returncode == 0
