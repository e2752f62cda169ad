"""reel publish --spool: what was recorded reaches the sink whole, in order and once, whatever dies
meanwhile: the publisher, the broker, the sink, the disk."""
import os
import random
import resource
import subprocess
import threading
import time

import pytest

from cli import REEL, finished, reel, start, wait_frames
from harness import Format, assert_same_audio, read_ffmpeg, wav_bytes
from lab import wait_for
from small_disk import small_disk
from test_durability import strace

FORM = Format()
RAW = ["--rate", FORM.rate, "--channels", 1, "--sample-size", 2]


@pytest.fixture
def lab(make_lab):
    return make_lab()


def spooled(broker, folder, *words, **options):
    return start(broker, "publish", "--device", "mic", "--spool", folder, *words, **options)


def live(broker, folder, *words, **options):
    return spooled(broker, folder, "-", "--session", "s1", *RAW, *words, **options)


def drain(broker, folder, status=0):
    return reel(broker, "publish", "--spool", folder, "--timeout", 30, status=status)


def wav(path, seconds, seed=0):
    audio = FORM.noise(FORM.rate * seconds, seed)
    path.write_bytes(wav_bytes(audio))
    return audio


def files(folder):
    return sorted(folder.glob("*.spool"))


def aside(folder):
    return sorted(folder.glob("*.damaged"))


