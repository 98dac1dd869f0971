"""lazyfree-lazy-*: what is freed in the background and what before the reply, and how INFO counts it."""

import pytest

from harness.waiting import wait_until

OPTIONS = {
    "lazyfree-lazy-user-del": lambda client: client.call("DEL", "l"),
    "lazyfree-lazy-server-del": lambda client: client.call("RENAME", "other", "l"),
    "lazyfree-lazy-expire": lambda client: client.call("PEXPIRE", "l", "1"),
    "lazyfree-lazy-eviction": lambda client: client.call("CONFIG", "SET", "maxmemory", "1"),
    "lazyfree-lazy-user-flush": lambda client: client.call("FLUSHALL"),
}


@pytest.fixture(params=["vigil", "redis"])
def server(request, servers, vigil, oracle):
    return servers.start(vigil if request.param == "vigil" else oracle,
                         options={"maxmemory-policy": "allkeys-random", "list-max-listpack-size": "4"})


def freed(server):
    return int(server.info("memory")["lazyfreed_objects"])


def fill(client):
    """A list of a thousand nodes, and a key that takes its place."""
    client.pipeline([("RPUSH", "l", *range(first, first + 100)) for first in range(0, 4000, 100)])
    client.call("SET", "other", "v")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("lazily", ["no", "yes"])
def test_each_option(server, option, lazily):
    server.call("CONFIG", "SET", option, lazily)
    with server.raw() as client:
        fill(client)
        reply = OPTIONS[option](client)
        assert not reply.is_error, reply
        if option == "lazyfree-lazy-eviction":
            client.call("SET", "more", "v")
            client.call("CONFIG", "SET", "maxmemory", "0")
        wait_until("it is gone", lambda: client.call("TYPE", "l").value != b"list")
        expected = 0 if lazily == "no" else 2 if option == "lazyfree-lazy-user-flush" else 1
        wait_until("it is counted", lambda: freed(server) == expected)
        assert int(server.info("memory")["lazyfree_pending_objects"]) == 0
        if lazily == "yes":
            server.call("CONFIG", "RESETSTAT")
            assert freed(server) == 0


def test_unlink_and_flush_as_they_were_asked_for(server):
    with server.raw() as client:
        fill(client)
        client.call("UNLINK", "l", "other")
        wait_until("the list alone is work to free", lambda: freed(server) == 1)
        fill(client)
        client.call("FLUSHDB", "ASYNC")
        wait_until("both keys are counted", lambda: freed(server) == 3)
        fill(client)
        client.call("FLUSHALL", "SYNC")
        assert freed(server) == 3


def test_memory_comes_back(servers, vigil):
    server = servers.start(vigil, options={"io-threads": "2"})

    def used():
        return int(server.info("memory")["used_memory"])

    with server.raw() as client:
        before = used()
        for way in (("UNLINK", "l", "s"), ("DEL", "l", "s"), ("FLUSHALL", "ASYNC")):
            client.pipeline([("RPUSH", "l", *(["x" * 1000] * 100)) for _ in range(200)])
            client.call("SET", "s", b"x" * (20 << 20))
            assert used() > before + (38 << 20)
            client.call(*way)
            wait_until("it is freed", lambda: used() < before + (2 << 20))
