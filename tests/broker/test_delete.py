"""delete: recordings go, from disk and catalog; what comes of them once more is dropped, and what
is new begins a new recording."""
import subprocess
import threading

import pytest

from harness import JSON, MSGPACK, PREFIX, Format, Recorder, assert_same_audio, read_wave
from lab import wait_for

NOTHING = {"dry_run": False, "deleted": 0, "bytes": 0, "spared": 0, "recordings": []}


def name_of(recorder):
    return {"device": recorder.device, "session": recorder.session}


def record(client, device, session="s1", fragments=3, end=True, **more):
    """A recording of 100 frames a fragment, each of its own noise."""
    recorder = Recorder(client, device, session)
    for seq in range(fragments):
        recorder.store(frames=100, seed=seq, seq=seq, frame=100 * seq, **more)
    if end:
        recorder.end(seq=fragments, frame=100 * fragments, **more)
    return recorder


def is_there(client, recorder):
    question = name_of(recorder)
    answer = client.ask("info", question).document
    assert answer["status"] == "ok" or answer["error"]["code"] == "not-found"
    return answer["status"] == "ok"


def files(lab, device):
    """Names in the device's folder, hidden ones too."""
    return sorted(path.name for path in lab.sink.store.joinpath("recordings", device).iterdir())


def wait_gone(lab, device, session="s1"):
    """The name is free when the answer is there; that nothing is left takes another thread."""
    folder = lab.sink.store / "recordings" / device
    assert not (folder / f"{session}.wav").exists()
    assert not (folder / f"{session}.json").exists()
    wait_for(lambda: not [name for name in files(lab, device) if name.endswith(".tmp")],
             "the file to be unlinked")


# One recording

@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_deleted(lab, client, device, form):
    recorder = record(client, device)
    record(client, device, "s2")
    was = recorder.info()
    said = client.request("delete", name_of(recorder), form=form)
    assert said == {"dry_run": False, "deleted": 1, "bytes": was["bytes"], "spared": 0,
                    "recordings": [name_of(recorder) | {"bytes": was["bytes"]}]}
    wait_gone(lab, device)
    assert not is_there(client, recorder)
    assert [r["session"] for r in client.request("list", {"device": device})["recordings"]] == ["s2"]
    event = lab.watcher.wait_event(device, "s1", "deleted")
    assert event["reason"] == "request"
    assert event["recording"]["id"] == was["id"]
    assert event["recording"]["frames"] == was["frames"]
    wait_for(lambda: files(lab, device) == ["s2.json", "s2.wav"], "the other's files alone")


def test_deleted_again_is_no_error(client, device):
    recorder = record(client, device)
    client.request("delete", name_of(recorder))
    assert client.request("delete", name_of(recorder)) == NOTHING


def test_what_a_dry_run_shows_stays(lab, client, device):
    recorder = record(client, device)
    said = client.request("delete", name_of(recorder) | {"dry_run": True})
    assert said["dry_run"] is True and said["deleted"] == 1
    assert is_there(client, recorder)
    assert client.request("delete", name_of(recorder)) == said | {"dry_run": False}
    lab.watcher.wait_event(device, "s1", "deleted")
    assert len(lab.watcher.events(device, "s1", "deleted")) == 1


def test_kept(client, device):
    recorder = record(client, device)
    client.request("keep", name_of(recorder))
    for more in {}, {"dry_run": True}, {"force": False}:
        error = client.refusal("delete", name_of(recorder) | more)
        assert (error["code"], error["field"]) == ("conflict", "force")
    assert is_there(client, recorder)
    assert client.request("delete", name_of(recorder) | {"force": True})["deleted"] == 1
    assert not is_there(client, recorder)


