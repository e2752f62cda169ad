"""The kinds of attack: each sends `count` of something odd, in parts, and yields after each."""
import json
import sys
import time
from itertools import islice
from pathlib import Path

import msgpack

from flood import Flood, properties, publish, subscribe

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from lab import PREFIX, wait_for  # noqa: E402
from proxy import UP  # noqa: E402

PART = 5000
MIB = 1 << 20
LARGEST_BYTES = 16 * MIB  # that a broker lets through, if it is as the README tells
NAMES_A_MINUTE = 600  # limits.new_recordings_per_minute


class Target:
    """What an attack is up against, and what it sends with."""

    def __init__(self, broker, network, client, fleet, pid):
        self.broker, self.client, self.fleet = broker, client, fleet
        self.network, self.pid = network, pid  # between broker and sink; the sink's
        self.largest_bytes = 0
        self._flood = Flood(broker, "attack")

    def send(self, packets, part=PART):
        """Send them in parts; a generator that yields after each."""
        packets = iter(packets)
        while made := list(islice(packets, part)):
            self.largest_bytes = max(self.largest_bytes, *map(len, made))
            self._flood.send(made)
            self._flood.settle()
            yield

    def rests(self):
        """Whether the sink has nothing to do, for a moment."""

        def ticks():
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return fields[11:13]  # utime, stime

        before = ticks()
        time.sleep(0.5)
        return before == ticks()

    def wait_worked_off(self, timeout_s):
        """Until the sink has seen to all that was sent before, on both of its connections: what is
        sent now is answered. Honest recorders never let it rest."""
        reply, after = f"{PREFIX}/reply/worked-off/all", len(self.client.messages)
        self.client.subscribe(reply)
        for topic, payload in ((f"{PREFIX}/audio/worked-off/s", fragment()),
                               (f"{PREFIX}/request/status", b"")):
            self.client.publish(topic, payload, response_topic=reply, correlation=topic.encode())
            self.client.wait_message(
                lambda m, sent=topic.encode(): m.topic == reply and m.correlation == sent,
                "the sink to have worked off what came meanwhile", after, timeout_s)

    def close(self):
        self._flood.close()


def audio(device, session, payload, listed=b""):
    return publish(f"{PREFIX}/audio/{device}/{session}", payload, listed)


def fragment(data=b"1234", tags=None, audio_of=(1, 16000, 2, None), **session):
    """A fragment of 16-bit mono, or of (channels, rate, sample_size, encoding)."""
    channels, rate, sample_size, encoding = audio_of
    form = {"channels": channels, "rate": rate, "sample_size": sample_size}
    form |= {"encoding": encoding} if encoding else {}
    metadata = {"session": session, "audio": form} | ({"tags": tags} if tags else {})
    return msgpack.packb({"metadata": metadata, "data": data})


# Names


def sessions_of_one_device(target, count):
    payload = fragment()
    yield from target.send(audio("attack", f"n{i}", payload) for i in range(count))


def sessions_of_many_devices(target, count):
    payload = fragment()
    yield from target.send(audio(f"attack-{i // 2}", f"s{i}", payload) for i in range(count))


def idle_recordings(target, count):
    """Opened, kept from idling by a fragment each, and then silent."""
    payload = fragment()
    devices = [f"attack-{i // NAMES_A_MINUTE}" for i in range(count)]
    for _ in range(3):
        yield from target.send(audio(device, f"idle{i}", payload) for i, device in enumerate(devices))
    honest = len(target.fleet.recorders) + 1  # and the marker

    def all_complete():
        return target.client.request("list", {"state": "recording", "count": True,
                                              "limit": 1})["total"] <= honest

    wait_for(all_complete, "all to be completed", 120)
    yield


# What a message may be made of


def long_topics(target, count):
    """Topics, places for answers, Correlation Data and user properties as long as they can be."""
    most = 65535
    prefix = f"{PREFIX}/audio/attack/"
    long_name = prefix + "x" * (most - len(prefix))
    ask = f"{PREFIX}/request/"
    here = f"{PREFIX}/reply/attack/here"
    far = f"{PREFIX}/reply/attack/"
    far += "x" * (most - len(far))
    payload = fragment()
    oddities = (
        lambda i: publish(long_name, payload),
        lambda i: publish(f"{PREFIX}/audio/" + "x" * 65000, payload),
        lambda i: publish(ask + "x" * 65000, b"{}"),
        lambda i: publish(ask + "list/" + "x" * 65000, b"{}"),
        lambda i: audio("attack", "s", payload, properties(far)),
        lambda i: publish(ask + "list", b"{}", properties(far)),
        lambda i: audio("attack", "s", payload, properties(f"{here}{i}", bytes(most))),
        lambda i: publish(ask + "list", b"{}", properties(here, bytes(most))),
        lambda i: audio("attack", "s", payload, properties(user=[("x" * 30000, "y" * 30000)] * 30)),
        lambda i: audio("attack", "s", b"RIFF", properties(here, content_type="x" * most)),
    )
    yield from target.send(
        (oddities[i % len(oddities)](i) for i in range(count)), part=2000)