def flip(path, at):
    """Change one bit of the file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def bytes_in(folder):
    return sum(path.stat().st_size for path in files(folder))


def wait_bytes(folder, count):
    wait_for(lambda: bytes_in(folder) >= count, f"{count} bytes in the spool")


def wait_recorded(folder, before, audio):
    """Wait until the spool, which held `before` bytes, holds all of `audio` in fragments of 100 ms.
    Each takes some 159 bytes besides its audio; all but the last are fewer bytes than this."""
    fragments = len(audio) // 3200
    wait_bytes(folder, before + len(audio) + 150 * fragments)


def feed(process, audio):
    process.stdin.write(audio)
    process.stdin.flush()


def end_of_input(process):
    process.stdin.close()
    process.stdin = None


def assert_recorded(lab, audio, session="s1", device="mic"):
    info = lab.client().request("info", {"device": device, "session": session})
    assert_same_audio(read_ffmpeg(lab.sink.wav(device, session)), audio)
    assert info["gap_frames"] == 0 and info["missing"] == [] and info["lost"] == []
    assert len(info["stretches"]) == 1


def test_file_leaves_the_spool_empty(lab, tmp_path):
    audio = wav(tmp_path / "empty.wav", 20)
    said = finished(spooled(lab.broker, tmp_path / "spool", tmp_path / "empty.wav"))
    assert said.status == 0, said.err
    assert f"{FORM.rate * 20} frames in" in said.text
    assert files(tmp_path / "spool") == []
    assert_recorded(lab, audio, "empty")
    assert drain(lab.broker, tmp_path / "spool").text == ""


def traced(broker, folder, what, *words):
    """Run `reel publish` to its end, strace doing `what` to its calls; return what it said."""
    return subprocess.run(
        ["strace", "-f", "-qq", "-o", folder / "trace", "-e", f"trace={what.split(':')[0]}",
         "-e", f"inject={what}", REEL, "publish", "-h", broker.host, "-p", str(broker.port),
         *words],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
        env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})


@strace
@pytest.mark.parametrize("call", ["renameat", "unlinkat", "exit_group", None])
def test_file_that_was_published_is_not_published_again(lab, tmp_path, call):
    """Killed at that call once all was acknowledged, or not at all."""
    audio = wav(tmp_path / "again.wav", 20)
    words = ["--device", "mic", "--spool", tmp_path / "spool", tmp_path / "again.wav"]
    if call:
        assert traced(lab.broker, tmp_path, f"{call}:signal=KILL", *words).returncode == -9
    else:
        reel(lab.broker, "publish", *words)
    said = [reel(lab.broker, "publish", *words).err for _ in range(2)]
    assert "published already" in said[0] or call == "renameat"
    assert "published already" in said[1]
    assert files(tmp_path / "spool") == []
    assert_recorded(lab, audio, "again")
    reel(lab.broker, "publish", *words, "--session", "other")
    assert_recorded(lab, audio, "other")


@strace
@pytest.mark.parametrize("error, status", [("ENOSPC", 0), ("EIO", 4)])
def test_note_of_what_was_published_that_cannot_be_written(lab, tmp_path, error, status):
    """A full disk gets room from the files that go; else they stay, and say the same."""
    audio = wav(tmp_path / "noted.wav", 5)
    words = ["--device", "mic", "--spool", tmp_path / "spool", tmp_path / "noted.wav"]
    said = traced(lab.broker, tmp_path, f"renameat:error={error}:when=1", *words)
    assert said.returncode == status, said.stderr.decode()
    assert bool(files(tmp_path / "spool")) == bool(status)
    reel(lab.broker, "publish", *words)
    assert "published already" in reel(lab.broker, "publish", *words).err
    assert_recorded(lab, audio, "noted")


def test_notes_of_what_was_published_are_bounded_and_checked(lab, tmp_path):
    words = ["--device", "mic", "--spool", tmp_path / "spool"]
    wav(tmp_path / "one.wav", 1)
    wav(tmp_path / "two.wav", 1)
    reel(lab.broker, "publish", *words, tmp_path / "one.wav")
    done = tmp_path / "spool" / "done"
    note = done.read_bytes()
    done.write_bytes(note * 600)
    reel(lab.broker, "publish", *words, tmp_path / "two.wav")
    assert len(done.read_bytes()) == 512 * len(note)
    for name in ("one.wav", "two.wav"):
        assert "published already" in reel(lab.broker, "publish", *words, tmp_path / name).err
    flip(done, len(note) + 50)
    assert "done is damaged" in reel(lab.broker, "publish", *words, tmp_path / "two.wav").err


def test_refused_file_is_not_noted_as_published(lab, tmp_path):
    reel(lab.broker, "publish", "-", "--device", "mic", "--session", "held", "--rate", 8000,
         data=b"\x80" * 800)
    wav(tmp_path / "held.wav", 5)
    for _ in range(2):
        said = finished(spooled(lab.broker, tmp_path / "spool", tmp_path / "held.wav"))
        assert said.status == 1 and "refuses" in said.err


def test_file_that_changed_is_not_mixed_with_what_it_was(lab, tmp_path):
    audio = wav(tmp_path / "changed.wav", 60)
    words = ["--spool", tmp_path / "spool", tmp_path / "changed.wav"]
    process = start(lab.broker, "publish", "--device", "mic", "--realtime", *words)
    wait_frames(lab.client(), "mic", "changed", FORM.rate)
    process.kill()
    finished(process)
    state = (tmp_path / "changed.wav").stat()
    os.utime(tmp_path / "changed.wav")
    for _ in range(2):
        said = reel(lab.broker, "publish", "--device", "mic", *words, status=1)
        assert "file of changed has changed" in said.err and "--session" in said.err
    os.utime(tmp_path / "changed.wav", ns=(state.st_atime_ns, state.st_mtime_ns))
    reel(lab.broker, "publish", "--device", "mic", *words)
    assert_recorded(lab, audio, "changed")
    wav(tmp_path / "changed.wav", 3, 1)  # all of the old state is published: a new recording
    reel(lab.broker, "publish", "--device", "mic", *words)
    assert len(lab.client().request("info", {"device": "mic", "session": "changed"})["stretches"]) == 2


def test_killed_publisher_goes_on_where_it_was(lab, tmp_path):
    """Killed at random moments, while it reads, sends, and has nearly finished."""
    audio = wav(tmp_path / "killed.wav", 600)
    dice = random.Random(3)
    kills = 0
    said = None
    for attempt in range(60):
        process = spooled(lab.broker, tmp_path / "spool", tmp_path / "killed.wav")
        if attempt < 3:  # however fast it is, it is not done when so much has come
            wait_for(lambda most=(attempt + 1) * 200_000: process.poll() is not None
                     or bytes_in(tmp_path / "spool") > most, "some of it in the spool")
        try:
            process.wait(0 if attempt < 3 else dice.uniform(0.01, 0.4) * (1 + attempt / 10))
            said = finished(process)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            finished(process)
            kills += 1
            if bytes_in(tmp_path / "spool") == 0:
                break  # all was acknowledged, only its end was not
    assert said is None or said.status == 0, said.err
    assert kills >= 3
    assert_recorded(lab, audio, "killed")


def test_broker_that_is_away_for_the_whole_recording(lab, tmp_path):
    """Live audio is taken in as it comes, without a broker."""
    lab.watcher.close()
    lab.close_clients()
    lab.broker.stop()
    audio = FORM.noise(FORM.rate * 100)
    process = live(lab.broker, tmp_path / "spool")
    started = time.monotonic()
    feed(process, audio)
    wait_bytes(tmp_path / "spool", len(audio) - 3200)
    assert time.monotonic() - started < 10, "the recording waited for the broker"
    end_of_input(process)
    lab.restart_broker()
    said = finished(process)
    assert said.status == 0, said.err
    assert_recorded(lab, audio)


def test_killed_without_a_broker_and_drained_later(make_lab, tmp_path):
    """What was recorded before a kill -9 is sent by a run without input; two sessions, in order."""
    lab = make_lab(start=False)
    nobody = ["-h", "127.0.0.1", "-p", 1]
    parts = [FORM.noise(FORM.rate * 3, seed) for seed in range(2)]
    for number, part in enumerate(parts):
        process = start(None, "publish", *nobody, "--device", "mic", "--spool", tmp_path / "spool",
                        "-", "--session", f"s{number}", *RAW)
        before = bytes_in(tmp_path / "spool")
        feed(process, part)
        wait_recorded(tmp_path / "spool", before, part)
        process.kill()
        finished(process)
    said = reel(None, "publish", *nobody, "--spool", tmp_path / "spool", "--timeout", 1, status=4)
    assert "60 fragments stay" in said.err
    lab.sink.start()
    said = drain(lab.broker, tmp_path / "spool")
    assert said.text.index("mic/s0") < said.text.index("mic/s1")
    for number, part in enumerate(parts):
        assert_recorded(lab, part, f"s{number}")
    assert files(tmp_path / "spool") == []


def test_two_boots_of_one_session_stay_in_order(make_lab, tmp_path):
    """The sink takes nothing of an earlier boot any more once it has heard of a later one, and the
    broker drops most of what is sent while the sink is away."""
    lab = make_lab(broker={"extra": "max_queued_messages 20\n"}, start=False)
    parts = [FORM.noise(FORM.rate * 20, seed) for seed in range(3)]
    lab.sink.start()
    lab.sink.stop()
    for part in parts:
        process = live(lab.broker, tmp_path / "spool")
        before = bytes_in(tmp_path / "spool")
        feed(process, part)
        wait_recorded(tmp_path / "spool", before, part)
        process.kill()
        finished(process)
    lab.sink.start()
    drain(lab.broker, tmp_path / "spool")
    assert_same_audio(read_ffmpeg(lab.sink.wav("mic", "s1")), b"".join(parts))
    client = lab.client()
    info = client.request("info", {"device": "mic", "session": "s1"})
    assert len(info["stretches"]) == 3 and info["missing"] == [] and info["lost"] == []
    assert client.request("rejects")["rejects"] == []


def test_sink_that_is_away_longer_than_the_queue_lasts(make_lab, tmp_path):
    lab = make_lab(broker={"extra": "max_queued_messages 20\n"})
    audio = FORM.noise(FORM.rate * 120)
    process = live(lab.broker, tmp_path / "spool")
    feed(process, audio[:64000])
    wait_frames(lab.client(), "mic", "s1", 16000)
    lab.close_clients()
    lab.sink.stop()
    feed(process, audio[64000:])
    wait_bytes(tmp_path / "spool", len(audio) // 2)
    wait_for(lambda: lab.broker.log().count("Received PUBLISH") >= 200, "a full queue")
    end_of_input(process)
    lab.sink.start()
    said = finished(process)
    assert said.status == 0, said.err
    assert_recorded(lab, audio)


def test_broker_that_is_killed_every_few_seconds(make_lab, tmp_path):
    lab = make_lab({"ingest.commit_interval_ms": 200})
    audio = wav(tmp_path / "often.wav", 600)
    process = spooled(lab.broker, tmp_path / "spool", tmp_path / "often.wav", "--realtime",
                      "--fragment-ms", 100, stdin=subprocess.DEVNULL)
    for _ in range(4):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        lab.restart_broker()
    process.kill()
    finished(process)
    process = spooled(lab.broker, tmp_path / "spool", tmp_path / "often.wav")
    for _ in range(2):
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            lab.restart_broker()
    said = finished(process)
    assert said.status == 0, said.err
    assert_recorded(lab, audio, "often")


def test_two_publishers_do_not_share_a_spool(lab, tmp_path):
    first = live(lab.broker, tmp_path / "spool")
    wait_for(lambda: (tmp_path / "spool" / "lock").exists(), "the lock")
    feed(first, FORM.noise(1600))
    wait_bytes(tmp_path / "spool", 3200)
    said = drain(lab.broker, tmp_path / "spool", status=4)
    assert "another program" in said.err
    first.kill()
    finished(first)
    drain(lab.broker, tmp_path / "spool")


def fill(folder, seconds, *words, **options):
    """Record live audio without a broker until all was taken in, then end by a signal."""
    audio = FORM.noise(int(FORM.rate * seconds))
    process = start(None, "publish", "-h", "127.0.0.1", "-p", 1, "--device", "mic", "--spool",
                    folder, "-", "--session", "s1", *RAW, *words, **options)
    feed(process, audio)
    end_of_input(process)
    return audio, process


def test_full_spool_leaves_new_live_audio_out(lab, tmp_path):
    audio, process = fill(tmp_path / "spool", 60, "--spool-max-bytes", 1 << 20, "--timeout", 1)
    said = finished(process)
    assert said.status == 4 and "spool is full" in said.err and "were left out" in said.err
    assert bytes_in(tmp_path / "spool") <= 1 << 20
    drain(lab.broker, tmp_path / "spool")
    gap = lab.client().request("info", {"device": "mic", "session": "s1"})["gaps"][0]
    found = read_ffmpeg(lab.sink.wav("mic", "s1"))[: 2 * gap["from_frame"]]
    assert len(found) > 900000
    assert_same_audio(found, audio[: len(found)])


def test_end_that_was_left_out_shows_as_a_gap(lab, tmp_path):
    audio, process = fill(tmp_path / "spool", 60.95, "--spool-max-bytes", 1 << 20, "--timeout", 1,
                          "--fragment-ms", 1000)
    assert finished(process).status == 4
    assert bytes_in(tmp_path / "spool") <= 1 << 20
    drain(lab.broker, tmp_path / "spool")
    info = lab.client().request("info", {"device": "mic", "session": "s1"})
    assert info["frames"] == len(audio) // 2 and info["end_reason"] == "end"
    assert [gap["to_frame"] for gap in info["gaps"]] == [len(audio) // 2]


def test_run_that_gives_up_leaves_every_file(lab, tmp_path):
    """What is under way when a run ends was not acknowledged, and no file of it may go."""
    audio, process = fill(tmp_path / "spool", 30, "--spool-max-bytes", 2 << 20, "--timeout", 0)
    assert finished(process).status == 4
    before = files(tmp_path / "spool")
    assert len(before) > 2
    reel(None, "publish", "-h", "127.0.0.1", "-p", 1, "--spool", tmp_path / "spool", "--timeout", 0,
         status=4)
    assert files(tmp_path / "spool")[: len(before)] == before
    drain(lab.broker, tmp_path / "spool")
    assert_recorded(lab, audio)


def test_file_waits_for_room(lab, tmp_path):
    audio = wav(tmp_path / "large.wav", 100)
    said = finished(spooled(lab.broker, tmp_path / "spool", tmp_path / "large.wav",
                            "--spool-max-bytes", 1 << 20))
    assert said.status == 0, said.err
    assert_recorded(lab, audio, "large")


def test_limit_on_a_files_size_is_a_full_disk(lab, tmp_path):
    """The kernel refuses to let a file grow; the next one goes on."""
    limit = 300000
    audio = wav(tmp_path / "limited.wav", 60)
    said = finished(spooled(
        lab.broker, tmp_path / "spool", tmp_path / "limited.wav",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))
    assert said.status == 0, said.err
    assert_recorded(lab, audio, "limited")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_full_disk(lab, tmp_path):
    with small_disk(tmp_path / "small") as folder:
        audio, process = fill(folder / "spool", 60, "--timeout", 1)
        said = finished(process)
        assert said.status == 4 and "disk is full" in said.err, said.err
        drain(lab.broker, folder / "spool")
        found = read_ffmpeg(lab.sink.wav("mic", "s1"))
        assert len(found) > 800000
        assert_same_audio(found, audio[: len(found)])


def recorded_without_a_broker(folder, seconds=12):
    audio, process = fill(folder, seconds, "--timeout", 0)
    assert finished(process).status == 4
    return audio


def test_file_is_read_again_from_a_hole_that_a_power_cut_left(lab, tmp_path):
    """What was not synced may be there in parts: what stands behind a hole does not count."""
    audio = wav(tmp_path / "holes.wav", 60)
    nobody = ["-h", "127.0.0.1", "-p", 1, "--device", "mic", "--spool", tmp_path / "spool"]
    for hole in (1000000, 500000):
        reel(None, "publish", *nobody, tmp_path / "holes.wav", "--timeout", 0, status=4)
        last = files(tmp_path / "spool")[-1]
        with open(last, "r+b") as spool:
            spool.seek(min(hole, last.stat().st_size // 2))
            spool.write(bytes(4096))
    said = finished(spooled(lab.broker, tmp_path / "spool", tmp_path / "holes.wav"))
    assert said.status == 0 and "cut off" in said.err, said.err
    assert_recorded(lab, audio, "holes")


@pytest.mark.parametrize("how", ["cut", "overwritten", "zeros"])
def test_damaged_tail_is_cut(lab, tmp_path, how):
    audio = recorded_without_a_broker(tmp_path / "spool")
    last = files(tmp_path / "spool")[-1]
    size = last.stat().st_size
    with open(last, "r+b") as spool:
        if how == "cut":
            spool.truncate(size - 5000)
        else:
            spool.seek(size - 5000)
            spool.write((b"\0" if how == "zeros" else b"\xa5") * 5000)
    said = drain(lab.broker, tmp_path / "spool")
    assert "cut off" in said.err
    found = read_ffmpeg(lab.sink.wav("mic", "s1"))
    assert len(audio) - 9600 <= len(found) < len(audio)
    assert_same_audio(found, audio[: len(found)])


def test_damage_elsewhere_is_passed_over_and_told(lab, tmp_path):
    audio = recorded_without_a_broker(tmp_path / "spool")
    with open(files(tmp_path / "spool")[0], "r+b") as spool:
        spool.seek(100000)
        spool.write(b"RSP1" * 20)
    said = drain(lab.broker, tmp_path / "spool", status=1)
    assert "passed over" in said.err and "in 120 of 121 fragments durable" in said.text
    assert [path.name for path in aside(tmp_path / "spool")] == ["00000001.spool.damaged"]
    found = read_ffmpeg(lab.sink.wav("mic", "s1"))
    assert len(found) == len(audio)
    differs = [at for at in range(0, len(audio), 3200) if found[at : at + 3200] != audio[at : at + 3200]]
    assert len(differs) == 1 and found[differs[0] : differs[0] + 3200] == bytes(3200)


def test_fragments_whose_lane_is_damaged_are_kept(lab, tmp_path):
    recorded_without_a_broker(tmp_path / "spool")
    flip(files(tmp_path / "spool")[0], 30)
    held = files(tmp_path / "spool")[0].read_bytes()
    said = drain(lab.broker, tmp_path / "spool", status=1)
    assert "121 fragments of a recording whose name is damaged" in said.err
    assert [path.read_bytes() for path in aside(tmp_path / "spool")] == [held]
    assert files(tmp_path / "spool") == []
    assert drain(lab.broker, tmp_path / "spool").err == ""


@pytest.mark.parametrize("source", ["file", "live"])
def test_new_recording_is_not_taken_for_one_whose_lane_is_damaged(lab, tmp_path, source):
    recorded_without_a_broker(tmp_path / "spool")
    flip(files(tmp_path / "spool")[0], 30)
    if source == "file":
        audio = wav(tmp_path / "s1.wav", 5, 7)
        said = finished(spooled(lab.broker, tmp_path / "spool", tmp_path / "s1.wav"))
    else:
        audio = FORM.noise(FORM.rate * 5, 7)
        said = finished(live(lab.broker, tmp_path / "spool"), audio)
    assert said.status == 1 and "whose name is damaged" in said.err
    assert_recorded(lab, audio)
    assert len(aside(tmp_path / "spool")) == 1


def test_hostile_files_are_passed_over(lab, tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    dice = random.Random(5)
    (folder / "00000001.spool").write_bytes(b"RSP1" + dice.randbytes(100000))
    (folder / "00000002.spool").write_bytes(b"RSP1" + b"\xff" * 40)
    (folder / "00000003.spool").write_bytes(b"")
    (folder / "notes.txt").write_text("mine")
    said = drain(lab.broker, folder, status=1)
    assert "passed over" in said.err and "cut off" not in said.err
    assert sorted(os.listdir(folder)) == ["00000001.spool.damaged", "00000002.spool.damaged", "lock",
                                          "notes.txt"]
    assert len((folder / "00000001.spool.damaged").read_bytes()) == 100004
    assert drain(lab.broker, folder).err == ""


@pytest.mark.parametrize("content", [b"", b"RSP2", b"RIFF"])
def test_foreign_files_are_not_touched(lab, tmp_path, content):
    """A file of another version or of another program: the spool is not opened."""
    folder = tmp_path / "spool"
    recorded_without_a_broker(folder, 2)
    kept = files(folder)[0].read_bytes()
    if content == b"RSP2":
        other = kept.replace(b"RSP1", content)
    else:
        other = content + random.Random(5).randbytes(100000)
    for number in (1, 3):
        (folder / f"{number:08}.spool").write_bytes(other)
        (folder / "00000002.spool").write_bytes(kept)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        said = drain(lab.broker, folder, status=1)
        assert f"{number:08}.spool is of another version" in said.err
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        (folder / f"{number:08}.spool").unlink()
    drain(lab.broker, folder)


def test_file_that_is_missing_between_others_is_told(lab, tmp_path):
    audio, process = fill(tmp_path / "spool", 30, "--spool-max-bytes", 2 << 20, "--timeout", 0)
    assert finished(process).status == 4
    assert len(files(tmp_path / "spool")) > 3
    files(tmp_path / "spool")[1].unlink()
    said = drain(lab.broker, tmp_path / "spool", status=1)
    assert "files 00000002 to 00000002 are missing" in said.err
    assert "fragments of s1 are missing" in said.err and " of 301 fragments" in said.text
    assert len(read_ffmpeg(lab.sink.wav("mic", "s1"))) == len(audio)


def test_damage_in_the_last_file_leaves_what_stands_behind(lab, tmp_path):
    """A file's fragments behind the damage are sent where the file is not read again."""
    audio = wav(tmp_path / "behind.wav", 20)
    reel(None, "publish", "-h", "127.0.0.1", "-p", 1, "--device", "mic", "--spool",
         tmp_path / "spool", tmp_path / "behind.wav", "--timeout", 0, status=4)
    flip(files(tmp_path / "spool")[0], 100000)
    said = drain(lab.broker, tmp_path / "spool", status=1)
    assert "passed over" in said.err and "in 80 of 81 fragments durable" in said.text
    found = read_ffmpeg(lab.sink.wav("mic", "behind"))
    differs = [at for at in range(0, len(audio), 8000) if found[at : at + 8000] != audio[at : at + 8000]]
    assert len(found) == len(audio) and len(differs) == 1
    said = reel(lab.broker, "publish", "--device", "mic", "--spool", tmp_path / "spool",
                tmp_path / "behind.wav", status=1)
    assert "published already, but for what was lost" in said.err
    assert len(read_ffmpeg(lab.sink.wav("mic", "behind"))) == len(audio)


