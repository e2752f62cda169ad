"""The manual, the file of defaults and the README's table of settings: up to date with what the
programs say of themselves and with the schemas, and without a warning of mandoc's."""
import json
import os
import re
import subprocess

import pytest
import yaml

import make_commands
import make_settings
import schemas
from made import TREE, said

BUILD = os.environ.get("REEL_BUILD", "build")
PAGES = sorted((TREE / "systemd/man").glob("*.scd"))
LISTED = json.loads(said(BUILD, "reeld", "--list-settings"))


def source(name):
    return (TREE / "systemd/man" / f"{name}.scd").read_text()


def part(text, head):
    """What stands under a head of the page, up to the next of its level or above."""
    level = head.split()[0]
    found = re.search(rf"^{re.escape(head)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.M | re.S)
    return found[1]


def bold(text):
    """What stands in bold, as it reads."""
    return [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"\*((?:\\.|[^*\\\n])+)\*", text)]


def terms(text):
    """Each term of a list of definitions, with the text below it."""
    found = re.findall(r"^(\*\S.*)\n((?:\t.*\n|\n(?=\t))+)", text, re.M)
    return {name: body for term, body in found for name in bold(term)}


@pytest.mark.parametrize("made", [make_settings, make_commands])
def test_what_is_made_is_up_to_date(made):
    assert [str(path) for path, _ in made.find_stale(BUILD)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_are_clean(page):
    """As `make` makes them; what mandoc has to say of style is about scdoc's long lines."""
    made = TREE / BUILD / "man" / page.stem
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", made], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_lose_nothing(page):
    """A line that begins with a point loses it, or is taken for an item of a list."""
    assert re.findall(r"^\t*[.'-].*", page.read_text(), re.M) == []


# The sink's settings and options


def test_the_file_of_defaults_has_every_setting_and_is_right(tmp_path):
    text = (TREE / "systemd/reeld.conf").read_text()
    section, found = "", {}
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        key = re.match(r"#([a-z_]+) =(.*)$", line)
        if key and '[rules "' not in text[:text.index(line)].splitlines()[-1]:
            found.setdefault(f"{section}.{key[1]}", key[2].strip())
    assert found == {s["name"]: s["default"] for s in LISTED}
    in_force = re.sub(r"^#(?=\[|[a-z_]+ =)", "", text, flags=re.M)
    for name, lines in {"shipped": text, "all": in_force}.items():
        path = tmp_path / name
        path.write_text(lines)
        done = subprocess.run([TREE / BUILD / "reeld", "-c", path, "--check-config"],
                              stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_sinks_list_says_all_of_each_setting():
    names = [setting["name"] for setting in LISTED]
    assert len(names) > 40 and len(set(names)) == len(names)
    for setting in LISTED:
        assert len(setting["about"]) > 10 and not setting["about"].endswith(".")
        if setting["kind"] == "number":
            assert setting["least"] <= int(setting["default"]) <= setting["most"]
        assert setting["devices"] == setting["name"].startswith(("rules.", "retention.max_", "device."))
    assert {s["name"] for s in LISTED if s["restart"]} >= {
        "broker.host", "broker.prefix", "sink.name", "store.dir"}


def test_reelds_page_has_its_options():
    usage = said(BUILD, "reeld", "--help")
    offered = set(re.findall(r"^ +(?:(-\w),? )? *(--[\w-]+)?", usage, re.M))
    offered = {form for pair in offered for form in pair if form}
    described = {form for form in terms(part(source("reeld.8"), "# OPTIONS")) if form[0] == "-"}
    assert len(offered) >= 9 and described == offered
    statuses = set(re.findall(r"(\d+) [a-z]", usage.partition("Exit status: ")[2]))
    assert set(terms(part(source("reeld.8"), "# EXIT STATUS"))) == statuses


# The client's commands


def test_reels_page_has_every_command_and_option():
    page = part(source("reel.1"), "# COMMANDS")
    for name, usage in make_commands.commands(BUILD).items():
        offered = {form for letter, long, *_ in make_commands.options(usage, "Options:")
                   for form in (letter, long) if form}
        assert set(terms(part(page, f"## reel {name}"))) == offered
    common = re.findall(r"^  (?:(-\w),|   ) (--[\w-]+)", said(BUILD, "reel", "--help"), re.M)
    described = set(terms(part(source("reel.1"), "# OPTIONS")))
    assert described == {form for pair in common for form in pair if form}


def test_reels_page_names_the_environment_and_the_statuses():
    usage = said(BUILD, "reel", "--help")
    named = set(re.findall(r"REEL_\w+", usage + said(BUILD, "reel", "publish", "--help")))
    shown = part(source("reel.1"), "# ENVIRONMENT").replace("\\", "")
    assert named == set(re.findall(r"REEL_\w+", shown))
    statuses = set(re.findall(r"(\d+) [a-z]", usage.partition("Exit status: ")[2]))
    assert set(terms(part(source("reel.1"), "# EXIT STATUS"))) == statuses


# The protocol, for who writes a device

PROTOCOL = source("reel-protocol.7")


def leaves(schema, path=()):
    """Dotted path of each field that is no map of fields itself."""
    for name, field in schema["properties"].items():
        if "properties" in field:
            yield from leaves(field, (*path, name))
        else:
            yield ".".join((*path, name))


def test_the_fields_of_a_fragment():
    fields = part(PROTOCOL, "# FRAGMENTS").partition("\n## ")[0]
    assert list(terms(fields)) == list(leaves(schemas.load("fragment")))
    numbers = part(PROTOCOL, "## WAV files as fragments")
    assert list(terms(numbers)) == list(schemas.load("fragment-properties")["properties"])


def test_the_fields_of_an_acknowledgement():
    kinds = schemas.load("acknowledgement")["$defs"]
    stored, refused = part(PROTOCOL, "# ACKNOWLEDGEMENTS").split("What is in none of")
    assert list(terms(stored)) == list(kinds["stored"]["properties"])
    error = schemas.load("common")["$defs"]["error"]["properties"]
    told = [f"error.{name}" for name in error]
    told += [name for name in kinds["refused"]["properties"]
             if name not in ("status", "error", "data")]
    assert list(terms(refused)) == told


def test_requests_errors_events_and_topics():
    requests = terms(part(PROTOCOL, "# REQUESTS"))
    assert set(requests) == set(schemas.OPS)
    for op, text in requests.items():
        fields = schemas.load(f"request/{op}").get("properties", {})
        assert {word for word in bold(text) if word != "list"} == set(fields), op
    codes = schemas.load("common")["$defs"]["errorCode"]["enum"]
    assert list(terms(part(PROTOCOL, "# ERRORS"))) == codes
    kinds = schemas.load("event")["properties"]["event"]["enum"]
    assert [word for word in bold(part(PROTOCOL, "# EVENTS")) if word in kinds] == kinds
    asyncapi = yaml.safe_load((schemas.FOLDER / "asyncapi.yaml").read_text())
    addresses = {channel["address"] for channel in asyncapi["channels"].values()}
    own = {a.removeprefix("reel/v1/") for a in addresses if a and a.startswith("reel/v1/")}
    assert set(terms(part(PROTOCOL, "# TOPICS"))) - {"reply/{device}/..."} == own
