"""The client's commands that change what is stored, keep, tag, rm, and what the others show."""
import os
import pty

import pytest

from cli import finished, reel, start
from harness import Recorder
from lab import wait_for


@pytest.fixture
def recorded(client, device):
    """A device with three complete recordings, s1 to s3."""
    for session in ("s1", "s2", "s3"):
        recorder = Recorder(client, device, session)
        recorder.store(frames=100, seq=0)
        recorder.end(seq=1)
    return device


def watch(lab, device, count, *words):
    """Start `reel watch` for so many events, and wait until it listens."""
    name = f"watch-{device}"
    process = start(lab.broker, "watch", "--device", device, "--count", count, "-i", name, *words)
    wait_for(lambda: f"{name} 1 reel/v1/event/" in lab.broker.log(), "the watcher's subscription")
    return process


# keep


def test_keep_and_let_go(lab, client, recorded):
    said = reel(lab.broker, "keep", f"{recorded}/s1", f"{recorded}/s2.wav")
    assert said.text == f"{recorded}/s1: kept\n{recorded}/s2: kept\n" and said.err == ""
    rows = client.request("list", {"device": recorded, "kept": True, "sort": "name"})["recordings"]
    assert [row["session"] for row in rows] == ["s1", "s2"]
    said = reel(lab.broker, "keep", "--off", f"{recorded}/s1")
    assert said.text == f"{recorded}/s1: no longer kept\n"
    answer = reel(lab.broker, "keep", f"{recorded}/s1", "--json").json
    assert (answer["session"], answer["kept"]) == ("s1", True)
    assert reel(lab.broker, "keep", f"{recorded}/s1", "--quiet").text == ""


def test_one_that_is_not_there_does_not_stop_the_others(lab, client, recorded):
    said = reel(lab.broker, "keep", f"{recorded}/none", f"{recorded}/s3", status=3)
    assert f"{recorded}/none" in said.err and "not-found" in said.err
    assert client.request("info", {"device": recorded, "session": "s3"})["kept"] is True


def test_what_is_kept_shows(lab, recorded):
    watching = watch(lab, recorded, 2)
    reel(lab.broker, "keep", f"{recorded}/s1")
    reel(lab.broker, "keep", f"{recorded}/s1", "--off")
    lines = [line for line in finished(watching).text.splitlines() if f"{recorded}/s1" in line]
    assert [line.split()[2] for line in lines] == ["kept", "kept"]
    assert lines[0].endswith("kept yes") and lines[1].endswith("kept no")
    reel(lab.broker, "keep", f"{recorded}/s2")
    rows = reel(lab.broker, "list", "--device", recorded, "--sort", "name").text.splitlines()
    assert rows[0].split()[-1] == "NOTES"
    assert [row.split()[-1] for row in rows[1:]] == ["-", "kept", "-"]
    info = reel(lab.broker, "info", f"{recorded}/s2").text
    assert ["kept", "yes"] in [line.split() for line in info.splitlines()]


def test_no_sink_ends_with_4_at_the_first(make_lab):
    lab = make_lab(start=False)
    said = reel(lab.broker, "keep", "mic/s1", "mic/s2", "--timeout", 0.3, status=4)
    assert said.err.count("no sink answered `keep`") == 1


# tag


def test_tags_are_set_and_removed(lab, recorded):
    name = f"{recorded}/s1"
    said = reel(lab.broker, "tag", name, f"{recorded}/s2", "site=roof", "gain=-3.5", "note=a=b c")
    assert said.text.splitlines()[0] == f"{name}: site=roof, gain=-3.5, note=a=b c"
    assert said.text.splitlines()[1].startswith(f"{recorded}/s2: ")
    answer = reel(lab.broker, "tag", name, "gain=7", "--remove", "note", "--json").json
    assert answer["tags"] == {"site": "roof", "gain": 7}
    answer = reel(lab.broker, "tag", name, "only=1", "--replace", "--json").json
    assert answer["tags"] == {"only": 1}
    assert reel(lab.broker, "tag", name, "--replace").text == f"{name}: -\n"
    info = reel(lab.broker, "info", f"{recorded}/s2", "--json").json
    assert info["tags"] == {"site": "roof", "gain": -3.5, "note": "a=b c"}


def test_tags_show(lab, recorded):
    watching = watch(lab, recorded, 1)
    reel(lab.broker, "tag", f"{recorded}/s2", "site=roof", "gain=3")
    reel(lab.broker, "keep", f"{recorded}/s2")
    [line] = [line for line in finished(watching).text.splitlines() if f"{recorded}/s2" in line]
    assert line.split()[2] == "tagged" and line.endswith("tags site=roof, gain=3")
    rows = reel(lab.broker, "list", "--device", recorded, "--tag", "site=roof").text.splitlines()
    assert len(rows) == 2 and rows[1].endswith("kept, site=roof, gain=3")
    info = reel(lab.broker, "info", f"{recorded}/s2").text
    assert "site=roof, gain=3" in info


def test_what_the_sink_says_of_tags(lab, recorded):
    many = [f"t{number}=x" for number in range(33)]
    assert "at most 32" in reel(lab.broker, "tag", f"{recorded}/s1", *many, status=2).err
    reel(lab.broker, "tag", f"{recorded}/s1", *many[:20])
    later = [f"u{number}=x" for number in range(20)]
    assert "bad-request" in reel(lab.broker, "tag", f"{recorded}/s1", *later, status=1).err
    assert "not-found" in reel(lab.broker, "tag", f"{recorded}/none", "x=1", status=3).err


