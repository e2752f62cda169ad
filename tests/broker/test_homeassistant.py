"""Discovery, read as Home Assistant reads it: topics, ids, templates rendered against what comes."""
import json
import re
import time

import pytest
from jinja2 import Environment, StrictUndefined

import schemas
from harness import BUILD, PREFIX, Client, Format, Recorder, fragment
from lab import Broker, Sink, wait_for
from labs import SETTINGS

ON = {"homeassistant.enabled": 1}
SHOWN_MOST = 8192
# With 0 mosquitto 2.0.11 ends the connection for what it refuses.
QUEUED = "max_queued_messages 10000000"
# https://www.home-assistant.io/integrations/mqtt/#discovery-topic
CONFIG = re.compile(r"homeassistant/(binary_sensor|sensor)/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)/config")
TEMPLATES = Environment(undefined=StrictUndefined)


class Home:
    """What is shown, by a client that is told what is retained and what changes."""

    def __init__(self, client, states_alone=False):
        self.client = client
        if states_alone:
            client.subscribe("homeassistant/reel/+/+/state")
        else:
            client.subscribe("homeassistant/#", f"{PREFIX}/status/#", f"{PREFIX}/metrics/#")

    def _latest(self):
        return {message.topic: message.payload for message in self.client.select(lambda m: True)}

    def things(self):
        """Each thing that is shown, by its object's id."""
        found = {}
        for topic, payload in self._latest().items():
            if topic.endswith("/config") and payload:
                found[CONFIG.fullmatch(topic)[3]] = json.loads(payload)
        return found

    def states(self):
        return {topic for topic, payload in self._latest().items()
                if topic.endswith("/state") and payload}

    def render(self, thing, kind):
        """What a template makes of the newest message on its topic; None before there is one."""
        names = {"value": ("state_topic", "value_template"),
                 "availability": ("availability_topic", "availability_template")}
        topic, template = (thing[name] for name in names[kind])
        payload = self._latest().get(topic)
        if not payload:
            return None
        return TEMPLATES.from_string(template).render(value_json=json.loads(payload))

    def wait_value(self, object_id, value):
        def shown():
            thing = self.things().get(object_id)
            return thing and self.render(thing, "value") == value

        wait_for(shown, f"{object_id} to show {value}")


@pytest.fixture
def home(make_lab):
    lab = make_lab(ON)
    Recorder(lab.client(), "mic.1").store(frames=100, seq=0)
    return lab, Home(lab.client())


def wait_device(shown, name, count=5):
    """Wait until all that is shown of a device is there; return it by its id's end."""

    def found():
        mine = {key: thing for key, thing in shown.things().items()
                if thing["device"]["name"] == name}
        return mine if len(mine) == count else None

    return wait_for(found, f"what is shown of {name}")


def test_off_by_default(lab, client, device):
    shown = Home(client)
    Recorder(client, device).store(frames=10)
    client.request("status")
    assert shown.things() == {} and shown.states() == set()


def test_sink_is_shown(home):
    lab, shown = home
    things = wait_for(lambda: len(shown.things()) >= 10 and shown.things(), "all things")
    sink = {key: thing for key, thing in things.items() if key.startswith("sink_")}
    assert set(sink) == {"sink_problem", "sink_disk_free", "sink_recordings_open", "sink_rejected",
                         "sink_gaps"}
    for thing in sink.values():
        assert thing["device"]["identifiers"] == ["reel_sink"]
        assert thing["device"]["sw_version"] == lab.sink.status()["version"]
        assert shown.render(thing, "availability") == "online"
    shown.wait_value("sink_problem", "OFF")
    shown.wait_value("sink_rejected", "0")
    disk = sink["sink_disk_free"]
    assert (disk["unit_of_measurement"], disk["device_class"]) == ("B", "data_size")
    assert float(shown.render(disk, "value")) > 0
    lab.sink.stop()
    wait_for(lambda: shown.render(disk, "availability") == "offline", "it to be unavailable")
    lab.sink.start()


