"""A recording's whole life under kills: uploads in one message and in blocks, overwriting, keeping,
tagging, deleting (also what is being recorded, and all that a filter matches), recordings that go on
in parts, and retention.

Of every name is known what may be found under it: what the last answer said, or, where the sink was
killed before it answered, also what there was before. So a change is done or not done, never half.
"""
import hashlib
import random
import shutil
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import msgpack

from lifecheck import Content, check_life
from marked import CHANNELS, RATE, SAMPLE_BYTES, Recording

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))
from audio import Format, wav_bytes  # noqa: E402
from fleet import introduce  # noqa: E402
from harness import Client  # noqa: E402
from lab import PREFIX, Broker, Sink, wait_for  # noqa: E402

FORM = Format(CHANNELS, RATE, SAMPLE_BYTES)
AUDIO = {"channels": CHANNELS, "rate": RATE, "sample_size": SAMPLE_BYTES}
SHORT, LONG = (4, 400), (40, 3000)  # fragments, and frames of each: a part holds 16 of the latter
DEVICES = 3
NAMES = 4  # of each device, used again and again
CHECK_EVERY = 8
QUIET = ("error", "warning")
BLOCK_BYTES = 4096
SETTINGS = {
    "session.idle_timeout_s": 600,
    "session.max_duration_s": 1,
    "ingest.commit_interval_ms": 5,
    "limits.new_recordings_per_minute": 60_000,
    "upload.block_bytes": BLOCK_BYTES,
}


class Refuted(AssertionError):
    """The sink's answer contradicts what is known."""


class Name:
    """One name: `may` holds what may be found under it, None for nothing."""

    def __init__(self, device, session):
        self.device, self.session = device, session
        self.may = {None}

    @property
    def key(self):
        return {"device": self.device, "session": self.session}

    def answered(self, outcomes, status):
        """Take an answer in. `outcomes` is, for each thing that may be there, what the answer
        would be and what then is there."""
        left = {after for said, after in outcomes if said == status}
        if not left:
            raise Refuted(f"{self.device}/{self.session}: answered {status}, though there is"
                          f" {self.may} and that would give {outcomes}")
        self.may = left

    def unanswered(self, outcomes):
        self.may = self.may | {after for _, after in outcomes}

    def found(self, content, vanishes):
        if content not in self.may and not (content is None and vanishes):
            raise Refuted(f"{self.device}/{self.session}: holds {content}, not one of {self.may}")
        self.may = {content}


