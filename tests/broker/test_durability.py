"""What was acknowledged stays: kills, restarts, a disk that fails, and the order of write, sync,
commit and acknowledgement."""
import os
import re
import signal
import threading

import pytest

from harness import PREFIX, Format, Recorder, assert_same_audio, probe, read_ffmpeg, read_wave
from lab import wait_for
from tracing import can_trace, inject

# The broker's log of what it gave to the sink's ingest connection, and what came back for it.
GIVEN = re.compile(r"Sending PUBLISH to reeld-sink-ingest \(d(\d), q1, r0, m(\d+), '([^']*)'")
TAKEN = re.compile(r"Received PUBACK from reeld-sink-ingest \(Mid: (\d+)")


def audio_given(broker):
    """(is a repeat, packet id) of each fragment that the broker gave to the sink."""
    return [(dup == "1", int(mid)) for dup, mid, topic in GIVEN.findall(broker.log())
            if "/audio/" in topic]


def acknowledged(broker):
    return [int(mid) for mid in TAKEN.findall(broker.log())]


def unread_bytes(sink):
    """What lies in the receive buffers of the sink's sockets, not yet read by it."""
    inodes = set()
    for entry in os.scandir(f"/proc/{sink.program.pid}/fd"):
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry.path))
        except FileNotFoundError:
            continue
        if found:
            inodes.add(found[1])
    unread = 0
    with open(f"/proc/{sink.program.pid}/net/tcp") as table:
        for line in table.read().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                unread += int(fields[4].split(":")[1], 16)
    return unread


def noise(n, frames=160):
    return Format().noise(frames, n)


def finish(lab, recorder):
    """End the recording; return the audio of its file."""
    ended = len(lab.watcher.events(recorder.device, recorder.session, "completed"))
    recorder.end()
    lab.watcher.wait_event(recorder.device, recorder.session, "completed", count=ended + 1)
    return read_wave(lab.sink.wav(recorder.device, recorder.session))[1]


def test_fragments_read_but_not_committed_are_sent_again(make_lab):
    """Killed between reading and commit, the sink is sent every fragment again: no PUBACK leaves
    before the commit."""
    lab = make_lab({"ingest.commit_interval_ms": 60_000, "ingest.commit_bytes": 1 << 28})
    recorder = Recorder(lab.client(), "mic")
    for seq in range(10):
        recorder.post(noise(seq), seq=seq)
    recorder.post(noise(9), seq=9)  # a repeat is compared, for which what waits is written
    path = lab.sink.uncommitted_wav("mic", "s1")
    wait_for(lambda: len(audio_given(lab.broker)) == 11, "the broker to send them")
    wait_for(lambda: unread_bytes(lab.sink) == 0, "the sink to have read them")
    # Written, all of them, so they were read and decoded; and yet nothing is acknowledged.
    wait_for(lambda: path.exists() and path.read_bytes().endswith(noise(9)), "them to be written")
    lab.sink.kill()
    assert acknowledged(lab.broker) == []

    lab.sink.settings["ingest.commit_interval_ms"] = 20
    lab.sink.start()
    wait_for(lambda: len(acknowledged(lab.broker)) == 11, "their acknowledgement")
    given = audio_given(lab.broker)
    assert given[11:] == [(True, mid) for _, mid in given[:11]]
    assert recorder.info()["fragments"] == 10
    assert_same_audio(finish(lab, recorder), b"".join(noise(seq) for seq in range(10)))


