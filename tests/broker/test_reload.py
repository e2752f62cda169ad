"""SIGHUP: the settings are read again while the sink records; what needs a restart is said, and bad
settings change nothing."""
import itertools
import os
import signal
import socket
import threading
import time

import pytest

from harness import Format, Recorder, assert_same_audio, read_wave, wait_for, wav_bytes
from lab import PATIENCE_S, free_port
from uploads import Uploader, make


class Settings:
    """The files that a lab's sink reads; `set` and `reload` change them under it."""

    def __init__(self, lab):
        self.lab = lab
        self.path = lab.sink.folder / "reeld.conf"
        self.values = dict(lab.sink.settings)
        self.write()
        lab.sink.command = lambda *more: [lab.sink.binary, "-c", self.path, *more]

    def write(self):
        lines = []
        for name, value in self.values.items():
            section, _, key = name.rpartition(".")
            lines += [f"[{section}]", f"{key} = {value}"]
        self.path.write_text("\n".join(lines) + "\n")

    def reload(self, **more):
        """Set what is named, section__key, have it read, and wait until it says that it did."""
        self.values |= {name.replace("__", "."): value for name, value in more.items()}
        self.write()
        self.hang_up("the settings were read again")

    def hang_up(self, told):
        before = self.lab.sink.log().count(told)
        self.lab.sink.program.send(signal.SIGHUP)
        wait_for(lambda: self.lab.sink.log().count(told) > before, f"the log to say: {told}")


@pytest.fixture
def settings(make_lab):
    lab = make_lab(start=False)
    made = Settings(lab)
    lab.sink.start()
    return made


def wait_accepts(lab, right):
    """Wait until the retained status says so."""
    return wait_for(lambda: right((lab.sink.status() or {}).get("accepts", {})), "the status")


def test_whoever_was_silent_is_forgotten_once_nobody_is_watched(settings):
    lab = settings.lab
    settings.reload(device__silent_after_s=1)
    Recorder(lab.client(), "mic").store(frames=10)

    def is_silent():
        (row,) = lab.client().request("devices", {"device": "mic"})["devices"]
        return row["silent"]

    wait_for(is_silent, "it to be silent")
    settings.reload(device__silent_after_s=0)
    wait_for(lambda: not is_silent(), "it to be forgotten")


def test_limits_hold_at_once_and_the_status_tells_of_them(settings):
    lab = settings.lab
    recorder = Recorder(lab.client(), "limited")
    recorder.store(frames=4000, seq=0)
    settings.reload(limits__max_fragment_bytes=2048, limits__max_gap_s=7)
    wait_accepts(lab, lambda a: (a["max_fragment_bytes"], a["max_gap_s"]) == (2048, 7))
    assert recorder.refused(frames=4000, seq=1)["code"] == "too-large"
    assert lab.client().request("status")["limits"]["max_fragment_bytes"] == 2048
    settings.reload(limits__max_fragment_bytes=1 << 20)
    wait_accepts(lab, lambda a: a["max_fragment_bytes"] == 1 << 20)
    recorder.store(frames=4000, seq=1)


def test_rules_and_sections_for_devices_come_and_go(settings):
    lab = settings.lab
    folder = lab.sink.folder / "reeld.conf.d"
    folder.mkdir()
    (folder / "10-attic.conf").write_text('[rules "attic-*"]\nrates = 48000\n')
    settings.reload()
    wait_accepts(lab, lambda a: [d["pattern"] for d in a["devices"]] == ["attic-*"])
    attic = Recorder(lab.client(), "attic-1")
    assert attic.refused(frames=100)["field"] == "rules.rates"
    Recorder(lab.client(), "cellar-1").store(frames=100)
    (folder / "10-attic.conf").unlink()
    settings.reload()
    wait_accepts(lab, lambda a: a["devices"] == [])
    attic.store(frames=100)


def test_time_settings_hold_for_what_is_open_already(settings):
    lab = settings.lab
    Recorder(lab.client(), "idle").store(frames=100)
    settings.reload(session__idle_timeout_s=1)
    assert lab.watcher.wait_event("idle", "s1", "completed")["recording"]["end_reason"] == "idle"


def test_a_batch_that_waits_is_closed_for_them(settings):
    """With the old interval the acknowledgement would take a minute."""
    lab = settings.lab
    settings.reload(ingest__commit_interval_ms=60000)
    waiting = []
    recorder = Recorder(lab.client(), "waiting")
    asking = threading.Thread(target=lambda: waiting.append(recorder.store(frames=100)))
    asking.start()
    wait_for(lambda: lab.sink.uncommitted_wav("waiting", "s1").exists(), "the fragment")
    settings.reload(ingest__commit_interval_ms=20)
    asking.join(PATIENCE_S)
    assert waiting and waiting[0]["status"] == "ok"


