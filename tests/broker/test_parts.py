"""Parts: a session that passes session.max_duration_s goes on in the next recording, no frame lost
or doubled between them; what comes late or again goes where it belongs."""
import random
import time

import pytest

from cli import finished, reel, start
from harness import (
    Format, Recorder, RequestFailed, assert_same_audio, read_sox, read_wave, wav_bytes,
)
from lab import wait_for
from tracing import can_trace, inject

LAB_SETTINGS = {"session.max_duration_s": 1}
FORM = Format()
SIZE = 4000  # frames of a fragment: four make a part of a second
KINDS = {"seq": ("seq",), "frame": ("frame",), "both": ("seq", "frame"), "none": ()}


def numbers(n, kinds=("seq", "frame")):
    both = {"seq": n, "frame": n * SIZE}
    return {kind: both[kind] for kind in kinds}


def send(recorder, *wanted, kinds=("seq", "frame"), **more):
    """Store fragments by number; return the last acknowledgement."""
    for n in wanted:
        answer = recorder.store(frames=SIZE, seed=n, **numbers(n, kinds), **more)
    return answer


def part_name(session, part):
    return session if part == 1 else f"{session}-{part}"


def info_of(recorder, part):
    name = {"device": recorder.device, "session": part_name(recorder.session, part)}
    return recorder.client.request("info", name)


def audio_of(lab, recorder, part):
    form, audio = read_wave(lab.sink.wav(recorder.device, part_name(recorder.session, part)))
    assert form == FORM
    return audio


def noise(*seeds):
    return b"".join(FORM.noise(SIZE, seed) for seed in seeds)


def finish(lab, recorder, part, **fields):
    recorder.end(**fields)
    lab.watcher.wait_event(recorder.device, part_name(recorder.session, part), "completed")


def kinds_of(lab, recorder, part):
    name = part_name(recorder.session, part)
    events = [m.document for m in lab.watcher.select(
        lambda m: m.topic.endswith(f"/event/{recorder.device}/{name}"))]
    return [event["event"] for event in events]


# Going on


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_goes_on_in_parts(lab, recorder, kinds):
    send(recorder, *range(10), kinds=kinds)
    finish(lab, recorder, 3, **numbers(10, kinds))
    expected = {1: range(4), 2: range(4, 8), 3: range(8, 10)}
    for part, seeds in expected.items():
        assert_same_audio(audio_of(lab, recorder, part), noise(*seeds))
        info = info_of(recorder, part)
        assert (info["part"], info["part_of"]) == (part, None if part == 1 else "s1")
        assert (info["missing"], info["missing_frames"], info["lost"]) == ([], [], [])
        assert (info["gap_frames"], info["state"]) == (0, "complete")
        assert info["end_reason"] == ("end" if part == 3 else "limit")
        assert kinds_of(lab, recorder, part) == ["started", "completed"]
    with pytest.raises(RequestFailed):
        info_of(recorder, 4)


def test_parts_join_in_sox(lab, recorder):
    send(recorder, *range(9))
    finish(lab, recorder, 3, seq=9)
    joined = b"".join(read_sox(lab.sink.wav(recorder.device, part_name("s1", part)), FORM)
                      for part in (1, 2, 3))
    assert_same_audio(joined, noise(*range(9)))


