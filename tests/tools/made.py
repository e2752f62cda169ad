"""Parts of files that are made from what the programs say of themselves, between two marks."""
import argparse
import re
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


def said(build, program, *arguments):
    """What a program of ours writes to standard output."""
    command = [Path(build).absolute() / program, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def between_marks(text, mark, what, lines):
    """The text with other lines between its marks, `mark` being how a comment begins."""
    made, count = re.subn(rf"({mark} {what}: made by [^\n]*\n).*?({mark} end of {what}\n)",
                          lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text,
                          flags=re.S)
    assert count == 1, f"there is one place for {what}, marked by {mark}"
    return made


def plain(text):
    """Text as scdoc shows it, to which some characters mean more."""
    return re.sub(r"([\\_*<])", r"\\\1", text)


def rich(text):
    """The same, what stands between backticks in bold."""
    return re.sub(r"`([^`]*)`", r"*\1*", plain(text))


def stale(made, *given):
    """Path and right text of each file that is not up to date; `made` has who makes it."""
    for name, make in made.items():
        path = TREE / name
        text = path.read_text() if path.exists() else ""
        right = make(text, *given)
        if right != text:
            yield path, right


def main(description, find_stale):
    """Write them, or with --check say which are not up to date."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", default=TREE / "build", help="where the programs are")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    found = dict(find_stale(arguments.build))
    for path, text in found.items():
        if arguments.check:
            print(f"{path} is not up to date: run {sys.argv[0]}")
        else:
            path.write_text(text)
    return 1 if arguments.check and found else 0
