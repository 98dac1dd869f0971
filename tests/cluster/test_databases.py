"""cluster-databases: numbered databases in a cluster, as Valkey 9 documents them."""

import pytest

from harness.cluster import HandMadeCluster, my_id
from harness.waiting import wait_until

NUM = 2765  # the slot of num and {num}x


@pytest.fixture
def cluster(servers, vigil):
    layout = {"A": (vigil, (0, 8191)), "B": (vigil, (8192, 16383)), "R": (vigil, "A")}
    return HandMadeCluster(servers, layout, **{"cluster-databases": "4"})


class Databases:
    """One connection for each database of a node."""

    def __init__(self, node, count=4):
        self.clients = [node.raw() for _ in range(count)]
        for number, client in enumerate(self.clients):
            assert str(client.call("SELECT", number)) == "+OK"

    def __getitem__(self, number):
        return lambda *words: str(self.clients[number].call(*words))

    def close(self):
        for client in self.clients:
            client.close()


def test_one_database_unless_more_are_asked_for(servers, vigil):
    node = servers.start(vigil, options={"cluster-enabled": "yes", "databases": "16"})
    assert node.call("CONFIG", "GET", "cluster-databases") == [b"cluster-databases", b"1"]
    with node.raw() as client:
        assert str(client.call("SELECT", 0)) == "+OK"
        assert str(client.call("SELECT", 1)) == "-ERR SELECT is not allowed in cluster mode"
        assert str(client.call("CONFIG", "SET", "cluster-databases", 2)).startswith("-ERR CONFIG SET failed")
    alone = servers.start(vigil, options={"cluster-databases": "2"})
    with alone.raw() as client:
        assert str(client.call("SELECT", 9)) == "+OK", "outside a cluster it says nothing"


def test_what_works_in_each_database(cluster):
    a = Databases(cluster.nodes[0])
    b = Databases(cluster.nodes[1])
    assert a[0]("SELECT", 4) == "-ERR DB index is out of range"
    for number in range(3):
        assert a[number]("SET", "num", f"in {number}") == "+OK"
        assert b[number]("GET", "num") == f"-MOVED {NUM} 127.0.0.1:{cluster.nodes[0].port}", "the slot is the same in each"
    assert a[3]("GET", "num") == "$nil"
    assert a[1]("SET", "{num}2", "x") == "+OK"
    assert [a[i]("DBSIZE") for i in range(4)] == [":1", ":2", ":1", ":0"]
    assert [a[i]("CLUSTER", "COUNTKEYSINSLOT", NUM) for i in range(4)] == [":1", ":2", ":1", ":0"]
    assert a[3]("CLUSTER", "GETKEYSINSLOT", NUM, 10) == "[]"
    assert sorted(a[1]("CLUSTER", "GETKEYSINSLOT", NUM, 10)[1:-1].split(", ")) == ['"num"', '"{num}2"']
    assert f"[:{NUM}, [\"key-count\", :4]]" in a[0]("CLUSTER", "SLOT-STATS", "SLOTSRANGE", NUM, NUM)
    assert a[1]("MOVE", "{num}2", 3) == ":1" and a[3]("GET", "{num}2") == '"x"'
    assert a[3]("COPY", "{num}2", "{num}2", "DB", 2) == ":1" and a[2]("GET", "{num}2") == '"x"'
    assert a[3]("COPY", "{num}2", "foo", "DB", 2).startswith("-CROSSSLOT")
    assert a[0]("SWAPDB", 0, 1) == "-ERR SWAPDB is not allowed in cluster mode"
    assert a[2]("FLUSHDB") == "+OK"
    assert [a[i]("CLUSTER", "COUNTKEYSINSLOT", NUM) for i in range(4)] == [":1", ":1", ":0", ":1"]
    for words in (["MULTI"], ["SELECT", 3], ["GET", "{num}2"]):
        a[0](*words)
    assert a[0]("EXEC") == '[+OK, "x"]'
    a.close()
    b.close()


