"""Power cut over whole lives: life.py's deeds, journaled, and of each state that a disk may be left
in by a cut: whether what was answered by then is done, and the rest done or not.

life_power.py --build DIR --journal FOLDER --seed S --position P --number N
shows one state again, from a journal that was kept, with all that the sink says.
"""
import argparse
import multiprocessing
import os
import pickle
import random
import shutil
import sys
import tempfile
from bisect import bisect_left
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import msgpack

import journal
import power
from fleet import introduce
from life import DEEDS, QUIET, SETTINGS, Killer, Name
from lifecheck import Content, check_life

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import PREFIX, Broker, Sink  # noqa: E402

RETENTION_BYTES = 60_000
SEEN = f"{PREFIX}/reply/recorder/"  # acknowledgements of fragments, by session


@dataclass
class History:
    """What may be found under which name, from when on. `notes` are (mark, (device, session), may);
    a mark is the topic of the answer that said so, None where none did, and the place in the
    journal where it was known."""

    notes: list = field(default_factory=list)
    contents: dict = field(default_factory=dict)
    vanishes: bool = False

    def save(self, path):
        Path(path).write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path):
        return pickle.loads(Path(path).read_bytes())


class Journaled(Killer):
    """A life that keeps its history."""

    def __init__(self, sink, generator, path, disk, vanishes):
        super().__init__(sink, generator, count(1), vanishes)
        self.path, self.disk = path, disk
        self.history = History(contents=self.contents, vanishes=vanishes)
        self.asked_after = 0  # where in the journal

    def note(self, name, may, reply=None, place=None):
        mark = (reply, journal.end(self.path) if place is None else place)
        self.history.notes.append((mark, (name.device, name.session), frozenset(may)))

    def go_on(self):
        """What is asked from now on is done behind this place of the journal."""
        self.asked_after = journal.end(self.path)

    def doubts(self, name, more):
        self.note(name, name.may | more, place=self.asked_after)

    def learns(self, name, reply=None):
        self.note(name, name.may, reply)

    def records(self, name, content, first=0, may_go=False, reply=None):
        grows = {Content(content.number, first, grows=True)}
        self.note(name, grows | ({None} if may_go else set()), reply)

    def revive(self):
        journal.settle(self.path, self.disk)
        super().revive()


class Workload:
    """A life, journaled. Its folder then holds the journal, and nothing else that a state needs."""

    def __init__(self, build, folder, seed, deeds):
        self.build, self.folder, self.choice = build, Path(folder), random.Random(seed)
        self.disk, self.path, self.deeds = self.folder / "disk", self.folder / "journal", deeds
        self.vanishes = self.choice.random() < 0.3

    def settings(self):
        return SETTINGS | {
            "store.dir": self.disk / power.STORE,
            "ingest.commit_interval_ms": self.choice.choice([0, 2, 10, 30]),
        } | ({"retention.max_bytes": RETENTION_BYTES} if self.vanishes else {})

    def live(self, life):
        deeds, weights = zip(*DEEDS)
        for number in range(1, self.deeds + 1):
            life.done = number
            life.go_on()
            self.choice.choices(deeds, weights)[0](life)
            life.stand()
            life.resolve()

    def run(self):
        """(path of the journal, history)"""
        self.disk.mkdir(parents=True)
        with Broker(self.folder / "broker", log_types=QUIET) as broker:
            introduce(self.build, self.folder, broker)
            sink = Sink(self.build, self.folder, broker, self.settings(),
                        env=journal.environment(self.build, self.path, self.disk))
            life = Journaled(sink, self.choice, self.path, self.disk, self.vanishes)
            try:
                sink.start()
                self.live(life)
                sink.stop()
            except AssertionError as error:
                raise AssertionError("\n".join([f"{error}", *life.story[-10:],
                                                sink.log()[-1500:]])) from None
            finally:
                life.close()
                if sink.program and sink.program.running():
                    sink.program.kill()
            journal.settle(self.path, self.disk)
        return self.path, life.history


