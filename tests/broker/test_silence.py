"""`silent` and `back`: told once, of who had been heard, whatever restarts in between."""
from datetime import datetime

from cli import finished, start
from harness import Recorder
from lab import wait_for

SILENT = {"device.silent_after_s": 1}


def wait_told(lab, device, kind, count=1):
    """The device's newest event of that kind, once there are so many."""
    wait_for(lambda: len(lab.watcher.events(device, kind=kind)) == count, f"{kind} of {device}")
    return lab.watcher.events(device, kind=kind)[-1]


def told(lab, device):
    kinds = [event["event"] for event in lab.watcher.events(device)]
    return [kind for kind in kinds if kind in ("silent", "back")]


def is_silent(lab, device):
    (row,) = lab.client().request("devices", {"device": device})["devices"]
    return row["silent"]


def heard(recorder):
    """When audio last came, in seconds."""
    return datetime.fromisoformat(recorder.info()["updated_at"].rstrip("Z")).timestamp()


def restart(lab, **settings):
    lab.sink.stop()
    lab.sink.settings |= {key.replace("__", "."): value for key, value in settings.items()}
    lab.sink.start()


def test_silent_and_back(make_lab):
    lab = make_lab(SILENT)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10, seq=0)
    heard_at = recorder.info()["updated_at"]
    silent = wait_told(lab, "mic", "silent")
    assert silent["recording"] == {"device": "mic", "session": "s1"}
    assert silent["heard_at"] == heard_at and silent["time"] > heard_at
    wait_for(lambda: is_silent(lab, "mic"), "it to be listed as silent")
    recorder.store(frames=10, seed=1, seq=1)
    assert wait_told(lab, "mic", "back")["heard_at"] == heard_at
    assert not is_silent(lab, "mic")
    wait_told(lab, "mic", "silent", 2)
    assert told(lab, "mic") == ["silent", "back", "silent"]


def test_end_of_a_recording_is_no_sign_of_life(make_lab):
    lab = make_lab(SILENT | {"session.idle_timeout_s": 2})
    Recorder(lab.client(), "mic").store(frames=10)
    wait_told(lab, "mic", "silent")
    lab.watcher.wait_event("mic", "s1", "completed")
    Recorder(lab.client(), "other").store(frames=10)
    wait_told(lab, "other", "silent")  # a pass or two later
    assert told(lab, "mic") == ["silent"]


def test_restart_tells_nothing_twice_and_forgets_nothing(make_lab):
    lab = make_lab(SILENT)
    Recorder(lab.client(), "mic").store(frames=10, seq=0)
    wait_told(lab, "mic", "silent")
    restart(lab)
    Recorder(lab.client(), "other").store(frames=10)
    wait_told(lab, "other", "silent")
    assert told(lab, "mic") == ["silent"]
    lab.sink.stop()
    lab.sink.start()
    Recorder(lab.client(), "mic").store(frames=10, seed=1, seq=1)
    wait_told(lab, "mic", "back")


def test_who_fell_silent_while_the_sink_was_away_is_told(make_lab):
    lab = make_lab(SILENT)
    Recorder(lab.client(), "mic").store(frames=10)
    restart(lab)
    wait_told(lab, "mic", "silent")


def test_new_setting_tells_nothing_of_what_was_silent_before(make_lab):
    lab = make_lab()
    old, newer = (Recorder(lab.client(), device) for device in ("old", "newer"))
    old.store(frames=10)

    def much_newer():
        newer.store(frames=10)
        return heard(newer) - heard(old) > 1

    wait_for(much_newer, "a second to be over")
    restart(lab, device__silent_after_s=1)
    wait_told(lab, "newer", "silent")
    assert told(lab, "old") == []


def test_section_for_devices(make_lab):
    lab = make_lab({'device "cam*".silent_after_s': 1})
    for device in ("mic", "cam1"):
        Recorder(lab.client(), device).store(frames=10)
    wait_told(lab, "cam1", "silent")
    assert told(lab, "mic") == []


def test_without_the_setting_what_was_told_is_forgotten(make_lab):
    lab = make_lab(SILENT)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(frames=10)
    wait_told(lab, "mic", "silent")
    restart(lab, device__silent_after_s=0)
    wait_for(lambda: not is_silent(lab, "mic"), "it to be forgotten")
    assert told(lab, "mic") == ["silent"]


def test_watch_shows_them(make_lab):
    lab = make_lab(SILENT)
    watching = start(lab.broker, "watch", "--count", 2, "-i", "watching")
    wait_for(lambda: "watching 1 reel/v1/event/" in lab.broker.log(), "the subscription")
    Recorder(lab.client(), "mic").store(frames=10)
    shown = finished(watching).text.splitlines()[-1]
    assert "silent" in shown and "mic/s1" in shown and "heard_at" in shown
