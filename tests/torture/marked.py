"""Audio that says where it belongs: every frame names its recording, run of the recorder, fragment
and place in it, so that loss, repetition and disorder are seen in a file alone.

A frame is two samples of four bytes, read as one little-endian number of 64 bits:
recording (16), run (8), seq (20), position in the fragment (12), check (8, never 0: no frame is
silence).
"""
from dataclasses import dataclass

import numpy

CHANNELS, SAMPLE_BYTES, RATE = 2, 4, 48000
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
FRAME = numpy.dtype("<u8")
FRAMES_MAX = 1 << 12


def _check(words):
    """A byte that any change of the other seven changes, nearly always."""
    mixed = words * numpy.uint64(0x9E3779B97F4A7C15)
    return (mixed >> numpy.uint64(56)) | numpy.uint64(1)


@dataclass(frozen=True)
class Recording:
    """What a recorder means to record: `runs` times `fragments` fragments. Their sizes are
    `frames`, or if `varied` differ from one fragment to the next."""

    number: int  # 1 to 65535
    device: str
    session: str
    fragments: int
    frames: int
    runs: int = 1
    varied: bool = False
    ends: bool = True  # its last fragment says so
    rate: int = RATE

    def frames_of(self, seq):
        return self.frames + (seq * 7 + self.number) % 5 if self.varied else self.frames

    def starts(self):
        """Where each fragment of a run begins, and where the last one ends."""
        starts = [0]
        for seq in range(self.fragments):
            starts.append(starts[-1] + self.frames_of(seq))
        return starts

    def words(self, run, seq):
        """The frames of one fragment."""
        assert 0 < self.number < 1 << 16 and run < 1 << 8 and seq < 1 << 20
        frames = self.frames_of(seq)
        assert 0 < frames <= FRAMES_MAX
        head = (self.number << 48) | (run << 40) | (seq << 20)
        words = numpy.uint64(head) | numpy.arange(frames, dtype=FRAME) << numpy.uint64(8)
        return words | _check(words)

    def data(self, run, seq):
        return self.words(run, seq).astype(FRAME).tobytes()


def decode(word):
    """(recording, run, seq, position) of one frame, or None if it is none of ours."""
    word = int(word)
    bare = numpy.array([word & ~0xFF], dtype=FRAME)
    if int(_check(bare)[0]) != word & 0xFF:
        return None
    return word >> 48, word >> 40 & 0xFF, word >> 20 & 0xFFFFF, word >> 8 & 0xFFF
