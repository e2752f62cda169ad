"""The schemas themselves: sound, met by their examples, and broken by every change that matters."""
import copy
import json

import msgpack
import pytest
from jsonschema import Draft202012Validator

import schemas

# What others send: unknown fields are ignored. All else the sink sends, and nothing may be added.
LENIENT = {"fragment", "fragment-properties", "upload-properties",
           *(f"request/{op}" for op in schemas.OPS)}
PARTS = {"common", "recording", "response"}
SAID_BY_SINK = [name for name in schemas.names() if name not in LENIENT | PARTS]
EXAMPLES = [
    (name, number)
    for name in schemas.names()
    for number in range(len(schemas.load(name).get("examples", [])))
]
# Fields that the sink leaves away where it does not know them.
OPTIONAL = {
    ("discovery", 0): ("device_class", "state_class", "unit_of_measurement"),
    ("discovery", 1): ("device_class",),
    ("acknowledgement", 1): ("device", "session", "seq"),
    ("metrics", 0): (
        "reel_rejected_bad_request_total", "reel_recordings", "reel_recordings_bytes",
        "reel_quarantine_payloads", "reel_quarantine_bytes", "reel_disk_free_bytes",
        "reel_disk_used_bytes", "reel_disk_total_bytes",
    ),
            ("status", 0): ("rates", "sample_sizes"),
}


def example(name, number=0):
    return copy.deepcopy(schemas.load(name)["examples"][number])


def fits(name, document):
    try:
        schemas.check(name, document)
    except schemas.Violation:
        return False
    return True


def walk(value):
    """Yield every map within a document."""
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, (dict, list)):
            yield from walk(member)


def paths(document, above=()):
    """Every path to a named member, as lists of keys."""
    for key, member in document.items():
        yield [*above, key]
        if isinstance(member, dict):
            yield from paths(member, (*above, key))


def put(document, path, value):
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def take(document, path):
    for key in path[:-1]:
        document = document[key]
    del document[path[-1]]


FIELDS = [
    (name, number, path)
    for name, number in EXAMPLES
    if name in SAID_BY_SINK
    for path in paths(example(name, number))
    if not {"tags", "encodings"} & set(path[:-1])
]


@pytest.mark.parametrize("name", schemas.names())
def test_schema_is_sound(name):
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert name == "common" or schema["examples"]


@pytest.mark.parametrize("name", schemas.names())
def test_references_lead_somewhere(name):
    resolver = schemas.validator(name).resolver
    for part in walk(schemas.load(name)):
        if isinstance(part.get("$ref"), str):
            resolver.resolve(part["$ref"])


@pytest.mark.parametrize("name", schemas.names())
def test_parts_meet_their_examples(name):
    resolver = schemas.validator(name).resolver
    for part in walk(schemas.load(name)):
        if isinstance(part.get("examples"), list):
            checker = Draft202012Validator(part, resolver=resolver)
            for shown in part["examples"]:
                checker.validate(shown)


@pytest.mark.parametrize("name, number", EXAMPLES)
def test_example_fits_in_both_encodings(name, number):
    document = example(name, number)
    schemas.check(name, document)
    assert schemas.decode(json.dumps(document).encode(), schemas.JSON) == document
    assert schemas.decode(msgpack.packb(document), schemas.MSGPACK) == document


@pytest.mark.parametrize("name, number, path", FIELDS)
def test_field_of_the_sink_has_its_type(name, number, path):
    for wrong in ({"un": "expected"}, [[{}]]):
        document = example(name, number)
        put(document, path, wrong)
        free = isinstance(wrong, dict) and path[-1] == "tags"
        assert fits(name, document) == free, f"{path} may be {wrong}"


@pytest.mark.parametrize("name, number, path", FIELDS)
def test_field_of_the_sink_is_needed(name, number, path):
    document = example(name, number)
    take(document, path)
    assert fits(name, document) == (path[-1] in OPTIONAL.get((name, number), ()))


