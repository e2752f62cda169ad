"""Past 4 GiB: a recording's file is whole for other programs before, at and after the pass from
RIFF to RF64, whatever ends the sink there. What comes before the pass is a hole in a sparse file,
which sox reads to its end where it is RF64: of that it is asked no more often than must be."""
import shutil
import sqlite3
import subprocess

import numpy
import pytest
import soundfile

from harness import BUILD, Format, Recorder, assert_same_audio, probe
from lab import wait_for
from tracing import can_trace, inject

HEADER = 1024
FORMATS = [Format(2, 48000, 2), Format(2, 96000, 3), Format(1, 8000, 1), Format(2, 44100, 4)]
SIZE = 1001  # frames of a fragment: an odd number of bytes where a frame has one
strace = pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")


def most_plain(form):
    """The frames of the longest file whose sizes fit into 32 bits."""
    data = 0xFFFFFFFE - (HEADER - 8)
    frames = data // form.frame_bytes
    odd = frames * form.frame_bytes % 2 and frames * form.frame_bytes + 1 > data
    return frames - 1 if odd else frames


class Long:
    """A recording that is brought to any length without being recorded, and goes on from there."""

    def __init__(self, lab, form, device="mic"):
        self.lab = lab
        self.form = form
        self.recorder = Recorder(lab.client(), device, form=form)
        self.frames = self.seq = 0
        self.tail = b""  # the audio since it was brought there
        self.path = lab.sink.wav(device, "s1")

    def send(self, frames=SIZE, **options):
        answer = self.recorder.store(frames=frames, seed=self.seq, seq=self.seq, frame=self.frames,
                                     **options)
        self.sent(frames)
        return answer

    def sent(self, frames=SIZE):
        self.tail += self.form.noise(frames, self.seq)
        self.frames += frames
        self.seq += 1

    def grow_to(self, frames):
        """The sink is stopped: file and catalog as if so much had come."""
        with open(self.path, "r+b") as file:
            file.truncate(HEADER + frames * self.form.frame_bytes)
        catalog = sqlite3.connect(self.lab.sink.store / "catalog.db")
        with catalog:
            catalog.execute("UPDATE recording SET frames = ?, duration_s = ?",
                            (frames, frames / self.form.rate))
            catalog.execute("UPDATE run SET frames = ?, fragment_frames = 0", (frames,))
        catalog.close()
        self.frames = frames
        self.tail = b""

    def kind(self):
        with open(self.path, "rb") as file:
            return file.read(4)

    def opens(self):
        """In each of the programs; return how many frames it has by them. Halfway from one header
        to the other the length is not known, and each takes it for another."""
        with soundfile.SoundFile(self.path) as file:
            counts = {file.frames, probe(self.path)[1]}
            assert (file.channels, file.samplerate) == (self.form.channels, self.form.rate)
        if self.kind() == b"RIFF":
            counts.add(self.length_by_sox())
        return counts

    def length_by_sox(self):
        said = subprocess.run(["sox", "--i", "-s", self.path], capture_output=True, check=True)
        return int(said.stdout)

    def check(self, sox=False):
        """It has all its frames, and what came last is what each program reads there."""
        assert self.opens() == {self.frames}
        first = self.frames - len(self.tail) // self.form.frame_bytes
        assert_same_audio(self._by_soundfile(first), self.tail, self.form)
        if sox or self.kind() == b"RIFF":
            assert_same_audio(self._by_sox(first), self.tail, self.form)
        found = self._by_ffmpeg(first // self.form.rate)
        assert_same_audio(found[len(found) - len(self.tail) :], self.tail, self.form)

    def _by_soundfile(self, first):
        size = self.form.sample_size
        with soundfile.SoundFile(self.path) as file:
            file.seek(first)
            samples = file.read(dtype="int32", always_2d=True).astype("<i4")
        if size == 1:
            return ((samples >> 24) + 128).astype(numpy.uint8).tobytes()
        return samples.reshape(-1, 1).view(numpy.uint8)[:, 4 - size :].tobytes()

    def _by_sox(self, first):
        encoding = "unsigned-integer" if self.form.sample_size == 1 else "signed-integer"
        command = ["sox", "-D", self.path, "-t", "raw", "-e", encoding, "-L",
                   "-b", str(8 * self.form.sample_size), "-", "trim", f"{first}s"]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def _by_ffmpeg(self, second):
        command = ["ffmpeg", "-v", "error", "-ss", str(second), "-i", self.path, "-map", "0:a",
                   "-c", "copy", "-f", "data", "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture(params=FORMATS, ids=str)
def form(request):
    return request.param


def begun(lab, form, frames):
    """A recording of so many frames, the sink stopped."""
    long = Long(lab, form)
    long.send()
    lab.sink.stop()
    long.grow_to(frames)
    return long


def slice_of(long, first, last):
    answer = long.recorder.client.ask("download", {
        "device": "mic", "session": "s1", "format": "raw", "from_frame": first, "to_frame": last})
    assert answer.user["status"] == "ok", answer
    return answer.payload


def test_the_pass(make_lab, form):
    lab = make_lab()
    most = most_plain(form)
    long = begun(lab, form, most - 2 * SIZE)
    lab.sink.start()
    long.check()
    long.send()
    long.send()
    long.opens()
    lab.sink.restart()
    long.check()
    assert (long.frames, long.kind()) == (most, b"RIFF")
    long.send(frames=1)
    long.opens()
    lab.sink.restart()
    long.check()
    assert (long.frames, long.kind()) == (most + 1, b"RF64")
    for _ in range(5):
        long.send()
        long.opens()
    lab.sink.restart(kill=True)
    long.check(sox=form.sample_size == 4 and not BUILD.endswith("san"))  # it reads all of it: a minute
    long.send()
    info = long.recorder.info()
    assert (info["frames"], info["gap_frames"]) == (long.frames, 0)
    data_bytes = long.frames * form.frame_bytes
    assert info["bytes"] == HEADER + data_bytes + data_bytes % 2
    assert_same_audio(slice_of(long, most - 2 * SIZE, long.frames), long.tail, form)
    assert slice_of(long, 5005, 5015) == bytes(10 * form.frame_bytes)
    long.recorder.end(seq=long.seq, frame=long.frames)
    long.check()
    assert long.recorder.info()["state"] == "complete"
    assert long.path.stat().st_size == info["bytes"]
    lab.sink.kill()  # it would read all of the hole to sum it


def test_a_late_fragment_beyond(make_lab, form):
    """A gap over the pass is silence; what fills it stands where it belongs."""
    lab = make_lab()
    long = begun(lab, form, most_plain(form) - SIZE // 2)
    lab.sink.start()
    first = long.frames
    long.sent()
    assert long.send()["missing"] == [[1, 1]]
    lab.sink.restart()
    assert long.opens() == {long.frames}
    assert slice_of(long, first, first + SIZE) == form.silence * SIZE
    long.recorder.store(frames=SIZE, seed=1, seq=1, frame=first)
    lab.sink.restart(kill=True)
    long.check()


def test_parts_after_it(make_lab):
    """One that has grown past 4 GiB is sealed where there comes to be a limit."""
    form = FORMATS[0]
    lab = make_lab()
    long = begun(lab, form, most_plain(form) + 10)
    lab.sink.settings["session.max_duration_s"] = 60
    lab.sink.start()
    long.recorder.store(frames=SIZE, seed=1, seq=1, frame=long.frames)
    part = long.recorder.client.request("info", {"device": "mic", "session": "s1-2"})
    assert (part["frames"], part["next_seq"]) == (SIZE, 2)
    long.check()
    lab.sink.kill()


# Killed on the way


@strace
@pytest.mark.parametrize("call, form", [
    ("pwrite64", FORMATS[2]), ("fdatasync", FORMATS[0]),
], ids=str, indirect=["form"])
def test_killed_at_each_call_on_the_file(make_lab, tmp_path, form, call):
    """Whichever was the last, the file opens at once, and all of it is there in the end."""
    first = begun(make_lab(), form, most_plain(form) - SIZE)
    first.recorder.client.close()
    shutil.copytree(first.lab.sink.store, tmp_path / "store", copy_function=copy_sparse)
    for nth in range(1, 20):
        lab = make_lab(start=False)
        shutil.copytree(tmp_path / "store", lab.sink.store, copy_function=copy_sparse)
        if not killed_at(lab, form, f"{call}:signal=KILL:when={nth}", tmp_path / f"trace{nth}"):
            break
        shutil.rmtree(lab.sink.store)
    assert nth > (3 if call == "pwrite64" else 1)


def copy_sparse(source, target):
    subprocess.run(["cp", "--sparse=auto", "--preserve=all", source, target], check=True)


def killed_at(lab, form, what, log):
    """Send over the pass until the sink dies, start it anew and send again. False if it lives."""
    long = Long(lab, form)
    long.frames, long.seq = most_plain(form) - SIZE, 1
    lab.sink.start()
    tracer = inject(lab.sink, log, what, long.path)
    for _ in range(3):
        long.recorder.post(frames=SIZE, seed=long.seq, seq=long.seq, frame=long.frames)
        long.sent()
    long.recorder.post(seq=long.seq, frame=long.frames, end=True)
    wait_for(lambda: not lab.sink.program.running() or lab.watcher.events("mic", "s1", "completed"),
             "the end of the recording, or of the sink")
    died = not lab.sink.program.running()
    long.opens()
    if died:
        lab.sink.start()
        long.frames, long.seq, long.tail = most_plain(form) - SIZE, 1, b""
        for _ in range(3):
            long.send()
        long.recorder.end(seq=long.seq, frame=long.frames)
    long.check()
    assert long.recorder.info()["gap_frames"] == 0
    tracer.kill()
    lab.sink.kill()  # it would read all of the hole to sum it
    return died