def test_committed_fragments_are_not_sent_again(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    for seq in range(5):
        recorder.store(noise(seq), seq=seq)
    wait_for(lambda: len(acknowledged(lab.broker)) == 5, "their acknowledgement")
    lab.sink.restart(kill=True)
    recorder.store(noise(5), seq=5)
    assert len(audio_given(lab.broker)) == 6
    assert_same_audio(finish(lab, recorder), b"".join(noise(seq) for seq in range(6)))


def test_unnumbered_fragments_come_once_however_often_the_sink_is_killed(make_lab):
    """Nothing in the fragment tells a repeat: the packet ids and hashes of the batch must."""
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    for n in range(40):
        for part in range(5):
            recorder.post(noise(f"{n} {part}"), wait=False)
        if n % 8 == 7:
            lab.sink.restart(kill=True)
    audio = finish(lab, recorder)
    expected = b"".join(noise(f"{n} {part}") for n in range(40) for part in range(5))
    assert_same_audio(audio, expected)


def test_batch_whose_acknowledgements_got_lost_is_recognised(make_lab):
    """The broker forgets, as after a power cut, that a batch without numbers was acknowledged, and
    sends it again: packet ids and hashes tell it from new audio, also from the same again."""
    lab = make_lab({"ingest.commit_interval_ms": 60_000}, broker={"persistence": True})
    recorder = Recorder(lab.client(), "mic")
    parts = [noise(seed) for seed in (1, 2, 2, 3)]
    for part in parts:
        recorder.post(part)
    wait_for(lambda: len(audio_given(lab.broker)) == len(parts), "the broker to send them")
    wait_for(lambda: unread_bytes(lab.sink) == 0, "the sink to have read them")
    lab.broker.program.send(signal.SIGUSR1)  # mosquitto writes down what it has in flight
    wait_for(lambda: "Saving in-memory database" in lab.broker.log(), "the broker to save")
    lab.sink.settings["ingest.commit_interval_ms"] = 20
    lab.sink.stop()
    assert len(acknowledged(lab.broker)) == len(parts)
    lab.sink.launch()
    lab.restart_broker()
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(3))
    assert audio_given(lab.broker)[4:8] == [(True, mid) for _, mid in audio_given(lab.broker)[:4]]
    assert recorder.info()["duplicates"] == len(parts)
    assert_same_audio(finish(lab, recorder), b"".join(parts) + noise(3))


def test_killed_again_and_again_under_load(make_lab):
    lab = make_lab()
    count, devices = 400, ["a", "b", "c", "d"]
    recorders = [Recorder(lab.client(), device) for device in devices]
    stop = threading.Event()

    def send(recorder):
        for seq in range(count):
            recorder.post(noise(f"{recorder.device} {seq}"), seq=seq, frame=160 * seq, wait=False)
            if stop.wait(0.01):
                return

    threads = [threading.Thread(target=send, args=(recorder,)) for recorder in recorders]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            before = len(acknowledged(lab.broker))
            wait_for(lambda: len(acknowledged(lab.broker)) > before + 20, "some progress")
            lab.sink.restart(kill=True)
        for thread in threads:
            thread.join()
    finally:
        stop.set()
    for recorder in recorders:
        expected = b"".join(noise(f"{recorder.device} {seq}") for seq in range(count))
        assert_same_audio(finish(lab, recorder), expected)
        info = recorder.info()
        assert (info["gap_frames"], info["rejected"], info["lost"]) == (0, 0, [])


# (numbers, audio, boot): repeats, a gap, its filling, a jump that is confirmed, reboots, a restart
# under the old name, and fragments without numbers.
HISTORY = [
    (dict(seq=0, frame=0, boot=1), 0), (dict(seq=1, frame=160, boot=1), 1),
    (dict(seq=1, frame=160, boot=1), 1), (dict(seq=4, frame=640, boot=1), 4),
    (dict(seq=3, frame=480, boot=1), 3), (dict(seq=0, frame=0, boot=1), 0),
    (dict(seq=10**9, frame=160 * 10**9, boot=1), 5),
    (dict(seq=10**9 + 1, frame=160 * 10**9 + 160, boot=1), 6),
    (dict(seq=2, frame=320, boot=1), 2), (dict(seq=0, frame=0, boot=2), 7),
    (dict(seq=1, frame=160, boot=2), 8), (dict(seq=0, frame=0, boot=2), 9),
    (dict(seq=1, frame=160, boot=2), 10), (dict(seq=1, frame=160, boot=1), 1),
    (dict(), 11), (dict(seq=2, frame=320, boot=2), 12),
    (dict(seq=5, frame=800, boot=1), 13),
]
FIGURES = ("frames", "fragments", "duplicates", "rejected", "gap_frames", "gaps", "missing",
           "missing_frames", "lost", "stretches", "boot", "next_seq", "state")


