"""reel top: the live screen, driven on a terminal as people do, and its plain text."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios

import pyte
import pytest

from cli import REEL, finished, reel, start
from harness import PREFIX, Recorder
from lab import SANITIZER_REPORT, wait_for

LINES, COLUMNS = 20, 110


class Terminal:
    """A terminal of a program's own, and what stands on it."""

    def __init__(self, broker, *words):
        self.screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._resize(LINES, COLUMNS)
        self.modes = termios.tcgetattr(slave)
        env = {name: value for name, value in os.environ.items() if not name.startswith("REEL_")}
        line = [REEL, "top", "-h", broker.host, "-p", broker.port, "--every", "0.1", *words]
        self.program = subprocess.Popen(
            [str(word) for word in line], stdin=slave, stdout=slave, stderr=subprocess.PIPE,
            env=env | {"TERM": "xterm"}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._slave = slave

    def _resize(self, lines, columns):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, lines, columns):
        self.screen.resize(lines, columns)
        self._resize(lines, columns)

    def type(self, keys):
        os.write(self._master, keys)

    def lines(self):
        """What stands there, with all that has come."""
        while select.select([self._master], [], [], 0)[0]:
            self._stream.feed(os.read(self._master, 1 << 16))
        return [line.rstrip() for line in self.screen.display]

    def rows(self):
        """The devices' names, from the top."""
        lines = self.lines()
        titles = next((i for i, line in enumerate(lines) if line.startswith("DEVICE")), None)
        return [] if titles is None else [line.split()[0] for line in lines[titles + 1:-1] if line]

    def wait_rows(self, rows):
        wait_for(lambda: self.rows() == rows, f"rows {rows}")

    def end(self):
        """Wait for its end; return its status."""
        wait_for(lambda: (self.lines(), self.program.poll() is not None)[1], "its end")
        said = self.program.stderr.read().decode()
        assert not SANITIZER_REPORT.search(said), said
        assert termios.tcgetattr(self._slave) == self.modes, "the terminal is not as it was"
        os.close(self._slave)
        os.close(self._master)
        return self.program.returncode


@pytest.fixture
def fleet(make_lab):
    """Three devices: b has the most audio, c has a gap, a was refused something."""
    lab = make_lab()
    client = lab.client()
    for device, frames in (("a", 100), ("b", 5000), ("c", 10)):
        Recorder(client, device).store(frames=frames, seq=0, frame=0)
    Recorder(client, "c").store(frames=10, seed=1, seq=2, frame=20)
    Recorder(client, "a").refused(b"\0", seq=1)
    return lab


@pytest.fixture
def terminal(fleet):
    made = Terminal(fleet.broker, "--sort", "device")
    made.wait_rows(["a", "b", "c"])
    yield made
    if made.program.poll() is None:
        made.program.kill()
        made.program.wait()


def test_shows_sink_disk_and_devices(terminal):
    text = "\n".join(terminal.lines())
    assert "sink sink  ok" in text
    assert "free of" in text and "devices 3: 3 record, 0 silent" in text
    assert "gaps 1  refused 1" in text
    terminal.type(b"q")
    assert terminal.end() == 0


def test_keys_sort(terminal):
    terminal.type(b"s")
    terminal.wait_rows(["b", "a", "c"])
    terminal.type(b"g")
    terminal.wait_rows(["c", "a", "b"])
    terminal.type(b"d")
    terminal.wait_rows(["a", "b", "c"])
    terminal.type(b"w")
    wait_for(lambda: "REFUSED*" in "\n".join(terminal.lines()), "the sort to be marked")
    assert terminal.rows()[0] == "a"
    terminal.type(b"q")
    assert terminal.end() == 0


