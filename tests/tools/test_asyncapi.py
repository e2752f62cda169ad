"""The AsyncAPI document: its references hold, and it says of topics what the protocol fixes; the
page made from it is up to date."""
import re

import pytest
import yaml

import make_protocol_page
import schemas

DOCUMENT = yaml.safe_load((schemas.FOLDER / "asyncapi.yaml").read_text())
CHANNELS = DOCUMENT["channels"]
OPERATIONS = DOCUMENT["operations"]
# Topic, who sends it, QoS, retained: the protocol's table of topics.
TOPICS = [
    ("audio/{device}/{session}", "receive", 1, False),
    ("audio/{device}", "receive", 1, False),
    ("upload/{device}/{session}", "receive", 1, False),
    ("upload/{device}/{session}/{upload}/{offset}", "receive", 1, False),
    ("request/{op}", "receive", 1, False),
    ("request/{op}/{device}", "receive", 1, False),
    ("response/{op}", "send", 0, False),
    ("response/{op}/{device}", "send", 0, False),
    (None, "send", 0, False),
    ("event/{device}/{session}", "send", 1, False),
    ("status/{sink}", "send", 1, True),
    ("metrics/{sink}", "send", 0, True),
    ("homeassistant/{component}/reel_{node}/{object}/config", "send", 1, True),
    ("homeassistant/reel/reel_{node}/device_{id}/state", "send", 1, True),
    ("hermes/audioServer/{siteId}/audioFrame", "receive", 0, False),
    ("hermes/audioServer/{siteId}/{sessionId}/audioSessionFrame", "receive", 0, False),
]
# Required keys, and those allowed beside them, of the objects of AsyncAPI 3.0 that are used here.
OBJECTS = {
    "document": ("asyncapi info channels operations components", "servers defaultContentType"),
    "info": ("title version", "description"),
    "channel": ("address messages", "description parameters"),
    "operation": ("action channel", "title description messages reply bindings"),
    "reply": ("address channel", "messages"),
    "address": ("location", "description"),
    "message": ("payload", "title summary description contentType headers"),
    "parameter": ("description", "enum"),
    "mqtt": ("qos retain bindingVersion", "messageExpiryInterval"),
}


def references(value):
    """Yield every $ref within."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def follow(ref):
    """What a reference within the document leads to, through further ones."""
    value = DOCUMENT
    for key in ref.removeprefix("#/").split("/"):
        value = value[key]
    return follow(value["$ref"]) if set(value) == {"$ref"} else value


def check_object(kind, value):
    required, allowed = (set(words.split()) for words in OBJECTS[kind])
    assert required <= set(value) <= required | allowed, f"{kind}: {sorted(value)}"


def test_objects_have_the_keys_of_asyncapi():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    check_object("document", DOCUMENT)
    check_object("info", DOCUMENT["info"])
    for kind, values in (("channel", CHANNELS), ("operation", OPERATIONS),
                         ("message", DOCUMENT["components"]["messages"]),
                         ("parameter", DOCUMENT["components"]["parameters"])):
        for value in values.values():
            check_object(kind, value)
    for operation in OPERATIONS.values():
        check_object("mqtt", operation["bindings"]["mqtt"])
        if "reply" in operation:
            check_object("reply", operation["reply"])
            check_object("address", operation["reply"]["address"])


@pytest.mark.parametrize("ref", sorted(set(references(DOCUMENT))))
def test_reference_leads_somewhere(ref):
    if ref.startswith("#"):
        assert follow(ref)
    else:
        assert (schemas.FOLDER / ref).is_file()


def test_every_schema_is_of_some_message():
    used = {ref[2:].removesuffix(".json") for ref in references(DOCUMENT) if ref.startswith("./")}
    assert used | {"common", "response", "recording"} == set(schemas.names())


@pytest.mark.parametrize("name", CHANNELS)
def test_channel_names_its_parameters(name):
    channel = CHANNELS[name]
    in_address = re.findall(r"{(\w+)}", channel["address"] or "")
    assert sorted(in_address) == sorted(channel.get("parameters", {}))


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_stays_within_its_channels(name):
    operation = OPERATIONS[name]
    for part in filter(None, (operation, operation.get("reply"))):
        channel = part["channel"]["$ref"]
        assert channel.removeprefix("#/channels/") in CHANNELS
        for message in part.get("messages", []):
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_topics_are_the_protocols():
    found = []
    for name, channel in CHANNELS.items():
        address = channel["address"] and channel["address"].removeprefix("reel/v1/")
        ways = {
            (operation["action"], operation["bindings"]["mqtt"]["qos"],
             operation["bindings"]["mqtt"]["retain"])
            for operation in OPERATIONS.values()
            if operation["channel"]["$ref"] == f"#/channels/{name}"
        }
        assert len(ways) == 1, f"{name}: {ways}"
        found.append((address, *ways.pop()))
    assert found == TOPICS


def test_ops_are_those_of_the_schemas():
    assert tuple(DOCUMENT["components"]["parameters"]["op"]["enum"]) == schemas.OPS
    assert set(schemas.OPS) <= set(OPERATIONS)


def test_page_is_up_to_date():
    made = make_protocol_page.make()
    assert made == make_protocol_page.PAGE.read_text(), "run tests/tools/make_protocol_page.py"


def test_page_stands_by_itself_and_its_links_lead_somewhere():
    page = make_protocol_page.PAGE.read_text()
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    for link in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert link[1:] in anchors if link[0] == "#" else (schemas.FOLDER / link).is_file(), link
    assert not re.search(r"@import|url\(|<script|<link", page)
    assert "@" not in re.sub(r"@media", "", page)


def test_page_shows_every_field():
    page = make_protocol_page.PAGE.read_text()
    for name in schemas.names():
        for field in schemas.load(name).get("properties", {}):
            assert re.search(rf"<code>(\w+\.)*{field}</code>", page), f"{field} of {name}"
