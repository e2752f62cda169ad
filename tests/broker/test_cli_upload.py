"""reel upload: whole files in blocks, whatever breaks on the way."""
import signal
import subprocess

import pytest

from cli import ALSA, finished, frames_of, reel, start
from harness import Format, assert_same_audio, read_ffmpeg, read_wave, wav_bytes
from lab import PREFIX, wait_for
from test_access import ACL, ADMIN, USERS

FORM = Format(2, 48000, 2)
BLOCK = 65536
SMALL_BLOCKS = {"upload.block_bytes": BLOCK}


def noise(path, megabytes=1, seed=0):
    """A WAV file of noise."""
    path.write_bytes(wav_bytes(FORM.noise(megabytes * (1 << 18), seed), FORM))
    return path


def assert_uploaded(lab, device, session, path):
    assert read_wave(lab.sink.wav(device, session)) == read_wave(path)


def blocks_sent(lab):
    """How many blocks the broker has taken."""
    return lab.broker.log().count(f"{PREFIX}/upload/mic/")


def upload(lab, path, *words, **options):
    return reel(lab.broker, "upload", path, "--device", "mic", *words, **options)


# what comes of it


def test_speech_becomes_recordings(lab, device):
    said = reel(lab.broker, "upload", *ALSA, "--device", device, "--tag", "site=roof")
    assert len(said.text.splitlines()) == len(ALSA) and said.err == ""
    for path in ALSA:
        assert_same_audio(frames_of(lab.sink.wav(device, path.stem)), frames_of(path))
        info = reel(lab.broker, "info", f"{device}/{path.stem}", "--json").json
        assert (info["state"], info["end_reason"]) == ("complete", "upload")
        assert info["tags"] == {"site": "roof"}


def test_several_blocks_and_the_answer_for_programs(make_lab, tmp_path):
    lab = make_lab(SMALL_BLOCKS)
    path = noise(tmp_path / "take1.final.wav", 4)
    said = upload(lab, path, "--json").json
    assert (said["status"], said["session"], said["found_bytes"]) == ("ok", "take1.final", 0)
    assert said["bytes"] == said["sent_bytes"] == path.stat().st_size
    assert said["recording"]["frames"] == 4 << 18
    assert_uploaded(lab, "mic", "take1.final", path)


def test_flac_where_the_sink_takes_it(make_lab, tmp_path):
    lab = make_lab(SMALL_BLOCKS | {"upload.formats": "wav flac"})
    path = noise(tmp_path / "a.wav")
    flac = tmp_path / "b.flac"
    subprocess.run(["sox", path, flac], check=True)
    upload(lab, flac)
    assert_uploaded(lab, "mic", "b", path)


def test_one_byte_more_than_a_block(make_lab, tmp_path):
    lab = make_lab(SMALL_BLOCKS)
    form = Format(1, 8000, 1)
    for size in (BLOCK - 44, BLOCK - 43, BLOCK - 42):
        path = tmp_path / f"s{size}.wav"
        path.write_bytes(wav_bytes(form.noise(size), form))
        upload(lab, path)
        assert_same_audio(read_ffmpeg(lab.sink.wav("mic", path.stem)), form.noise(size), form)