@pytest.mark.parametrize(("document", "code", "field"), [
    ({}, "bad-request", "all"),
    ({"all": False}, "bad-request", "all"),
    ({"force": True, "dry_run": True}, "bad-request", "all"),
    ({"all": 1}, "bad-request", "all"),
    ({"device": "DEVICE", "session": "none"}, "not-found", None),
    ({"device": "DEVICE", "session": "s1", "has_gaps": True}, "bad-request", "session"),
    ({"device": "DEVICE", "session": "s1", "all": True}, "bad-request", "session"),
    ({"device": "DEVICE", "session": "../s1"}, "bad-request", "session"),
    ({"device": "DEVICE", "session": "s1", "force": "yes"}, "bad-request", "force"),
    ({"device": "DEVICE", "session": "s1", "dry_run": 1}, "bad-request", "dry_run"),
    ({"device": "DEVICE", "limit": 1}, "bad-request", "limit"),
    ({"device": "DEVICE", "sort": "name"}, "bad-request", "sort"),
    ({"device": "DEVICE", "cursor": "x"}, "bad-request", "cursor"),
    ({"min_duration": -1}, "bad-request", "min_duration"),
    ({"device": "DEVICE", "sesion": "s1"}, "bad-request", "sesion"),
    ({"device": "DEVICE", "untill": "2020-01-01T00:00:00Z"}, "bad-request", "untill"),
    ({"device": "DEVICE", "session": "s1", "dry-run": True}, "bad-request", "dry-run"),
    ({"tags": ["site"]}, "bad-request", "tags"),
])
def test_bad_delete(client, device, document, code, field):
    recorder = record(client, device)
    document = {key: device if value == "DEVICE" else value for key, value in document.items()}
    error = client.refusal("delete", document)
    assert (error["code"], error["field"]) == (code, field)
    assert is_there(client, recorder)


def test_survives_a_kill(make_lab, device):
    lab = make_lab()
    client = lab.client()
    recorder = record(client, device)
    record(client, device, "s2")
    client.request("delete", name_of(recorder))
    lab.sink.kill()
    lab.sink.start()
    assert not is_there(client, recorder)
    wait_for(lambda: files(lab, device) == ["s2.json", "s2.wav"], "the other's files alone")
    assert not (lab.sink.store / "recovered").exists()
    assert recorder.store(frames=100, seed=0, seq=0, frame=0)["seq"] == 3
    assert not is_there(client, recorder)


def test_by_mosquitto_rr(lab, client, device):
    recorder = record(client, device)
    said = subprocess.run(
        ["mosquitto_rr", "-h", lab.broker.host, "-p", str(lab.broker.port), "-W", "30",
         "-t", f"{PREFIX}/request/delete", "-e", f"{PREFIX}/reply/rr",
         "-m", f'{{"device": "{device}", "session": "s1"}}'],
        check=True, capture_output=True)
    assert b'"deleted":1' in said.stdout.replace(b" ", b"")
    assert not is_there(client, recorder)


# What comes after it

def test_repeats_are_acknowledged_and_dropped(lab, client, device):
    recorder = record(client, device)
    before = client.request("status")
    client.request("delete", name_of(recorder))
    answer = recorder.store(frames=100, seed=1, seq=1, frame=100)
    assert answer == {"status": "ok", "device": device, "session": "s1", "boot": "", "seq": 3,
                      "frames": 0, "next_frame": 300, "missing": [], "missing_frames": [],
                      "lost": []} | {"boot": answer["boot"]}
    recorder.post(frames=100, seed=2, seq=2, frame=200)  # without an answer
    recorder.store(b"", end=True, seq=3, frame=299)
    assert not is_there(client, recorder)
    after = client.request("status")
    assert after["counters"]["duplicates"] - before["counters"]["duplicates"] == 3
    assert len(lab.watcher.events(device, "s1", "started")) == 1


def test_new_audio_goes_on_in_a_new_recording(lab, client, device):
    recorder = record(client, device, end=False)
    was = recorder.info()
    client.request("delete", name_of(recorder))
    new = [recorder.form.noise(100, seed) for seed in (3, 4)]
    assert recorder.store(new[0], seq=3, frame=300)["seq"] == 3
    assert recorder.store(frames=100, seed=0, seq=0, frame=0)["seq"] == 3  # a repeat all the same
    answer = recorder.store(new[1], seq=4, frame=400)
    assert (answer["seq"], answer["next_frame"], answer["lost"]) == (4, 500, [])
    recorder.end(seq=5, frame=500)
    info = recorder.info()
    assert info["id"] != was["id"]
    assert (info["frames"], info["gap_frames"], info["missing"], info["lost"]) == (200, 0, [], [])
    assert (info["rejected"], len(info["stretches"])) == (0, 1)
    assert_same_audio(read_wave(lab.sink.wav(device, "s1"))[1], b"".join(new))


def test_a_gap_behind_the_deleted_is_one(client, device):
    recorder = record(client, device, end=False)
    client.request("delete", name_of(recorder))
    answer = recorder.store(frames=100, seed=9, seq=5, frame=500)
    assert answer["missing"] == [[3, 4]]
    assert recorder.info()["frames"] == 300
    assert recorder.store(frames=100, seed=3, seq=3, frame=300)["missing"] == [[4, 4]]


