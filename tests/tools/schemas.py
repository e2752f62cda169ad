"""Schemas: check messages against schemas/, whichever of the protocol's messages they are.

`validate(topic, payload, properties)` finds out from the topic, and where that does not say it
from the message itself, which schema is meant. A bin of MessagePack is checked as the base64 that
JSON has in its place.
"""
import base64
import json
import re
import threading
from functools import lru_cache
from pathlib import Path

import msgpack
from jsonschema import Draft202012Validator, FormatChecker, RefResolver

_one_at_a_time = threading.Lock()  # a RefResolver keeps where it is in itself
FOLDER = Path(__file__).resolve().parents[2] / "schemas"
JSON, MSGPACK = "application/json", "application/msgpack"
OPS = ("list", "info", "download", "rejects", "reject", "status", "devices", "delete", "keep",
       "tag", "upload-begin", "upload-end")
# Ops whose answer is raw bytes for who sent a Response Topic, and the schema of the user
# properties that come with them.
RAW = {"download": "response/download-properties", "reject": "response/reject-properties"}
# What the data of a response to a reply topic is known by, where the op is not.
MARKS = [
    ("spared", "delete"),
    ("recordings", "list"),
    ("rejects", "rejects"),
    ("devices", "devices"),
    ("stretches", "info"),
    ("version", "status"),
    ("kept", "keep"),
    ("block_size", "upload-begin"),
]


class Violation(AssertionError):
    """A message is not what the schemas promise."""


def names():
    """The schemas, as `load` takes them: "event", "request/list"."""
    return sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.json"))


@lru_cache(maxsize=None)
def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


@lru_cache(maxsize=None)
def validator(name):
    resolver = RefResolver((FOLDER / f"{name}.json").as_uri(), load(name))
    return Draft202012Validator(load(name), resolver=resolver, format_checker=FormatChecker())


def check(name, document):
    """Check a decoded document against the schema of that name; Violation if it does not fit."""
    with _one_at_a_time:
        found = list(validator(name).iter_errors(_without_bin(document)))
    errors = sorted(found, key=lambda e: e.json_path)
    if errors:
        lines = [f"  {error.json_path}: {_shorten(error.message)}" for error in errors]
        raise Violation(f"not as schemas/{name}.json says:\n" + "\n".join(lines))


def _shorten(text, most=400):
    return text if len(text) <= most else f"{text[:most // 2]} ... {text[-most // 2:]}"


def _without_bin(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _without_bin(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_bin(member) for member in value]
    return value


def _members_once(pairs):
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Violation(f"a key comes twice: {[key for key, _ in pairs]}")
    return document


def decode(payload, content_type=None):
    """Decode a document strictly: UTF-8, no key twice, nothing behind it."""
    try:
        if content_type == MSGPACK or (content_type is None and payload[:1] > b"\x7f"):
            return msgpack.unpackb(payload, object_pairs_hook=_members_once)
        return json.loads(payload.decode(), object_pairs_hook=_members_once,
                          parse_constant=_no_number)
    except (ValueError, msgpack.UnpackException) as error:
        raise Violation(f"neither MessagePack nor JSON: {error}") from None


def _no_number(text):
    raise Violation(f"{text} is no number in JSON")


def validate(topic, payload, properties=None, prefix="reel/v1"):
    """Check one message of the sink. Raises Violation; nothing is said of topics of others.

    `properties` is None or a dict of what the message says beside its payload: `content_type`
    (None if it does not), `user` (dict of its user properties). Without it only the payload is
    checked, as a client of MQTT 3.1.1 sees it.
    """
    if not topic.startswith(prefix + "/"):
        return
    kind, *levels = topic[len(prefix) + 1:].split("/")
    if kind in ("event", "status", "metrics"):
        _validate_said_to_all(kind, levels, payload, properties)
    elif kind == "response":
        if levels[0] not in (*OPS, "audio", "upload"):
            _validate_error(payload, properties)
        else:
            _validate_answer(levels[0], payload, properties)
    elif kind == "reply":
        _validate_answer(None, payload, properties)


def _validate_said_to_all(kind, levels, payload, properties):
    if len(levels) != (2 if kind == "event" else 1):
        raise Violation(f"a topic of {len(levels)} levels below {kind}")
    _expect_content_type(properties, JSON)
    if kind == "status" and not payload:
        return  # a retained status is taken back
    document = decode(payload, JSON)
    check(kind, document)
    if kind == "event":
        recording = document["recording"]
        if [recording["device"], recording["session"]] != levels:
            raise Violation(f"an event of {recording['device']}/{recording['session']}")


def _expect_content_type(properties, wanted):
    said = (properties or {}).get("content_type")
    if said not in (None, wanted):
        raise Violation(f"Content Type is {said}, not {wanted}")


def _validate_error(payload, properties):
    check("response/error", _decode_answer(payload, properties))


def _validate_answer(op, payload, properties):
    """An acknowledgement or a response; `op` is None where the topic does not name it."""
    if _is_raw(op, properties):
        _validate_raw(op, properties)
        return
    document = _decode_answer(payload, properties)
    if not isinstance(document, dict):
        raise Violation(f"an answer that is no map: {_shorten(repr(document))}")
    if op is None:
        op = _guess_op(document)
    check("acknowledgement" if op == "audio" else f"response/{op or 'error'}", document)


def _is_raw(op, properties):
    if properties is None or op not in (None, *RAW):
        return False
    said = properties.get("content_type")
    return said not in (JSON, MSGPACK) or "offset" in properties.get("user", {})


def _validate_raw(op, properties):
    """Raw bytes: a part of a download, or a quarantined payload."""
    user = properties.get("user", {})
    op = op or ("reject" if "quarantine_id" in user else "download")
    check(RAW[op], user)
    said = properties["content_type"]
    if said not in ("application/octet-stream", *(["audio/wav"] if op == "download" else [])):
        raise Violation(f"raw bytes as {said}")


def _decode_answer(payload, properties):
    """Decode, and see that Content Type and the user property `status` agree with it."""
    if properties is None:
        return decode(payload)
    said = properties.get("content_type")
    if said not in (JSON, MSGPACK):
        raise Violation(f"Content Type is {said}")
    document = decode(payload, said)
    status = document.get("status") if isinstance(document, dict) else None
    if properties.get("user", {}).get("status", status) != status:
        raise Violation(f"user property status is {properties['user']['status']}, not {status}")
    return document


def _guess_op(document):
    """The op that a document of a reply topic answers; "audio" for an acknowledgement."""
    if "device" in document or re.match("seq|frame|boot", " ".join(document)):
        return "audio"
    data = document.get("data")
    if not isinstance(data, dict) or document.get("status") != "ok":
        return None
    if "bytes" in data and not data.keys() & {"duration", "spared"}:
        return "download" if "offset" in data else "reject"
    return next((op for mark, op in MARKS if mark in data), None)
