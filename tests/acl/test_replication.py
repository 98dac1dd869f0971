"""Replicas that authenticate as an ACL user, with ours and redis-server 7.0 on either side."""

import pytest

from harness.replication import assert_in_sync, replicate, wait_link
from harness.server import oracle_binary, vigil_binary
from harness.waiting import wait_until

PAIRS = ["vigil-vigil", "vigil-redis", "redis-vigil"]
REPLICA_RIGHTS = ("on", ">rp", "+psync", "+replconf", "+ping")


@pytest.fixture(params=PAIRS)
def sides(request):
    return [(vigil_binary() if name == "vigil" else oracle_binary()).require() for name in request.param.split("-")]


def test_masteruser(servers, sides):
    master = servers.start(sides[0], options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(sides[1], options={"masteruser": "rep", "masterauth": "rp"})
    master.call("ACL", "SETUSER", "rep", *REPLICA_RIGHTS)
    # A default user with no rights at all: nothing but `rep` can replicate.
    master.call("ACL", "SETUSER", "admin", "on", "nopass", "+@all", "allkeys")
    for i in range(100):
        master.call("SET", f"k{i}", str(i))
    replicate(replica, master.port)
    wait_link(replica)
    master.call("LPUSH", "list", "a", "b")
    assert_in_sync(master, replica)
    assert replica.call("CONFIG", "GET", "masteruser") == [b"masteruser", b"rep"]


def test_wrong_masteruser(servers, sides):
    master = servers.start(sides[0], options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(sides[1], options={"masteruser": "rep", "masterauth": "wrong"})
    master.call("ACL", "SETUSER", "rep", *REPLICA_RIGHTS)
    master.call("SET", "k", "v")
    replicate(replica, master.port)
    replica.wait_log("Unable to AUTH to MASTER: -WRONGPASS")
    replica.call("CONFIG", "SET", "masterauth", "rp")
    wait_link(replica)
    assert_in_sync(master, replica)


def test_a_user_that_may_not_psync(servers, sides):
    master = servers.start(sides[0], options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(sides[1], options={"masteruser": "rep", "masterauth": "rp"})
    master.call("ACL", "SETUSER", "rep", *REPLICA_RIGHTS, "-psync")
    replicate(replica, master.port)
    wait_until("the master refuses", lambda: any(b"psync" in [entry[i] for i in range(len(entry))]
                                                 for entry in master.call("ACL", "LOG")))
    master.call("ACL", "SETUSER", "rep", "+psync")
    wait_link(replica)
    assert_in_sync(master, replica)


def test_deleting_the_replicas_user_drops_the_replica(servers, sides):
    master = servers.start(sides[0], options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(sides[1], options={"masteruser": "rep", "masterauth": "rp"})
    master.call("ACL", "SETUSER", "rep", *REPLICA_RIGHTS)
    replicate(replica, master.port)
    wait_link(replica)
    assert master.call("ACL", "DELUSER", "rep") == 1
    replica.wait_log("Unable to AUTH to MASTER: -WRONGPASS")
    assert replica.info("replication")["master_link_status"] == "down"
    master.call("ACL", "SETUSER", "rep", *REPLICA_RIGHTS)
    wait_link(replica)
    master.call("SET", "after", "1")
    assert_in_sync(master, replica)


def test_the_masters_stream_has_all_rights(servers, sides):
    """A replica applies its master's writes whatever its own users may do."""
    master = servers.start(sides[0], options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(sides[1], options={"replica-read-only": "yes"})
    replicate(replica, master.port)
    wait_link(replica)
    replica.call("ACL", "SETUSER", "admin", "on", "nopass", "+@all", "allkeys")
    master.call("SET", "k", "v")
    assert_in_sync(master, replica)
    with replica.raw() as admin:
        admin.call("AUTH", "admin", "x")
        admin.call("ACL", "SETUSER", "default", "-@all", "resetkeys")
        master.call("SET", "k", "w")
        wait_until("the write arrives", lambda: admin.call("GET", "k").value == b"w")