def test_a_recorder_that_restarts_under_the_deleted_name_is_new(lab, client, device):
    """Its numbers are those of what was deleted, its audio is not."""
    recorder = record(client, device)
    client.request("delete", name_of(recorder))
    audio = [recorder.post(frames=100, seed=50 + seq, seq=seq, frame=100 * seq) for seq in range(2)]
    recorder.store(b"", seq=2, frame=200, end=True)
    info = recorder.info()
    assert (info["frames"], info["lost"], info["missing"]) == (200, [], [])
    assert_same_audio(read_wave(lab.sink.wav(device, "s1"))[1], b"".join(audio))


def test_a_restart_in_what_goes_on_behind_the_deleted(lab, client, device):
    recorder = record(client, device, end=False)
    client.request("delete", name_of(recorder))
    audio = [recorder.post(frames=100, seed=3, seq=3, frame=300)]
    assert recorder.refused(frames=100, seed=50, seq=0, frame=0)["code"] == "late"
    recorder.store(frames=100, seed=51, seq=1, frame=100)
    recorder.end(seq=2, frame=200)
    audio += [recorder.form.noise(100, seed) for seed in (50, 51)]
    assert_same_audio(read_wave(lab.sink.wav(device, "s1"))[1], b"".join(audio))


def test_what_began_with_silence_is_not_known_again(client, device):
    """Nothing tells its repeat from a restart, so it is kept."""
    recorder = Recorder(client, device)
    recorder.store(bytes(200), seq=0, frame=0)
    client.request("delete", name_of(recorder))
    recorder.store(bytes(200), seq=0, frame=0)
    assert recorder.info()["frames"] == 100


def test_another_boot_is_new(client, device):
    recorder = record(client, device, boot=1)
    client.request("delete", name_of(recorder))
    recorder.store(frames=100, seq=0, frame=0, boot=2)
    assert recorder.info()["frames"] == 100
    recorder.store(frames=100, seed=1, seq=1, frame=100, boot=1)  # of the one that was deleted
    info = recorder.info()
    assert (info["frames"], info["rejected"], info["boot"]) == (100, 0, 2)


def test_what_has_no_numbers_is_new(client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100)
    client.request("delete", name_of(recorder))
    recorder.store(frames=50)
    assert recorder.info()["frames"] == 50


def test_deleted_twice_with_new_audio_in_between(client, device):
    recorder = record(client, device, end=False)
    client.request("delete", name_of(recorder))
    recorder.store(frames=100, seed=3, seq=3, frame=300)
    client.request("delete", name_of(recorder))
    for seq in range(4):
        assert recorder.store(frames=100, seed=seq, seq=seq, frame=100 * seq)["seq"] == 3
    assert not is_there(client, recorder)
    recorder.store(frames=100, seed=4, seq=4, frame=400)
    assert recorder.info()["frames"] == 100


# Sessions that go on in parts

@pytest.fixture
def parted(make_lab, device):
    """A recorder whose session has gone on in a third part: one of a second each, at 1000 Hz."""
    lab = make_lab({"session.max_duration_s": 1})
    recorder = Recorder(lab.client(), device, form=Format(rate=1000))
    recorder.lab = lab
    for seq in range(25):
        recorder.store(frames=100, seed=seq, seq=seq, frame=100 * seq)
    return recorder


def ranges(recorder):
    """Of each recording of the device its first and last sequence number."""
    found = recorder.client.request("list", {"device": recorder.device, "sort": "name"})
    out = {}
    for session in [one["session"] for one in found["recordings"]]:
        info = recorder.client.request("info", {"device": recorder.device, "session": session})
        assert (info["missing"], info["lost"], info["gap_frames"]) == ([], [], 0), info
        out[session] = (info["stretches"][0]["first_seq"], info["next_seq"] - 1)
    return out


