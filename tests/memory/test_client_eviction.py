"""maxmemory-clients: the largest clients go when all together take too much, on a running server as on redis-server."""

import pytest

from harness.resp import Closed
from harness.waiting import wait_until

MB = 1 << 20


@pytest.fixture(params=["vigil", "redis"])
def server(request, servers, vigil, oracle):
    binary = vigil if request.param == "vigil" else oracle
    return servers.start(binary, options={"io-threads": "2"} if binary.is_vigil else {})


def names(server):
    """The clients that CLIENT LIST shows, by name, and what each takes."""
    lines = server.call("CLIENT", "LIST").decode().splitlines()
    clients = [dict(field.split("=", 1) for field in line.split()) for line in lines]
    return {client["name"]: int(client["tot-mem"]) for client in clients if client["name"]}


def evicted(server):
    return int(server.info("stats")["evicted_clients"])


def named(server, name):
    client = server.raw()
    client.call("CLIENT", "SETNAME", name)
    return client


def queue(client, count, size):
    """MULTI with so many commands of this size."""
    client.call("MULTI")
    for _ in range(count):
        assert client.call("SET", "k", b"x" * size).value == b"QUEUED"


def gone(client):
    client.socket.settimeout(60)
    try:
        while True:
            client.read()
    except Closed:
        return True


def test_what_waits_behind_a_blocked_command(server):
    server.call("CONFIG", "SET", "maxmemory-clients", 3 * MB)
    with named(server, "blocked") as blocked:
        blocked.send("BLPOP", "nothing", 0)
        try:
            for _ in range(100):
                blocked.send("SET", "k", b"x" * (MB // 10))
        except OSError:
            pass
        assert gone(blocked)
        assert evicted(server) == 1


def test_a_large_query(server):
    server.call("CONFIG", "SET", "maxmemory-clients", 3 * MB)
    with named(server, "large") as large, named(server, "small") as small:
        large.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (10 * MB))
        try:
            large.send_bytes(b"x" * 5 * MB)
        except OSError:
            pass
        assert gone(large)
        assert small.call("PING").value == b"PONG"
        assert evicted(server) == 1 and set(names(server)) == {"small"}
        server.wait_log("Evicting client: .*name=large")


def test_replies_that_nobody_reads(server):
    with named(server, "deaf") as deaf, named(server, "small") as small:
        small.call("SET", "k", b"x" * (100 << 10))
        server.call("CONFIG", "SET", "maxmemory-clients", 5 * MB)
        for _ in range(1000):
            try:
                deaf.send("GET", "k")
            except OSError:
                break
        wait_until("it is evicted", lambda: evicted(server) == 1)
        assert small.call("PING").value == b"PONG" and set(names(server)) == {"small"}


def test_a_queue_and_who_is_protected(server):
    server.call("CONFIG", "SET", "maxmemory-clients", 4 * MB)
    with named(server, "protected") as protected, named(server, "queue") as large:
        assert protected.call("CLIENT", "NO-EVICT", "ON").value == b"OK"
        queue(protected, 8, MB)
        assert evicted(server) == 0 and names(server)["protected"] > 8 * MB
        try:
            queue(large, 8, MB)
        except (Closed, OSError):
            pass
        assert gone(large)
        assert evicted(server) == 1 and set(names(server)) == {"protected"}
        assert len(protected.call("EXEC").value) == 8


def test_subscriptions_count(server):
    server.call("CONFIG", "SET", "maxmemory-clients", MB)
    with named(server, "subscriber") as subscriber:
        for first in range(0, 200):
            try:
                subscriber.send("SUBSCRIBE", *(f"{'channel' * 40}:{first}:{number}" for number in range(100)))
            except OSError:
                break
        assert gone(subscriber)
        wait_until("it is counted", lambda: evicted(server) == 1)


def test_the_largest_go_first_and_no_more_than_need_be(server):
    with named(server, "one") as one, named(server, "two") as two, named(server, "three") as three, named(server, "four") as four:
        for client, megabytes in ((two, 5), (four, 20), (one, 2), (three, 10)):
            queue(client, megabytes, MB)
        # The connections take some more, for their buffers: up to 1.3 MB each. redis-server knows sizes to powers of two.
        server.call("CONFIG", "SET", "maxmemory-clients", 15 * MB)
        wait_until("the two largest are gone", lambda: set(names(server)) == {"one", "two"})
        assert evicted(server) == 2
        server.call("CONFIG", "RESETSTAT")
        assert evicted(server) == 0


def test_a_part_of_maxmemory(server):
    server.call("CONFIG", "SET", "maxmemory-clients", "5%")
    assert server.call("CONFIG", "GET", "maxmemory-clients")[1] == b"5%"
    with named(server, "large") as large:
        queue(large, 8, MB)  # without maxmemory there is no limit
        server.call("CONFIG", "SET", "maxmemory", 400 * MB)
        assert large.call("SET", "k", "v").value == b"QUEUED"
        server.call("CONFIG", "SET", "maxmemory", 100 * MB)
        assert gone(large)
        assert evicted(server) == 1


def test_memory_of_clients_is_told(server):
    with named(server, "large") as large:
        before = int(server.info("memory")["mem_clients_normal"])
        queue(large, 4, MB)
        wait_until("it is counted", lambda: int(server.info("memory")["mem_clients_normal"]) > before + 4 * MB)
        assert names(server)["large"] > 4 * MB
