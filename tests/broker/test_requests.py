"""Requests: their encodings, where answers go, what is refused."""
import pytest

from harness import JSON, MSGPACK, PREFIX, Message, Recorder, encode


@pytest.fixture
def recorded(lab, client, device):
    """A recorder with a complete recording."""
    recorder = Recorder(client, device)
    recorder.store(frames=100, seq=0)
    recorder.end(seq=1)
    return recorder


def response_to(lab, op, device=None, after=0):
    """The first answer on the response topic, as someone who listens there sees it."""
    topic = f"{PREFIX}/response/{op}" + (f"/{device}" if device else "")
    return lab.watcher.wait_message(lambda m: m.topic == topic, f"an answer on {topic}", after)


# Encodings


@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_answer_has_the_encoding_of_the_question(lab, client, recorded, form):
    named = {"device": recorded.device, "session": recorded.session}
    for op, question in (("list", {}), ("info", named), ("rejects", {}), ("status", {})):
        answer = client.ask(op, question, form=form)
        assert answer.content_type == form
        assert answer.user["status"] == answer.document["status"] == "ok"
        assert (answer.qos, answer.retain) == (0, False)
    for op in ("info", "download", "reject"):
        answer = client.ask(op, {}, form=form)
        assert answer.content_type == form
        assert answer.user["status"] == answer.document["status"] == "error"


@pytest.mark.parametrize("payload", [b"", b"{}", b" \n{}", b"\xef\xbb\xbf{}", b"\x80"])
def test_empty_question(lab, client, payload):
    answer = client.ask("status", payload=payload)
    assert answer.document["status"] == "ok"
    assert answer.content_type == (MSGPACK if payload == b"\x80" else JSON)


def test_numbers_may_come_as_whole_floats(lab, client, recorded):
    for form in (JSON, MSGPACK):
        page = client.request("list", {"limit": 1.0, "rate": 16000.0}, form=form)
        assert len(page["recordings"]) == 1


@pytest.mark.parametrize("form", [JSON, MSGPACK])
@pytest.mark.parametrize("transaction", [
    0, -1, 2 ** 62, "text", "\u00e4\u6f22", None, True, 1.5, [1, [2]], {"a": {"b": []}}], ids=str)
def test_transaction_comes_back(lab, client, form, transaction):
    for op in ("status", "info", "no-such-op"):
        answer = client.ask(op, {"transaction": transaction}, form=form).document
        assert "transaction" in answer and answer["transaction"] == transaction


def test_correlation_comes_back_byte_for_byte(lab, client):
    for correlation in (b"\0", bytes(range(256)), b"x" * 1024):
        client.ask("status", correlation=correlation)  # which compares
    answer = client.ask("status", correlation=None)
    assert answer.correlation is None


def test_echoes_are_bounded(lab, client):
    answer = client.ask("status", {"transaction": "x" * 1100}).document
    assert (answer["error"]["code"], answer["error"]["field"]) == ("too-large", "transaction")
    assert "transaction" not in answer
    place = f"{PREFIX}/reply/{client.name}/big"
    client.subscribe(place)
    client.publish(f"{PREFIX}/request/status", b"", response_topic=place, correlation=b"x" * 1025)
    answer = client.wait_message(lambda m: m.topic == place)
    assert answer.document["error"]["field"] == "correlation_data"
    assert answer.correlation is None


BROKEN = {
    "no document": b"hello",
    "half a JSON map": b'{"device": "mic',
    "JSON array": b"[]",
    "JSON text after the map": b"{} {}",
    "JSON key twice": b'{"limit":1,"limit":2}',
    "JSON not UTF-8": b'{"device":"\xff"}',
    "JSON U+0000": b'{"device":"a\\u0000b"}',
    "JSON too deep": b'{"a":' * 100 + b"1" + b"}" * 100,
    "truncated map": b"\x82\xa1a\x01",
    "map of 4 billion": b"\xdf\xff\xff\xff\xff",
    "array of 4 billion": b"\xdd\xff\x00\x00\x00",
    "MessagePack number": b"\x07",
    "MessagePack array": b"\x91\x01",
    "MessagePack number as key": b"\x81\x01\x01",
    "MessagePack key twice": b"\x82\xa1a\x01\xa1a\x02",
    "MessagePack after the map": b"\x80\x80",
    "MessagePack not UTF-8": b"\x81\xa6device\xa1\xff",
    "MessagePack ext": b"\x81\xa1a\xd4\x01\x00",
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN.keys())
def test_broken_question(lab, client, payload):
    error = client.ask("list", payload=payload).document["error"]
    assert (error["code"], error["field"]) == ("bad-request", "payload")