def test_they_survive_replication_and_restarts(cluster):
    node, _, replica = cluster.nodes
    a = Databases(node)
    for number in range(4):
        a[number]("SET", "num", f"in {number}")
    assert a[0]("WAIT", 1, 10000) == ":1"
    assert int(a[3]("WAIT", 1, 10000)[1:]) == 1
    r = Databases(replica)
    for number in range(4):
        r[number]("READONLY")
        assert r[number]("GET", "num") == f'"in {number}"'
        assert r[number]("CLUSTER", "COUNTKEYSINSLOT", NUM) == ":1"
    a.close()
    r.close()
    node.call("SAVE")
    replica.call("CLUSTER", "FAILOVER")
    wait_until("the roles have changed", lambda: b"slave" in node.call("ROLE") and b"master" in replica.call("ROLE"))
    node.stop()
    node.start()
    node.wait_info("replication", master_link_status="up")
    a, r = Databases(node), Databases(replica)
    for number in range(4):
        a[number]("READONLY")
        assert a[number]("GET", "num") == r[number]("GET", "num") == f'"in {number}"'
        assert a[number]("CLUSTER", "COUNTKEYSINSLOT", NUM) == ":1"
    a.close()
    r.close()


def test_a_slot_moves_with_its_keys_of_all_databases(cluster):
    source, target, _ = cluster.nodes
    a, b = Databases(source), Databases(target)
    for number in (0, 2):
        for i in range(5):
            a[number]("SET", f"{{num}}{i}", f"{number} {i}")
    target.call("CLUSTER", "SETSLOT", NUM, "IMPORTING", my_id(source))
    source.call("CLUSTER", "SETSLOT", NUM, "MIGRATING", my_id(target))
    ask = f"-ASK {NUM} 127.0.0.1:{target.port}"
    assert a[2]("GET", "{num}1") == '"2 1"' and a[1]("GET", "{num}1") == ask, "another database has it, this one not"
    for words in (["MULTI"], ["SELECT", 2], ["GET", "{num}1"]):
        a[0](*words)
    assert a[0]("EXEC") == '[+OK, "2 1"]'
    assert a[0]("SELECT", 0) == "+OK"
    assert a[0]("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *(f"{{num}}{i}" for i in range(5))) == "+OK"
    assert a[0]("CLUSTER", "COUNTKEYSINSLOT", NUM) == ":0" and a[2]("CLUSTER", "COUNTKEYSINSLOT", NUM) == ":5"
    assert a[0]("CLUSTER", "SETSLOT", NUM, "NODE", my_id(target)) == \
        f"-ERR Can't assign hashslot {NUM} to a different node while I still hold keys for this hash slot."
    assert a[2]("MIGRATE", "127.0.0.1", target.port, "", 2, 5000, "KEYS", *(f"{{num}}{i}" for i in range(5))) == "+OK"
    for node in (target, source):
        node.call("CLUSTER", "SETSLOT", NUM, "NODE", my_id(target))
    for number in (0, 2):
        assert [b[number]("GET", f"{{num}}{i}") for i in range(5)] == [f'"{number} {i}"' for i in range(5)]
    assert a[2]("GET", "{num}1") == f"-MOVED {NUM} 127.0.0.1:{target.port}"
    a.close()
    b.close()


def test_what_is_dropped_with_a_lost_slot_is_dropped_everywhere(cluster):
    source, target, replica = cluster.nodes
    a = Databases(source)
    for number in range(4):
        a[number]("SET", "num", "x")
    # The other one claims the slot with a greater epoch, as after a partition.
    target.call("CLUSTER", "SETSLOT", NUM, "IMPORTING", my_id(source))
    target.call("CLUSTER", "SETSLOT", NUM, "NODE", my_id(target))
    for node in (source, replica):
        wait_until(f"{node} has nothing left", lambda node=node: not node.info("keyspace"))
    a.close()
