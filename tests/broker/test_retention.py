"""retention: what is too old or too much goes by itself, what ended longest ago first; what is kept
or under way stays, and a bound that this breaks is told."""
import os
import textwrap

import pytest

from harness import Format, Recorder
from lab import wait_for
from small_disk import small_disk

FRAMES = 1000
FILE_BYTES = 1024 + FRAMES * Format().frame_bytes  # of a recording of so many


def record(client, device, session="s1", frames=FRAMES, end=True):
    recorder = Recorder(client, device, session)
    recorder.store(frames=frames, seq=0)
    if end:
        recorder.end(seq=1)
    return recorder


def sessions(client, device):
    question = {"device": device, "sort": "name"}
    return [found["session"] for found in client.request("list", question)["recordings"]]


def wait_sessions(client, device, wanted):
    wait_for(lambda: sessions(client, device) == wanted, f"{wanted} of {device}")


def wait_reason(lab, wanted):
    wait_for(lambda: wanted in lab.sink.status()["reason"] if wanted
             else lab.sink.status()["reason"] == "", f"the reason {wanted!r}")


def reasons(lab, device):
    return {event["recording"]["session"]: event["reason"]
            for event in lab.watcher.events(device, kind="deleted")}


def wait_reasons(lab, device, wanted):
    wait_for(lambda: reasons(lab, device) == wanted, f"the deletions {wanted}")


def files(lab, device):
    return sorted(os.listdir(lab.sink.store / "recordings" / device))


# All recordings together

def test_what_ended_longest_ago_goes_first(make_lab, device):
    lab = make_lab({"retention.max_bytes": 3 * FILE_BYTES})
    client = lab.client()
    other = f"{device}-2"
    record(client, device, "s1")
    record(client, other, "s2")
    record(client, device, "s3")
    growing = record(client, device, "s4", end=False)
    for number in range(5, 7):
        record(client, other, f"s{number}")
    wait_sessions(client, device, ["s3", "s4"])
    wait_sessions(client, other, ["s5", "s6"])
    growing.end(seq=1)  # now it counts, too, and has ended last
    wait_sessions(client, device, ["s4"])
    wait_sessions(client, other, ["s5", "s6"])
    wait_reasons(lab, device, {"s1": "retention.max_bytes", "s3": "retention.max_bytes"})
    wait_for(lambda: files(lab, device) == ["s4.json", "s4.wav"], "the files to go")
    assert lab.sink.status()["reason"] == ""


def test_kept_ones_stay_and_it_is_told(make_lab, device):
    lab = make_lab({"retention.max_bytes": 2 * FILE_BYTES})
    client = lab.client()
    kept = [{"device": device, "session": f"s{number}"} for number in range(3)]
    for name in kept:
        record(client, device, name["session"], end=False)
        client.request("keep", name)
        Recorder(client, device, name["session"]).end(seq=1)
    record(client, device, "s9")
    wait_sessions(client, device, ["s0", "s1", "s2"])
    wait_reason(lab, "retention.max_bytes cannot be met: 3 recordings are kept")
    assert lab.sink.status()["state"] == "ok"
    assert lab.sink.log().count("cannot be met") == 1
    client.request("keep", kept[1] | {"keep": False})
    wait_sessions(client, device, ["s0", "s2"])
    wait_reason(lab, "")


def test_too_old(make_lab, device):
    lab = make_lab({"retention.max_age_s": 2})
    client = lab.client()
    record(client, device, "kept")
    client.request("keep", {"device": device, "session": "kept"})
    record(client, device, "old")
    growing = record(client, device, "growing", end=False)
    lab.watcher.wait_event(device, "old", "deleted")
    growing.store(frames=FRAMES, seq=1)
    assert sessions(client, device) == ["growing", "kept"]
    wait_reasons(lab, device, {"old": "retention.max_age_s"})
    event = lab.watcher.wait_event(device, "old", "deleted")
    assert event["time"] > event["recording"]["updated_at"]
    growing.end(seq=2)
    lab.watcher.wait_event(device, "growing", "deleted")
    assert sessions(client, device) == ["kept"]


def test_more_than_a_slice(make_lab, device):
    """Hundreds at the start of a sink that got its bound since; audio is taken in meanwhile."""
    lab = make_lab({"limits.new_recordings_per_minute": 100000})
    client = lab.client()
    for number in range(400):
        Recorder(client, device, f"s{number:03}").post(frames=FRAMES, end=True, seq=0, wait=False)
    record(client, device, "t")
    lab.sink.stop()
    lab.sink.settings["retention.max_bytes"] = 10 * FILE_BYTES
    lab.sink.start()
    growing = Recorder(client, f"{device}-2")
    for seq in range(20):
        growing.store(frames=100, seed=seq, seq=seq)
    wait_sessions(client, device, [f"s{number:03}" for number in range(391, 400)] + ["t"])
    wait_for(lambda: len(lab.watcher.events(device, kind="deleted")) == 391, "an event of each", 120)
    assert growing.info()["frames"] == 2000


# By device

def configured(make_lab, tmp_path, text):
    """A lab whose sink reads the text as its settings."""
    path = tmp_path / "reeld.conf"
    path.write_text(textwrap.dedent(text))
    lab = make_lab(start=False)
    command = lab.sink.command
    lab.sink.command = lambda *more: command("-c", path, *more)
    lab.sink.start()
    return lab


