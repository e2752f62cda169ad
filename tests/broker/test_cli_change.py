"""The client's commands that change what is stored: keep, tag, and what the others show of it."""
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
