"""Audio: formats, the payloads that carry it, and readers of the files that come out, by programs
that nobody here wrote: Python's wave, sox, ffmpeg."""
import base64
import hashlib
import json
import random
import struct
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import msgpack


@dataclass(frozen=True)
class Format:
    """What a sample is."""

    channels: int = 1
    rate: int = 16000
    sample_size: int = 2
    encoding: str = None  # None: not said, which means pcm

    @property
    def frame_bytes(self):
        return self.channels * self.sample_size

    @property
    def silence(self):
        """One frame of what the encoding calls silence."""
        if self.encoding == "alaw":
            sample = b"\xd5"
        elif self.encoding == "ulaw":
            sample = b"\xff"
        elif self.sample_size == 1:
            sample = b"\x80"
        else:
            sample = bytes(self.sample_size)
        return sample * self.channels

    def noise(self, frames, seed=0):
        """Samples that nothing else has: the same for the same seed."""
        generator = random.Random(f"{self} {seed}")
        if self.encoding != "float":
            noise = generator.randbytes(frames * self.frame_bytes)
            # u-law has a negative zero, which sox writes as the other one.
            return noise.replace(b"\x7f", b"\x7e") if self.encoding == "ulaw" else noise
        letter = {4: "f", 8: "d"}[self.sample_size]
        count = frames * self.channels
        return struct.pack(f"<{count}{letter}", *(generator.uniform(-1, 1) for _ in range(count)))

    def samples(self, data):
        """The samples as integers, as an array in a fragment has them."""
        signed = self.sample_size > 1
        size = self.sample_size
        return [
            int.from_bytes(data[at : at + size], "little", signed=signed)
            for at in range(0, len(data), size)
        ]


def document(data, form=Format(), session=None, tags=None, **numbers):
    """A fragment's map, `data` as it is; `numbers` are the fields of metadata.session."""
    audio = {"channels": form.channels, "rate": form.rate, "sample_size": form.sample_size}
    if form.encoding:
        audio["encoding"] = form.encoding
    head = {key: value for key, value in numbers.items() if value is not None}
    if session is not None:
        head["id"] = session
    metadata = {"session": head, "audio": audio}
    if tags is not None:
        metadata["tags"] = tags
    return {"metadata": metadata, "data": data}


FORMS = ("msgpack", "msgpack-array", "msgpack-str", "json-array", "json-base64", "wav")


def fragment(data, form=Format(), payload="msgpack", **fields):
    """A fragment's payload in one of FORMS. A WAV's numbers are user properties: see Recorder."""
    if payload == "msgpack":
        return msgpack.packb(document(data, form, **fields))
    if payload == "msgpack-array":
        return msgpack.packb(document(form.samples(data), form, **fields))
    if payload == "msgpack-str":  # encoders from before MessagePack had bin
        return msgpack.packb(document(data, form, **fields), use_bin_type=False)
    if payload == "json-array":
        return json.dumps(document(form.samples(data), form, **fields)).encode()
    if payload == "json-base64":
        return json.dumps(document(base64.b64encode(data).decode(), form, **fields)).encode()
    assert payload == "wav"
    return wav_bytes(data, form)


def wav_bytes(data, form=Format(), declared=None):
    """A small WAV file; `declared` is the data size that it claims."""
    tag = {None: 1, "pcm": 1, "float": 3, "alaw": 6, "ulaw": 7}[form.encoding]
    fmt = b"".join([
        tag.to_bytes(2, "little"),
        form.channels.to_bytes(2, "little"),
        form.rate.to_bytes(4, "little"),
        (form.rate * form.frame_bytes).to_bytes(4, "little"),
        form.frame_bytes.to_bytes(2, "little"),
        (form.sample_size * 8).to_bytes(2, "little"),
    ])
    size = len(data) if declared is None else declared
    chunks = b"WAVEfmt " + (16).to_bytes(4, "little") + fmt
    chunks += b"data" + size.to_bytes(4, "little") + data
    return b"RIFF" + (len(chunks) - len(data) + size).to_bytes(4, "little") + chunks


# Readers: what other programs find in a file


def read_wave(path):
    """By Python's wave: (Format, audio bytes). PCM of 1 or 2 channels."""
    with wave.open(str(path), "rb") as reader:
        form = Format(reader.getnchannels(), reader.getframerate(), reader.getsampwidth())
        return form, reader.readframes(reader.getnframes())


def probe(path):
    """By ffprobe: (Format, number of frames)."""
    entries = "stream=codec_name,channels,sample_rate,duration_ts"
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", entries, str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    stream = json.loads(done.stdout)["streams"][0]
    size, encoding = {
        "pcm_u8": (1, None), "pcm_s16le": (2, None), "pcm_s24le": (3, None),
        "pcm_s32le": (4, None), "pcm_f32le": (4, "float"), "pcm_f64le": (8, "float"),
        "pcm_alaw": (1, "alaw"), "pcm_mulaw": (1, "ulaw"),
    }[stream["codec_name"]]
    form = Format(stream["channels"], int(stream["sample_rate"]), size, encoding)
    return form, stream.get("duration_ts", 0)  # which it leaves away where there is no audio


def read_ffmpeg(path):
    """By ffmpeg: the audio bytes as they stand in the file, whatever the encoding."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-c", "copy", "-f", "data"]
    return subprocess.run([*command, "-"], capture_output=True, check=True).stdout


def read_sox(path, form):
    """By sox: the audio bytes. Of 32-bit integers or less; sox keeps no more."""
    encoding = {"alaw": "a-law", "ulaw": "mu-law", "float": "floating-point"}.get(form.encoding)
    encoding = encoding or ("unsigned-integer" if form.sample_size == 1 else "signed-integer")
    command = ["sox", "-D", str(path), "-t", "raw", "-e", encoding]
    command += ["-b", str(form.sample_size * 8), "-L", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def sha256_of(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def assert_same_audio(found, expected, form=Format()):
    """Compare audio; where it differs, say at which frames, not with which bytes."""
    if found == expected:
        return
    size = form.frame_bytes
    frames = [
        at // size
        for at in range(0, min(len(found), len(expected)), size)
        if found[at : at + size] != expected[at : at + size]
    ]
    raise AssertionError(
        f"{len(found) // size} frames, expected {len(expected) // size};"
        f" {len(frames)} differ, the first at {frames[:1]}"
    )
