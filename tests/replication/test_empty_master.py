"""A master that comes back empty does not take its replicas' data with it, unless it is told to."""

import pytest

from harness.replication import replicate, wait_link
from harness.waiting import wait_until

FAST = {"repl-diskless-sync-delay": "0", "save": ""}


@pytest.fixture(name="empty")
def empty_fixture(servers, sides):
    """A master that has lost everything, and the replica that has not."""
    master, replica = (servers.start(binary, options=FAST) for binary in sides)
    if not replica.binary.is_vigil:
        pytest.skip("it is the replica that refuses")
    for number in range(100):
        master.call("SET", f"k{number}", number)
    replicate(replica, master.port)
    wait_link(replica)
    wait_until("the data is there", lambda: replica.call("DBSIZE") == 100)
    master.kill()
    master.start()
    assert master.call("DBSIZE") == 0
    return master, replica


def refused(replica):
    return replica.info("replication").get("master_refused")


def test_the_data_is_kept(empty):
    master, replica = empty
    wait_until("it is refused", lambda: refused(replica) == "empty")
    replica.wait_log("Refusing the full resync from MASTER .* it offers an empty data set .* the 100 keys that it holds")
    assert replica.call("GET", "k7") == b"7" and replica.call("DBSIZE") == 100
    info = replica.info("replication")
    assert (info["role"], info["master_link_status"]) == ("slave", "down")
    # It asks again, and is content with a master that has something.
    master.call("SET", "back", "again")
    wait_link(replica)
    assert refused(replica) is None
    assert replica.call("DBSIZE") == 1


def test_replicaof_is_obeyed(empty):
    master, replica = empty
    wait_until("it is refused", lambda: refused(replica) == "empty")
    assert replica.call("REPLICAOF", "127.0.0.1", master.port) == b"OK"
    wait_link(replica)
    assert replica.call("DBSIZE") == 0 and refused(replica) is None


def test_promotion_ends_it(empty):
    _, replica = empty
    wait_until("it is refused", lambda: refused(replica) == "empty")
    replica.call("REPLICAOF", "NO", "ONE")
    assert refused(replica) is None and replica.call("DBSIZE") == 100


def test_option(servers, sides):
    master, replica = (servers.start(binary, options=FAST) for binary in sides)
    if not replica.binary.is_vigil:
        pytest.skip("it is the replica that refuses")
    replica.call("CONFIG", "SET", "replica-refuse-empty-master", "no")
    master.call("SET", "k", "v")
    replicate(replica, master.port)
    wait_link(replica)
    wait_until("the data is there", lambda: replica.call("DBSIZE") == 1)
    master.kill()
    master.start()
    wait_until("it is empty too", lambda: replica.call("DBSIZE") == 0)


def test_what_is_meant_is_no_loss(servers, sides):
    """FLUSHALL with a backlog that is too small, and a new master by REPLICAOF, empty replicas as ever."""
    master, replica = (servers.start(binary, options=FAST) for binary in sides)
    master.call("SET", "k", "v")
    proxy = servers.proxy(master)
    replicate(replica, proxy.port)
    wait_link(replica)
    wait_until("the data is there", lambda: replica.call("DBSIZE") == 1)
    proxy.frozen = True
    master.call("CONFIG", "SET", "repl-backlog-size", 16384)
    for _ in range(40):
        master.call("SET", "k", "x" * 100000)
    master.call("FLUSHALL")
    proxy.cut()
    proxy.frozen = False
    wait_until("it is empty too", lambda: replica.call("DBSIZE") == 0 and refused(replica) is None)
    other = servers.start(sides[0], options=FAST)
    replica.call("REPLICAOF", "NO", "ONE")
    replica.call("SET", "own", "1")
    replicate(replica, other.port)
    wait_link(replica)
    assert replica.call("DBSIZE") == 0