def test_signal_ends_live_audio_in_good_order(lab, tmp_path):
    audio = FORM.noise(20000)
    process = live(lab.broker, tmp_path / "spool")
    feed(process, audio)
    wait_bytes(tmp_path / "spool", 38400)
    process.terminate()
    process.wait(60)  # before its input ends too: then the signal would find nothing recorded
    said = finished(process)
    assert said.status == 0, said.err
    assert_recorded(lab, audio)
    assert lab.client().request("info", {"device": "mic", "session": "s1"})["end_reason"] == "end"


def test_signal_while_the_first_bytes_are_awaited(lab, tmp_path):
    """The recorder cannot be woken from that wait; the program ends all the same."""
    process = spooled(lab.broker, tmp_path / "spool", "-", "--session", "s1")
    wait_for(lambda: "/reply/mic/" in lab.broker.log(), "the client's subscription")
    process.terminate()
    assert process.wait(20) == 130
    finished(process)


def test_ring_with_holes_does_not_fail_a_publisher_without_a_spool(make_lab):
    """The broker drops what is behind the first of its queue: those in between leave first."""
    lab = make_lab(broker={"extra": "max_queued_messages 20\n"})
    audio = FORM.noise(FORM.rate * 120)
    process = start(lab.broker, "publish", "-", "--device", "mic", "--session", "s1", *RAW)
    feed(process, audio[:64000])
    wait_frames(lab.client(), "mic", "s1", 16000)
    lab.close_clients()
    lab.sink.stop()
    feeder = threading.Thread(target=lambda: (feed(process, audio[64000:]), end_of_input(process)))
    feeder.start()
    wait_for(lambda: lab.broker.log().count("Received PUBLISH") >= 700, "a full window")
    lab.sink.start()
    feeder.join()
    said = finished(process)
    assert said.status == 0, said.err
    assert_recorded(lab, audio)


