"""download: the tags stand in the WAV header, where other programs show them, and the view's bytes
stay as they are."""
import io
import json
import subprocess
import wave

import pytest
import soundfile

from harness import Format, Recorder, assert_same_audio, probe, read_ffmpeg, read_sox
from test_download import FORMATS, parts, refusal, samples_of, whole

TAGS = {"site": "Küche", "gain": -3.5, "count": 12, "odd": "a\"b\\c\n\u007f\u0085"}


@pytest.fixture
def tagged(client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=50000, seq=0, tags=TAGS)
    recorder.end(seq=1)
    return recorder


def set_tags(recorder, tags, **more):
    document = {"device": recorder.device, "session": recorder.session, "tags": tags} | more
    return recorder.client.request("tag", document)


def shown_by_ffprobe(path):
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "format_tags", path],
        check=True, capture_output=True).stdout
    return json.loads(said)["format"]["tags"]


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_other_programs_open_it_and_show_the_tags(client, device, tmp_path, form):
    recorder = Recorder(client, device, form=form)
    audio = recorder.post(frames=333, tags=TAGS)
    recorder.end()
    path = tmp_path / "a.wav"
    path.write_bytes(whole(client, recorder).payload)
    assert probe(path) == (form, 333)
    assert_same_audio(read_ffmpeg(path), audio, form)
    if form.sample_size <= 4 and form.encoding != "float":
        assert_same_audio(read_sox(path, form), audio, form)
    shown = shown_by_ffprobe(path)
    comment = shown.pop("comment")
    assert json.loads(comment) == TAGS and comment.isprintable()
    day = recorder.info()["started_at"][:10]
    assert shown == {"title": f"{device}/s1", "date": day, "encoder": "reel"}
    with soundfile.SoundFile(path) as read:
        assert (read.title, read.date, read.software) == (f"{device}/s1", day, "reel")
        assert read.comment == comment and read.frames == 333


def test_wave_of_python_reads_it(client, tagged):
    with wave.open(io.BytesIO(whole(client, tagged).payload)) as read:
        assert read.getnframes() == 50000
    assert_same_audio(samples_of(whole(client, tagged).payload), Format().noise(50000))


def test_as_many_and_as_long_as_tags_may_be(client, device, tmp_path):
    recorder = Recorder(client, device)
    audio = recorder.post(frames=10, seq=0)
    tags = {f"{number:02}" + '"' * 62: "\u0001" * 256 for number in range(32)}
    set_tags(recorder, tags)
    path = tmp_path / "a.wav"
    path.write_bytes(whole(client, recorder).payload)
    assert_same_audio(read_sox(path, Format()), audio)
    assert_same_audio(samples_of(path.read_bytes()), audio)
    assert json.loads(shown_by_ffprobe(path)["comment"]) == tags
    with soundfile.SoundFile(path) as read:  # it passes over a comment of more than 8 KiB
        assert (read.title, read.software, read.frames) == (f"{device}/s1", "reel", 10)


def test_without_tags_the_header_is_the_short_one(client, tagged):
    set_tags(tagged, {}, replace=True)
    assert len(whole(client, tagged).payload) == 44 + 100000


def test_a_slice_and_raw(client, tagged):
    part = whole(client, tagged, from_frame=10, to_frame=20)
    assert_same_audio(samples_of(part.payload), Format().noise(50000)[20:40])
    assert b"ICMT" in part.payload
    assert whole(client, tagged, format="raw").payload == Format().noise(50000)


def test_blocks_are_of_one_state_of_the_tags(client, tagged):
    first, second = parts(client, tagged, 2, offset=0, length=200, block_size=100)
    version = first.user["version"]
    (third,) = parts(client, tagged, 1, offset=200, version=version, length=65536)
    view = whole(client, tagged).payload
    assert first.payload + second.payload + third.payload == view[:65736]
    set_tags(tagged, {"site": "cellar"})
    assert refusal(client, tagged, version=version, offset=65736) == ("version-mismatch", "version")
    changed = whole(client, tagged)
    assert changed.user["version"] != version and changed.payload != view
    set_tags(tagged, {"site": TAGS["site"]})  # as it was: the same bytes under the same name
    assert whole(client, tagged, version=version).payload == view


def test_samples_alone_do_not_depend_on_the_tags(client, tagged):
    version = whole(client, tagged, format="raw").user["version"]
    set_tags(tagged, {"site": "cellar"})
    assert whole(client, tagged, version=version).payload == Format().noise(50000)


@pytest.mark.parametrize("change", [lambda name: name[:-1], lambda name: name + "0",
                                    lambda name: name.upper(), lambda name: name + ".0"])
def test_a_version_that_nobody_made(client, tagged, change):
    version = whole(client, tagged).user["version"]
    assert refusal(client, tagged, version=change(version))[0] == "bad-request"


def test_a_restart_changes_neither_name_nor_bytes(make_lab, device):
    lab = make_lab()
    recorder = Recorder(lab.client(), device)
    recorder.store(frames=100, seq=0, tags=TAGS)
    recorder.end(seq=1)
    before = whole(recorder.client, recorder)
    lab.sink.kill()
    lab.sink.start()
    after = whole(recorder.client, recorder, version=before.user["version"])
    assert after.payload == before.payload