# rm


def sessions(client, device):
    rows = client.request("list", {"device": device, "sort": "name"})["recordings"]
    return [row["session"] for row in rows]


def test_named_recordings_go(lab, client, recorded):
    watching = watch(lab, recorded, 2)
    said = reel(lab.broker, "rm", f"{recorded}/s1", f"{recorded}/s3.wav")
    assert [line.split(", ")[0] for line in said.text.splitlines()] == [
        f"{recorded}/s1: deleted", f"{recorded}/s3: deleted"]
    assert sessions(client, recorded) == ["s2"]
    assert not lab.sink.wav(recorded, "s1").exists()
    lines = [line for line in finished(watching).text.splitlines() if "deleted" in line]
    assert len(lines) == 2 and lines[0].endswith("reason request")
    assert "before" in reel(lab.broker, "rm", f"{recorded}/s1").text
    assert reel(lab.broker, "rm", f"{recorded}/s2", "--json").json["deleted"] == 1


def test_what_does_not_go_is_told_and_the_others_do(lab, client, recorded):
    reel(lab.broker, "keep", f"{recorded}/s1")
    assert "not-found" in reel(lab.broker, "rm", f"{recorded}/none", status=3).err
    said = reel(lab.broker, "rm", f"{recorded}/s1", f"{recorded}/s2", status=1)
    assert "conflict, field force" in said.err and f"{recorded}/s1" in said.err
    assert sessions(client, recorded) == ["s1", "s3"]
    reel(lab.broker, "rm", f"{recorded}/s1", "--force")
    assert sessions(client, recorded) == ["s3"]
    said = reel(lab.broker, "rm", f"{recorded}/s3", "--dry-run")
    assert "s3: would be deleted, " in said.text and sessions(client, recorded) == ["s3"]


def test_what_filters_pick_goes(lab, client, recorded):
    reel(lab.broker, "keep", f"{recorded}/s1")
    reel(lab.broker, "tag", f"{recorded}/s2", "bad=yes")
    said = reel(lab.broker, "rm", "--device", recorded, "--tag", "bad=yes", "--dry-run")
    assert said.text.splitlines()[0].startswith(f"{recorded}/s2: would be deleted")
    assert said.text.splitlines()[1].startswith("1 recording, ")
    assert sessions(client, recorded) == ["s1", "s2", "s3"]
    reel(lab.broker, "rm", "--device", recorded, "--tag", "bad=yes")
    assert sessions(client, recorded) == ["s1", "s3"]
    said = reel(lab.broker, "rm", "--device", recorded, "--until", "2100-01-01T00:00:00Z")
    assert said.text.splitlines()[-1].endswith("; 1 stays, being kept")
    assert sessions(client, recorded) == ["s1"]
    assert reel(lab.broker, "rm", "--device", recorded, "--force", "--json").json["deleted"] == 1
    assert reel(lab.broker, "rm", "--device", recorded).text.startswith("0 recordings")


def test_everything_goes(make_lab):
    lab = make_lab()
    for device in ("a", "b"):
        Recorder(lab.client(), device).store(frames=10, seq=0)
    assert "2 recordings" in reel(lab.broker, "rm", "--all").text
    assert reel(lab.broker, "list", "--json").json["recordings"] == []


@pytest.mark.parametrize("answer, left", [
    (b"n\n", ["s1", "s2", "s3"]), (b"\n", ["s1", "s2", "s3"]), (b"y\n", []),
])
def test_somebody_at_a_terminal_is_asked(lab, client, recorded, answer, left):
    leader, follower = pty.openpty()
    process = start(lab.broker, "rm", "--device", recorded, stdin=follower)
    os.write(leader, answer)
    said = finished(process)
    assert "delete 3 recordings" in said.err and "[y/N]" in said.err
    assert said.status == (1 if left else 0) and ("nothing was deleted" in said.err) == bool(left)
    assert sessions(client, recorded) == left
    os.close(leader), os.close(follower)


@pytest.mark.parametrize("words, left", [
    (["--yes"], []), (["--dry-run"], ["s1", "s2", "s3"]), (["--session", "s2"], ["s1", "s3"]),
])
def test_what_nobody_is_asked_about(make_lab, words, left):
    lab = make_lab()
    client = lab.client()
    for session in ("s1", "s2", "s3"):
        Recorder(client, "mic", session).store(frames=10, seq=0)
    leader, follower = pty.openpty()
    picked = words if "--session" in words else ["--device", "mic", *words]
    said = finished(start(lab.broker, "rm", *picked, stdin=follower))
    assert said.status == 0 and "[y/N]" not in said.err
    assert sessions(client, "mic") == left
    os.close(leader), os.close(follower)


@pytest.mark.parametrize("words", [
    [], ["a"], ["a/b", "--all"], ["a/b", "--device", "a"], ["--all", "--rate", "8000"],
    ["--device", "a", "--session", "b"], ["--kept", "--not-kept"], ["--tag", "x"], ["--force"],
], ids=" ".join)
def test_rm_that_does_not_say_which(words):
    assert reel(None, "rm", *words, status=2).out == b""
