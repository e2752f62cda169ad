"""The network of the tests fails as it is told: seen from its two ends, without MQTT."""
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lab import wait_for  # noqa: E402
from proxy import DOWN, UP, Proxy  # noqa: E402


@pytest.fixture
def server():
    listener = socket.create_server(("127.0.0.1", 0))
    yield listener
    listener.close()


@pytest.fixture
def proxy(server):
    with Proxy(SimpleNamespace(host="127.0.0.1", port=server.getsockname()[1])) as proxy:
        yield proxy


def connect(proxy, server, hello=b"hello"):
    """(client's end, server's end), of which the server has read `hello`."""
    near = socket.create_connection((proxy.host, proxy.port), timeout=20)
    server.settimeout(20)
    far, _ = server.accept()
    far.settimeout(20)
    near.sendall(hello)
    assert receive(far, len(hello)) == hello
    return near, far


def receive(end, count):
    data = b""
    while len(data) < count:
        more = end.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def silent(end, seconds=0.3):
    """Whether nothing comes, not even an end."""
    end.settimeout(seconds)
    try:
        end.recv(1)
    except TimeoutError:
        return True
    finally:
        end.settimeout(20)
    return False


def is_reset(end):
    try:
        while end.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def test_carries_both_ways_and_passes_ends_on(proxy, server):
    near, far = connect(proxy, server)
    data = bytes(range(256)) * 4096
    threading.Thread(target=far.sendall, args=(data,), daemon=True).start()
    assert receive(near, len(data)) == data
    near.shutdown(socket.SHUT_WR)
    assert far.recv(1) == b""
    far.sendall(b"still")
    assert receive(near, 5) == b"still"
    far.close()
    assert near.recv(1) == b""
    wait_for(lambda: proxy.count() == 0, "the connection to be over")


@pytest.mark.parametrize("ways", [(UP,), (DOWN,), ()])
def test_stall_keeps_the_connection_and_what_was_on_its_way(proxy, server, ways):
    near, far = connect(proxy, server)
    proxy.stall(*ways)
    near.sendall(b"up")
    far.sendall(b"down")
    for way, end, text in (UP, far, b"up"), (DOWN, near, b"down"):
        if way in (ways or (UP, DOWN)):
            assert silent(end)
        else:
            assert receive(end, len(text)) == text
    proxy.heal()
    for way, end, text in (UP, far, b"up"), (DOWN, near, b"down"):
        if way in (ways or (UP, DOWN)):
            assert receive(end, len(text)) == text


def test_frozen_stays_so_and_others_do_not_notice(proxy, server):
    near, far = connect(proxy, server)
    proxy.freeze()
    proxy.heal()
    near.sendall(b"x")
    assert silent(far)
    near.close()
    assert silent(far)
    connect(proxy, server)


def test_only_those_who_say_so_are_meant(proxy, server):
    near, far = connect(proxy, server, b"this one")
    other_near, other_far = connect(proxy, server, b"another")
    proxy.stall(only="this")
    near.sendall(b"x")
    other_near.sendall(b"y")
    assert other_far.recv(1) == b"y"
    assert silent(far)
    assert (proxy.count(), proxy.count("this")) == (2, 1)
    proxy.reset(only="this")
    assert is_reset(near) and is_reset(far)
    assert proxy.count() == 1


@pytest.mark.parametrize("way", [UP, DOWN])
def test_half_closed(proxy, server, way):
    near, far = connect(proxy, server)
    proxy.close_half(way)
    ended, going_on, text = (far, near, b"down") if way == UP else (near, far, b"up")
    assert ended.recv(1) == b""
    ended.sendall(text)
    assert receive(going_on, len(text)) == text


def test_cut_comes_at_that_byte(proxy, server):
    near, far = connect(proxy, server)
    proxy.cut_after(7, UP)
    near.sendall(b"0123456789")
    assert receive(far, 7) in (b"0123456", b"")  # a RST may overtake what is not read yet
    assert is_reset(near)


def test_delay_and_slow(proxy, server):
    near, far = connect(proxy, server)
    proxy.delay(0.4, UP)
    began = time.monotonic()
    near.sendall(b"x")
    assert receive(far, 1) == b"x" and time.monotonic() - began >= 0.4
    proxy.heal()
    proxy.slow(1000, DOWN)
    began = time.monotonic()
    far.sendall(bytes(500))
    assert receive(near, 500) == bytes(500) and time.monotonic() - began >= 0.3


def test_refuses_until_it_is_healed(proxy, server):
    near, far = connect(proxy, server)
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, proxy.port), timeout=20)
    near.sendall(b"x")  # who is in stays in
    assert far.recv(1) == b"x"
    proxy.heal()
    connect(proxy, server)


def test_target_that_is_not_there_is_a_reset(proxy, server):
    server.close()
    with pytest.raises(ConnectionResetError):  # from the connecting or from what follows it
        near = socket.create_connection((proxy.host, proxy.port), timeout=20)
        while near.recv(65536):
            pass
