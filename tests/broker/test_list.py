"""list: every filter, every sort, pages whose rows come and go, and what is wrong with a question."""
import pytest

from harness import JSON, MSGPACK, PREFIX, Format, Recorder
from lab import wait_for

SPEECH = Format()
WIDE = Format(2, 48000, 3)
PHONE = Format(1, 8000, 1, "alaw")

# device/session: format, frames, ended, tags, with a gap
LIBRARY = {
    "mic1/s-01": (SPEECH, 16000, True, {"site": "north", "gain": 3}, False),
    "mic1/s-02": (SPEECH, 8000, False, {"site": "north"}, True),
    "mic2/s-01": (WIDE, 12000, True, {"site": "south", "gain": 3.5}, False),
    "mic2/t-01": (PHONE, 16000, False, None, False),
    "mic3/t-01": (SPEECH, 40000, True, {"gain": "3"}, False),
}


@pytest.fixture(scope="module")
def library(shared_lab):
    """The recordings of LIBRARY, in its order, as `list` shows them."""
    client = shared_lab.client()
    for name, (form, frames, ended, tags, gap) in LIBRARY.items():
        recorder = Recorder(client, *name.split("/"), form)
        half = frames // 2
        if gap:
            quarter = half // 2
            recorder.store(frames=quarter, frame=0, tags=tags)
            recorder.store(frames=half, frame=half)
        else:
            recorder.store(frames=half, frame=0, tags=tags)
            recorder.store(frames=half, frame=half)
        if ended:
            recorder.end()
    listed = {name_of(row): row for row in client.request("list")["recordings"]}
    assert list(listed) == list(LIBRARY)
    return listed


def name_of(row):
    return f"{row['device']}/{row['session']}"


def names_of(page):
    return [name_of(row) for row in page["recordings"]]


def walk(client, question, limit, between=None, device=None):
    """All pages of a question, one after the other."""
    names, cursor = [], None
    while True:
        page = client.request("list", question | {"limit": limit} | (cursor or {}), device)
        assert len(page["recordings"]) <= limit
        names += names_of(page)
        if page["next_cursor"] is None:
            return names
        assert page["recordings"], "an empty page with a cursor"
        cursor = {"cursor": page["next_cursor"]}
        if between:
            between(page)


# Filters


def test_rows_say_what_is_recorded(library):
    row = library["mic2/s-01"]
    assert row["state"] == "complete" and row["end_reason"] == "end"
    assert (row["channels"], row["rate"], row["sample_size"], row["encoding"]) == (
        2, 48000, 3, "pcm")
    assert (row["frames"], row["duration"]) == (12000, 0.25)
    assert (row["fragments"], row["duplicates"], row["rejected"]) == (3, 0, 0)
    assert (row["gap_frames"], row["kept"]) == (0, False)
    assert row["tags"] == {"site": "south", "gain": 3.5}
    assert library["mic1/s-02"]["gap_frames"] == 2000
    assert library["mic1/s-02"]["end_reason"] is None
    assert library["mic2/t-01"]["encoding"] == "alaw"


@pytest.mark.parametrize("filters, expected", [
    ({}, "mic1/s-01 mic1/s-02 mic2/s-01 mic2/t-01 mic3/t-01"),
    ({"device": "mic1"}, "mic1/s-01 mic1/s-02"),
    ({"device": "mic"}, ""),
    ({"session": "s-01"}, "mic1/s-01 mic2/s-01"),
    ({"session": "s"}, "mic1/s-01 mic1/s-02 mic2/s-01"),
    ({"session": "S"}, ""),
    ({"session": "t_"}, ""),
    ({"state": "complete"}, "mic1/s-01 mic2/s-01 mic3/t-01"),
    ({"state": "recording"}, "mic1/s-02 mic2/t-01"),
    ({"min_duration": 1}, "mic1/s-01 mic2/t-01 mic3/t-01"),
    ({"min_duration": 1.001}, "mic2/t-01 mic3/t-01"),
    ({"max_duration": 0.5}, "mic1/s-02 mic2/s-01"),
    ({"min_duration": 0.5, "max_duration": 1}, "mic1/s-01 mic1/s-02"),
    ({"rate": 8000}, "mic2/t-01"),
    ({"channels": 2}, "mic2/s-01"),
    ({"sample_size": 2}, "mic1/s-01 mic1/s-02 mic3/t-01"),
    ({"end_reason": "end"}, "mic1/s-01 mic2/s-01 mic3/t-01"),
    ({"end_reason": "idle"}, ""),
    ({"has_gaps": True}, "mic1/s-02"),
    ({"has_gaps": False}, "mic1/s-01 mic2/s-01 mic2/t-01 mic3/t-01"),
    ({"kept": True}, ""),
    ({"kept": False, "device": "mic3"}, "mic3/t-01"),
    ({"tags": {"site": "north"}}, "mic1/s-01 mic1/s-02"),
    ({"tags": {"gain": 3}}, "mic1/s-01"),
    ({"tags": {"gain": 3.5}}, "mic2/s-01"),
    ({"tags": {"gain": "3"}}, "mic3/t-01"),
    ({"tags": {"site": "north", "gain": 3}}, "mic1/s-01"),
    ({"tags": {"site": "nor"}}, ""),
    ({"tags": {}}, "mic1/s-01 mic1/s-02 mic2/s-01 mic2/t-01 mic3/t-01"),
    ({"device": "mic2", "state": "complete", "rate": 48000}, "mic2/s-01"),
    ({"no such filter": 1, "device": "mic3"}, "mic3/t-01"),
], ids=str)
@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_filter(lab, client, library, filters, expected, form):
    page = client.request("list", filters | {"count": True}, form=form)
    assert " ".join(names_of(page)) == expected
    assert page["next_cursor"] is None
    assert (page["total"], page["total_is_minimum"]) == (len(expected.split()), False)