def test_fragments_that_do_not_divide_the_limit(lab, recorder):
    """The split is between fragments: no part is longer than the limit."""
    size, sent = 4500, b""
    for n in range(12):
        sent += recorder.post(frames=size, seed=n, seq=n)
    finish(lab, recorder, 4, seq=12)
    found = [audio_of(lab, recorder, part) for part in (1, 2, 3, 4)]
    assert [len(audio) // 2 for audio in found] == [13500] * 4
    assert_same_audio(b"".join(found), sent)


def test_a_fragment_longer_than_a_part_stands_alone(lab, recorder):
    for n in range(3):
        recorder.store(frames=20000, seed=n, seq=n)
    finish(lab, recorder, 3, seq=3)
    for part in (1, 2, 3):
        assert_same_audio(audio_of(lab, recorder, part), FORM.noise(20000, part - 1))


def test_many_in_one_batch(make_lab):
    lab = make_lab({"session.max_duration_s": 1, "ingest.commit_interval_ms": 3000})
    recorder = Recorder(lab.client(), "mic")
    for n in range(40):
        recorder.post(frames=SIZE, seed=n, wait=False, **numbers(n))
    for n in (3, 17, 38):  # repeats of what is not committed yet
        recorder.post(frames=SIZE, seed=n, wait=False, **numbers(n))
    finish(lab, recorder, 10, seq=40, frame=40 * SIZE)
    for part in range(1, 11):
        first = 4 * (part - 1)
        assert_same_audio(audio_of(lab, recorder, part), noise(*range(first, first + 4)))
    found = [info_of(recorder, part) for part in range(1, 11)]
    assert [info["duplicates"] for info in found] == [1, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_tags_go_on(lab, recorder):
    send(recorder, 0, tags={"site": "north"})
    send(recorder, 1, 2, 3, 4)
    assert info_of(recorder, 2)["tags"] == {"site": "north"}


def test_off_by_default(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    send(recorder, *range(9))
    assert recorder.info()["frames"] == 9 * SIZE


# What comes again, late, or after the end


@pytest.mark.parametrize("kinds", [KINDS["seq"], KINDS["frame"], KINDS["both"]],
                         ids=["seq", "frame", "both"])
def test_a_repeat_of_any_part(lab, recorder, kinds):
    send(recorder, *range(10), kinds=kinds)
    send(recorder, 0, 3, 4, 6, 9, kinds=kinds)
    found = [info_of(recorder, part) for part in (1, 2, 3)]
    assert [info["duplicates"] for info in found] == [2, 2, 1]
    assert [info["frames"] for info in found] == [4 * SIZE, 4 * SIZE, 2 * SIZE]
    assert found[0]["state"] == "complete"


def test_late_fragments_fill_the_gaps_of_earlier_parts(lab, recorder):
    answer = send(recorder, 0, 2, 3, 4, 6, 7, 8)
    assert (answer["session"], answer["seq"]) == ("s1", 8)
    assert answer["missing"] == [[1, 1], [5, 5]]
    assert answer["missing_frames"] == [[SIZE, 2 * SIZE], [5 * SIZE, 6 * SIZE]]
    assert answer["lost"] == []
    assert info_of(recorder, 1)["missing"] == [[1, 1]]
    assert info_of(recorder, 2)["missing"] == [[5, 5]]
    assert info_of(recorder, 3)["missing"] == []
    answer = send(recorder, 1)
    assert (answer["session"], answer["seq"], answer["missing"]) == ("s1", 8, [[5, 5]])
    assert send(recorder, 5)["missing"] == []
    assert_same_audio(audio_of(lab, recorder, 1), noise(0, 1, 2, 3))
    assert_same_audio(audio_of(lab, recorder, 2), noise(4, 5, 6, 7))
    lab.watcher.wait_event(recorder.device, "s1", "gap_filled")
    assert "reopened" not in kinds_of(lab, recorder, 1)


def test_missing_is_told_of_a_part_that_is_not_committed_yet(make_lab):
    lab = make_lab({"session.max_duration_s": 1, "ingest.commit_interval_ms": 2000})
    recorder = Recorder(lab.client(), "mic")
    for n in (0, 2, 3):
        recorder.post(frames=SIZE, seed=n, wait=False, **numbers(n))
    assert send(recorder, 4)["missing"] == [[1, 1]]


def test_silence_goes_into_the_part_where_it_fits(lab, recorder):
    send(recorder, 0, 1, 4)
    assert info_of(recorder, 1)["frames"] == 2 * SIZE
    second = info_of(recorder, 2)
    assert (second["frames"], second["gap_frames"]) == (3 * SIZE, 2 * SIZE)
    assert second["missing"] == [[2, 3]]
    send(recorder, 2, 3)
    assert_same_audio(audio_of(lab, recorder, 1), noise(0, 1))
    assert info_of(recorder, 2)["gap_frames"] == 0


def test_a_gap_longer_than_a_part_is_a_jump(lab, recorder):
    send(recorder, 0)
    assert recorder.refused(frames=SIZE, seed=5, **numbers(5))["code"] == "jump"
    send(recorder, 6)
    assert info_of(recorder, 1)["frames"] == 3 * SIZE
    send(recorder, 7, 8)
    assert info_of(recorder, 2)["frames"] == SIZE


def test_the_inferred_size_goes_on(lab, recorder):
    for n in [*range(16), 18]:
        recorder.store(frames=1000, seed=n, seq=n)
    second = info_of(recorder, 2)
    assert (second["frames"], second["gap_frames"], second["missing"]) == (3000, 2000, [[16, 17]])


def test_a_confirmation_after_the_split(lab, recorder):
    """A candidate goes on with the recording."""
    send(recorder, 0, 1, 2, 3)
    assert recorder.refused(frames=SIZE, seed=50, **numbers(50))["code"] == "jump"
    send(recorder, 4)
    send(recorder, 51)
    finish(lab, recorder, 2, seq=52, frame=52 * SIZE)
    assert_same_audio(audio_of(lab, recorder, 2), noise(4, 50, 51))


def test_a_new_fragment_reopens_the_last_part(lab, recorder):
    send(recorder, *range(6))
    finish(lab, recorder, 2, **numbers(6))
    send(recorder, 1)
    assert info_of(recorder, 2)["state"] == "complete"
    recorder.store(frames=SIZE, seed=7, seq=7, frame=6 * SIZE)
    assert info_of(recorder, 2)["state"] == "recording"
    lab.watcher.wait_event(recorder.device, f"{recorder.session}-2", "reopened")
    assert kinds_of(lab, recorder, 1) == ["started", "completed"]
    assert kinds_of(lab, recorder, 2) == ["started", "completed", "reopened"]


def test_a_complete_one_goes_on_in_the_next(lab, recorder):
    send(recorder, *range(4))
    finish(lab, recorder, 1, seq=4)
    recorder.store(frames=SIZE, seed=5, seq=5, frame=4 * SIZE)
    assert info_of(recorder, 1)["end_reason"] == "limit"
    assert info_of(recorder, 2)["state"] == "recording"


def test_idle_completes_the_last_part(make_lab):
    lab = make_lab({"session.max_duration_s": 1, "session.idle_timeout_s": 1})
    recorder = Recorder(lab.client(), "mic")
    send(recorder, *range(6))
    lab.watcher.wait_event("mic", "s1-2", "completed")
    assert info_of(recorder, 2)["end_reason"] == "idle"
    assert info_of(recorder, 1)["end_reason"] == "limit"


# Boots and restarts


def test_another_boot(lab, recorder):
    send(recorder, *range(4), boot="a")
    send(recorder, *range(3), boot="b")
    second = info_of(recorder, 2)
    assert (second["boot"], second["frames"], second["lost"]) == ("b", 3 * SIZE, [])
    answer = send(recorder, 2, boot="a")  # of the boot before: nothing is stored again
    assert (answer["boot"], answer["seq"], answer["session"]) == ("a", 3, "s1")
    assert [info_of(recorder, part)["duplicates"] for part in (1, 2)] == [1, 0]
    send(recorder, 3, boot="b")
    assert info_of(recorder, 2)["frames"] == 4 * SIZE
    assert recorder.refused(frames=SIZE, seed=9, boot="a", **numbers(9))["code"] == "late"


def test_a_boot_that_goes_on_over_parts(lab, recorder):
    send(recorder, 0, 1, boot="a")
    send(recorder, *range(8), boot="b")  # parts 1 (two of them), 2 and 3
    send(recorder, 0, 1, 2, 5, 6, boot="b")
    send(recorder, 0, 1, boot="a")
    found = [info_of(recorder, part) for part in (1, 2, 3)]
    assert [info["duplicates"] for info in found] == [4, 2, 1]
    assert [info["frames"] // SIZE for info in found] == [4, 4, 2]


def test_a_restart_under_the_old_name(lab, recorder):
    send(recorder, *range(6))
    for n in range(3):
        recorder.store(frames=SIZE, seed=100 + n, **numbers(n))
    lab.watcher.wait_event(recorder.device, "s1-2", "restarted")
    finish(lab, recorder, 3, seq=3)
    assert_same_audio(audio_of(lab, recorder, 1), noise(0, 1, 2, 3))
    assert_same_audio(audio_of(lab, recorder, 2), noise(4, 5, 100, 101))
    assert_same_audio(audio_of(lab, recorder, 3), noise(102))


def test_a_restart_that_begins_a_part(lab, recorder):
    send(recorder, *range(8))
    recorder.store(frames=SIZE, seed=100, **numbers(0))
    third = info_of(recorder, 3)
    assert (third["frames"], third["next_seq"], third["lost"]) == (SIZE, 1, [])
    recorder.store(frames=SIZE, seed=101, **numbers(1))
    assert [info_of(recorder, part)["frames"] // SIZE for part in (1, 2, 3)] == [4, 4, 2]


def test_a_restart_by_two_conflicts(lab, recorder):
    send(recorder, *range(6))
    assert recorder.refused(frames=SIZE, seed=101, **numbers(1))["code"] == "conflict"
    recorder.store(frames=SIZE, seed=102, **numbers(2))
    finish(lab, recorder, 2, seq=3)
    assert_same_audio(audio_of(lab, recorder, 2), noise(4, 5, 101, 102))
    assert_same_audio(audio_of(lab, recorder, 1), noise(0, 1, 2, 3))


def test_what_is_missing_before_a_restart_is_not_told(lab, recorder):
    """The numbers are others since then, though the parts go on."""
    send(recorder, 0, 2, 3, 4)
    for n in range(8):
        answer = recorder.store(frames=SIZE, seed=100 + n, **numbers(n))
    assert (answer["seq"], answer["missing"], answer["missing_frames"]) == (7, [], [])
    assert info_of(recorder, 3)["next_seq"] == 7
    assert info_of(recorder, 1)["missing"] == [[1, 1]]


# Fragments over the seam


def test_an_overlap_over_the_seam_is_divided(lab, recorder):
    """A recorder that cuts its frames anew: what was stored is compared, the rest is stored once."""
    whole = noise(*range(8))
    for first, last in ((0, 3), (3, 4), (2, 6), (3, 7), (0, 8)):
        data = whole[first * SIZE * 2 : last * SIZE * 2]
        recorder.store(data, frame=first * SIZE)
    finish(lab, recorder, 2, frame=8 * SIZE)
    assert_same_audio(audio_of(lab, recorder, 1), whole[: 4 * SIZE * 2])
    assert_same_audio(audio_of(lab, recorder, 2), whole[4 * SIZE * 2 :])


def test_an_overlap_that_differs_stores_nothing(lab, recorder):
    send(recorder, *range(4), kinds=("frame",))
    data = FORM.noise(SIZE, 77) + noise(4)
    assert recorder.refused(data, frame=3 * SIZE)["code"] == "conflict"
    send(recorder, 4, kinds=("frame",))
    assert info_of(recorder, 2)["frames"] == SIZE


# Names


def test_a_name_that_is_taken_is_passed_over(lab, client, device):
    Recorder(client, device, "s1-2").store(frames=100, seq=0)
    recorder = Recorder(client, device)
    send(recorder, *range(6))
    third = info_of(recorder, 3)
    assert (third["part_of"], third["part"], third["frames"]) == ("s1", 3, 2 * SIZE)
    assert client.request("info", {"device": device, "session": "s1-2"})["part_of"] is None


def test_a_part_is_not_published_to(lab, client, recorder):
    send(recorder, *range(6))
    error = Recorder(client, recorder.device, "s1-2").refused(frames=SIZE, seq=6)
    assert (error["code"], error["field"]) == ("conflict", "metadata.session.id")
    assert info_of(recorder, 2)["frames"] == 2 * SIZE


def test_names_that_are_too_long_are_cut(lab, client, device):
    names = ["n" * 63 + letter for letter in "ab"]
    for name in names:
        recorder = Recorder(client, device, name)
        send(recorder, *range(6))
    found = client.request("list", {"device": device})["recordings"]
    parts = {r["session"]: (r["part_of"], r["part"]) for r in found}
    assert parts == {
        names[0]: (None, 1), "n" * 62 + "-2": (names[0], 2),
        names[1]: (None, 1), "n" * 62 + "-3": (names[1], 3),
    }
    for name in names:  # each goes on with its own
        Recorder(client, device, name).store(frames=10, seq=6, frame=6 * SIZE)
    frames = {r["session"]: r["frames"] for r in
              client.request("list", {"device": device})["recordings"]}
    assert frames["n" * 62 + "-2"] == frames["n" * 62 + "-3"] == 2 * SIZE + 10


# After a restart of the sink


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_after_a_restart(make_lab, kill):
    lab = make_lab({"session.max_duration_s": 1})
    recorder = Recorder(lab.client(), "mic")
    send(recorder, 0, 2, 3, 4, 5)
    lab.sink.restart(kill=kill)
    answer = send(recorder, 6)
    assert (answer["seq"], answer["missing"]) == (6, [[1, 1]])
    lab.sink.restart(kill=kill)
    send(recorder, 1, 4, 7, 8)
    finish(lab, recorder, 3, seq=9)
    for part, seeds in {1: range(4), 2: range(4, 8), 3: [8]}.items():
        assert_same_audio(audio_of(lab, recorder, part), noise(*seeds))


def test_turned_off_later(make_lab):
    """The last part goes on; what is sealed stays so."""
    lab = make_lab({"session.max_duration_s": 1})
    recorder = Recorder(lab.client(), "mic")
    send(recorder, *range(6))
    lab.sink.settings["session.max_duration_s"] = 0
    lab.sink.restart()
    send(recorder, *range(2, 12))
    assert [info_of(recorder, part)["frames"] // SIZE for part in (1, 2)] == [4, 8]


strace = pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")


@strace
@pytest.mark.parametrize("calls", [
    "pwrite64", "fdatasync,fsync,syncfs", "renameat,renameat2,linkat,unlinkat,mkdirat,openat",
])
def test_killed_at_each_call_of_a_rollover(make_lab, tmp_path, calls):
    """Within the batch that seals one part and begins the next; then all is sent again."""
    lab = make_lab({"session.max_duration_s": 1}, env={"ASAN_OPTIONS": "detect_leaks=0"})
    client = lab.client()
    died, nth = True, 0
    while died:
        nth += 1
        recorder = Recorder(client, f"mic{nth}")
        send(recorder, 0, 1, 2, 3)
        tracer = inject(lab.sink, tmp_path / f"trace{nth}", f"{calls}:signal=KILL:when={nth}")
        recorder.post(frames=SIZE, seed=4, **numbers(4))
        wait_for(lambda: not lab.sink.program.running()
                 or lab.watcher.events(f"mic{nth}", "s1-2", "started"),
                 "the next part, or the end of the sink")
        died = not lab.sink.program.running()
        if died:
            lab.sink.start()
        tracer.kill()
        send(recorder, *range(6))
        parts = client.request("list", {"device": recorder.device, "sort": "name"})["recordings"]
        assert [(part["session"], part["frames"]) for part in parts] == [
            ("s1", 4 * SIZE), ("s1-2", 2 * SIZE)]
        assert parts[0]["end_reason"] == "limit"
        finish(lab, recorder, 2, seq=6)
        assert_same_audio(audio_of(lab, recorder, 1), noise(0, 1, 2, 3))
        assert_same_audio(audio_of(lab, recorder, 2), noise(4, 5))
    assert nth > 3


# From reel's spool


def test_a_spool_across_parts(make_lab, tmp_path):
    """Sink and publisher are killed in turn while a file goes out; what is there at last is all of
    it, once, and the spool is empty."""
    lab = make_lab({"session.max_duration_s": 1, "ingest.commit_interval_ms": 200})
    dice = random.Random(6)
    audio = FORM.noise(FORM.rate * 40)
    (tmp_path / "long.wav").write_bytes(wav_bytes(audio))
    words = ["--device", "mic", "--spool", tmp_path / "spool", tmp_path / "long.wav"]
    for turn in range(5):
        publisher = start(lab.broker, "publish", *words, "--realtime")
        wait_for(lambda most=turn: len(lab.watcher.events("mic", kind="completed")) > most,
                 "one more part")
        time.sleep(dice.random() / 5)
        if turn % 2:
            publisher.kill()
            finished(publisher)
        else:
            lab.sink.restart(kill=True)
            publisher.kill()
            finished(publisher)
    reel(lab.broker, "publish", *words)
    assert not list((tmp_path / "spool").glob("*.spool"))
    parts = lab.client().request("list", {"device": "mic", "limit": 1000})["recordings"]
    parts.sort(key=lambda part: part["part"])
    assert [part["part"] for part in parts] == list(range(1, 41))
    assert all(part["gap_frames"] == 0 and part["frames"] == FORM.rate for part in parts)
    found = b"".join(read_wave(lab.sink.wav("mic", part["session"]))[1] for part in parts)
    assert_same_audio(found, audio)


# Any history


@pytest.mark.parametrize("seed", range(4))
def test_any_history(lab, client, device, seed):
    """Lost, late, repeated and cut anew at random, until all was taken: the parts make the whole."""
    dice = random.Random(seed)
    size, count = dice.choice([(1000, 90), (3100, 40)])
    whole = FORM.noise(size * count, seed)
    recorder = Recorder(client, device)
    waiting, sent = [], 0
    while sent < count or waiting:
        if sent < count and (dice.random() < 0.7 or not waiting):
            first, last = sent, sent + 1
            sent += 1
            if dice.random() < 0.15:
                waiting.append((first, last))
                continue
        elif waiting:
            first, last = waiting.pop(dice.randrange(len(waiting)))
        fields = {"frame": first * size}
        if seed % 2:
            fields["seq"] = first
        elif dice.random() < 0.2 and first > 2:  # with what was sent before, once more
            first -= dice.randrange(2)
            fields["frame"] = first * size
        answer = recorder.send(whole[first * size * 2 : last * size * 2], **fields)
        if answer["status"] == "error":
            assert answer["error"]["code"] in ("jump", "late"), answer
            waiting.append((first, last))
    answer = recorder.end(frame=size * count)
    assert (answer["missing"], answer["missing_frames"], answer["lost"]) == ([], [], [])
    parts = client.request("list", {"device": device, "sort": "name"})["recordings"]
    parts.sort(key=lambda part: part["part"])
    assert len(parts) > 4
    assert all(part["frames"] <= FORM.rate and part["gap_frames"] == 0 for part in parts)
    found = b"".join(read_wave(lab.sink.wav(device, part["session"]))[1] for part in parts)
    assert_same_audio(found, whole)