@pytest.mark.parametrize("name, number", [shown for shown in EXAMPLES if shown[0] in SAID_BY_SINK])
def test_sink_may_not_add_fields(name, number):
    assert not fits(name, example(name, number) | {"surplus": "x"})


@pytest.mark.parametrize("name", sorted(LENIENT))
def test_unknown_fields_of_others_are_ignored(name):
    assert fits(name, example(name) | {"from a later version": {"x": [1]}})


BROKEN = [
    ("fragment", lambda d: d["metadata"]["audio"].update(channels=0)),
    ("fragment", lambda d: d["metadata"]["audio"].update(channels=65)),
    ("fragment", lambda d: d["metadata"]["audio"].update(rate=0)),
    ("fragment", lambda d: d["metadata"]["audio"].update(rate=16000.5)),
    ("fragment", lambda d: d["metadata"]["audio"].update(rate="16000")),
    ("fragment", lambda d: d["metadata"]["audio"].update(sample_size=16)),
    ("fragment", lambda d: d["metadata"]["audio"].update(sample_size=8)),
    ("fragment", lambda d: d["metadata"]["audio"].update(encoding="float")),
    ("fragment", lambda d: d["metadata"]["audio"].update(encoding="alaw")),
    ("fragment", lambda d: d["metadata"]["audio"].update(encoding="mp3")),
    ("fragment", lambda d: d["metadata"]["session"].update(seq=-1)),
    ("fragment", lambda d: d["metadata"]["session"].update(seq=2**62)),
    ("fragment", lambda d: d["metadata"]["session"].update(end=1)),
    ("fragment", lambda d: d["metadata"]["session"].update(boot=1.5)),
    ("fragment", lambda d: d["metadata"]["session"].update(reply_to="a/#")),
    ("fragment", lambda d: d["metadata"].update(tags={"site": ["x"]})),
    ("fragment", lambda d: d["metadata"].update(tags={f"t{i}": i for i in range(33)})),
    ("fragment", lambda d: d.pop("data")),
    ("fragment", lambda d: d.update(data=[0.5])),
    ("request/list", lambda d: d.update(rate="16000")),
    ("request/list", lambda d: d.update(limit=1001)),
    ("request/list", lambda d: d.update(sort="size")),
    ("request/list", lambda d: d.update(state="done")),
    ("request/info", lambda d: d.pop("session")),
    ("request/download", lambda d: d.update({"from": 1, "from_frame": 1})),
    ("request/download", lambda d: d.update(length=2**20 + 1)),
    ("request/reject", lambda d: d.update(quarantine_id="12")),
    ("recording", lambda d: d.update(started_at="2026-01-02 03:04:05")),
    ("recording", lambda d: d.update(id="9F86D081884C7D65")),
    ("recording", lambda d: d.update(encoding="float")),
    ("acknowledgement", lambda d: d.update(missing=[3, 3])),
    ("acknowledgement", lambda d: d.update(status="fine")),
    ("response/error", lambda d: d.update(data={"x": 1})),
    ("response/error", lambda d: d["error"].update(code="oops")),
    ("response/error", lambda d: d["error"].update(message="caf\u00e9")),
    ("response/list", lambda d: d["data"].pop("total_is_minimum")),
    ("event", lambda d: d.update(event="exploded")),
    ("event", lambda d: d["recording"].update(gaps=[])),
    ("metrics", lambda d: d.update(fragments=1)),
    ("discovery", lambda d: d["device"].update(via_device="reel_sink")),
    ("discovery", lambda d: d.update(device_class="sound")),
    ("discovery-state", lambda d: d.update(heard_at="today")),
    ("metrics", lambda d: d.update(reel_fragments_total={"x": 1})),
]


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_broken_message_is_found(number):
    name, breaks = BROKEN[number]
    document = example(name)
    breaks(document)
    assert not fits(name, document)


@pytest.mark.parametrize("name", ["-x", "..", ".a", "a/b", "a b", "", "a" * 65, "a\n", "\u00e9"])
def test_bad_names(name):
    document = example("request/info")
    assert fits("request/info", document | {"session": "a" * 64})
    assert not fits("request/info", document | {"session": name})