def test_refused_fragments_do_not_hold_up_the_rest(lab, tmp_path):
    """A recording of another format stands under that name: its fragments go, the next is sent."""
    reel(lab.broker, "publish", "-", "--device", "mic", "--session", "clash", "--rate", 8000,
         data=b"\x80" * 800)
    audio = wav(tmp_path / "clash.wav", 5)
    other = wav(tmp_path / "fine.wav", 5, 1)
    said = finished(spooled(lab.broker, tmp_path / "spool", tmp_path / "clash.wav",
                            tmp_path / "fine.wav"))
    assert said.status == 1 and "refuses" in said.err and len(audio) == len(other)
    assert_recorded(lab, other, "fine")
    assert files(tmp_path / "spool") == []


def test_usage(lab, tmp_path):
    reel(lab.broker, "publish", status=2)
    reel(lab.broker, "publish", "--spool", tmp_path / "spool", "--spool-max-bytes", 5, status=2)
    said = reel(lab.broker, "publish", "--spool", tmp_path / "no" / "spool", status=4)
    assert "No such file" in said.err
    recorded_without_a_broker(tmp_path / "spool", 1)
    said = reel(lab.broker, "publish", "--device", "other", "--spool", tmp_path / "spool", status=2)
    assert "device mic" in said.err


@strace
@pytest.mark.parametrize("call, when", [("fdatasync", 1), ("fdatasync", 2), ("pwrite64", 50),
                                        ("fsync", 1)])
def test_failing_disk_ends_the_recording_and_what_is_durable_is_sent(lab, tmp_path, call, when):
    """Each call fails once; the same command then records the rest, no frame twice."""
    audio = wav(tmp_path / "failing.wav", 60)
    words = ["--device", "mic", "--spool", tmp_path / "spool", tmp_path / "failing.wav"]
    said = traced(lab.broker, tmp_path, f"{call}:error=EIO:when={when}", *words)
    assert said.returncode == 4, said.stderr.decode()
    assert "Input/output error" in said.stderr.decode()
    reel(lab.broker, "publish", *words)
    assert_recorded(lab, audio, "failing")
