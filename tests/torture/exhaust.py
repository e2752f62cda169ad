"""Strangers that ask for all the sink has, while honest recorders record.

Each kind of attack (exhaust_kinds.py) comes in parts. After each part honest recorders must have
been acknowledged anew; after each kind what the sink had in memory at its highest, its descriptors
and what it keeps of refused messages are within their bounds, and in the end all that honest
recorders sent is whole.

Memory is VmHWM, the most that was resident at any moment: also files that are mapped, among them
the program and its libraries. So it says more than what was allocated, and misses nothing between
two looks.
"""
import contextlib
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from checker import check
from exhaust_kinds import FULL, KINDS, SMALL, Target
from fleet import STYLES, Fleet, introduce
from ledger import Ledger

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))
from harness import Client, Recorder  # noqa: E402
from lab import Broker, Sink, wait_for  # noqa: E402
from proxy import Proxy  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20
# And two of the largest messages that a kind sends; of those that a broker lets through where it has
# the sink make long answers.
MEMORY_BYTES = 64 * MIB
QUARANTINE_BYTES = 64 * MIB  # quarantine.max_bytes, and a block for each of at most 16,384 files
DESCRIPTORS = 8192 + 64  # of files (store_open.c), and the others
# As the README tells brokers to be: what is larger they refuse.
BROKER = "message_size_limit 16777216\nmax_queued_bytes 536870912\n"
# Honest recordings are only ended by their recorders here: those of the style that does not say
# its end would be completed by the silence that some kinds wait for.
HONEST = tuple(style for style in STYLES if not style.backwards)
SETTINGS = {"ingest.commit_interval_ms": 50}
NEEDS_NETWORK = {"deaf broker"}  # a proxy between broker and sink, which slows it down
SMALL_SETTINGS = {"session.idle_timeout_s": 3}


class Siege:
    """A broker, a sink, honest recorders, and what the sink is watched by."""

    def __init__(self, build, folder, settings=None, network=False):
        self.folder = Path(folder)
        self._stack = contextlib.ExitStack()
        self.ledger = Ledger()
        self.findings = []
        enter = self._stack.enter_context
        self.broker = enter(Broker(self.folder / "broker", log_types=("error",), extra=BROKER))
        introduce(build, self.folder, self.broker)
        self.network = enter(Proxy(self.broker)) if network else None
        settings = SETTINGS | ({"broker.port": self.network.port} if network else {}) | (
            settings or {})
        self.sink = enter(Sink(build, self.folder, self.broker, settings))
        self.fleet = enter(Fleet(self.broker, self.ledger, len(HONEST), 400, 200, HONEST))
        self.client = Client(self.broker)
        self._stack.callback(self.client.close)
        self.marker = Recorder(self.client, "marker")
        self.marker.store(frames=1)

    def of_process(self, name, file="status"):
        text = Path(f"/proc/{self.sink.program.pid}/{file}").read_text()
        return int(re.search(rf"^{name}:?\s+(\d+)", text, re.MULTILINE)[1])

    def settle(self):
        """All that was sent has been seen to, and honest recorders are heard after it."""
        before = self.fleet.acknowledgements
        self.marker.store(frames=1)
        self.client.request("status")

        def heard():
            self.fleet.check()
            return self.fleet.acknowledgements > before

        wait_for(heard, "honest recorders to be acknowledged")

    def look(self, name, largest_bytes):
        """What was taken more of than there is; returns the peak of memory."""
        peak = self.of_process("VmHWM") * KIB
        if peak > MEMORY_BYTES + 2 * largest_bytes:
            self.findings.append(f"{name}: {peak / MIB:.1f} MiB of memory, largest message"
                                 f" {largest_bytes / MIB:.2f} MiB")
        descriptors = len(list(Path(f"/proc/{self.sink.program.pid}/fd").iterdir()))
        if descriptors > DESCRIPTORS:
            self.findings.append(f"{name}: {descriptors} descriptors")
        held = sum(path.stat().st_size for path in (self.sink.store / "quarantine").iterdir()
                   if path.exists())
        if held > QUARANTINE_BYTES:
            self.findings.append(f"{name}: {held / MIB:.0f} MiB in quarantine")
        return peak

    def bear(self, name, count, deadline=None):
        """One kind of attack; returns the peak of memory in it, None if it did not come to its
        end in time."""
        Path(f"/proc/{self.sink.program.pid}/clear_refs").write_text("5")
        target = Target(self.broker, self.network, self.client, self.fleet,
                        self.sink.program.pid)
        with contextlib.closing(target):
            for _ in KINDS[name](target, count):
                self.settle()
                if deadline and time.monotonic() > deadline:
                    return None
            return self.look(name, target.largest_bytes)

    def finish(self):
        """Honest recorders come to their end; what they sent is whole."""
        self.fleet.finish()
        self._stack.close()
        self.sink.check()
        honest = set(self.fleet.recorders)
        said = check(self.sink.store, self.ledger, settled=True, complete=True)
        self.findings += [line for line in said if not of_stranger(line, honest)]
        return self.findings

    def close(self):
        self._stack.close()


def of_stranger(line, honest):
    """Whether it tells only that a stranger recorded, or was refused."""
    return line.split("/")[0] not in honest and (
        line.endswith(": nobody recorded this") or ": in quarantine: " in line)


def run(build, counts, settings=None, deadline=None):
    """Attacks of the kinds that `counts` names, one after the other, on one sink. Returns the peak
    of each that came to its end, in bytes, and findings."""
    folder = tempfile.mkdtemp(prefix="torture-exhaust-")
    peaks = {}
    try:
        network = not NEEDS_NETWORK.isdisjoint(counts)
        with contextlib.closing(Siege(build, folder, settings, network)) as siege:
            for name, count in counts.items():
                peak = siege.bear(name, count, deadline)
                peaks |= {name: peak} if peak else {}
            return peaks, siege.finish()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Exhaust:
    """Strangers that ask for all there is, one kind after the other at its full figure."""

    figures = "all, small", "all", "all, 10x"
    unit = "kinds"

    @staticmethod
    def reached(state):
        peaks = state.get("peaks", {})
        most = max(peaks, key=peaks.get, default=None)
        told = f", at most {peaks[most]:.1f} MiB ({most})" if most else ""
        return f"{len(peaks)}/{len(KINDS)} kinds, {state.get('reached', 0) // len(KINDS)}x{told}"

    def step(self, step):
        """The next kind, on a sink of its own."""
        kind = list(KINDS)[step.state.get("reached", 0) % len(KINDS)]
        try:
            peaks, findings = run(step.build, {kind: FULL[kind]}, deadline=step.deadline)
        except AssertionError as error:
            return [f"{kind}: {error}"]
        if kind in peaks:
            known = step.state.setdefault("peaks", {})
            known[kind] = max(known.get(kind, 0), round(peaks[kind] / MIB, 1))
            step.add(1)
        return findings

    @staticmethod
    def look(build):
        return run(build, {kind: SMALL[kind] for kind in ("many answers", "many tags")})[1]
