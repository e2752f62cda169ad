#!/usr/bin/python3
"""Make all that lists the settings from the sink's own tables, as `reeld --list-settings` has them:
the README's table, the file of defaults, the manual's list and the words of the completions.

make_settings.py [--build DIR]           write them
make_settings.py [--build DIR] --check   say whether they are up to date
"""
import json
import re
import sys
import textwrap

from made import between_marks, main, plain, rich, said, stale

HEAD = """\
# Settings of reeld, the recorder sink for audio over MQTT: see reeld.conf(5).
#
# All of them are here, with their defaults. What differs may stand here, or in
# files of its own, reeld.conf.d/NAME.conf beside this one, which are read after
# it in the order of their names: then this file stays as it was installed.
#
# `reeld --check-config` says whether all of it is right. `systemctl reload reeld`
# has a running sink read it again; what is marked (restart) needs a restart.
"""
DEVICES = """
# Sections `rules`, `retention` and `device` may stand once more for some devices, those
# whose names match a pattern (* any characters, ? one). The last that sets a key wins.
#[rules "mic-*"]
#max_duration_s = 3600
"""


def sections(listed):
    """The settings by section, both in the order of the list."""
    found = {}
    for setting in listed:
        section, key = setting["name"].split(".")
        found.setdefault(section, []).append((key, setting))
    return found


def shown_default(setting):
    return setting["default"] or ("any" if setting["kind"] == "list" else "none")


# The README


def readme_rows(listed):
    for setting in listed:
        mark = " *" if setting["restart"] else ""
        yield (f"| `{setting['name']}`{mark} | {shown_default(setting)} | {setting['about']} |")


def made_readme(text, listed):
    table = "\n".join(["| setting | default | |", "| --- | --- | --- |", *readme_rows(listed)])
    made, count = re.subn(r"^\| setting \| default \|.*?(?=\n\n)", lambda _: table, text,
                          flags=re.M | re.S)
    assert count == 1, "the README has one table of settings"
    return made


# The file of defaults


def comment(setting):
    mark = " (restart)" if setting["restart"] else ""
    text = setting["about"].replace("`", "") + mark
    return textwrap.wrap(text, 82, initial_indent="# ", subsequent_indent="# ")


def made_defaults(_text, listed):
    lines = [HEAD.rstrip("\n")]
    for section, members in sections(listed).items():
        lines += ["", f"[{section}]"]
        for key, setting in members:
            lines += ["", *comment(setting), f"#{key} = {setting['default']}".rstrip()]
    return "\n".join(lines) + "\n" + DEVICES


# The manual


def kind(setting):
    if setting["kind"] == "text":
        return "text"
    if "words" in setting:
        return "list of words"
    values = f"{setting['least']} to {setting['most']}"
    return f"number, {values}" if setting["kind"] == "number" else f"list of numbers, {values}"


def manual_lines(listed):
    for section, members in sections(listed).items():
        yield f"\n## [{section}]"
        for key, setting in members:
            end = " Needs a restart." if setting["restart"] else ""
            about = setting["about"]
            yield (f"\n*{plain(key)}*\n\t{rich(about[0].upper() + about[1:])}.{end}\n\n"
                   f"\tDefault: {plain(shown_default(setting))}; {kind(setting)}.")


def made_manual(text, listed):
    return between_marks(text, ";", "settings", manual_lines(listed))


# The completions


def made_bash(text, listed):
    words = textwrap.wrap(" ".join(f"{setting['name']}=" for setting in listed), 90)
    lines = ["_reeld_settings='", *(f"    {line}" for line in words), "'"]
    return between_marks(text, "#", "settings", lines)


def zsh_words(setting):
    about = re.sub(r"[`'\\:\[\]]", "", setting["about"])
    return f"    '{setting['name']}:{about}'"


def made_zsh(text, listed):
    lines = ["local -a settings=(", *map(zsh_words, listed), ")"]
    return between_marks(text, "#", "settings", lines)


MADE = {
    "README.md": made_readme,
    "systemd/reeld.conf": made_defaults,
    "systemd/man/reeld.conf.5.scd": made_manual,
    "systemd/completions/reeld.bash": made_bash,
    "systemd/completions/_reeld": made_zsh,
}


def find_stale(build):
    """Path and right text of each file that is not up to date."""
    return stale(MADE, json.loads(said(build, "reeld", "--list-settings")))


if __name__ == "__main__":
    sys.exit(main(__doc__, find_stale))