def test_device_is_shown(home):
    lab, shown = home
    things = wait_device(shown, "mic.1")
    ids = [thing["unique_id"] for thing in shown.things().values()]
    assert len(set(ids)) == len(ids)
    by_end = {key.rpartition("mic_1_")[2].split("_", 1)[1]: key for key in things}
    assert set(by_end) == {"heard", "recording", "last_heard", "missing", "rejected"}
    for thing in things.values():
        assert thing["device"]["via_device"] == "reel_sink"
        assert {"name", "unique_id", "state_topic", "value_template"} <= set(thing)
    assert things[by_end["heard"]]["device_class"] == "connectivity"
    shown.wait_value(by_end["heard"], "ON")
    shown.wait_value(by_end["recording"], "ON")
    assert things[by_end["last_heard"]]["device_class"] == "timestamp"
    row = lab.client().request("devices", {"device": "mic.1"})["devices"][0]
    shown.wait_value(by_end["last_heard"], row["heard_at"])
    Recorder(lab.client(), "mic.1").end(seq=1)
    shown.wait_value(by_end["recording"], "OFF")


def test_device_that_is_gone_is_taken_back(home):
    lab, shown = home
    Recorder(lab.client(), "other").store(frames=10)
    wait_device(shown, "mic.1")
    wait_device(shown, "other")
    lab.client().request("delete", {"device": "mic.1", "session": "s1"})
    wait_for(lambda: not [t for t in shown.things().values() if t["device"]["name"] == "mic.1"],
             "it to be gone")
    wait_for(lambda: len(shown.states()) == 1, "its state to be gone")
    assert len(wait_device(shown, "other")) == 5


def test_what_happened_while_the_sink_was_away(home):
    """Its own old things go, also those of devices it has forgotten; others' stay."""
    lab, shown = home
    wait_device(shown, "mic.1")
    lab.sink.stop()
    client = lab.client()
    block = {"device": {"name": "gone"}}
    client.publish("homeassistant/sensor/reel_sink/device_gone_missing/config",
                   json.dumps(block), retain=True)
    client.publish("homeassistant/sensor/reel_sink/old_thing/config", b"{}", retain=True)
    client.publish("homeassistant/sensor/theirs/thing/config",
                   json.dumps({"device": {"name": "theirs"}}), retain=True)
    lab.sink.start()
    wait_for(lambda: not {"device_gone_missing", "old_thing"} & set(shown.things()), "them to go")
    assert "thing" in shown.things()
    assert len(wait_device(shown, "mic.1")) == 5


def test_turned_off_all_is_taken_back(home):
    lab, shown = home
    wait_device(shown, "mic.1")
    lab.sink.stop()
    lab.sink.settings |= {"homeassistant.enabled": 0}
    lab.sink.start()
    wait_for(lambda: not shown.things() and not shown.states(), "all to be gone")


def test_broker_that_forgot_is_told_again(home):
    lab, shown = home
    wait_device(shown, "mic.1")
    lab.restart_broker()  # without persistence
    assert len(wait_device(Home(lab.client()), "mic.1")) == 5


def test_a_stranger_is_not_shown(home):
    """Who has nothing but refused payloads."""
    lab, shown = home
    client = lab.client()
    client.publish(f"{PREFIX}/audio/stranger/s1", b"no fragment")
    wait_for(lambda: client.request("devices", {"device": "stranger"})["devices"], "it to be known")
    Recorder(client, "zebra").store(frames=10)
    wait_device(shown, "zebra")  # by the same pass, later
    assert not [t for t in shown.things().values() if t["device"]["name"] == "stranger"]


def test_broker_that_refuses_is_told_of_once_with_the_line(make_lab):
    allowed = f"topic readwrite {PREFIX}/#\n"
    lab = make_lab(ON, broker={"acl": allowed, "extra": QUEUED})
    line = "topic readwrite homeassistant/+/reel_sink/#"
    wait_for(lambda: line in lab.sink.log(), "the line")
    Recorder(lab.client(), "mic").store(frames=10)
    lab.client().request("status")
    assert lab.sink.log().count(line) == 1


