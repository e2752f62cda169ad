"""reeld --reindex: how far it is, and that the catalog it makes lacks nothing of the one before."""
import re
import sqlite3
import subprocess

from harness import Format, Recorder

FORM = Format()
RECORDINGS = 3


def record(lab):
    """Recordings of two devices, the last of which goes on; then the sink ends."""
    client = lab.client()
    for number in range(RECORDINGS):
        recorder = Recorder(client, f"mic{number % 2}", f"s{number}")
        recorder.store(FORM.noise(160, number), seq=0)
        if number + 1 < RECORDINGS:
            recorder.end(seq=1)
    lab.sink.stop()


def reindex(lab):
    done = subprocess.run(lab.sink.command("--reindex"), capture_output=True, text=True)
    assert done.returncode == 0, done
    return done


def asked(lab, question):
    with sqlite3.connect(lab.sink.store / "catalog.db") as catalog:
        return catalog.execute(question).fetchall()


def test_it_says_how_far_it_is_and_what_came_of_it(make_lab):
    lab = make_lab()
    record(lab)
    done = reindex(lab)
    assert re.search(rf"^{RECORDINGS} of {RECORDINGS} recordings, \d+ a second$", done.stderr,
                     re.MULTILINE), done.stderr
    assert done.stdout.startswith(f"{RECORDINGS} recordings in the catalog, 1 of them open")


def test_what_it_leaves_out_while_it_builds_is_there_in_the_end(make_lab):
    """Indexes, triggers and the sums that those keep."""
    lab = make_lab()
    record(lab)
    questions = ["SELECT type, name, sql FROM sqlite_schema ORDER BY type, name",
                 "SELECT * FROM usage ORDER BY device",
                 "SELECT device, session, id, state, frames FROM recording ORDER BY id"]
    before = [asked(lab, question) for question in questions]
    assert len(before[1]) == 3  # two devices, and all together
    reindex(lab)
    assert [asked(lab, question) for question in questions] == before
    assert asked(lab, "PRAGMA integrity_check") == [("ok",)]
    lab.sink.start()
    recorder = Recorder(lab.client(), "mic0", "s9")
    recorder.store(FORM.noise(160, 9), seq=0)
    recorder.end(seq=1)
    assert asked(lab, "SELECT recordings FROM usage WHERE device = ''") == [(RECORDINGS,)]