def test_rate_is_of_what_came_since(fleet, terminal):
    terminal.type(b"r")
    recorder = Recorder(fleet.client(), "c")
    frame = [30]

    def first_and_with_a_rate():
        recorder.store(frames=1000, seed=frame[0], seq=3 + frame[0] // 1000, frame=frame[0])
        frame[0] += 1000
        row = next(line for line in terminal.lines() if line.startswith("c "))
        return terminal.rows()[0] == "c" and " 0 B/s" not in row

    wait_for(first_and_with_a_rate, "its rate")
    wait_for(lambda: "  0 B/s" in next(line for line in terminal.lines() if line[:2] == "c "),
             "the rate of what sends nothing any more")
    terminal.type(b"q")
    assert terminal.end() == 0


def test_follows_the_size_of_its_window(terminal):
    terminal.resize(7, 70)
    wait_for(lambda: terminal.lines()[-1].startswith("q quit"), "the last line to be the last")
    terminal.wait_rows(["a"])
    terminal.type(b"\x1bOB")  # down
    terminal.wait_rows(["b"])
    terminal.type(b"\x1bOF")  # end
    terminal.wait_rows(["c"])
    terminal.resize(LINES, COLUMNS)
    terminal.wait_rows(["a", "b", "c"])
    terminal.type(b"q")
    assert terminal.end() == 0


@pytest.mark.parametrize("how", ["key", "SIGTERM"])
def test_leaves_the_terminal_as_it_was(terminal, how):
    if how == "key":
        terminal.type(b"\x03")
    else:
        terminal.program.send_signal(signal.SIGTERM)
    assert terminal.end() == 0


def test_broker_that_restarts_is_found_again(fleet, terminal):
    fleet.restart_broker()
    client = fleet.client()
    Recorder(client, "new").store(frames=10)
    terminal.wait_rows(["a", "b", "c", "new"])
    terminal.type(b"q")
    assert terminal.end() == 0


def set_requests(fleet, most):
    fleet.sink.settings |= {"rules.max_requests_per_s": most}
    fleet.sink.stop()
    fleet.sink.start()


def test_an_error_is_a_note_and_it_goes_on(fleet):
    """As its device it has so many requests."""
    made = Terminal(fleet.broker, "--device", "a", "-u", "a")
    made.wait_rows(["a"])
    set_requests(fleet, 1)
    wait_for(lambda: made.lines()[3].startswith("not-allowed: "), "the note")
    assert made.rows() == ["a"]
    set_requests(fleet, 0)
    wait_for(lambda: made.lines()[3] == "", "the note to go")
    made.type(b"q")
    assert made.end() == 0


def test_plain_text(fleet):
    lines = reel(fleet.broker, "top", "--once", "--sort", "size").text.splitlines()
    assert lines[0].startswith("sink sink  ok")
    assert [line.split()[0] for line in lines[3:]] == ["DEVICE", "b", "a", "c"]
    rows = {line.split()[0]: line.split() for line in lines[4:]}
    assert rows["b"][1] == "rec" and rows["b"][-1] == "0"
    assert rows["a"][-1] == "1" and rows["c"][-2] == "10"


def test_plain_text_again_and_again(fleet):
    text = reel(fleet.broker, "top", "-n", 3, "--every", "0.1").text
    assert text.count("DEVICE") == 3
    assert " 0 B/s" in text.split("DEVICE")[2]


def test_without_a_sink_it_says_so(fleet):
    fleet.sink.stop()
    said = reel(fleet.broker, "top", "--once", "--timeout", "0.3", status=4).err
    assert "does not answer" in said
    fleet.sink.start()


def test_ends_well_on_ctrl_c_where_it_is_no_terminal(fleet):
    process = start(fleet.broker, "top", "--every", "0.1")
    assert process.stdout.readline().startswith(b"sink")
    process.send_signal(signal.SIGINT)
    assert finished(process).status == 0


def test_sort_that_is_none(fleet):
    assert "--sort" in reel(fleet.broker, "top", "--sort", "colour", status=2).err


def test_looks_that_are_too_many(fleet):
    assert "--every" in reel(fleet.broker, "top", "--every", "0", status=2).err


def test_many_devices_are_asked_for_page_by_page(make_lab):
    lab = make_lab({"limits.max_response_bytes": 65536})  # some 250 on a page
    client = lab.client()
    for number in range(300):
        client.publish(f"{PREFIX}/audio/mic{number:03}/s1", b"no fragment", wait=number % 50 == 0)
    wait_for(lambda: client.request("devices", {"device": "mic299"})["devices"], "the last")
    lines = reel(lab.broker, "top", "--once", "--sort", "device").text.splitlines()
    assert [line.split()[0] for line in lines[4:]] == [f"mic{number:03}" for number in range(300)]
