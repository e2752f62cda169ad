"""Other hands at the store: files removed or cut under a running sink, what stands in the way of a
device's folder, a disk that is not mounted, second names."""
import os
import shutil
import subprocess

import pytest

from harness import Format, Recorder, assert_same_audio, read_wave

FORM = Format()
HEADER_BYTES = 1024
FRAMES = 160


def noise(n):
    return FORM.noise(FRAMES, n)


# Under a running sink


@pytest.mark.parametrize("kept", [0, HEADER_BYTES, HEADER_BYTES + 2 * FRAMES])
def test_file_that_is_cut_is_not_filled_up_with_zeros(make_lab, kept):
    """What was cut off is missing; what came after it is there, and the sum is made of that."""
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    for seq in range(3):
        recorder.store(noise(seq), seq=seq)
    os.truncate(lab.sink.wav("mic", "s1"), kept)
    recorder.store(noise(3), seq=3)
    assert "mic/s1.wav was cut by another program" in lab.sink.log()
    kept_fragments = max(kept - HEADER_BYTES, 0) // (2 * FRAMES)
    recorder.end(seq=4)
    info = recorder.info()
    assert info["gap_frames"] == (3 - kept_fragments) * FRAMES
    audio = read_wave(lab.sink.wav("mic", "s1"))[1]
    assert_same_audio(audio[-2 * FRAMES:], noise(3))
    assert_same_audio(audio[:kept_fragments * 2 * FRAMES],
                      b"".join(noise(seq) for seq in range(kept_fragments)))


def test_nothing_is_acknowledged_into_a_file_that_is_removed(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    other = Recorder(lab.client(), "other")
    recorder.store(noise(0), seq=0)
    other.store(noise(7), seq=0)
    lab.sink.wav("mic", "s1").unlink()
    recorder.store(noise(1), seq=1)
    assert "mic/s1.wav was removed by another program" in lab.sink.log()
    recorder.end(seq=2)
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1], noise(1))
    other.store(noise(8), seq=1)
    other.end(seq=2)
    assert_same_audio(read_wave(lab.sink.wav("other", "s1"))[1], noise(7) + noise(8))


# In one device's way

OBSTACLES = {
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
    "a link that leads to itself": lambda path: path.symlink_to(path.name),
    "a file": lambda path: path.write_bytes(b"notes"),
    "a folder with the temporary name": lambda path: (path / ".s1.wav.tmp").mkdir(parents=True),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_in_one_devices_way_disturbs_nobody_else(make_lab, obstacle):
    lab = make_lab()
    client = lab.client()
    good, bad = Recorder(client, "good"), Recorder(client, "bad")
    good.store(noise(0), seq=0)
    OBSTACLES[obstacle](lab.sink.store / "recordings/bad")
    error = bad.refused(noise(1), seq=0)
    assert (error["code"], error["field"]) == ("not-allowed", "device")
    good.store(noise(1), seq=1)
    assert "could not be stored" not in lab.sink.log()
    lab.sink.restart()
    good.store(noise(2), seq=2)
    good.end(seq=3)
    assert_same_audio(read_wave(lab.sink.wav("good", "s1"))[1], noise(0) + noise(1) + noise(2))


# Recordings that are not there


def is_not_mounted(message):
    return "/status/" in message.topic and "is its disk mounted" in message.document.get("reason", "")


def test_store_without_its_recordings_waits_for_them_and_changes_nothing(make_lab):
    """As where a disk is not mounted; --reindex is the way out if they are gone for good."""
    lab = make_lab()
    client = lab.client()
    recorder = Recorder(client, "mic")
    recorder.store(noise(0), seq=0)
    Recorder(client, "other").store(noise(1), seq=0)
    lab.sink.stop()
    recordings, away = lab.sink.store / "recordings", lab.sink.store / "away"
    recordings.rename(away)
    recordings.mkdir()
    lab.sink.launch()
    told = lab.watcher.wait_message(is_not_mounted, "the reason in the status").document
    assert told["state"] == "stalled" and "the catalog knows 2 recordings" in told["reason"]
    assert "reeld --reindex" in told["reason"]
    assert list(recordings.iterdir()) == [] and not (lab.sink.store / "recovered").exists()
    recordings.rmdir()
    away.rename(recordings)
    recorder.store(noise(2), seq=1)
    recorder.end(seq=2)
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1], noise(0) + noise(2))
    lab.sink.stop()
    recordings.rename(away)
    reindexed = subprocess.run(lab.sink.command("--reindex"), capture_output=True, text=True)
    assert reindexed.returncode == 0 and "0 recordings" in reindexed.stdout, reindexed
    lab.sink.start()
    assert client.request("list")["recordings"] == []


def test_running_sink_whose_recordings_vanish_waits_for_them(make_lab):
    lab = make_lab()
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0), seq=0)
    recordings, away = lab.sink.store / "recordings", lab.sink.store / "away"
    recordings.rename(away)
    recordings.mkdir()
    held = (away / "mic/s1.wav").read_bytes()
    os.truncate(away / "mic/s1.wav", 0)  # what the sink has open must fail, so that it looks anew
    recorder.post(noise(1), seq=1)
    lab.watcher.wait_message(is_not_mounted, "the reason in the status")
    (away / "mic/s1.wav").write_bytes(held)
    recordings.rmdir()
    away.rename(recordings)
    recorder.store(noise(2), seq=2)
    recorder.end(seq=3)
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1], noise(0) + noise(1) + noise(2))


# Second names


@pytest.mark.parametrize("again", ["a link to the folder", "hard links", "copies"])
def test_what_has_a_second_name_stays_under_its_own(make_lab, again):
    lab = make_lab()
    client = lab.client()
    done, growing = Recorder(client, "mic"), Recorder(client, "mic", "s2")
    done.store(noise(0), seq=0)
    done.end(seq=1)
    growing.store(noise(1), seq=0)
    lab.sink.stop()
    folder = lab.sink.store / "recordings/mic"
    if again == "a link to the folder":
        folder.with_name("kitchen").symlink_to("mic")
    else:
        shutil.copytree(folder, folder.with_name("kitchen"),
                        copy_function=os.link if again == "hard links" else shutil.copy2)
    for end in (lab.sink.stop, lab.sink.kill):
        lab.sink.start()
        known = [(one["device"], one["session"]) for one in client.request("list")["recordings"]]
        assert sorted(known) == [("mic", "s1"), ("mic", "s2")]
        end()
    assert not (lab.sink.store / "recovered").exists()
    lab.sink.start()
    error = Recorder(client, "kitchen").refused(noise(2), seq=0)
    assert (error["code"], error["field"]) == ("not-allowed", "device")
    growing.store(noise(2), seq=1)
    growing.end(seq=2)
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1], noise(0))
    assert_same_audio(read_wave(lab.sink.wav("mic", "s2"))[1], noise(1) + noise(2))
