#!/usr/bin/python3
"""Make the vectors in WAV form with Python's wave, sox and ffmpeg, and with the sizes that real
satellites send.

What is expected is written here by hand from the protocol; nothing of reel is run."""
import io
import json
import struct
import subprocess
import wave
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PCM16 = struct.pack("<8h", 0, 1, -1, 256, -32768, 32767, 12345, -12345)
FORMAT = {"channels": 1, "rate": 16000, "sample_size": 2, "encoding": "pcm"}


def write(name, payload, made_by, data=PCM16, fmt=None, properties=None, **numbers):
    fmt = FORMAT if fmt is None else fmt
    expected = {"made_by": made_by, "kind": "fragment", "format": fmt, "data": data.hex(),
                "frames": len(data) // (fmt["channels"] * fmt["sample_size"])}
    if properties:
        expected["properties"] = properties
    (FOLDER / f"{name}.wav").write_bytes(payload)
    text = json.dumps(expected | numbers, indent=1)
    (FOLDER / f"{name}.expect.json").write_text(text + "\n")


def by_wave():
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(PCM16)
    return out.getvalue()


def by_program(*command):
    return subprocess.run(command, input=PCM16, stdout=subprocess.PIPE, check=True).stdout


def version(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[0]


def with_data_size(payload, size):
    at = payload.index(b"data") + 4
    return payload[:at] + struct.pack("<I", size) + payload[at + 4:]


def main():
    plain = by_wave()
    sox = version("sox", "--version")
    ffmpeg = version("ffmpeg", "-version").split(" Copyright")[0]
    raw = ("-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-c", "1", "-")
    write("wav-python", plain, "Python wave")
    write("wav-numbers", plain, "Python wave",
          properties={"session": "s1", "seq": "3", "frame": "24", "time": "1714550400123456",
                      "boot": "b-7", "end": "true", "reply_to": "reel/v1/reply/mic1/ack"},
          session="s1", seq=3, frame=24, time=1714550400123456, boot="b-7", end=True,
          reply_to="reel/v1/reply/mic1/ack")
    write("wav-sox", by_program("sox", *raw, "-t", "wav", "-"), sox + ", to a pipe")
    write("wav-sox-float",
          by_program("sox", *raw, "-e", "floating-point", "-b", "32", "-t", "wav", "-"),
          sox + ", to a pipe", struct.pack("<8f", *(s / 32768 for s in struct.unpack("<8h", PCM16))),
          FORMAT | {"sample_size": 4, "encoding": "float"})
    write("wav-sox-24", by_program("sox", *raw, "-b", "24", "-t", "wav", "-"),
          sox + ", to a pipe, WAVE_FORMAT_EXTENSIBLE",
          b"".join(b"\0" + PCM16[i:i + 2] for i in range(0, 16, 2)), FORMAT | {"sample_size": 3})
    write("wav-ffmpeg",
          by_program("ffmpeg", "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-",
                     "-f", "wav", "-"), ffmpeg + ", to a pipe")
    write("wav-declares-1024", with_data_size(plain, 1024), "Python wave, its size changed")
    write("wav-declares-0", with_data_size(plain, 0), "Python wave, its size changed")
    write("wav-cut", with_data_size(plain, 1024)[:-1], "Python wave, its size changed, cut",
          PCM16[:-2])


if __name__ == "__main__":
    main()
