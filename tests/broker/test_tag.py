"""tag: tags of a recording are set, changed and taken away, durably when it is answered."""
import subprocess

import pytest

from harness import JSON, MSGPACK, Recorder
from lab import PREFIX


@pytest.fixture
def recorded(client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0, tags={"site": "roof", "gain": 12})
    recorder.end(seq=1)
    return recorder


def tag(recorder, tags, **options):
    return recorder.client.request(
        "tag", {"device": recorder.device, "session": recorder.session, "tags": tags}, **options)


@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_set_change_and_take_away(lab, recorded, form):
    wanted = {"site": "Küche", "ratio": 0.5, "count": -3}
    tags = tag(recorded, wanted | {"gain": None, "unknown": None}, form=form)["tags"]
    assert tags == wanted
    assert recorded.info()["tags"] == wanted
    event = lab.watcher.wait_event(recorded.device, "s1", "tagged")
    assert event["recording"]["tags"] == wanted
    assert isinstance(event["recording"]["tags"]["count"], int)


def test_replace_all(recorded):
    name = {"device": recorded.device, "session": "s1", "replace": True}
    client = recorded.client
    assert client.request("tag", name | {"tags": {"a": 1}})["tags"] == {"a": 1}
    assert client.request("tag", name | {"tags": {}})["tags"] == {}
    assert recorded.info()["tags"] == {}


def test_what_is_so_already_changes_nothing(lab, recorded):
    before = recorded.info()
    answer = tag(recorded, {"gain": 12, "none": None})
    assert answer == {key: before[key] for key in answer}
    tag(recorded, {"gain": 13})
    event = lab.watcher.wait_event(recorded.device, "s1", "tagged")
    assert event["recording"]["tags"]["gain"] == 13


def test_the_list_finds_it_by_its_tags(client, recorded):
    def found(tags):
        query = {"device": recorded.device, "tags": tags}
        return len(client.request("list", query)["recordings"])

    tag(recorded, {"site": "cellar"})
    assert (found({"site": "cellar"}), found({"site": "roof"})) == (1, 0)
    assert found({"site": "cellar", "gain": 12}) == 1


def test_while_it_grows_the_latest_values_stand(client, device):
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0, tags={"site": "roof", "gain": 12})
    tag(recorder, {"site": "cellar", "by": "me"})
    recorder.store(frames=100, seq=1, tags={"gain": 13})
    assert recorder.info()["tags"] == {"site": "cellar", "by": "me", "gain": 13}
    recorder.store(frames=100, seq=2, tags={"site": "roof"})
    recorder.end(seq=3)
    assert recorder.info()["tags"] == {"site": "roof", "by": "me", "gain": 13}


def test_tags_survive_a_kill(make_lab, device):
    lab = make_lab()
    recorder = Recorder(lab.client(), device)
    recorder.store(frames=100, seq=0, tags={"gain": 12})
    recorder.end(seq=1)
    tag(recorder, {"site": "cellar", "gain": None})
    lab.sink.kill()
    lab.sink.start()
    assert recorder.info()["tags"] == {"site": "cellar"}


def test_confined_to_a_device(client, recorded):
    answer = client.request("tag", {"session": "s1", "tags": {"site": "hall"}}, recorded.device)
    assert answer["tags"] == {"site": "hall", "gain": 12}
    other = {"device": recorded.device, "session": "s1", "tags": {"site": "attic"}}
    assert client.refusal("tag", other, "another")["code"] == "not-allowed"
    assert recorded.info()["tags"]["site"] == "hall"


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"tags": {"site": True}}, "bad-request", "tags.site"),
    ({"tags": {"site": ["x"]}}, "bad-request", "tags.site"),
    ({"tags": {"site": "x" * 257}}, "bad-request", "tags.site"),
    ({"tags": {"": 1}}, "bad-request", "tags"),
    ({"tags": {"n" * 65: None}}, "bad-request", "tags"),
    ({"tags": {"line\n": 1}}, "bad-request", "tags"),
    ({"tags": {f"t{n}": n for n in range(31)}}, "bad-request", "tags"),  # and two are there
    ({"tags": {f"t{n}": n for n in range(33)}, "replace": True}, "bad-request", "tags"),
    ({"tags": []}, "bad-request", "tags"),
    ({"tags": None}, "bad-request", "tags"),
    ({}, "bad-request", "tags"),
    ({"tags": {}, "replace": 1}, "bad-request", "replace"),
    ({"tags": {}, "session": None}, "bad-request", "session"),
    ({"tags": {}, "session": "none"}, "not-found", None),
])
@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_bad_tag(client, recorded, form, change, code, field):
    document = {"device": recorded.device, "session": "s1"} | change
    error = client.refusal("tag", document, form=form)
    assert (error["code"], error["field"]) == (code, field)
    assert recorded.info()["tags"] == {"site": "roof", "gain": 12}


def test_tag_by_mosquitto_rr(lab, recorded):
    said = subprocess.run(
        ["mosquitto_rr", "-h", lab.broker.host, "-p", str(lab.broker.port), "-W", "30",
         "-t", f"{PREFIX}/request/tag/{recorded.device}",
         "-e", f"{PREFIX}/reply/{recorded.device}/rr",
         "-m", '{"session": "s1", "tags": {"site": "cellar"}, "replace": true}'],
        check=True, capture_output=True)
    assert b'"tags":{"site":"cellar"}' in said.stdout.replace(b" ", b"")