def test_since_and_until(lab, client, library):
    third = library["mic2/s-01"]["started_at"]
    assert names_of(client.request("list", {"since": third})) == list(library)[2:]
    assert names_of(client.request("list", {"until": third})) == list(library)[:2]
    assert names_of(client.request("list", {"since": third, "until": third})) == []
    # The same moment by another clock.
    hours = int(third[11:13])
    shifted = f"{third[:11]}{(hours + 1) % 24:02}{third[13:-1]}+01:00"
    if hours < 23:
        assert names_of(client.request("list", {"since": shifted})) == list(library)[2:]


# Sorts and pages

KEYS = {
    "started": lambda row: row["started_at"],
    "duration": lambda row: row["duration"],
    "name": lambda row: (row["device"], row["session"]),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("descending", [False, True])
def test_sort(lab, client, library, key, descending):
    sort = ("-" if descending else "") + key
    rows = client.request("list", {"sort": sort})["recordings"]
    keys = [KEYS[key](row) for row in rows]
    assert len(rows) == len(LIBRARY)
    assert keys == sorted(keys, reverse=descending)


@pytest.mark.parametrize("sort", [sign + key for key in KEYS for sign in ("", "-")])
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_are_the_whole(lab, client, library, sort, limit):
    whole = names_of(client.request("list", {"sort": sort}))
    assert walk(client, {"sort": sort}, limit) == whole


def test_last_page_that_is_full_has_no_cursor(lab, client, library):
    page = client.request("list", {"limit": len(LIBRARY)})
    assert page["next_cursor"] is None


@pytest.mark.parametrize("sort", [sign + key for key in KEYS for sign in ("", "-")])
def test_rows_that_come_between_pages_neither_hide_nor_repeat_others(make_lab, sort):
    lab = make_lab()
    client = lab.client()
    there = [f"mic5/s{i}" for i in range(6)]
    for i, name in enumerate(there):
        Recorder(client, *name.split("/")).store(frames=100 * (i + 1))
    pages = []

    def add(page):
        pages.append(page)
        if len(pages) > 3:
            return
        for device, frames in (("mic1", 1), ("mic9", 10000)):
            Recorder(client, device, f"new{len(pages)}").store(frames=frames)

    names = walk(client, {"sort": sort}, 2, between=add)
    assert len(names) == len(set(names))
    old = [name for name in names if name in there]
    assert old == (there[::-1] if sort.startswith("-") else there)


def test_page_is_cut_where_the_response_would_be_too_large(make_lab):
    limit = 64 * 1024
    lab = make_lab({"limits.max_response_bytes": limit})
    client = lab.client()
    tags = {f"tag{i}": "x" * 240 for i in range(30)}
    names = [f"mic/s{i:02}" for i in range(20)]
    for name in names:
        Recorder(client, *name.split("/")).store(frames=1, tags=tags)
    answer = client.ask("list", {"limit": 1000})
    page = answer.document["data"]
    assert len(answer.payload) <= limit
    assert 5 < len(page["recordings"]) < 20
    assert page["next_cursor"]
    assert walk(client, {}, 1000) == names
    assert walk(client, {"sort": "-name"}, 1000) == names[::-1]


# Confined to a device


def test_confined_list_shows_its_device_alone(lab, client, library):
    expected = ["mic2/s-01", "mic2/t-01"]
    assert names_of(client.request("list", {}, "mic2")) == expected
    assert names_of(client.request("list", {"device": "mic2"}, "mic2")) == expected
    assert walk(client, {}, 1, device="mic2") == expected
    error = client.refusal("list", {"device": "mic1"}, "mic2")
    assert (error["code"], error["field"]) == ("not-allowed", "device")


def test_cursor_of_a_wide_list_opens_no_confined_one(lab, client, library):
    cursor = client.request("list", {"limit": 1})["next_cursor"]
    error = client.refusal("list", {"cursor": cursor}, "mic2")
    assert (error["code"], error["field"]) == ("bad-request", "cursor")


# What is wrong with a question


@pytest.mark.parametrize("field, value", [
    ("device", 7), ("device", None), ("device", "a/b"), ("device", ".."), ("device", ""),
    ("device", "a b"), ("device", "-a"), ("device", "a" * 65), ("device", "mic1\n"),
    ("session", ["s"]), ("session", "%"), ("session", "-s"),
    ("state", "done"), ("state", 1),
    ("min_duration", "1"), ("min_duration", -1), ("min_duration", True),
    ("max_duration", {}), ("max_duration", -0.5),
    ("since", 1700000000), ("since", "yesterday"), ("since", "2026-02-30T00:00:00Z"),
    ("until", "2026-01-02"), ("until", "2026-01-02T03:04:05"),
    ("rate", "16000"), ("rate", 0), ("rate", 16000.5), ("rate", 768001),
    ("channels", 0), ("channels", 65), ("sample_size", 16), ("sample_size", -2),
    ("end_reason", "bored"), ("end_reason", None),
    ("has_gaps", 1), ("has_gaps", "true"), ("kept", 0), ("count", "yes"),
    ("tags", "site"), ("tags", {"site": None}), ("tags", {"site": ["north"]}),
    ("sort", "size"), ("sort", "+name"), ("sort", 1),
    ("limit", 0), ("limit", 1001), ("limit", -1), ("limit", "10"), ("limit", 1.5),
    ("cursor", 1), ("cursor", ""), ("cursor", "made up"), ("cursor", "AAAA"),
    ("cursor", "A" * 2000), ("cursor", "\u00e9"),
], ids=str)
@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_wrong_field_is_named(lab, client, field, value, form):
    error = client.refusal("list", {field: value}, form=form)
    assert (error["code"], error["field"]) == ("bad-request", field)


@pytest.mark.parametrize("other", [
    {"sort": "name"}, {"sort": "-started"}, {"device": "mic1"}, {"state": "complete"},
    {"has_gaps": False}, {"tags": {"site": "north"}}, {"min_duration": 0},
], ids=str)
def test_cursor_belongs_to_its_question(lab, client, library, other):
    cursor = client.request("list", {"limit": 1})["next_cursor"]
    error = client.refusal("list", other | {"cursor": cursor})
    assert (error["code"], error["field"]) == ("bad-request", "cursor")


def test_damaged_cursor(lab, client, library):
    cursor = client.request("list", {"limit": 1, "sort": "name"})["next_cursor"]
    for at in range(0, len(cursor), 5):
        damaged = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1:]
        error = client.refusal("list", {"sort": "name", "cursor": damaged})
        assert (error["code"], error["field"]) == ("bad-request", "cursor")
    assert client.request("list", {"sort": "name", "cursor": cursor})["recordings"]