def test_the_last_part(parted):
    """The session goes on in a new part, without the deleted one's numbers; what comes once more of
    that is dropped, of the part before it compared."""
    assert ranges(parted) == {"s1": (0, 9), "s1-2": (10, 19), "s1-3": (20, 24)}
    parted.client.request("delete", {"device": parted.device, "session": "s1-3"})
    assert parted.store(frames=100, seed=22, seq=22, frame=2200)["seq"] == 24
    assert ranges(parted) == {"s1": (0, 9), "s1-2": (10, 19)}
    assert parted.store(frames=100, seed=12, seq=12, frame=1200)["status"] == "ok"
    assert parted.store(frames=100, seed=25, seq=25, frame=2500)["seq"] == 25
    assert parted.store(frames=100, seed=22, seq=22, frame=2200)["seq"] == 25
    parted.store(frames=100, seed=26, seq=26, frame=2600)
    assert ranges(parted) == {"s1": (0, 9), "s1-2": (10, 19), "s1-3": (25, 26)}


def test_a_part_in_the_middle(parted):
    parted.client.request("delete", {"device": parted.device, "session": "s1-2"})
    assert parted.store(frames=100, seed=12, seq=12, frame=1200)["missing"] == []
    parted.store(frames=100, seed=3, seq=3, frame=300)
    parted.store(frames=100, seed=25, seq=25, frame=2500)
    assert ranges(parted) == {"s1": (0, 9), "s1-3": (20, 25)}


def test_all_parts(parted):
    assert parted.client.request("delete", {"device": parted.device})["deleted"] == 3
    for seq in 3, 13, 23:
        assert parted.store(frames=100, seed=seq, seq=seq, frame=100 * seq)["seq"] == 24
    assert ranges(parted) == {}
    parted.store(frames=100, seed=25, seq=25, frame=2500)
    assert ranges(parted) == {"s1": (25, 25)}


# While something else goes on

def test_while_it_is_recorded(lab, client, device):
    """A recorder that does not stop: what is there at last goes on where it was deleted."""
    recorder = Recorder(client, device)
    stop = threading.Event()
    sent = []

    def publish():
        while not stop.is_set():
            seq = len(sent)
            sent.append(recorder.post(frames=100, seed=seq, seq=seq, frame=100 * seq))

    thread = threading.Thread(target=publish)
    thread.start()
    deleter = lab.client()
    wait_for(lambda: is_there(deleter, recorder), "a recording")
    gone = [deleter.request("delete", name_of(recorder)) for _ in range(5)]
    wait_for(lambda: is_there(deleter, recorder), "a recording again")
    stop.set()
    thread.join()
    recorder.end(seq=len(sent), frame=100 * len(sent))
    info = recorder.info()
    assert sum(answer["deleted"] for answer in gone) >= 1
    assert (info["lost"], info["missing"], info["gap_frames"], info["rejected"]) == ([], [], 0, 0)
    first = info["stretches"][0]["first_seq"]
    assert 0 < first < len(sent)
    assert_same_audio(read_wave(lab.sink.wav(device, "s1"))[1], b"".join(sent[first:]))
    deleted = sum(answer["deleted"] for answer in gone)
    lab.watcher.wait_event(device, "s1", "deleted", deleted)
    lab.watcher.wait_event(device, "s1", "started", deleted + 1)


def download_part(client, recorder, offset, **more):
    question = name_of(recorder) | {"offset": offset, "length": 1000, "block_size": 1000} | more
    return client.ask("download", question)


def test_while_it_is_downloaded(client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=2000, seq=0)
    recorder.end(seq=1)
    part = download_part(client, recorder, 0)
    version = part.user["version"]
    client.request("delete", name_of(recorder))
    answer = download_part(client, recorder, 1000, version=version)
    assert answer.document["error"]["code"] == "not-found"
    recorder.store(frames=2000, seed=7, seq=5)
    answer = download_part(client, recorder, 1000, version=version)
    assert answer.document["error"]["code"] == "version-mismatch"
    recorder.store(frames=2000, seed=7, seq=6)
    answer = download_part(client, recorder, 1000, version=version)
    assert answer.document["error"]["code"] == "version-mismatch"


def test_downloads_that_race_with_it_give_its_bytes_or_an_error(lab, client, device):
    """Each answer is of the recording that its version names, or says that it is gone."""
    form = Format()
    downloader = lab.client()
    expected = {}
    errors = set()
    stop = threading.Event()

    def download():
        while not stop.is_set():
            answer = downloader.ask("download", {"device": device, "session": "s1",
                                                 "format": "raw"})
            if answer.user["status"] == "ok":
                seen.append((answer.user["version"], answer.payload))
            else:
                errors.add(answer.document["error"]["code"])

    seen = []
    thread = threading.Thread(target=download)
    recorder = Recorder(client, device)
    thread.start()
    for seed in range(30):
        audio = form.noise(5000, seed)
        recorder.store(audio, seq=seed)
        expected[recorder.info()["id"]] = audio
        client.request("delete", name_of(recorder))
    stop.set()
    thread.join()
    assert errors <= {"not-found", "version-mismatch"}
    assert seen
    for version, payload in seen:
        assert any(payload == audio for audio in expected.values()), version