def answer_of(recorder, numbers, seed):
    answer = recorder.send(noise(seed), **numbers)
    return answer["status"], answer.get("error", {}).get("code")


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_restarts_between_the_fragments_change_nothing(make_lab, kill):
    """The same history twice, once with a restart after every fragment."""
    lab = make_lab()
    steady, shaken = Recorder(lab.client(), "steady"), Recorder(lab.client(), "shaken")
    steady_answers = [answer_of(steady, *step) for step in HISTORY]
    shaken_answers = []
    for step in HISTORY:
        shaken_answers.append(answer_of(shaken, *step))
        lab.sink.restart(kill)
    assert shaken_answers == steady_answers
    refused = [code for _, code in steady_answers if code]
    assert refused[:1] == ["jump"] and len(refused) < 5
    before = {name: steady.info()[name] for name in FIGURES}
    assert {name: shaken.info()[name] for name in FIGURES} == before
    assert_same_audio(finish(lab, shaken), finish(lab, steady))


def test_broker_that_is_killed_with_persistence_loses_nothing_acknowledged(make_lab):
    lab = make_lab(broker={"persistence": True})
    recorder = Recorder(lab.client(), "mic")
    for seq in range(20):
        recorder.store(noise(seq), seq=seq)
    lab.restart_broker()
    recorder = Recorder(lab.client(), "mic")
    for seq in range(15, 30):
        recorder.store(noise(seq), seq=seq)
    assert recorder.info()["duplicates"] == 5
    assert_same_audio(finish(lab, recorder), b"".join(noise(seq) for seq in range(30)))


