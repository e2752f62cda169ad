"""The metrics as a file for node_exporter: clean to Prometheus' own tool, whole, and the same
numbers as the topic's."""
import os
import re
import stat
import subprocess

import pytest

from harness import PREFIX, Recorder
from lab import wait_for

SAMPLE = re.compile(r'^([a-z_]+)(\{[a-z_]+="[^"]*"\})? (\S+)$', re.M)


@pytest.fixture
def textfile(tmp_path):
    return tmp_path / "reel.prom"


def samples(textfile):
    """Each sample's number, by its name with its label."""
    found = SAMPLE.findall(textfile.read_text())
    return {name + label: float(number) for name, label, number in found}


def published(client):
    found = client.select(lambda m: m.topic == f"{PREFIX}/metrics/sink")
    return found[-1].document if found else {}


def promtool(textfile):
    with textfile.open() as text:
        return subprocess.run(["promtool", "check", "metrics"], stdin=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def ended(make_lab, textfile):
    """The file and the topic's numbers of a sink that stored two fragments, refused one and went."""
    lab = make_lab({"metrics.textfile": textfile})
    client = lab.client()
    client.subscribe(f"{PREFIX}/metrics/#")
    recorder = Recorder(client, "mic")
    for seq in (0, 1, 1):
        recorder.store(frames=10, seed=seq, seq=seq)
    recorder.refused(b"\0", seq=2)
    lab.sink.stop()
    metrics = wait_for(lambda: published(client).get("reel_fragments_total") and published(client),
                       "its last metrics")
    filed = samples(textfile)
    lab.sink.start()
    return filed, metrics


def test_prometheus_finds_nothing_to_say_of_the_file(make_lab, textfile):
    lab = make_lab({"metrics.textfile": textfile})
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10, seq=0)
    recorder.refused(b"\0", seq=1)
    lab.sink.stop()
    checked = promtool(textfile)
    assert (checked.returncode, checked.stdout) == (0, ""), textfile.read_text()
    lab.sink.start()


def test_file_has_the_numbers_of_the_topic(ended):
    filed, metrics = ended
    for name, value in metrics.items():
        if name.startswith("reel_rejected") or re.search("memory|disk|waiting|unack", name):
            continue
        assert filed[name] == pytest.approx(value), name
    assert filed["reel_fragments_total"] == 2
    assert filed["reel_duplicates_total"] == 1


def test_rejects_have_their_reason(ended):
    filed, metrics = ended
    reasons = {name: n for name, n in filed.items() if name.startswith("reel_rejected_total{")}
    assert reasons['reel_rejected_total{reason="bad-request"}'] == 1
    assert sum(reasons.values()) == metrics["reel_rejected_total"] == 1
    assert metrics["reel_rejected_bad_request_total"] == 1


def test_histograms_are_whole(ended):
    filed, metrics = ended
    for name in ("reel_sync_seconds", "reel_batch_messages"):
        buckets = [n for key, n in filed.items() if key.startswith(f"{name}_bucket{{")]
        assert buckets == sorted(buckets), "they add up"
        assert buckets[-1] == filed[f"{name}_count"] == metrics[f"{name}_count"]
    assert filed["reel_batch_messages_sum"] == 4
    assert 1 <= filed["reel_batch_messages_count"] <= 4
    assert 0 < filed["reel_sync_seconds_sum"] <= filed["reel_commit_seconds_total"]


def test_what_the_sink_takes_is_told(ended):
    filed, metrics = ended
    assert metrics["reel_online"] == 0, "it has gone"
    assert 1 << 20 < metrics["reel_resident_memory_bytes"] < 1 << 32
    disk = metrics["reel_disk_total_bytes"]
    assert 0 < metrics["reel_disk_used_bytes"] <= disk
    assert filed["reel_start_time_seconds"] > 1.6e9


def test_anyone_may_read_the_file_and_nothing_lies_beside_it(make_lab, textfile):
    old_umask = os.umask(0o077)
    try:
        make_lab({"metrics.textfile": textfile})
    finally:
        os.umask(old_umask)
    wait_for(textfile.exists, "the file")
    assert stat.S_IMODE(textfile.stat().st_mode) == 0o644
    assert [entry.name for entry in textfile.parent.iterdir() if "reel.prom" in entry.name] == [
        "reel.prom"
    ]


def test_file_is_written_without_a_broker(make_lab, textfile):
    lab = make_lab({"metrics.textfile": textfile}, start=False)
    lab.broker.stop()
    lab.sink.launch()
    wait_for(textfile.exists, "the file")
    assert samples(textfile)["reel_online"] == 0
    lab.broker.restart()
    lab.sink.wait_online()


def test_a_pipe_in_its_place_holds_nothing_up(make_lab, textfile):
    os.mkfifo(f"{textfile}.tmp")
    lab = make_lab({"metrics.textfile": textfile})
    wait_for(lambda: "metrics.textfile: " in lab.sink.log(), "the warning")
    assert Recorder(lab.client(), "mic").store(frames=10)["frames"] == 10


def test_file_that_cannot_be_written_costs_a_line_and_no_more(make_lab, tmp_path):
    lab = make_lab({"metrics.textfile": tmp_path / "not there" / "reel.prom"})
    wait_for(lambda: "metrics.textfile: " in lab.sink.log(), "the warning")
    assert Recorder(lab.client(), "mic").store(frames=10)["frames"] == 10
    assert "No such file or directory" in lab.sink.log()