def test_bounds_of_devices(make_lab, tmp_path):
    lab = configured(make_lab, tmp_path, f"""
        [retention]
        max_bytes = {12 * FILE_BYTES}
        [retention "mic-*"]
        max_bytes = {2 * FILE_BYTES}
        [retention "mic-long"]
        max_bytes = {3 * FILE_BYTES}
        """)
    client = lab.client()
    for session in "abcd":
        for device in "cam", "mic-1", "mic-long":
            record(client, device, session)
    wait_sessions(client, "mic-1", ["c", "d"])
    wait_sessions(client, "mic-long", ["b", "c", "d"])
    assert sessions(client, "cam") == ["a", "b", "c", "d"]
    wait_reasons(lab, "mic-1", {name: "retention.max_bytes" for name in "ab"})


def test_ages_of_devices(make_lab, tmp_path):
    lab = configured(make_lab, tmp_path, """
        [retention]
        max_age_s = 1
        [retention "cam-*"]
        max_age_s = 0
        [retention "cam-2"]
        max_age_s = 3600
        """)
    client = lab.client()
    for device in "cam-1", "cam-2", "mic":
        record(client, device)
    lab.watcher.wait_event("mic", "s1", "deleted")
    record(client, "mic", "s2")
    lab.watcher.wait_event("mic", "s2", "deleted")
    assert sessions(client, "cam-1") == sessions(client, "cam-2") == ["s1"]


def test_a_device_whose_recordings_are_kept(make_lab, tmp_path):
    lab = configured(make_lab, tmp_path, f"""
        [retention "mic-*"]
        max_bytes = {FILE_BYTES}
        """)
    client = lab.client()
    for session in "s1", "s2":
        record(client, "mic-1", session, end=False)
        client.request("keep", {"device": "mic-1", "session": session})
        Recorder(client, "mic-1", session).end(seq=1)
    wait_reason(lab, "retention.max_bytes of mic-1 cannot be met: 2 recordings are kept")


# The disk

def free_bytes(lab):
    status = os.statvfs(lab.sink.store)
    return status.f_bavail * status.f_frsize


@pytest.fixture
def short_disk(make_lab, device):
    """A sink that is told to leave more room than there is: all that may go goes."""
    lab = make_lab()
    client = lab.client()
    for number in range(3):
        record(client, device, f"s{number}")
    client.request("keep", {"device": device, "session": "s1"})
    lab.sink.stop()
    lab.sink.settings["retention.min_free_bytes"] = free_bytes(lab) + (1 << 40)
    lab.sink.start()
    return lab


def test_room_is_made(short_disk, device):
    lab = short_disk
    client = lab.client()
    wait_sessions(client, device, ["s1"])
    wait_reasons(lab, device, {name: "retention.min_free_bytes" for name in ("s0", "s2")})
    wait_reason(lab, "retention.min_free_bytes cannot be met")
    growing = record(client, device, "s3", end=False)
    growing.store(frames=FRAMES, seed=1, seq=1)
    assert sessions(client, device) == ["s1", "s3"]
    wait_for(lambda: files(lab, device) == ["s1.json", "s1.wav", "s3.json", "s3.wav"],
             "the files to go")


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", "24m") as folder:
        yield folder


def test_the_disk_is_never_full(disk, make_lab, device):
    """Four times as much is recorded as the disk takes. What goes is no more than is needed."""
    lab = make_lab({"store.dir": disk / "store", "retention.min_free_bytes": 8 << 20,
                    "retention.max_bytes": 1 << 40})
    client = lab.client()
    frames = 500_000 // Format().frame_bytes
    for number in range(96):
        recorder = Recorder(client, device, f"s{number:02}")
        recorder.store(frames=frames, seed=number, seq=0)
        recorder.store(frames=frames, seed=number + 1, seq=1)
        recorder.end(seq=2)
        assert free_bytes(lab) > 4 << 20
    wait_for(lambda: free_bytes(lab) >= 8 << 20, "the room that is wanted")
    left = sessions(client, device)
    assert left == [f"s{number:02}" for number in range(96 - len(left), 96)]
    assert len(left) >= 10  # of a mebibyte each: there is no more than 11 MiB free
    assert set(reasons(lab, device).values()) == {"retention.min_free_bytes"}
    statuses = lab.watcher.select(lambda m: "/status/" in m.topic)
    assert {message.document["state"] for message in statuses if message.payload} == {"ok"}
    said = client.ask("download", {"device": device, "session": left[0]})
    assert said.user["status"] == "ok"


# With requests

def test_a_request_meets_it(make_lab, device):
    """Deleting what retention deletes is no error, whoever comes first."""
    lab = make_lab({"retention.max_bytes": 1})
    client = lab.client()
    for number in range(10):
        recorder = record(client, device, f"s{number}")
        said = client.request("delete", {"device": device, "session": recorder.session})
        assert said["deleted"] in (0, 1)
    assert client.request("delete", {"device": device})["spared"] == 0
    assert sessions(client, device) == []
    wait_for(lambda: len(lab.watcher.events(device, kind="deleted")) == 10, "one event of each")