def test_question_larger_than_allowed(lab, client):
    for form in (JSON, MSGPACK):
        answer = client.ask("list", {"x": "y" * 65536}, form=form)
        assert answer.document["error"]["code"] == "too-large"
        assert answer.content_type == form


# Ops


@pytest.mark.parametrize("op", ["lsit", "LIST", "x" * 31])
def test_unknown_op(lab, client, op):
    error = client.refusal(op)
    assert (error["code"], error["field"]) == ("bad-request", "op")


@pytest.mark.parametrize("tail, response, field", [
    ("list/a b", "response/list/-", "device"),
    ("list/-a", "response/list/-", "device"),
    ("list/..", "response/list/-", "device"),
    ("list/" + "a" * 65, "response/list/-", "device"),
    ("list/", "response/list/-", "device"),
    ("list/mic/more", "response/list/mic", "device"),
    ("li st", "response/-", "op"),
    ("", "response/-", "op"),
    ("-x/mic", "response/-/mic", "op"),
])
def test_topic_that_names_nothing(lab, client, tail, response, field):
    """It is answered on a response topic, whatever place it names: nobody knows whose it is."""
    place = f"{PREFIX}/reply/{client.name}/x"
    client.subscribe(place)
    before = len(lab.watcher.messages)
    client.publish(f"{PREFIX}/request/{tail}", b"{}", response_topic=place)
    answer = lab.watcher.wait_message(lambda m: m.topic == f"{PREFIX}/{response}",
                                      f"a refusal on {response}", before)
    error = answer.document["error"]
    assert (error["code"], error["field"]) == ("bad-request", field)
    client.request("status")
    assert client.select(lambda m: m.topic == place) == []


def test_retained_request_is_refused(lab, client):
    before = len(lab.watcher.messages)
    place = f"{PREFIX}/reply/{client.name}/x"
    client.subscribe(place)
    client.publish(f"{PREFIX}/request/list", b"{}", retain=True, response_topic=place)
    error = response_to(lab, "list", after=before).document["error"]
    client.publish(f"{PREFIX}/request/list", b"", retain=True)  # take it back
    assert error["code"] == "bad-request" and "retain" in error["message"]
    assert client.select(lambda m: m.topic == place) == []


