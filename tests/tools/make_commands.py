#!/usr/bin/python3
"""Make the manual's part on reel's commands from what each says to --help.

make_commands.py [--build DIR]           write it
make_commands.py [--build DIR] --check   say whether it is up to date
"""
import re
import sys

from made import between_marks, main, plain, rich, said, stale

OPTION = re.compile(r"^  (?:(-\w), |    )(--[\w-]+)(?: (\S+))? +(.*)$")


def commands(build):
    """Name to what `reel NAME --help` says, in the order of `reel --help`."""
    names = re.findall(r"^  ([a-z]\S*) +\S", said(build, "reel", "--help"), re.M)
    return {name: said(build, "reel", name, "--help") for name in names}


def options(text, head):
    """Letter, name, argument and words of each option in the list under that head."""
    block = text.partition(f"\n{head}\n")[2].partition("\n\n")[0]
    return [found.groups("") for found in map(OPTION.match, block.splitlines()) if found]


def option_lines(listed):
    for letter, name, argument, words in listed:
        shown = ", ".join(f"*{plain(form)}*" for form in (letter, name) if form)
        value = f" _{argument}_" if argument else ""
        environment = re.search(r" \[(REEL_\w+)\]$", words)
        if environment:
            words = words.removesuffix(environment[0])
            words += f" (environment: {environment[1]})"
        yield f"\n{shown}{value}\n\t{rich(words[0].upper() + words[1:])}."


def paragraph(text):
    """One of the help's: text, or an example that is indented."""
    if text.startswith("  "):
        return "```\n" + re.sub(r"^  ", "", text, flags=re.M) + "\n```"
    return rich(text)


def command_lines(name, text):
    usage, summary, *rest = text.partition("\n\nOptions")[0].split("\n\n")
    arguments = usage.partition("[OPTION]...")[2].strip()
    yield f"\n## reel {name}"
    yield f"\n*reel {name}* [_OPTION_]... {plain(arguments)}".rstrip()
    yield "\n" + rich(summary[0].upper() + summary[1:])
    for part in rest:
        yield "\n" + paragraph(part)
    yield from option_lines(options(text, "Options:"))
    wait = re.search(r"--timeout is (\S+) s", text)[1]
    yield f"\nWithout *--timeout* it waits {wait} s for the sink."


def made_manual(text, said_by):
    common = options(next(iter(said_by.values())), "Options of every command:")
    text = between_marks(text, ";", "options", option_lines(common))
    lines = [line for name, words in said_by.items() for line in command_lines(name, words)]
    return between_marks(text, ";", "commands", lines)


MADE = {"systemd/man/reel.1.scd": made_manual}


def find_stale(build):
    """Path and right text of each file that is not up to date."""
    return stale(MADE, commands(build))


if __name__ == "__main__":
    sys.exit(main(__doc__, find_stale))
