"""The harness against the oracle: what the other tests rely on."""

import pytest

from harness.dump import difference, full_dump
from harness.load import WriteLoad
from harness.resp import Closed
from harness.server import Ended
from harness.waiting import wait_until


def test_replies_keep_their_types(servers, oracle):
    server = servers.start(oracle)
    with server.raw() as client:
        assert str(client.call("SET", "k", "v")) == "+OK"
        assert str(client.call("GET", "none")) == "$nil"
        assert str(client.call("LPOP", "none", "1")) == "*nil"
        assert str(client.call("MGET", "k", "none")) == '["v", $nil]'
        assert str(client.call("NOPE")).startswith("-ERR unknown command 'NOPE'")
        client.call("HELLO", "3")
        assert str(client.call("GET", "none")) == "_"
        assert str(client.call("CONFIG", "GET", "port")) == f'%{{"port", "{server.port}"}}'


def test_a_server_that_cannot_start_tells_its_log(servers, oracle):
    server = servers.create(oracle, options={"nonsense": "1"})
    with pytest.raises(Ended, match="FATAL CONFIG FILE ERROR"):
        server.start()


def test_proxy_passes_cuts_and_refuses(servers, oracle):
    server = servers.start(oracle)
    proxy = servers.proxy(server)
    other = server.raw()
    client = type(other)(proxy.port)
    big = b"x" * 3_000_000
    assert client.call("SET", "big", big).value == b"OK"
    assert client.call("GET", "big").value == big
    proxy.cut()
    with pytest.raises((Closed, OSError)):
        client.call("PING")
        client.call("PING")
    proxy.refusing = True
    with pytest.raises((Closed, OSError)):
        type(other)(proxy.port).call("PING")
    proxy.refusing = False
    client = type(other)(proxy.port)
    proxy.frozen = True
    client.send("PING")
    with pytest.raises(OSError):
        client.read(timeout=0.3)
    proxy.frozen = False
    assert client.read(timeout=30).value == b"PONG"
    proxy.delay, proxy.rate = 0.05, 200_000
    assert client.call("SETRANGE", "r", "0", b"y" * 50_000).value == 50_000
    assert proxy.connections == 2


def test_dumps_find_every_difference(servers, oracle):
    left, right = servers.start(oracle), servers.start(oracle)
    with WriteLoad(left.port) as load:
        wait_until("some load", lambda: load.done > 2000)
    assert not load.errors
    before = full_dump(left)
    assert any(database == 1 for database, _ in before)
    assert not difference(before, full_dump(left))
    for server in (left, right):
        server.call("FLUSHALL")
        server.call("SET", "same", "1")
        server.call("SET", "ttl", "1", "EX", "100")
    assert not difference(full_dump(left), full_dump(right))
    left.call("SET", "one", "1")
    left.call("RPUSH", "list", "a", "b")
    right.call("RPUSH", "list", "b", "a")
    right.call("PERSIST", "ttl")
    lines = difference(full_dump(left), full_dump(right)).splitlines()
    assert len(lines) == 3 and "list" in lines[0] and "missing on the right" in lines[1] and "expires" in lines[2]


def test_a_killed_server_comes_back_on_its_port(servers, oracle):
    server = servers.start(oracle, options={"appendonly": "yes", "appendfsync": "always"})
    server.call("SET", "k", "v")
    server.kill()
    server.start()
    assert server.call("GET", "k") == b"v"
    assert server.shutdown() == 0