class Life:
    """Does one thing after the other to a sink that is killed in between."""

    def __init__(self, sink, generator, numbers, vanishes=False):
        self.sink, self.generator, self.numbers = sink, generator, numbers
        self.vanishes = vanishes  # retention may take what is not kept
        self.client = Client(sink.broker)
        self.names = {}
        self.contents = {}  # number: marked.Recording
        self.done = 0
        self.reply = None  # the topic of the last answer
        self.story = []  # what was asked and answered, to be told with a finding

    def close(self):
        self.client.close()

    # What who keeps a history is told (life_power.py), each time before or after `name.may` changes

    def doubts(self, name, more):
        """What was asked since the last that was told may have led to one of `more` too."""

    def learns(self, name, reply=None):
        """What may be there was narrowed, by the answer to that topic."""

    def records(self, name, content, first=0, may_go=False, reply=None):
        """Its fragments from number `first` on come one by one; with `may_go` it is being deleted."""

    # What is asked, and what it would come to

    def name(self, device, session):
        return self.names.setdefault((device, session), Name(device, session))

    def any_name(self):
        device = f"shelf-{self.generator.randrange(DEVICES)}"
        return self.name(device, f"s{self.generator.randrange(NAMES)}")

    def content(self, size=SHORT, device="-", session="-"):
        number = next(self.numbers)
        self.contents[number] = Recording(number, device, session, *size)
        return self.contents[number]

    @staticmethod
    def put(may, number, overwrite):
        """Of an upload."""
        return [("ok", Content(number)) if state is None or overwrite and not state.kept
                else ("conflict", state) for state in may]

    @staticmethod
    def remove(may, force):
        """What is gone already may be said to be gone, or not to be there."""
        gone = [("not-found", None), ("ok", None)] if None in may else []
        return gone + [("conflict", state) if state.kept and not force else ("ok", None)
                       for state in may if state]

    @staticmethod
    def pin(may, kept):
        return [("not-found", None) if state is None
                else ("ok", Content(state.number, state.first, kept)) for state in may]

    # How it is asked: each returns the answer's status, None where there was none

    def wait(self, matches, after):
        """The first such message, None if the sink has ended before it came."""
        def come():
            return next((m for m in self.client.messages[after:] if matches(m)), None)

        ended = wait_for(lambda: come() or not self.sink.program.running() and "ended",
                         "an answer", 60)
        return come() if ended == "ended" else ended

    def hear(self, topic, payload, device="life", **properties):
        """Publish; return the answer's document, None where the sink ended before it."""
        reply = self.reply = f"{PREFIX}/reply/{device}/{self.done}-{next(self.numbers)}"
        self.client.subscribe(reply)
        after = len(self.client.messages)
        self.client.publish(topic, payload, response_topic=reply, correlation=b"life", **properties)
        self.strike()
        message = self.wait(lambda m: m.topic == reply, after)
        answer = message and message.document
        self.story.append(f"{topic} {properties.get('user', payload)}: {answer and str(answer)[:150]}")
        return answer

    def strike(self):
        """The moment at which the sink may be killed: see Killer."""

    @staticmethod
    def status(document):
        """None where there is no answer, or one that nobody can rely on."""
        if document is None:
            return None
        code = "ok" if document["status"] == "ok" else document["error"]["code"]
        return None if code == "stalled" else code

    def ask(self, op, **document):
        answer = self.hear(f"{PREFIX}/request/{op}", msgpack.packb(document),
                           content_type="application/msgpack")
        return self.status(answer), answer

    # The things that are done

    def do(self, names, outcomes_of, status):
        """Take the status of what was asked of these names in."""
        for name in names:
            if self.vanishes and not all(state and state.kept for state in name.may):
                name.may = name.may | {None}
            self.doubts(name, {after for _, after in outcomes_of(name)})
        for name in names:
            outcomes = outcomes_of(name)
            if status is None:
                name.unanswered(outcomes)
            else:
                name.answered(outcomes, status)
                self.learns(name, self.reply)

    def upload(self):
        name, overwrite = self.any_name(), self.generator.random() < 0.5
        content = self.content()
        audio = b"".join(content.data(0, seq) for seq in range(content.fragments))
        user = {"overwrite": "true"} if overwrite else {}
        answer = self.hear(f"{PREFIX}/upload/{name.device}/{name.session}", wav_bytes(audio, FORM),
                           name.device, user=user | {"tag.number": content.number})
        self.do([name], lambda n: self.put(n.may, content.number, overwrite), self.status(answer))

    def upload_in_blocks(self):
        name, overwrite = self.any_name(), self.generator.random() < 0.5
        content, status = self.content(), None
        audio = wav_bytes(b"".join(content.data(0, s) for s in range(content.fragments)), FORM)
        while status is None:
            self.stand()
            status = self.send_blocks(name, content, audio, overwrite)
            self.do([name], lambda n: self.put(n.may, content.number, overwrite), status)

    def send_blocks(self, name, content, audio, overwrite):
        """Ask what is missing, send that; the status of the end, or of a beginning that failed."""
        status, answer = self.ask("upload-begin", **name.key, size=len(audio), overwrite=overwrite,
                                  sha256=hashlib.sha256(audio).hexdigest(),
                                  tags={"number": content.number})
        if status != "ok":
            return status
        data = answer["data"]
        topic = f"{PREFIX}/upload/{name.device}/{name.session}/{data['upload']}"
        for first, last in data["missing"]:
            for at in range(first * data["block_size"], (last + 1) * data["block_size"],
                            data["block_size"]):
                self.client.publish(f"{topic}/{at}", audio[at : at + data["block_size"]])
        return self.end_upload(name, data["upload"])

    def end_upload(self, name, upload):
        """Blocks come by another connection than the request: what is missing may be under way."""
        for _ in range(200):
            status, answer = self.ask("upload-end", **name.key, upload=upload)
            if status == "conflict" and answer["error"]["field"] == "missing":
                time.sleep(0.02)
                continue
            return status
        raise Refuted(f"the blocks of {name.key} never arrived")

    def delete(self):
        name, force = self.any_name(), self.generator.random() < 0.3
        status, _ = self.ask("delete", **name.key, force=force)
        self.do([name], lambda n: self.remove(n.may, force), status)

    def delete_all_of_a_device(self):
        device = f"shelf-{self.generator.randrange(DEVICES)}"
        status, _ = self.ask("delete", device=device)
        names = [name for (of, _), name in self.names.items() if of == device]
        self.do(names, lambda n: [("ok", s if s and s.kept else None) for s in n.may], status)

    def keep(self):
        name, kept = self.any_name(), self.generator.random() < 0.5
        status, _ = self.ask("keep", **name.key, keep=kept)
        self.do([name], lambda n: self.pin(n.may, kept), status)

    def tag(self):
        name = self.any_name()
        status, _ = self.ask("tag", **name.key, tags={"seen": next(self.numbers)})
        self.do([name], lambda n: [("not-found", None) if s is None else ("ok", s) for s in n.may],
                status)

    def record(self, size=LONG, delete_at=None):
        """Record, sending again what is not acknowledged; delete what is there in the middle."""
        name = self.name("recorder", f"r{next(self.numbers)}")
        content = self.content(SHORT if self.vanishes else size)
        self.records(name, content)
        if delete_at:
            self.send(name, content, range(delete_at), whole=False)
            self.records(name, content, may_go=True)
            status, _ = self.ask("delete", **name.key)
            while status is None:
                self.stand()
                status, _ = self.ask("delete", **name.key)
            if status not in ("ok", "not-found"):
                raise Refuted(f"delete of {name.key}: {status}")
            self.records(name, content, first=delete_at, reply=self.reply)
        # What was deleted comes once more, as from a recorder that has not heard of its end.
        self.send(name, content, range(content.fragments), whole=True)
        name.may = {Content(content.number, delete_at or 0)}
        self.learns(name)

    def send(self, name, content, seqs, whole):
        """All of them until all are acknowledged."""
        reply = f"{PREFIX}/reply/{name.device}/{name.session}"
        self.client.subscribe(reply)
        while True:
            after = len(self.client.messages)
            for seq in seqs:
                head = {"seq": seq, "end": whole and seq == content.fragments - 1}
                payload = msgpack.packb({"metadata": {"session": head, "audio": AUDIO},
                                         "data": content.data(0, seq)})
                self.client.publish(f"{PREFIX}/audio/{name.device}/{name.session}", payload,
                                    response_topic=reply, correlation=b"r", wait=False)
            self.strike()

            def stored(message):
                if message.topic != reply:
                    return False
                said = message.document
                if said["status"] != "ok":
                    raise Refuted(f"{name.key}: refused: {said['error']}")
                return said["seq"] is not None and said["seq"] >= seqs[-1] and not said["missing"]

            if self.wait(stored, after):
                return
            self.revive()

    # After a kill

    def revive(self):
        """Start it again."""
        self.sink.launch()
        self.sink.wait_online()

    def stand(self):
        """Start it again if it has ended; it may have answered that it cannot now."""
        if not self.sink.program.running():
            self.revive()

    def settle(self):
        """What comes to the sink after this came after all else, and nothing is under way."""
        barrier = self.name("recorder", f"b{next(self.numbers)}")
        content = self.content((1, 1))
        self.records(barrier, content)
        strike, self.strike = self.strike, lambda: None
        self.send(barrier, content, range(1), whole=True)
        self.strike = strike
        barrier.may = {Content(content.number)}
        self.learns(barrier)
        store = Path(self.sink.store)
        wait_for(lambda: not any(store.glob("uploads/*")), "uploads to be made recordings")
        wait_for(lambda: not any(store.glob("recordings/*/.*.deleted.tmp")), "files to be unlinked")

    def resolve(self):
        """Look which of those that may be there is."""
        doubtful = [name for name in self.names.values() if len(name.may) > 1]
        if doubtful:
            self.settle()
        for name in doubtful:
            name.found(self.look(name), self.vanishes)
            self.learns(name)

    def look(self, name):
        answer = self.client.ask("info", name.key).document
        if answer["status"] != "ok":
            return None
        number = int(answer["data"]["tags"]["number"])
        return Content(number, 0, answer["data"]["kept"])


