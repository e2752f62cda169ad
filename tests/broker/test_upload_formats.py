"""upload: the kinds of file that `upload.formats` may allow, and what may be wrong with them."""
import subprocess
import time
from pathlib import Path

import numpy
import pytest
import soundfile

from lab import wait_for
from uploads import Uploader, decoded, make, recording_path, samples_of

SPEECH = Path("/usr/share/sounds/alsa/Front_Center.wav")
MOST_BYTES = 1 << 20


LAB_SETTINGS = {"upload.formats": "wav, flac, ogg, aiff, mp3",
                "upload.max_audio_bytes": MOST_BYTES}


@pytest.fixture
def uploader(client, device):
    return Uploader(client, device)


def ffmpeg(path, *words, source=SPEECH):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *words, path], check=True)
    return path


LOSSLESS = [("flac", "signed 16"), ("flac", "signed 24"), ("flac", "signed 8"),
            ("aiff", "signed 8"), ("aiff", "signed 16"), ("aiff", "signed 24"),
            ("aiff", "signed 32"), ("aifc", "signed 16")]


@pytest.mark.parametrize(("suffix", "encoding"), LOSSLESS)
@pytest.mark.parametrize("channels", [1, 2])
def test_lossless(lab, uploader, tmp_path, suffix, encoding, channels):
    path = make(tmp_path / f"noise.{suffix}", encoding, channels)
    uploader.upload(path.read_bytes())
    kept = recording_path(lab, uploader.device)
    assert decoded(kept) == decoded(path)
    bits = encoding.split()[1]
    as_wav = tmp_path / "as.wav"
    subprocess.run(["sox", path, "-b", bits, as_wav], check=True)
    assert samples_of(kept) == samples_of(as_wav)


@pytest.mark.parametrize("codec", ["pcm_f32be", "pcm_f64be", "pcm_alaw", "pcm_mulaw"])
def test_aifc(lab, uploader, tmp_path, codec):
    path = ffmpeg(tmp_path / "a.aif", "-f", "aiff", "-c:a", codec)
    uploader.upload(path.read_bytes())
    assert decoded(recording_path(lab, uploader.device)) == decoded(path)


@pytest.mark.parametrize("words", [
    ["a.ogg", "-c:a", "libvorbis"], ["a.ogg", "-c:a", "libopus"], ["a.mp3"],
    ["a.mp3", "-write_xing", "0"], ["a.mp3", "-id3v2_version", "3", "-metadata", "title=x"],
])
def test_lossy(lab, uploader, tmp_path, words):
    """As the decoder makes it, nothing rounded or clipped."""
    path = ffmpeg(tmp_path / words[0], *words[1:])
    answer = uploader.upload(path.read_bytes())
    assert (answer["encoding"], answer["sample_size"]) == ("float", 4)
    kept, rate = soundfile.read(recording_path(lab, uploader.device), dtype="float32")
    wanted, wanted_rate = soundfile.read(path, dtype="float32")
    assert rate == wanted_rate
    assert numpy.array_equal(kept, wanted)
    assert len(kept) == pytest.approx(rate * 1.428, rel=0.05)


def test_flac_that_does_not_say_how_long_it_is(lab, uploader):
    piped = subprocess.run(["ffmpeg", "-v", "error", "-i", SPEECH, "-f", "flac", "-"], check=True,
                           stdout=subprocess.PIPE).stdout
    uploader.upload(piped)
    assert decoded(recording_path(lab, uploader.device)) == decoded(SPEECH)


def with_total(flac, frames):
    """A FLAC file that declares so many frames: 36 bits of STREAMINFO."""
    head = bytearray(flac[:26])
    head[21] = head[21] & 0xf0 | frames >> 32 & 15
    head[22:26] = (frames & 0xffffffff).to_bytes(4, "big")
    return bytes(head) + flac[26:]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Good files, by suffix."""
    folder = tmp_path_factory.mktemp("files")
    return {suffix: ffmpeg(folder / f"good.{suffix}").read_bytes()
            for suffix in ("flac", "ogg", "mp3", "aiff", "wav")}


def zeroed(data, at, count=64):
    return data[:at] + bytes(count) + data[at + count:]


BAD = {
    "half a flac": lambda files: files["flac"][:len(files["flac"]) // 2],
    "half an ogg": lambda files: files["ogg"][:len(files["ogg"]) // 2],
    "half an mp3": lambda files: files["mp3"][:len(files["mp3"]) // 2],
    "half an aiff": lambda files: files["aiff"][:len(files["aiff"]) // 2],
    "a damaged flac": lambda files: zeroed(files["flac"], 20000),
    "a damaged mp3": lambda files: zeroed(files["mp3"], 5000, 2000),
    "a flac that declares more": lambda files: with_total(files["flac"], 100000),
    "a flac that declares less": lambda files: with_total(files["flac"], 100),
    "an aiff that declares more": lambda files: files["aiff"].replace(
        (68545).to_bytes(4, "big"), (68546).to_bytes(4, "big"), 1),
    "a flac that passes for an mp3": lambda files: b"ID3\x03\0\0\0\0\0\0" + files["flac"],
    "a head of flac": lambda files: b"fLaC",
    "a head of ogg": lambda files: b"OggS",
    "a head of mp3": lambda files: b"\xff\xfb",
    "a head of aiff": lambda files: b"FORM\0\0\0\x04AIFF",
    "noise after a head": lambda files: b"OggS" + bytes(range(256)) * 40,
}


@pytest.mark.parametrize("what", BAD)
def test_bad_files(lab, client, uploader, files, what):
    error = uploader.refused(BAD[what](files))
    assert (error["code"], error["field"]) == ("bad-request", "payload"), error
    assert client.refusal("info", {"device": uploader.device, "session": "s1"})["code"] == \
        "not-found"
    wait_for(lambda: not list(lab.sink.store.glob("uploads/*")), "the spool to be empty")
    assert not list(lab.sink.store.glob("recordings/*/.*"))
    uploader.upload(files["wav"])


@pytest.fixture(scope="module")
def silence(tmp_path_factory):
    """Half an hour of silence, 29 MB, in a few kilobytes."""
    path = tmp_path_factory.mktemp("bomb") / "silence.flac"
    subprocess.run(["sox", "-D", "-n", "-r", "8000", "-b", "16", "-c", "1", path, "trim", "0",
                    "1800"], check=True)
    assert path.stat().st_size < 100000
    return path.read_bytes()


@pytest.mark.parametrize("says", [True, False])
def test_a_bomb(lab, uploader, silence, says):
    """Refused by what it declares, or once it has become too much."""
    largest = 0
    uploader.begin(silence if says else with_total(silence, 0))
    began = time.monotonic()
    while not uploader.answered():
        made = lab.sink.store.glob("recordings/*/.*")
        largest = max([largest, *(path.stat().st_size for path in made if path.exists())])
        assert time.monotonic() - began < 30
    error = uploader.answer()["error"]
    assert (error["code"], error["field"]) == ("too-large", "upload.max_audio_bytes")
    assert largest <= 2 * MOST_BYTES
    assert not list(lab.sink.store.glob("recordings/*/.*"))


def test_a_large_file_may_stay_large(lab, uploader, tmp_path):
    """The bound is for what grows."""
    path = make(tmp_path / "large.wav", seconds=60)
    assert path.stat().st_size > MOST_BYTES
    uploader.upload(path.read_bytes())
    assert samples_of(recording_path(lab, uploader.device)) == samples_of(path)