def json_answer(**user):
    return {"content_type": schemas.JSON, "user": user}


WAV = {"content_type": "audio/wav", "user": example("response/download-properties")}
RAW = {
    "content_type": "application/octet-stream",
    "user": example("response/reject-properties"),
}
GOOD = [
    ("event/mic1/s1", "event", 0, json_answer()),
    ("event/mic1/-", "event", 2, None),
    ("status/sink", "status", 0, json_answer()),
    ("metrics/sink", "metrics", 0, json_answer()),
    ("response/list", "response/list", 0, json_answer(status="ok")),
    ("response/list/mic1", "response/error", 0, json_answer(status="error")),
    ("response/lsit", "response/error", 0, json_answer(status="error")),
    ("reply/me/1", "response/list", 0, json_answer(status="ok")),
    ("reply/me/1", "response/info", 0, json_answer(status="ok")),
    ("reply/me/1", "response/error", 0, json_answer(status="error")),
    ("reply/me/1", "response/download", 0, None),
    ("reply/me/1", "response/reject", 0, None),
    ("reply/mic1/a", "acknowledgement", 0, json_answer(status="ok")),
    ("reply/mic1/a", "acknowledgement", 1, json_answer(status="error")),
]


@pytest.mark.parametrize("topic, name, number, properties", GOOD)
def test_validate_takes_what_is_right(topic, name, number, properties):
    payload = json.dumps(example(name, number)).encode()
    schemas.validate(f"reel/v1/{topic}", payload, properties)
    schemas.validate(f"own/prefix/{topic}", payload, properties, prefix="own/prefix")


@pytest.mark.parametrize("topic, name, number, properties", GOOD)
def test_validate_finds_what_is_wrong_on_any_topic(topic, name, number, properties):
    document = example(name, number)
    for wrong in (b"", b"{", b"[]", b"null", json.dumps(document | {"surplus": 1}).encode(),
                  json.dumps(document).encode() + b"x", b'{"status": "ok", "status": "ok"}'):
        if (topic, wrong) == ("status/sink", b""):
            continue  # a retained status taken back
        with pytest.raises(schemas.Violation):
            schemas.validate(f"reel/v1/{topic}", wrong, properties)


def test_validate_takes_raw_audio_and_checks_its_properties():
    schemas.validate("reel/v1/reply/me/1", b"RIFF", WAV)
    schemas.validate("reel/v1/response/download/mic1", b"", WAV)
    for key in WAV["user"]:
        user = {name: value for name, value in WAV["user"].items() if name != key}
        with pytest.raises(schemas.Violation):
            schemas.validate("reel/v1/response/download", b"RIFF", WAV | {"user": user})
    with pytest.raises(schemas.Violation):
        schemas.validate("reel/v1/reply/me/1", b"RIFF", WAV | {"content_type": "text/plain"})


def test_validate_takes_a_quarantined_payload():
    schemas.validate("reel/v1/reply/me/1", b"\xc1", RAW)
    with pytest.raises(schemas.Violation):
        schemas.validate("reel/v1/reply/me/1", b"\xc1", {"content_type": None, "user": {}})


def test_validate_compares_what_is_said_twice():
    payload = json.dumps(example("response/list")).encode()
    for wrong in (json_answer(status="error"), {"content_type": schemas.MSGPACK, "user": {}},
                  {"content_type": "text/json", "user": {}}):
        with pytest.raises(schemas.Violation):
            schemas.validate("reel/v1/response/list", payload, wrong)
    event = json.dumps(example("event")).encode()
    with pytest.raises(schemas.Violation):
        schemas.validate("reel/v1/event/mic1/s2", event)


def test_validate_takes_bin_and_says_nothing_of_others():
    document = example("response/download")
    document["data"]["bytes"] = b"RIFF\x00\xff"
    properties = {"content_type": schemas.MSGPACK, "user": {"status": "ok"}}
    schemas.validate("reel/v1/response/download", msgpack.packb(document), properties)
    schemas.validate("else/event/x", b"?")
    schemas.validate("reel/v1/audio/mic1", b"?")
