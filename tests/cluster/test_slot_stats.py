"""CLUSTER SLOT-STATS, as Valkey 8 documents it: which slots, in which order, and what is counted for them."""

import pytest

from harness.cluster import HandMadeCluster, my_id, redis_cli
from harness.waiting import wait_until

# Slots of the keys used below: num 2765, {num}x the same, bar 5061, hello 866.
NUM, BAR, HELLO = 2765, 5061, 866
EVERYTHING = ["key-count", "cpu-usec", "network-bytes-in", "network-bytes-out"]


@pytest.fixture
def cluster(servers, vigil):
    layout = {"A": (vigil, (0, 8191)), "B": (vigil, (8192, 16383)), "R": (vigil, "A")}
    return HandMadeCluster(servers, layout, **{"cluster-slot-stats-enabled": "yes"})


def stats(client, *words):
    """[(slot, {metric: value})] in the order of the reply."""
    reply = client.call("CLUSTER", "SLOT-STATS", *words)
    assert not isinstance(reply, bytes), reply
    rows = []
    for slot, flat in reply:
        rows.append((slot, {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}))
    return rows


def of(node, slot):
    return stats(node, "SLOTSRANGE", slot, slot)[0][1]


def test_the_number_of_keys_alone_unless_more_is_asked_for(servers, vigil):
    node = servers.start(vigil, options={"cluster-enabled": "yes"})
    node.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    wait_until("it serves", lambda: node.call("CLUSTER", "INFO").startswith(b"cluster_state:ok"))
    assert node.call("CONFIG", "GET", "cluster-slot-stats-enabled") == [b"cluster-slot-stats-enabled", b"no"]
    for key in ("num", "{num}2", "{num}3", "bar", "{bar}2", "hello"):
        node.call("SET", key, "1")
    assert stats(node, "SLOTSRANGE", NUM, NUM) == [(NUM, {"key-count": 3})]
    assert len(stats(node, "SLOTSRANGE", 0, 16383)) == 16384
    most = stats(node, "ORDERBY", "key-count", "LIMIT", 4, "DESC")
    assert most == [(NUM, {"key-count": 3}), (BAR, {"key-count": 2}), (HELLO, {"key-count": 1}), (0, {"key-count": 0})]
    assert stats(node, "ORDERBY", "KEY-COUNT", "LIMIT", 4) == most
    assert [slot for slot, _ in stats(node, "ORDERBY", "key-count", "ASC", "LIMIT", 3)] == [0, 1, 2]
    assert [slot for slot, _ in stats(node, "ORDERBY", "key-count", "ASC")][-3:] == [HELLO, BAR, NUM]
    with node.raw() as client:
        for words, error in [
            (("SLOTSRANGE", "0"), "ERR unknown subcommand or wrong number of arguments for 'SLOT-STATS'. Try CLUSTER HELP."),
            (("SLOTSRANGE", "0", "16384"), "ERR Invalid or out of range slot"),
            (("SLOTSRANGE", "x", "1"), "ERR Invalid or out of range slot"),
            (("SLOTSRANGE", "2", "1"), "ERR Start slot number 2 is greater than end slot number 1"),
            (("ORDERBY", "keys"), "ERR Unrecognized sort metric for ORDERBY."),
            (("ORDERBY", "cpu-usec"), "ERR Unrecognized sort metric for ORDERBY."),
            (("ORDERBY", "key-count", "LIMIT", "0"), "ERR Limit has to lie in between 1 and 16384 (maximum number of slots)."),
            (("ORDERBY", "key-count", "LIMIT", "16385"), "ERR Limit has to lie in between 1 and 16384 (maximum number of slots)."),
            (("ORDERBY", "key-count", "LIMIT"), "ERR syntax error"),
            (("ORDERBY", "key-count", "UP"), "ERR syntax error"),
        ]:
            assert str(client.call("CLUSTER", "SLOT-STATS", *words)) == "-" + error, words
    alone = servers.start(vigil)
    with alone.raw() as client:
        assert str(client.call("CLUSTER", "SLOT-STATS", "SLOTSRANGE", 0, 1)) == "-ERR This instance has cluster support disabled"


def test_a_replica_tells_of_its_masters_slots(cluster):
    a, b, replica = cluster.nodes
    a.call("SET", "num", "1")
    assert len(stats(a, "SLOTSRANGE", 0, 16383)) == len(stats(b, "SLOTSRANGE", 0, 16383)) == 8192
    wait_until("the replica has the key", lambda: of(replica, NUM)["key-count"] == 1)
    assert [slot for slot, _ in stats(replica, "SLOTSRANGE", 8190, 8193)] == [8190, 8191]
    assert of(replica, NUM) == {"key-count": 1, "cpu-usec": 0, "network-bytes-in": 0, "network-bytes-out": 0}
    with replica.raw() as client:
        client.call("READONLY")
        client.call("GET", "num")
    assert of(replica, NUM)["network-bytes-in"] == len("*2\r\n$3\r\nGET\r\n$3\r\nnum\r\n")