def test_every_answer_is_to_its_own_question(lab, client, recorded):
    """Many questions at once, from several clients, right and wrong ones."""
    askers = [lab.client() for _ in range(4)]
    for asker in askers:
        asker.subscribe(f"{PREFIX}/reply/{asker.name}/#")
    for number in range(100):
        asker = askers[number % 4]
        op, question = [("status", {}), ("list", {"limit": 0}), ("info", {"session": 1}),
                        ("list", {})][number // 4 % 4]
        asker.publish(f"{PREFIX}/request/{op}", encode(question | {"transaction": number}, JSON),
                      wait=False, response_topic=f"{PREFIX}/reply/{asker.name}/{number}",
                      correlation=str(number).encode())
    for asker in askers:
        asker._until(lambda a=asker: len(a.messages) == 25, "25 answers")
        for message in asker.messages:
            number = message.topic.rsplit("/", 1)[1]
            assert message.correlation == number.encode()
            assert message.document["transaction"] == int(number)
            wrong = int(number) // 4 % 4 in (1, 2)
            assert message.document["status"] == ("error" if wrong else "ok")


# Where answers go


def test_answers_without_a_place_go_to_the_response_topic(lab, client, recorded):
    for op, device in (("list", None), ("list", recorded.device), ("status", None)):
        before = len(lab.watcher.messages)
        client.publish(f"{PREFIX}/request/{op}" + (f"/{device}" if device else ""), b"",
                       correlation=b"c")
        answer = response_to(lab, op, device, before)
        assert answer.document["status"] == "ok"
        assert answer.correlation == b"c"


def test_response_topic_wins_over_reply_to(lab, client):
    other = f"{PREFIX}/reply/{client.name}/other"
    client.subscribe(other)
    client.ask("status", {"reply_to": other})
    client.publish(f"{PREFIX}/request/status", encode({"reply_to": other}, JSON))
    client.wait_message(lambda m: m.topic == other)
    assert len(client.select(lambda m: m.topic == other)) == 1


BAD_PLACES = {
    "another tree": ("home/lights/set", "not-allowed"),
    "a fragment": (f"{PREFIX}/audio/mic/s1", "not-allowed"),
    "a request": (f"{PREFIX}/request/list", "not-allowed"),
    "an event": (f"{PREFIX}/event/mic/s1", "not-allowed"),
    "the status": (f"{PREFIX}/status/sink", "not-allowed"),
    "a response": (f"{PREFIX}/response/list", "not-allowed"),
    "a prefix's prefix": ("reel/v1x/reply/a", "not-allowed"),
    "250 levels": ("/".join("x" * 250), "bad-request"),
    "17 levels": (f"{PREFIX}/reply/" + "/".join("x" * 14), "bad-request"),
    "257 bytes": (f"{PREFIX}/reply/" + "x" * 243, "bad-request"),
}
ONLY_IN_DOCUMENTS = {
    "wildcard": (f"{PREFIX}/reply/+/x", "bad-request"),
    "wildcard at the end": (f"{PREFIX}/reply/#", "bad-request"),
    "leading $": ("$SYS/broker", "bad-request"),
    "control character": (f"{PREFIX}/reply/a\x01b", "bad-request"),
    "noncharacter": (f"{PREFIX}/reply/a\uffff", "bad-request"),
    "empty": ("", "bad-request"),
    "no string": (7, "bad-request"),
    "null": (None, "bad-request"),
}


@pytest.mark.parametrize("place, code", BAD_PLACES.values(), ids=BAD_PLACES.keys())
def test_response_topic_where_no_answer_may_go(lab, client, place, code):
    strays = lab.client()
    if place.count("/") < 200:  # the broker takes no longer filter
        strays.subscribe(place)
    before = len(lab.watcher.messages)
    client.publish(f"{PREFIX}/request/list", b"", response_topic=place, correlation=b"mine")
    answer = response_to(lab, "list", after=before)
    error = answer.document["error"]
    assert (error["code"], error["field"]) == (code, "response_topic")
    assert answer.correlation == b"mine"
    client.request("status")
    if "response/" not in place:
        assert [m for m in strays.messages if "status" in m.user] == []


@pytest.mark.parametrize("place, code", (BAD_PLACES | ONLY_IN_DOCUMENTS).values(),
                         ids=(BAD_PLACES | ONLY_IN_DOCUMENTS).keys())
@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_reply_to_where_no_answer_may_go(lab, client, place, code, form):
    before = len(lab.watcher.messages)
    client.publish(f"{PREFIX}/request/list", encode({"reply_to": place, "transaction": 5}, form))
    answer = response_to(lab, "list", after=before)
    error = answer.document["error"]
    assert (error["code"], error["field"]) == (code, "reply_to")
    assert answer.content_type == form


@pytest.mark.parametrize("place, allowed", [
    (f"{PREFIX}/reply/mic7/x", True),
    (f"{PREFIX}/reply/mic7/x/y/z", True),
    (f"{PREFIX}/response/list/mic7", True),
    (f"{PREFIX}/reply/mic7", False),
    (f"{PREFIX}/reply/mic70/x", False),
    (f"{PREFIX}/reply/other/x", False),
    (f"{PREFIX}/response/list/other", False),
    (f"{PREFIX}/response/list", False),
    ("home/mic7/x", False),
])
def test_confined_request_is_answered_in_its_devices_corner(lab, client, place, allowed):
    strays = lab.client()
    strays.subscribe(place)
    before = len(lab.watcher.messages)
    client.publish(f"{PREFIX}/request/list/mic7", b"{}", response_topic=place, correlation=b"q")
    if allowed:
        answer = strays.wait_message(lambda m: m.correlation == b"q")
        assert answer.document["status"] == "ok"
        return
    error = response_to(lab, "list", "mic7", before).document["error"]
    assert (error["code"], error["field"]) == ("not-allowed", "response_topic")
    client.request("status")
    assert [m for m in strays.messages if m.correlation == b"q"] == []


def test_places_are_a_setting(make_lab):
    lab = make_lab({"broker.reply_allow": "site/+/answers/#"})
    client = lab.client()
    answer = client.ask("status", response_topic="site/north/answers/1")
    assert answer.document["status"] == "ok"
    before = len(lab.watcher.messages)
    client.publish(f"{PREFIX}/request/status", b"", response_topic=f"{PREFIX}/reply/x/1")
    assert response_to(lab, "status", after=before).document["error"]["code"] == "not-allowed"


def test_expired_request_is_not_carried_out(make_lab):
    """One sent while the sink was away is not carried out later."""
    lab = make_lab(start=False)
    client = lab.client()
    place = f"{PREFIX}/reply/{client.name}/x"
    client.subscribe(place)
    client.publish(f"{PREFIX}/request/list", b"", response_topic=place)
    lab.sink.start()
    assert client.request("status")
    assert client.select(lambda m: m.topic == place) == []


def test_watcher_saw_only_what_the_schemas_say(lab):
    """The fixture checks it after each test; that it looks at all is checked here."""
    kinds = {message.topic.split("/")[2] for message in lab.watcher.messages}
    assert {"event", "status", "response", "reply"} <= kinds
    assert all(isinstance(message, Message) for message in lab.watcher.messages)
