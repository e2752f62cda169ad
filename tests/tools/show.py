"""Show: how the demo and `make run` talk to a person: numbered steps, colour on a terminal only."""
import os
import shlex
import signal
import sys

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
_steps = 0


def _paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else str(text)


def bold(text):
    return _paint("1", text)


def dim(text):
    return _paint("2", text)


def green(text):
    return _paint("32", text)


def step(title):
    global _steps
    _steps += 1
    print(f"\n{_paint('1;36', f'{_steps}.')} {bold(title)}", flush=True)


def say(text=""):
    print(f"   {text}" if text else "", flush=True)


def command(words, out=None):
    """Show a command line as one would type it at the top of the tree."""
    line = shlex.join(os.path.relpath(word) if os.path.isabs(word) and os.access(word, os.X_OK)
                      and os.path.isfile(word) else word for word in map(str, words))
    say(dim("$ ") + line + (f" >{out}" if out else ""))


def good(text):
    say(f"{green('✓')} {text}" if COLOUR else f"ok  {text}")


def fail(text):
    print(f"\n{_paint('1;31', 'It went wrong:')} {text}", file=sys.stderr, flush=True)


def stop_on_signals():
    """Let SIGTERM and SIGHUP unwind as Ctrl-C does, so that what was started is stopped."""

    def interrupt(number, _frame):
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)  # stopping takes a moment: let it finish
        raise KeyboardInterrupt(number)

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)