def test_while_it_is_summed(lab, client, device):
    """A sum that comes too late is nobody's; that of the next under the name is its own."""
    for round_ in range(10):
        recorder = record(client, device, fragments=1, boot=round_)
        client.request("delete", name_of(recorder))
    recorder = record(client, device, fragments=2, boot="last")
    wait_for(lambda: recorder.info()["sha256"], "a sha256")
    said = subprocess.run(["sha256sum", lab.sink.wav(device, "s1")], check=True,
                          capture_output=True, text=True).stdout.split()[0]
    assert recorder.info()["sha256"] == said


# Many

def test_what_a_filter_matches(lab, client, device):
    for session, fragments in ("short-1", 1), ("short-2", 1), ("long", 5), ("pinned", 1):
        record(client, device, session, fragments)
    client.request("keep", {"device": device, "session": "pinned"})
    question = {"device": device, "max_duration": 100 / Format().rate}
    shown = client.request("delete", question | {"dry_run": True})
    assert (shown["deleted"], shown["spared"]) == (2, 1)
    assert [r["session"] for r in shown["recordings"]] == ["short-1", "short-2"]
    assert client.request("list", {"device": device, "count": True})["total"] == 4
    assert client.request("delete", question) == shown | {"dry_run": False}
    left = client.request("list", {"device": device, "sort": "name"})["recordings"]
    assert [r["session"] for r in left] == ["long", "pinned"]
    assert client.request("delete", question | {"force": True})["deleted"] == 1
    assert client.request("delete", question) == NOTHING
    lab.watcher.wait_event(device, "pinned", "deleted")
    reasons = {event["reason"] for event in lab.watcher.events(device, kind="deleted")}
    assert reasons == {"request"}


def test_session_alone_is_a_prefix(client, device):
    for session in "x-1", "x-2", "y-1":
        record(client, device, f"{device}-{session}"[-60:], fragments=1)
    prefix = f"{device}-x"[-58:]
    assert client.request("delete", {"session": prefix})["deleted"] == 2


def test_confined_to_a_device(client, device):
    other = f"{device}-other"[-60:]
    mine, others = record(client, device), record(client, other)
    error = client.refusal("delete", {}, device)
    assert (error["code"], error["field"]) == ("bad-request", "all")
    error = client.refusal("delete", {"device": other, "session": "s1"}, device)
    assert (error["code"], error["field"]) == ("not-allowed", "device")
    assert client.request("delete", {"all": True}, device)["deleted"] == 1
    assert not is_there(client, mine) and is_there(client, others)
    assert client.request("delete", {"session": "s1"}, other)["deleted"] == 1


def test_all_of_many_while_audio_comes_in(make_lab, device):
    """More than one slice, and than the answer lists; a recorder is acknowledged in between."""
    lab = make_lab({"limits.new_recordings_per_minute": 10000})
    client = lab.client()
    last = Recorder(client, device, "z-last")
    for number in range(300):
        Recorder(client, device, f"s{number:03}").post(frames=10, end=True, seq=0, wait=False)
    last.store(frames=10, seq=0)
    last.end(seq=1)
    growing = Recorder(client, "growing")
    growing.store(frames=100, seed=0, seq=0, frame=0)
    answers = []
    asker = threading.Thread(
        target=lambda: answers.append(lab.client().request("delete", {"device": device})))
    asker.start()
    for seq in range(1, 50):
        growing.store(frames=100, seed=seq, seq=seq, frame=100 * seq)
    asker.join()
    assert (answers[0]["deleted"], len(answers[0]["recordings"])) == (301, 100)
    assert client.request("list", {"device": device})["recordings"] == []
    wait_for(lambda: files(lab, device) == [], "all files to be unlinked")
    wait_for(lambda: len(lab.watcher.events(device, kind="deleted")) == 301, "an event of each", 120)
    assert growing.info()["frames"] == 5000
    assert client.request("delete", {"all": True})["deleted"] == 1