def test_device_account_uploads_what_is_its_own(make_lab, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(USERS["reeld"] + "\n")
    more = "".join(f"pattern write {PREFIX}/{topic}\n" for topic in (
        "upload/%u/#", "request/upload-begin/%u", "request/upload-end/%u"))
    lab = make_lab(SMALL_BLOCKS | {"broker.username": "reeld", "broker.password_file": secret},
                   broker={"users": USERS, "acl": ACL + more}, credentials=ADMIN)
    path = noise(tmp_path / "a.wav")
    account = ["-u", "mic", "-P", USERS["mic"]]
    reel(lab.broker, "upload", path, *account)
    assert_uploaded(lab, "mic", "a", path)
    reel(lab.broker, "replay", "mic/a", *account)
    assert_uploaded(lab, "mic", "a-replay", path)
    said = reel(lab.broker, "upload", path, "--device", "other", *account, status=1)
    assert "broker refuses" in said.err


# what goes wrong with names and files


def test_a_name_that_is_taken(make_lab, tmp_path):
    lab = make_lab(SMALL_BLOCKS)
    first, second = noise(tmp_path / "a.wav", seed=1), noise(tmp_path / "b.wav", seed=2)
    upload(lab, first)
    said = upload(lab, second, "--session", "a", status=1)
    assert "mic/a: " in said.err and "conflict" in said.err
    assert_uploaded(lab, "mic", "a", first)
    upload(lab, second, "--session", "a", "--overwrite")
    assert_uploaded(lab, "mic", "a", second)


def test_no_audio_and_no_file(lab, device, tmp_path):
    text, empty = tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("no audio at all")
    empty.write_bytes(b"")
    said = reel(lab.broker, "upload", text, empty, tmp_path / "none.wav", tmp_path, ALSA[0],
                "--device", device, "--json", status=1)
    codes = [line.get("error", {}).get("code") for line in said.lines]
    assert codes == ["bad-request", "bad-request", "not-found", "bad-request", None]
    assert "is empty" in said.err and "is no file" in said.err
    rows = reel(lab.broker, "list", "--device", device, "--json").json["recordings"]
    assert [row["session"] for row in rows] == [ALSA[0].stem]


@pytest.mark.parametrize("size", [BLOCK * 4, None], ids=["shorter", "other bytes"])
def test_a_file_that_changes_meanwhile(make_lab, tmp_path, size):
    lab = make_lab(SMALL_BLOCKS, start=False)
    path = noise(tmp_path / "a.wav")
    process = start(lab.broker, "upload", path, "--device", "mic")
    wait_for(lambda: f"{PREFIX}/request/upload-begin" in lab.broker.log(), "the first question")
    with path.open("r+b") as file:
        file.truncate(size) if size else file.write(bytes(BLOCK))
    lab.sink.start()
    said = finished(process)
    assert said.status == 1 and "changed while it was being read" in said.err
    assert not lab.sink.wav("mic", "a").exists()


@pytest.mark.parametrize("words", [
    [], ["x/a.wav", "y/a.flac"], ["a.wav", "--tag", "x"], ["a.wav", "--device", "a b"],
    ["a.wav", "b.wav", "--session", "s"], ["a.wav", "--session", "a/b"],
], ids=" ".join)
def test_usage(words):
    assert reel(None, "upload", *words, status=2).out == b""


# what breaks


def test_a_sink_without_room_is_waited_for(make_lab, tmp_path):
    """As long as --timeout says, and then it may be tried again."""
    lab = make_lab(SMALL_BLOCKS | {"upload.max_open": 1})
    first = noise(tmp_path / "a.wav", 40)
    begin(lab, first).kill()
    said = upload(lab, ALSA[0], "--timeout", 1, status=4)
    assert "busy" in said.err
    upload(lab, first)
    upload(lab, ALSA[0])


def test_no_sink(make_lab):
    lab = make_lab(start=False)
    said = upload(lab, ALSA[0], "--timeout", 0.5, status=4)
    assert "no sink took anything" in said.err


def begin(lab, path, *words, **options):
    """Start a large upload, and wait until blocks have come to the broker."""
    process = start(lab.broker, "upload", path, "--device", "mic", *words, **options)
    wait_for(lambda: blocks_sent(lab) > 20, "some blocks")
    return process


@pytest.fixture
def large(make_lab, tmp_path):
    lab = make_lab(SMALL_BLOCKS)
    return lab, noise(tmp_path / "large.wav", 40)


def test_a_client_that_is_killed_goes_on_where_it_was(large):
    lab, path = large
    process = begin(lab, path)
    process.kill()
    process.wait()
    assert not lab.sink.wav("mic", "large").exists()
    said = upload(lab, path, "--json").json
    assert said["found_bytes"] > 0 and said["sent_bytes"] < said["bytes"]
    assert_uploaded(lab, "mic", "large", path)


def test_a_sink_that_is_killed(large):
    lab, path = large
    process = begin(lab, path)
    lab.sink.kill()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    lab.sink.start()
    said = finished(process)
    assert said.status == 0, said.err
    assert_uploaded(lab, "mic", "large", path)


def test_an_overwrite_that_is_broken_off_leaves_the_old_one(large, tmp_path):
    lab, path = large
    old = noise(tmp_path / "old.wav", seed=7)
    upload(lab, old, "--session", "large")
    before = blocks_sent(lab)
    process = start(lab.broker, "upload", path, "--device", "mic", "--overwrite")
    wait_for(lambda: blocks_sent(lab) > before + 20, "some blocks")
    lab.sink.kill()
    process.kill()
    process.wait()
    lab.sink.start()
    assert_uploaded(lab, "mic", "large", old)
    upload(lab, path, "--overwrite")
    assert_uploaded(lab, "mic", "large", path)


def test_both_are_killed(large):
    lab, path = large
    process = begin(lab, path)
    lab.sink.kill()
    process.kill()
    process.wait()
    lab.sink.start()
    upload(lab, path)
    assert_uploaded(lab, "mic", "large", path)


def test_a_broker_that_is_killed(large):
    lab, path = large
    process = begin(lab, path)
    lab.broker.restart(kill=True)
    said = finished(process)
    assert said.status == 0, said.err
    assert said.err.count("connecting again") == 1
    assert_uploaded(lab, "mic", "large", path)


def test_a_broker_that_drops_blocks(make_lab, tmp_path):
    """It acknowledges them, and an access list keeps them from the sink for a time."""
    lab = make_lab(SMALL_BLOCKS, start=False, broker={"acl": "topic readwrite #\n"})
    lab.sink.start()
    lab.close_clients()
    rights = lab.broker.folder / "acl"

    def allow(text):
        before = lab.broker.log().count("Reloading config")
        rights.write_text(text)
        lab.broker.program.send(signal.SIGHUP)
        wait_for(lambda: lab.broker.log().count("Reloading config") > before, "the access list")

    allow(f"topic write {PREFIX}/#\ntopic read {PREFIX}/request/#\ntopic read {PREFIX}/reply/#\n")
    process = begin(lab, noise(tmp_path / "a.wav", 4), "--json")
    allow("topic readwrite #\n")
    said = finished(process)
    assert said.status == 0, said.err
    assert said.json["sent_bytes"] > said.json["bytes"]
    assert_uploaded(lab, "mic", "a", tmp_path / "a.wav")


def test_another_file_under_the_name_of_one_that_was_broken_off(large, tmp_path):
    lab, path = large
    process = begin(lab, path)
    process.kill()
    process.wait()
    other = noise(tmp_path / "other.wav")
    said = upload(lab, other, "--session", "large", status=1)
    assert "conflict" in said.err
    upload(lab, path)
    assert_uploaded(lab, "mic", "large", path)