def many_properties(target, count):
    """User properties by the hundred thousand: a list in memory for few bytes each."""
    small = properties(user=[("", "")]) * (MIB // 5)
    yield from target.send((audio("attack", "s", fragment(), small) for _ in range(count)), 20)


def declared_sizes(target, count):
    """Sizes that are declared and not there, and forms that take more room than they come in."""
    float64 = (1, 768000, 8, "float")
    form = {"channels": 1, "rate": 16000, "sample_size": 2}
    head = json.dumps({"metadata": {"audio": form}})[:-1].encode() + b',"data":'
    wav = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"

    def filled(unit, before=b"", after=b""):
        return before + unit * ((MIB - len(before) - len(after)) // len(unit)) + after

    payloads = (
        b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff", b"\x81\xa4data\xdd\xff\xff\xff\xff",
        b"\x81\xa4data\xc6\x7f\xff\xff\xff" + b"x" * 100, b"\x91" * (MIB - 1) + b"\x90",
        wav + b"data\xff\xff\xff\xff1234", wav + b"data\xff\xff\xff\x7f" + bytes(1000),
        filled(b"LIST\0\0\0\0", wav), wav.replace(b"\x01\0\x80", b"\xff\xff\x80") + b"data\4\0\0\0abcd",
        filled(b"[", head), filled(b'{"a":', head), filled(b"{},", head + b"[", b"{}]}"),
        filled(b"[],", head + b"[", b"[]]}"), filled(b"0,", head + b"[", b"0]}"),
        filled(b"0.5,", head + b"[", b"0]}"), filled(b'"",', head + b"[", b'""]}'),
        head + b'"' + b"A" * (MIB - 200) + b'"}',
        b"{" + b",".join(b'"%x":0' % i for i in range(110_000)) + b"}",
        b'{"metadata":{"tags":{' + b",".join(b'"%x":"x"' % i for i in range(80_000)) + b"}}}",
        fragment([0] * (MIB - 200), audio_of=float64),
        fragment(bytes(MIB - 1024), audio_of=(64, 768000, 8, "float")),
        fragment(tags={f"{i:064}": "x" * 256 for i in range(4000)}),
        msgpack.packb({"x": [{}] * (MIB - 10)}), msgpack.packb({i: 0 for i in range(170_000)}),
    )
    yield from target.send(
        (audio("attack", f"s{i % 50}", payloads[i % len(payloads)]) for i in range(count)), 200)


def larger_than_allowed(target, count):
    """Fragments and requests as large as the broker lets through."""
    huge = bytes(LARGEST_BYTES - 1024)
    topics = [f"{PREFIX}/audio/attack/s", f"{PREFIX}/request/list", f"{PREFIX}/audio/x"]
    yield from target.send((publish(topics[i % 3], huge) for i in range(count)), 6)


# What a recording may be made of


def far_jumps(target, count):
    """Each new recording leaves out what is just allowed, and it is filled with silence."""
    silent = (64, 768000, 1, None)
    most_frames = 256 * MIB // 64 - 10

    def jumps():
        for i in range(count):
            yield audio("attack", f"jump{i}", fragment(bytes(64), audio_of=silent, frame=0))
            yield audio("attack", f"jump{i}",
                        fragment(bytes(64), audio_of=silent, frame=most_frames))

    yield from target.send(jumps(), 8)


def many_gaps(target, count):
    """Recordings of more gaps than fragments."""
    payload = fragment
    yield from target.send(
        (audio("attack", f"gaps{i // 30_000}",
               payload(b"12", frame=2 * (i % 30_000), seq=2 * (i % 30_000)))
         for i in range(count)))


def many_boots(target, count):
    """A recorder that starts anew with each fragment."""
    yield from target.send(
        (audio("attack", f"boots{i // 4000}", fragment(b"12", seq=0, boot=i))
         for i in range(count)))


def many_tags(target, count):
    """Each new recording with as many tags as there may be, as long as they may be."""
    tags = {f"{i:064}": "x" * 256 for i in range(32)}
    yield from target.send(
        (audio(f"attack-tags-{i // NAMES_A_MINUTE}", f"tags{i}", fragment(tags=tags))
         for i in range(count)), 2000)


def many_answers(target, count):
    """Of a recording that has much to say, at many places at once."""
    gaps = min(count, 10_000)
    yield from target.send(
        audio("attack", "much", fragment(b"12", seq=2 * i, frame=2 * i)) for i in range(gaps))
    yield from target.send(
        (audio("attack", "much", fragment(b"12", seq=0, frame=0),
               properties(f"{PREFIX}/reply/attack/{i}")) for i in range(count)), 5000)


def places_before_gaps(target, count):
    """The places for answers are named first, and then it gets much to say, all in one batch."""
    def both():
        for i in range(count):
            yield audio("attack", "later", fragment(b"12", seq=0, frame=0),
                        properties(f"{PREFIX}/reply/attack/{i}"))
        for i in range(count):
            yield audio("attack", "later", fragment(b"12", seq=2 * i, frame=2 * i))

    yield from target.send(both())


# Who asks


def ask(op, document, place="attack/deaf"):
    return publish(f"{PREFIX}/request/{op}", json.dumps(document).encode(),
                   properties(f"{PREFIX}/reply/{place}"))


def much_to_ask_for(target, count):
    """A recording of a largest response, a thousand with many tags, one with many gaps."""
    whole = (64, 48000, 2, None)
    size = MIB - 128 * 10
    size -= size % 128
    yield from target.send(
        (audio("attack", "whole", fragment(bytes(size), audio_of=whole)) for _ in range(7)), 7)
    yield from many_tags(target, min(1200, 2 * count))
    yield from target.send(audio("attack", "gaps", fragment(b"12", seq=2 * i, frame=2 * i))
                           for i in range(min(30_000, 100 * count)))


def deaf_client(target, count):
    """Asks for downloads, lists and histories, and never reads."""
    yield from much_to_ask_for(target, count)
    whole = {"device": "attack", "session": "whole"}
    questions = (
        ask("download", whole),
        ask("download", whole | {"offset": 0, "length": MIB, "block_size": MIB}),
        ask("download", whole | {"offset": 0, "length": MIB, "block_size": 1024}),
        ask("list", {"limit": 1000}),
        ask("info", {"device": "attack", "session": "gaps"}),
        publish(f"{PREFIX}/request/download", json.dumps(whole).encode()),
        ask("rejects", {"limit": 1000}),
    )
    with Flood(target.broker, "attack-deaf", deaf=True) as deaf:
        deaf.send([subscribe(1, f"{PREFIX}/reply/attack/#"), subscribe(2, f"{PREFIX}/response/#")])
        for start in range(0, count, 50):
            deaf.send(questions[i % len(questions)] for i in range(start, start + 50))
            target.largest_bytes = LARGEST_BYTES
            yield


def deaf_broker(target, count):
    """The broker gives the sink what others want of it, and reads no answer for a while."""
    yield from much_to_ask_for(target, count)
    whole = {"device": "attack", "session": "whole"}
    whole |= {"offset": 0, "length": MIB, "block_size": MIB}

    def want(i):
        if i % 40 == 0:
            return ask("list", {"limit": 1000}) if i % 80 else ask("download", whole)
        if i % 20 == 0:
            return audio("attack", "gaps", fragment(b"12", seq=0, frame=0),
                         properties(f"{PREFIX}/reply/attack/{i}"))
        return audio("attack", f"s{i % 100}", fragment(b"12", seq=2 * i, frame=2 * i),
                     properties(f"{PREFIX}/reply/attack/{i}", bytes(1000)))

    target.network.stall(UP, only="reeld-")
    for _ in target.send(want(i) for i in range(count)):
        wait_for(target.rests, "the sink to take no more")
    target.largest_bytes = max(target.largest_bytes, 2 * MIB)  # an answer
    target.network.heal()
    target.wait_worked_off(300)
    yield


def refused_messages(target, count):
    """Refusals of many devices and kinds."""
    payloads = (b"", b"x", b"{", fragment(b"123"), bytes(100_000), fragment(audio_of=(65, 1, 2, None)))
    yield from target.send(
        (audio(f"attack-{i % 5000}", "s", payloads[i % len(payloads)]) for i in range(count)), 5000)


# Each with its figure in make test, and its full one.
KINDS, SMALL, FULL = {}, {}, {}
for name, kind, small, full in (
    ("sessions of one device", sessions_of_one_device, 5000, 900_000),
    ("sessions of many devices", sessions_of_many_devices, 300, 100_000),
    ("long topics", long_topics, 200, 20_000),
    ("many properties", many_properties, 10, 500),
    ("declared sizes", declared_sizes, 50, 2500),
    ("larger than allowed", larger_than_allowed, 6, 200),
    ("far jumps", far_jumps, 4, 20),
    ("many gaps", many_gaps, 4000, 1_000_000),
    ("many boots", many_boots, 2000, 400_000),
    ("many tags", many_tags, 600, 19_000),
    ("many answers", many_answers, 3000, 5000),
    ("places before gaps", places_before_gaps, 2000, 8000),
    ("deaf client", deaf_client, 60, 2000),
    ("deaf broker", deaf_broker, 100, 8000),
    ("refused messages", refused_messages, 2000, 50_000),
    ("idle recordings", idle_recordings, 300, 19_900),
):
    KINDS[name], SMALL[name], FULL[name] = kind, small, full