def test_bytes_and_time(cluster):
    a = cluster.nodes[0]
    request = "*3\r\n$3\r\nSET\r\n$3\r\nnum\r\n$5\r\nvalue\r\n"
    with a.raw() as client:
        client.call("SET", "num", "value")
        assert of(a, NUM) | {"cpu-usec": 0} == {"key-count": 1, "cpu-usec": 0, "network-bytes-in": len(request), "network-bytes-out": 5 + len(request)}
        client.call("GET", "num")
        assert of(a, NUM)["network-bytes-out"] == 5 + len(request) + len("$5\r\nvalue\r\n"), "what is written goes to the replica too"
        before = of(a, NUM)
        assert client.call("GET", "foo").is_error  # another node's
        client.call("PING")
        client.call("NOSUCH", "num")
        assert of(a, NUM) == before
        for _ in range(2000):
            client.call("GET", "num")
        assert of(a, NUM)["cpu-usec"] > before["cpu-usec"]
        by_time = stats(a, "ORDERBY", "cpu-usec", "LIMIT", 1)
        assert by_time[0][0] == NUM and list(by_time[0][1]) == EVERYTHING
        assert stats(a, "ORDERBY", "network-bytes-in", "LIMIT", 1)[0][0] == NUM
        assert stats(a, "ORDERBY", "network-bytes-out", "LIMIT", 2, "ASC")[0][0] == 0


def encoded(*words):
    return len(f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words))


def test_transactions_and_waits(cluster):
    a = cluster.nodes[0]
    with a.raw() as client:
        for words in (["MULTI"], ["SET", "num", "1"], ["INCR", "num"], ["EXEC"]):
            client.call(*words)
        counted = of(a, NUM)
        assert counted["network-bytes-in"] == encoded("SET", "num", "1") + encoded("INCR", "num") + encoded("EXEC")
        logged = encoded("MULTI") + encoded("SET", "num", "1") + encoded("INCR", "num") + encoded("EXEC")
        assert counted["network-bytes-out"] == 2 * len("+QUEUED\r\n") + len("*2\r\n+OK\r\n:2\r\n") + logged
    with a.raw() as waiting, a.raw() as pusher:
        waiting.send("BLPOP", "bar", "0")
        wait_until("it waits", lambda: a.info("clients")["blocked_clients"] == "1")
        assert of(a, BAR)["network-bytes-in"] == encoded("BLPOP", "bar", "0") and of(a, BAR)["network-bytes-out"] == 0
        pusher.call("RPUSH", "bar", "x")
        waiting.read(timeout=10)
        counted = of(a, BAR)
        assert counted["network-bytes-in"] == encoded("BLPOP", "bar", "0") + encoded("RPUSH", "bar", "x")
        logged = encoded("RPUSH", "bar", "x") + encoded("LPOP", "bar")
        assert counted["network-bytes-out"] == len(":1\r\n") + len("*2\r\n$3\r\nbar\r\n$1\r\nx\r\n") + logged
        assert counted["cpu-usec"] < 1_000_000


def test_what_begins_anew(cluster):
    a, b, _ = cluster.nodes
    a.call("SET", "num", "1")
    a.call("CONFIG", "RESETSTAT")
    assert of(a, NUM) == {"key-count": 1, "cpu-usec": 0, "network-bytes-in": 0, "network-bytes-out": 0}
    a.call("GET", "num")
    a.call("CONFIG", "SET", "cluster-slot-stats-enabled", "no")
    assert of(a, NUM) == {"key-count": 1}
    a.call("GET", "num")
    a.call("CONFIG", "SET", "cluster-slot-stats-enabled", "yes")
    assert of(a, NUM)["network-bytes-in"] == encoded("GET", "num")
    # A slot that leaves and comes back.
    a.call("DEL", "num")
    for here, there in ((a, b), (b, a)):
        there.call("CLUSTER", "SETSLOT", NUM, "IMPORTING", my_id(here))  # with a new epoch, so that no packet on its way takes it back
        for node in (there, here):
            node.call("CLUSTER", "SETSLOT", NUM, "NODE", my_id(there))
        wait_until("both agree", lambda there=there: stats(there, "SLOTSRANGE", NUM, NUM) != [])
        wait_until("the other has given it up", lambda here=here: stats(here, "SLOTSRANGE", NUM, NUM) == [])
    assert of(a, NUM) == {"key-count": 0, "cpu-usec": 0, "network-bytes-in": 0, "network-bytes-out": 0}


def test_redis_cli_shows_it(cluster):
    assert redis_cli("CLUSTER", "SLOT-STATS", "SLOTSRANGE", 0, 0, port=cluster.nodes[0].port).split()[:3] == ["0", "key-count", "0"]