def replies(records):
    """(number of the record that brings it to its end, topic, payload) of each."""
    sent, found = journal.Sent(), []
    for number, record in enumerate(records):
        if record.kind == journal.START:
            sent = journal.Sent()  # its sockets may have the numbers of those before
        elif record.kind == journal.SEND:
            found += [(number, topic, payload) for topic, _, payload in sent.replies(record)]
    return found


class LifeStates(power.States):
    """Of one journal, in the order of their positions."""

    def __init__(self, build, path, history, seed):
        super().__init__(build, path, power.Ledger(), seed)
        self.contents, self.vanishes = history.contents, history.vanishes
        self.names = {key: Name(*key) for _, key, _ in history.notes}
        self.stored = {}  # session: fragments that were acknowledged
        said = replies(self.records)
        self.notes = self.placed(history.notes, said)
        self.acknowledged = [(number, topic.removeprefix(SEEN), msgpack.unpackb(payload))
                             for number, topic, payload in said if topic.startswith(SEEN)]

    def placed(self, notes, said):
        """Notes with the number of the record before which they are not true yet. An answer whose
        sending a kill came into is taken for given when it was known."""
        answered = {topic: number + 1 for number, topic, _ in reversed(said)}
        places, later, found = [record.at for record in self.records], len(self.records), []
        for (reply, place), key, may in reversed(notes):
            at = answered.get(reply, bisect_left(places, place))
            later = min(at, later)
            found.append((later, key, may))
        return found[::-1]

    def go_to(self, position):
        while self.disk.number < position:
            self.disk.take(self.records[self.disk.number])
        while self.notes and self.notes[0][0] <= position:
            _, key, may = self.notes.pop(0)
            self.names[key].may = set(may)
        while self.acknowledged and self.acknowledged[0][0] < position:
            _, session, said = self.acknowledged.pop(0)
            if said.get("seq") is not None:
                missing = {seq for first, last in said["missing"] for seq in range(first, last + 1)}
                held = self.stored.setdefault(session, set())
                held |= set(range(said["seq"] + 1)) - missing

    def judge(self, store, number):
        return check_life(store, self, cut=True)


def run(build, times, seed, deadline=None, keep=None, deeds=60):
    """A life and `times` of the states it may leave; returns states checked, findings."""
    folder = Path(tempfile.mkdtemp(prefix="torture-life-power-", dir=power.MEMORY))
    try:
        path, history = Workload(build, folder, seed, deeds).run()
        reached, findings = LifeStates(build, path, history, seed).run(times, deadline)
        if findings and keep:
            kept = Path(keep, f"life-power-{seed}")
            kept.mkdir(parents=True, exist_ok=True)
            journal.keep(path, kept / "journal")
            history.save(kept / "history")
        return reached, findings
    except AssertionError as error:
        return 0, [f"seed {seed}: {error}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_side_by_side(build, lives, times, seed, deadline=None, keep=None, deeds=60):
    """So many lives with `times` states each, two at a time. Returns states checked, findings."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(run, build, times, seed + n, deadline, keep, deeds)
                for n in range(lives)]
        results = [one.result() for one in runs]
    return sum(reached for reached, _ in results), [line for _, said in results for line in said]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--journal", type=Path, required=True, help="folder of a kept one")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--position", type=int, required=True)
    parser.add_argument("--number", type=int, required=True)
    asked = parser.parse_args()
    history = History.load(asked.journal / "history")
    states, log = LifeStates(asked.build, asked.journal / "journal", history, asked.seed), []
    folder = Path(tempfile.mkdtemp(prefix="torture-cut-"))
    (folder / "before").mkdir()
    (folder / "after").mkdir()
    states.cut_at(asked.position, asked.number).write(folder / "before")
    findings = states.check(asked.position, asked.number, folder / "after", log)
    print("".join(log) + "\n".join([*findings, f"the state: {folder}"]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