def test_retention_begins_when_it_is_set_and_ends_when_it_is_not(settings):
    lab = settings.lab
    for session in ("a", "b", "c"):
        recorder = Recorder(lab.client(), "kept", session)
        recorder.store(frames=8000)
        recorder.end()
    settings.reload(retention__max_bytes=20000)
    for session in ("a", "b"):
        event = lab.watcher.wait_event("kept", session, "deleted")
        assert event["reason"] == "retention.max_bytes"
    settings.reload(retention__max_bytes=0, retention__min_free_bytes=1 << 59)
    lab.watcher.wait_event("kept", "c", "deleted")
    wait_for(lambda: "cannot be met" in lab.sink.status()["reason"], "the reason")
    settings.reload(retention__min_free_bytes=0)
    wait_for(lambda: lab.sink.status()["reason"] == "", "the reason to go")
    recorder = Recorder(lab.client(), "kept", "d")
    recorder.store(frames=8000)
    recorder.end()
    time.sleep(1.5)  # a sweep looks once a second
    assert lab.sink.wav("kept", "d").exists()


def test_the_quarantine_shrinks_with_the_next_refusal(settings):
    lab = settings.lab
    client = lab.client()
    for i in range(4):
        client.publish("reel/v1/audio/bad/s", b"x" * 1000 + bytes([i]), qos=1)
    wait_for(lambda: len(client.request("rejects")["rejects"]) == 4, "four refusals")
    settings.reload(quarantine__max_bytes=2500)
    client.publish("reel/v1/audio/bad/s", b"y" * 1000, qos=1)
    wait_for(lambda: len(client.request("rejects")["rejects"]) == 2, "two that are left")


def test_new_recordings_per_minute_and_the_level_of_the_log(settings):
    lab = settings.lab
    client = lab.client()
    Recorder(client, "rate", "a").store(frames=10)
    settings.reload(limits__new_recordings_per_minute=1, log__level=4)
    assert Recorder(client, "rate", "b").refused(frames=10)["code"] == "busy"
    before = lab.sink.log().count("taking in audio")
    lab.restart_broker()
    assert lab.sink.log().count("taking in audio") == before


def test_other_formats_and_sites_are_taken(make_lab, tmp_path):
    """By the thread that converts uploads, too."""
    lab = make_lab({"hermes.enabled": 1, "hermes.sites": "kitchen"}, start=False)
    settings = Settings(lab)
    lab.sink.start()
    flac = make(tmp_path / "noise.flac").read_bytes()
    client = lab.client()
    uploader = Uploader(client, "uploads")
    assert uploader.refused(flac)["field"] == "upload.formats"
    settings.reload(upload__formats="wav flac", hermes__sites="attic")
    uploader.upload(flac)
    for site in ("kitchen", "attic"):
        frame = wav_bytes(Format().noise(100), Format())
        client.publish(f"hermes/audioServer/{site}/s1/audioSessionFrame", frame, qos=1)
    lab.watcher.wait_event("attic", "s1", "started")
    assert not lab.watcher.events("kitchen")


def test_what_needs_a_restart_is_said_by_name_and_stays(settings):
    lab = settings.lab
    port = free_port()
    was = {name: settings.values[name] for name in ("broker.port", "store.dir", "sink.name")}
    settings.reload(broker__port=port, store__dir="/nowhere", sink__name="other",
                    hermes__enabled=1, limits__max_gap_s=11)
    log = lab.sink.log()
    wanted = {"broker.port": port, "store.dir": "/nowhere", "sink.name": "other"}
    for name, is_now in wanted.items():
        assert (f'{name} needs a restart: it is "{was[name]}" until then, and "{is_now}" after it'
                in log)
    assert 'hermes.enabled needs a restart: it is "0" until then' in log
    assert 'limits.max_gap_s is "11" now, it was "3600"' in log
    assert "reply_allow" not in log  # it follows from another, and that did not change
    lab.restart_broker()  # it connects where it did
    Recorder(lab.client(), "still").store(frames=100)
    assert lab.sink.wav("still", "s1").exists()


def test_bad_settings_are_all_logged_and_change_nothing(settings):
    lab = settings.lab
    settings.reload(limits__max_gap_s=11)
    good = settings.path.read_text()
    settings.path.write_text(good + "[limits]\nmax_gap = 3\n[session]\nmax_duration_s = long\n")
    lines = good.count("\n")
    settings.hang_up("the settings stay as they were")
    log = lab.sink.log()
    assert f"{settings.path}:{lines + 2}: there is no setting limits.max_gap" in log
    assert f"{settings.path}:{lines + 4}: session.max_duration_s must be a whole number" in log
    settings.path.unlink()
    settings.hang_up("the settings stay as they were")
    assert lab.client().request("status")["limits"]["max_gap_s"] == 11


def test_one_that_comes_at_the_very_beginning_ends_nobody(settings):
    lab = settings.lab
    lab.sink.stop()
    folder = settings.path.with_name(settings.path.name + ".d")
    folder.mkdir()
    for n in range(16):  # so that they take a while to read
        (folder / f"{n}.conf").write_text("#\n" * 500_000)
    lab.sink.launch()
    wait_for(lambda: os.readlink(f"/proc/{lab.sink.program.pid}/exe").endswith("reeld"), "it to run")
    time.sleep(0.02)
    lab.sink.program.send(signal.SIGHUP)
    lab.sink.wait_online()
    wait_for(lambda: "the settings were read again" in lab.sink.log(), "them to be read again")