def test_list_over_mqtt_3(lab, library):
    client = lab.client(version=4)
    for form in (JSON, MSGPACK):
        page = client.request("list", {"limit": 2}, form=form)
        assert names_of(page) == list(library)[:2]
    client.subscribe(f"{PREFIX}/response/list")
    client.publish(f"{PREFIX}/request/list", b"")
    answer = client.wait_message(lambda m: m.topic == f"{PREFIX}/response/list")
    assert names_of(answer.document["data"]) == list(library)


def test_recording_is_listed_once_it_is_durable_and_changes_its_state(make_lab):
    lab = make_lab({"session.idle_timeout_s": 1})
    client = lab.client()
    recorder = Recorder(client, "mic")
    assert client.request("list")["recordings"] == []
    recorder.store(frames=100)
    (row,) = client.request("list")["recordings"]
    assert (row["state"], row["end_reason"], row["frames"]) == ("recording", None, 100)
    idle = {"end_reason": "idle", "state": "complete"}
    wait_for(lambda: client.request("list", idle)["recordings"], "the idle recording")
    recorder.store(frames=100)
    (row,) = client.request("list")["recordings"]
    assert (row["state"], row["end_reason"], row["frames"]) == ("recording", None, 200)
    recorder.end()
    (row,) = client.request("list")["recordings"]
    assert (row["state"], row["end_reason"], row["frames"]) == ("complete", "end", 200)
