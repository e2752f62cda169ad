"""The golden messages against the schemas: what is good fits, what is bad does not."""
import json
import sys
from pathlib import Path

import msgpack
import pytest

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tools"))

import schemas  # noqa: E402

# What lies below a document, or in its numbers together, no schema says.
BEYOND_SCHEMAS = {
    "bad-boot-control", "bad-data-empty", "bad-data-out-of-range", "bad-half-a-frame",
    "bad-name-bin", "bad-request-bin", "bad-request-uint64", "bad-time-float-2-60",
}
NAMES = sorted(path.name.removesuffix(".expect.json") for path in FOLDER.glob("*.expect.json"))


def expected(name):
    return json.loads((FOLDER / f"{name}.expect.json").read_text())


def decoded(name):
    """The document, nil left away as the sink does."""
    packed = FOLDER / f"{name}.msgpack"
    if packed.exists():
        document = msgpack.unpackb(packed.read_bytes(), raw=False, strict_map_key=False,
                                   unicode_errors="surrogateescape")
    else:
        document = json.loads((FOLDER / f"{name}.payload.json").read_text("utf-8-sig"))
    return without_nil(document)


def without_nil(value):
    if isinstance(value, dict):
        return {key: without_nil(member) for key, member in value.items() if member is not None}
    return value


def schema_of(name):
    kind = expected(name)["kind"]
    return {"request": "request/list"}.get(kind, kind)


def documents(good):
    for name in NAMES:
        error = expected(name).get("error")
        if (FOLDER / f"{name}.wav").exists() or (error or {}).get("field") == "payload":
            continue
        if (error is None) == good:
            yield name


@pytest.mark.parametrize("name", documents(good=True))
def test_what_is_good_fits(name):
    schemas.check(schema_of(name), decoded(name))


@pytest.mark.parametrize("name", sorted(set(documents(good=False)) - BEYOND_SCHEMAS))
def test_what_is_bad_does_not_fit(name):
    with pytest.raises(schemas.Violation) as violation:
        schemas.check(schema_of(name), decoded(name))
    assert violation.value


def test_properties_of_wav_fragments_fit():
    checked = 0
    for name in NAMES:
        if "properties" in expected(name):
            schemas.check("fragment-properties", expected(name)["properties"])
            checked += 1
    assert checked


def test_every_payload_has_its_expectation():
    payloads = {path.name.split(".")[0] for path in FOLDER.iterdir()
                if path.suffix in (".msgpack", ".wav") or path.name.endswith(".payload.json")}
    assert payloads == set(NAMES)
    assert len(NAMES) > 100
