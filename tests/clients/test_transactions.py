"""WATCH and keys whose time comes. Beside redis-server, asked the same."""

import pytest

from harness.waiting import wait_until


@pytest.fixture(params=["vigil", "redis"])
def server(request, servers):
    binary = request.getfixturevalue("vigil" if request.param == "vigil" else "oracle")
    return servers.start(binary, options={"enable-debug-command": "yes"})


def now(client):
    seconds, micros = client.call("TIME").plain()
    return int(seconds) * 1000 + int(micros) // 1000


def set_expired(client):
    """A key whose time has come, and that nobody has touched since."""
    client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    client.call("SET", "k", "v", "PX", "1")
    end = now(client) + 2
    wait_until("it has expired", lambda: now(client) > end)


@pytest.mark.parametrize("between, reply", [
    ([], '[+PONG]'),
    ([("GET", "k")], '[+PONG]'),
    ([("DEL", "k")], '[+PONG]'),
    ([("FLUSHALL",)], '[+PONG]'),
    ([("GET", "k"), ("SET", "k", "w")], '*nil'),
    ([("SET", "k", "w")], '*nil'),
    ([("SET", "k", "w", "PX", "1"), ("DEL", "k")], '*nil'),
])
def test_a_key_that_had_expired_when_it_was_watched(server, between, reply):
    with server.raw() as client, server.raw() as other:
        set_expired(client)
        client.call("WATCH", "k")
        for words in between:
            other.call(*words)
        client.call("MULTI")
        client.call("PING")
        assert str(client.call("EXEC")) == reply


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_key_that_expires_after_it_was_watched(server, looked_at):
    with server.raw() as client, server.raw() as other:
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        client.call("SET", "k", "v", "PX", "200")
        client.call("WATCH", "k")
        end = now(client) + 200
        wait_until("it has expired", lambda: now(client) > end)
        if looked_at:
            assert other.call("GET", "k").value is None
        client.call("MULTI")
        client.call("PING")
        assert str(client.call("EXEC")) == "*nil"