def test_fragments_sent_while_the_sink_was_away_are_recorded(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    lab.sink.kill()
    for seq in range(1, 2000):
        recorder.post(noise(seq, 10), seq=seq, wait=False)
    lab.sink.start()
    expected = noise(0) + b"".join(noise(seq, 10) for seq in range(1, 2000))
    assert_same_audio(finish(lab, recorder), expected)


def test_file_opens_elsewhere_while_it_grows_and_after_a_kill(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    path = lab.sink.wav("mic", "s1")
    for seq in range(5):
        recorder.store(noise(seq), seq=seq)
        assert probe(path)[0] == Format()
    lab.sink.kill()
    probe(path)
    lab.sink.start()
    expected = b"".join(noise(seq) for seq in range(5))
    assert_same_audio(read_ffmpeg(path), expected)  # recovery has brought the header up


def test_audio_without_a_catalog_row_is_never_destroyed(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    for seq in range(5):
        recorder.store(noise(seq), seq=seq)
    lab.sink.stop()
    for path in lab.sink.store.glob("catalog.db*"):
        path.unlink()
    lab.sink.start()
    assert recorder.info()["frames"] == 800
    recorder.store(noise(2), seq=2)
    recorder.store(noise(5), seq=5)
    assert recorder.info()["duplicates"] >= 1
    assert_same_audio(finish(lab, recorder), b"".join(noise(seq) for seq in range(6)))


# A disk that fails

# LeakSanitizer does not work in a traced process.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}


strace = pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")


@strace
@pytest.mark.parametrize("nth", [1, 2, 5])
@pytest.mark.parametrize("call, recordings", [
    ("fdatasync", 1), ("fsync", 3), ("syncfs", 3), ("pwrite64", 1),
])
def test_failing_disk_delays_the_acknowledgement_and_loses_nothing(make_lab, tmp_path, call,
                                                                   recordings, nth):
    """One call fails: its batch is done anew, and every byte arrives once."""
    lab = make_lab({"store.sync": "filesystem" if call == "syncfs" else "files"})
    client = lab.client()
    recorders = [Recorder(client, f"mic{n}") for n in range(recordings)]
    log = tmp_path / "injected"
    inject(lab.sink, log, f"{call}:error=EIO:when={nth}")
    for seq in range(30):
        for recorder in recorders:
            recorder.post(noise(f"{recorder.device} {seq}"), seq=seq, wait=False)
        if seq % 10 == 9:
            recorder.store(noise(f"{recorder.device} {seq}"), seq=seq)
    for recorder in recorders:
        recorder.end()
        assert recorder.info()["state"] == "complete"
    assert "(INJECTED)" in log.read_text() and "could not be stored" in lab.sink.log()
    lab.sink.restart(kill=True)
    for recorder in recorders:
        expected = b"".join(noise(f"{recorder.device} {seq}") for seq in range(30))
        assert_same_audio(read_wave(lab.sink.wav(recorder.device, "s1"))[1], expected)
        assert recorder.info()["rejected"] == 0


@strace
def test_download_of_a_file_that_cannot_be_read_says_so_and_the_next_one_comes(make_lab, tmp_path):
    """Whole, and in a part; nothing else is disturbed by it."""
    lab = make_lab(env=TRACED)
    client = lab.client()
    recorder = Recorder(client, "mic1")
    recorder.store(noise("mic1"), seq=0)
    log = tmp_path / "injected"
    tracer = inject(lab.sink, log, "pread64:error=EIO", lab.sink.wav("mic1", "s1"))
    for part in ({}, {"offset": 0, "length": 64}):
        error = client.refusal("download", {"device": "mic1", "session": "s1"} | part)
        assert error["code"] == "stalled" and "Input/output error" in error["message"]
    assert client.request("status")["state"] == "ok"
    tracer.terminate()
    assert "(INJECTED)" in log.read_text()
    recorder.store(noise("mic1 again"), seq=1)
    answer = client.ask("download", {"device": "mic1", "session": "s1", "format": "raw"})
    assert_same_audio(answer.payload, noise("mic1") + noise("mic1 again"))


@strace
def test_a_question_that_the_disk_fails_for_a_moment_is_tried_again(make_lab, tmp_path):
    """It is answered once, and well: as where ingest was opening a store that it finds full."""
    lab = make_lab(env=TRACED)
    client = lab.client()
    Recorder(client, "mic1").store(noise("mic1"), seq=0)
    log = tmp_path / "injected"
    inject(lab.sink, log, "pread64:error=EIO:when=1..3", lab.sink.wav("mic1", "s1"))
    wanted = {"device": "mic1", "session": "s1", "format": "raw"}
    answer = client.ask("download", wanted, response_topic=f"{PREFIX}/reply/once")
    assert_same_audio(answer.payload, noise("mic1"))
    assert client.request("status")["counters"]["request_errors"] == 0  # nothing came after it
    assert len(client.select(lambda message: message.topic == f"{PREFIX}/reply/once")) == 1
    assert log.read_text().count("(INJECTED)") == 3


@strace
def test_nothing_is_acknowledged_before_it_is_synced(make_lab, tmp_path):
    """In the order of system calls: the audio is written, its file synced, the catalog's log
    written and synced, and only then a PUBACK goes to the broker."""
    log = tmp_path / "strace"
    calls = "pwritev,pwrite64,fdatasync,fsync,syncfs,sendto,sendmsg,write"
    wrapper = ["strace", "-D", "-f", "-qq", "-y", "-o", log, "-e", f"trace={calls}"]
    lab = make_lab(wrapper=wrapper, env=TRACED)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    wait_for(lambda: len(acknowledged(lab.broker)) == 1, "the first acknowledgement")
    marks = len(log.read_text().splitlines())
    recorder.store(noise(1), seq=1)
    wait_for(lambda: len(acknowledged(lab.broker)) == 2, "the second")
    lines = log.read_text().splitlines()[marks:]

    def number_of(pattern, after=0):
        found = [n for n, line in enumerate(lines) if n >= after and re.search(pattern, line)]
        assert found, f"no {pattern} in\n" + "\n".join(lines[after:])
        return found[0]

    audio = number_of(r"pwrite(v|64)\(\d+<[^>]*s1\.wav>")
    synced = number_of(r"(fdatasync|fsync)\(\d+<[^>]*s1\.wav>|syncfs\(", audio)
    catalog = number_of(r"pwrite64\(\d+<[^>]*catalog\.db-wal>", synced)
    committed = number_of(r"(fdatasync|fsync)\(\d+<[^>]*catalog\.db-wal>", catalog)
    # A PUBACK is a packet of type 4 (0x40, "@" in strace's words), of 2 or more bytes.
    puback = r'(write|sendto|sendmsg)\(\d+<(socket|TCP)[^>]*>.*"@\\'
    number_of(puback, committed)
    assert not [line for line in lines[:committed] if re.search(puback, line)]
