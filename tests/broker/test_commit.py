"""Group commit: a trickle is not synced fragment by fragment, a flood does not wait for the
interval. Nothing here goes by the clock: intervals are longer than a test takes, or none."""
import sqlite3

from harness import Format, Recorder, assert_same_audio, read_wave
from lab import wait_for
from test_durability import acknowledged

NEVER_MS = 60_000  # the longest interval that may be set
FRAMES = 160


def noise(seq):
    return Format().noise(FRAMES, seq)


def batches(sink):
    """Messages in each commit that took in any, by the catalog of a sink that has stopped."""
    catalog = sqlite3.connect(f"file:{sink.store}/catalog.db?mode=ro", uri=True)
    try:
        rows = catalog.execute("SELECT length(messages) FROM delivery ORDER BY batch").fetchall()
    finally:
        catalog.close()
    return [length // 11 for (length,) in rows]


def wait_taken_in(client, count):
    """Until the sink has so many, committed or not."""
    wait_for(lambda: client.request("status")["counters"]["fragments"] == count, "them to be taken in")


def test_trickle_is_not_synced_for_every_fragment(make_lab):
    """Fragments that come one by one, each when the one before is taken in, make one batch."""
    lab = make_lab({"ingest.commit_interval_ms": NEVER_MS, "ingest.commit_bytes": 1 << 28})
    client = lab.client()
    recorder = Recorder(client, "mic")
    for seq in range(30):
        recorder.post(noise(seq), seq=seq)
        wait_taken_in(client, seq + 1)
    assert acknowledged(lab.broker) == []
    lab.sink.stop()
    assert len(acknowledged(lab.broker)) == 30
    assert batches(lab.sink) == [30]
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1],
                      b"".join(noise(seq) for seq in range(30)))


def test_without_an_interval_each_fragment_of_a_trickle_is_committed_at_once(make_lab):
    lab = make_lab({"ingest.commit_interval_ms": 0})
    recorder = Recorder(lab.client(), "mic")
    for seq in range(10):
        recorder.store(noise(seq), seq=seq)
    lab.sink.stop()
    assert batches(lab.sink) == [1] * 10


def test_flood_is_committed_by_its_bytes_and_does_not_wait(make_lab):
    """With an interval that never ends, what fills a batch is acknowledged, and no more."""
    lab = make_lab({"ingest.commit_interval_ms": NEVER_MS, "ingest.commit_bytes": 4096})
    client = lab.client()
    recorder = Recorder(client, "mic")
    for seq in range(101):
        recorder.post(noise(seq), seq=seq, wait=False)
    # One of them is 320 bytes of audio and some more of names and numbers, and the answer that waits
    # for the commit counts too, some hundred bytes: 8 to 11 to a batch.
    wait_for(lambda: len(acknowledged(lab.broker)) >= 86, "full batches to be acknowledged")
    wait_taken_in(client, 101)
    before = len(acknowledged(lab.broker))
    lab.sink.stop()
    *full, last = batches(lab.sink)
    assert sum(full) + last == 101 and last < 11
    assert all(8 <= count <= 11 for count in full)
    assert before <= sum(full)
    assert_same_audio(read_wave(lab.sink.wav("mic", "s1"))[1],
                      b"".join(noise(seq) for seq in range(101)))