DEEDS = (
    (Life.upload, 5), (Life.upload_in_blocks, 3), (Life.delete, 4), (Life.keep, 3), (Life.tag, 1),
    (Life.delete_all_of_a_device, 1), (Life.record, 1),
    (lambda life: life.record(SHORT, delete_at=2), 2),
)


class Killer(Life):
    """Kills the sink in the middle of what it is asked, more often than not."""

    kills = 0

    def strike(self):
        if self.generator.random() < 0.5:
            time.sleep(self.generator.expovariate(1 / 0.015))
            if self.sink.program.running():
                self.sink.kill()
                self.kills += 1


def live(life, times, deadline, check):
    """Do `times` things; returns findings of `check`, a look at the store of a stopped sink."""
    deeds, weights = zip(*DEEDS)
    for number in range(1, times + 1):
        life.done += 1
        life.generator.choices(deeds, weights)[0](life)
        life.stand()
        life.resolve()
        if number % CHECK_EVERY == 0 or number == times or deadline and time.monotonic() > deadline:
            life.settle()
            life.sink.stop()
            findings = check()
            if findings or number == times or deadline and time.monotonic() > deadline:
                return findings
            life.sink.start()
    return []


def lives(build, folder, seed, times, deadline=None, retention=None):
    """Returns kills reached and findings."""
    generator, folder = random.Random(seed), Path(folder)
    settings = SETTINGS | ({"retention.max_bytes": retention} if retention else {})
    with Broker(folder / "broker", log_types=QUIET) as broker:
        introduce(build, folder, broker)
        sink = Sink(build, folder, broker, settings)
        life = Killer(sink, generator, count(1), vanishes=bool(retention))
        try:
            sink.start()
            findings = live(life, times, deadline, lambda: check_life(sink.store, life))
        except AssertionError as error:
            findings = [f"{error}", *life.story[-10:], sink.log()[-1500:]]
        finally:
            life.close()
            if sink.program and sink.program.running():
                sink.program.kill()
        sink.check()
    return life.kills, findings


def run(build, times, seed, deadline=None, keep=None, retention=None):
    """The same in a folder of its own, which is kept under `keep` if there is a finding."""
    folder = Path(tempfile.mkdtemp(prefix="torture-life-"))
    try:
        reached, findings = lives(build, folder, seed, times, deadline, retention)
        if findings and keep:
            shutil.copytree(folder, Path(keep, f"life-{seed}"), dirs_exist_ok=True)
        return reached, findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