def test_a_pipe_among_them_holds_nothing_up(settings):
    folder = settings.path.with_name(settings.path.name + ".d")
    folder.mkdir()
    os.mkfifo(folder / "pipe.conf")
    settings.hang_up("the settings stay as they were")
    (folder / "pipe.conf").unlink()
    settings.reload(limits__max_gap_s=7)
    wait_accepts(settings.lab, lambda a: a["max_gap_s"] == 7)


@pytest.mark.parametrize("reachable", [True, False])
def test_systemd_is_told_of_a_reload_but_of_none_before_it_is_ready(make_lab, tmp_path, reachable):
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(PATIENCE_S)
    lab = make_lab(start=False, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    settings = Settings(lab)
    if not reachable:
        settings.values["broker.port"] = free_port()
        settings.write()

    def hear(beginning):
        while not (said := told.recv(4096).decode()).startswith(beginning):
            assert not said.startswith("STOPPING=1"), said
        return said

    lab.sink.start() if reachable else lab.sink.launch()
    if reachable:
        hear("READY=1\nSTATUS=recording")
        before_us = time.monotonic_ns() // 1000
        settings.reload(limits__max_gap_s=12)
        line = hear("RELOADING=1\nMONOTONIC_USEC=").split("=")[2]
        assert before_us <= int(line) <= time.monotonic_ns() // 1000
        hear("READY=1")
        settings.path.write_text("x\n")
        settings.hang_up("the settings stay as they were")
        hear("RELOADING=1")
        hear("READY=1")
    else:
        wait_for(lambda: "no ingest connection" in lab.sink.log(), "a try to connect")
        settings.reload(limits__max_gap_s=12)
        lab.sink.stop()
        lines = []
        while "STOPPING=1" not in lines:
            lines += told.recv(4096).decode().splitlines()
        assert not {"READY=1", "RELOADING=1"} & set(lines)


def test_a_sink_whose_disk_fails_takes_them_too(make_lab, tmp_path):
    """Its store is not there yet: it waits for it, and reads settings meanwhile."""
    lab = make_lab({"store.dir": tmp_path / "store"}, start=False)
    settings = Settings(lab)
    lab.sink.start()
    recorder = Recorder(lab.client(), "later")
    recorder.store(frames=100)
    recorder.end()
    lab.sink.stop()
    os.rename(tmp_path / "store" / "recordings", tmp_path / "away")
    lab.sink.launch()
    wait_for(lambda: (lab.sink.status() or {}).get("state") == "stalled", "the stall")
    settings.reload(limits__max_gap_s=13, quarantine__max_bytes=1000)
    wait_accepts(lab, lambda a: a["max_gap_s"] == 13)
    os.rmdir(tmp_path / "store" / "recordings")
    os.rename(tmp_path / "away", tmp_path / "store" / "recordings")
    wait_for(lambda: lab.sink.status()["state"] == "ok", "the store", timeout_s=30)
    Recorder(lab.client(), "later", "s2").store(frames=100)


def test_reloads_during_ingest_lose_nothing(settings):
    """Recorders send, questions are asked, and every few milliseconds all settings that may change
    do: sixty times, and until each recorder has sent more than ten fragments."""
    lab = settings.lab
    stop = threading.Event()
    problems = []
    sent = {f"dev{i}": 0 for i in range(3)}

    def record(device):
        recorder = Recorder(lab.client(), device, form=Format(rate=16000))
        try:
            audio, seq = b"", 0
            while not stop.is_set() or seq <= 10:
                data = recorder.form.noise(800, seed=seq)
                recorder.store(data, seq=seq)
                audio, seq = audio + data, seq + 1
                sent[device] = seq
            recorder.end(seq=seq)
            form, stored = read_wave(lab.sink.wav(device, "s1"))
            assert_same_audio(stored, audio, form)
        except BaseException as error:  # it belongs to the test's thread
            problems.append(error)

    def ask():
        client = lab.client()
        try:
            while not stop.is_set():
                client.request("list")
                client.request("status")
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=record, args=(device,)) for device in sent]
    threads.append(threading.Thread(target=ask))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE_S
    for i in itertools.count():
        if problems or time.monotonic() > deadline or (i >= 60 and min(sent.values()) > 10):
            break
        odd = i % 2
        settings.values |= {"rules.max_duration_s": 100000 + i,
                            f'rules "dev{odd}*".max_recordings': 10 + i}
        settings.reload(
            limits__max_gap_s=100 + i, limits__max_fragment_bytes=(1 << 20) + i,
            ingest__commit_interval_ms=10 + 20 * odd, ingest__commit_bytes=4096 << odd,
            session__idle_timeout_s=600 + i, quarantine__max_bytes=(1 << 20) * odd,
            retention__max_age_s=86400 * odd, log__level=6 + odd,
        )
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not problems, problems[0]
    assert min(sent.values()) > 10
    wait_accepts(lab, lambda a: a["max_gap_s"] == 99 + i)