def test_broker_that_refuses_some_is_told_of(make_lab):
    allowed = "topic readwrite homeassistant/sensor/#\ntopic readwrite homeassistant/reel/#\n"
    lab = make_lab(ON, broker={"acl": f"topic readwrite {PREFIX}/#\n{allowed}", "extra": QUEUED})
    line = "topic readwrite homeassistant/+/reel_sink/#"
    wait_for(lambda: line in lab.sink.log(), "the line")


@pytest.mark.parametrize("refused", ["all", "states"])
def test_broker_that_ends_the_connection_for_it_is_spared(make_lab, refused):
    allowed = f"topic readwrite {PREFIX}/#\n"
    if refused == "states":
        allowed += "topic readwrite homeassistant/+/reel_sink/+/config\n"
    lab = make_lab(ON | {"homeassistant.enabled": 0}, broker={"acl": allowed})
    Recorder(lab.client(), "mic").store(frames=10, seq=0)
    lab.sink.stop()
    lab.sink.settings |= ON

    def ends():
        return lab.sink.log().count("the query connection ended")

    stopped = ends()
    lab.sink.launch()
    line = "topic readwrite homeassistant/+/reel_sink/#"
    wait_for(lambda: line in lab.sink.log(), "the line")
    wait_for(lambda: ends() == stopped + 3, "it to be held back")
    lab.sink.wait_online()
    Recorder(lab.client(), "mic").store(frames=10, seq=1)
    assert lab.client().request("status")["state"] == "ok"
    Recorder(lab.client(), "mic").end(seq=2)
    lab.watcher.wait_event("mic", "s1", "completed")
    time.sleep(3)  # something happened: it would be told by now
    assert lab.client().request("status")["state"] == "ok"
    assert ends() == stopped + 3


def test_what_stands_there_is_asked_for_only_where_it_is_needed(make_lab):
    """Turned off, once: what an earlier process left is taken back."""
    lab = make_lab()
    subscription = "\thomeassistant/+/reel_sink/+/config (QoS 1)"
    assert lab.broker.log().count(subscription) == 1
    lab.restart_broker()
    assert lab.broker.log().count(subscription) == 1
    lab.sink.stop()
    lab.sink.settings |= ON
    lab.sink.start()
    lab.restart_broker()
    assert lab.broker.log().count(subscription) == 3


def test_of_more_devices_than_it_shows_some_are_shown(tmp_path):
    """And others in the place of those that go."""
    with Broker(tmp_path / "broker", log_types=("error",)) as broker, \
            Sink(BUILD, tmp_path, broker, SETTINGS | ON) as sink:
        client, shown = Client(broker), Home(Client(broker), states_alone=True)
        audio = fragment(b"\0\0", Format(), "msgpack")
        for n in range(SHOWN_MOST + 3):
            client.publish(f"{PREFIX}/audio/m{n:05}/s1", audio, wait=False)
        Recorder(client, "zebra").store(frames=10)  # what came before is stored, too
        wait_for(lambda: len(shown.states()) == SHOWN_MOST, "as many as it shows")
        assert sink.log().count(f"there are more than {SHOWN_MOST}") == 1
        gone = min(shown.states())
        device = gone.rpartition("/device_")[2].removesuffix("/state")
        client.request("delete", {"device": device, "session": "s1"})
        wait_for(lambda: gone not in shown.states() and len(shown.states()) == SHOWN_MOST,
                 "another in its place")
        assert sink.log().count(f"there are more than {SHOWN_MOST}") == 1
        client.close()
        shown.client.close()


def test_other_prefix(make_lab):
    lab = make_lab(ON | {"homeassistant.prefix": "house/auto"})
    client = lab.client()
    client.subscribe("house/auto/#")
    client.wait_message(lambda m: m.topic == "house/auto/sensor/reel_sink/sink_gaps/config")


def test_all_of_it_is_as_the_schemas_say(home):
    lab, shown = home
    wait_device(shown, "mic.1")
    wait_for(lambda: len(shown.things()) >= 10, "all things")
    for thing in shown.things().values():
        schemas.check("discovery", thing)
    states = wait_for(lambda: shown.states(), "the device's state")
    for message in shown.client.select(lambda m: m.topic in states and m.payload):
        schemas.check("discovery-state", json.loads(message.payload))
