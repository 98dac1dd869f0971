"""Roles, WAIT, chains, promotion, options of replication."""

import re
import signal

import pytest

from harness.load import WriteLoad
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_same_offset
from harness.server import oracle_binary
from harness.waiting import wait_until

FAST = {"repl-diskless-sync-delay": "0"}


def linked(servers, sides, **options):
    master, replica = (servers.start(binary, options={**FAST, **options}) for binary in sides)
    replicate(replica, master.port)
    wait_link(replica)
    return master, replica


def test_role(servers, sides):
    master, replica = linked(servers, sides)
    master.call("SET", "k", "v")
    wait_same_offset(master, replica)
    offset = int(master.info("replication")["master_repl_offset"])
    name, at, replicas = master.call("ROLE")
    assert (name, at >= offset) == (b"master", True)
    assert [entry[:2] for entry in replicas] == [[b"127.0.0.1", b"%d" % replica.port]]
    assert replicas[0][2].isdigit()
    kind, host, port, state, applied = replica.call("ROLE")
    assert (kind, host, port, state) == (b"slave", b"127.0.0.1", master.port, b"connected")
    assert applied >= offset
    replica.call("REPLICAOF", "127.0.0.1", "1")
    wait_until("the link goes down", lambda: replica.call("ROLE")[3] in (b"connect", b"connecting"))


def test_replica_refuses_writes_and_serves_reads(servers, sides):
    master, replica = linked(servers, sides)
    master.call("SET", "k", "v")
    wait_same_offset(master, replica)
    refused = "-READONLY You can't write against a read only replica."
    with replica.raw() as client:
        for words in (["SET", "k", "x"], ["DEL", "k"], ["LPUSH", "l", "a"], ["EXPIRE", "k", "10"], ["FLUSHALL"]):
            assert str(client.call(*words)) == refused, words
        assert client.call("GET", "k").value == b"v"
        client.call("MULTI")
        assert str(client.call("SET", "k", "x")) == refused
        assert str(client.call("EXEC")) == "-EXECABORT Transaction discarded because of previous errors."
    replica.call("CONFIG", "SET", "replica-read-only", "no")
    assert replica.call("SET", "own", "1") == b"OK"
    assert master.call("EXISTS", "own") == 0


def test_wait(servers, sides):
    master = servers.start(sides[0], options=FAST)
    replica = servers.start(sides[1], options=FAST)
    proxy = servers.proxy(master)
    replicate(replica, proxy.port)
    wait_link(replica)
    with master.raw() as client:
        client.call("SET", "k", "1")
        assert client.call("WAIT", 1, 60000).value == 1
        proxy.frozen = True
        client.call("SET", "k", "2")
        assert client.call("WAIT", 1, 100).value == 0
        client.call("SET", "k", "3")
        client.send("WAIT", 1, 60000)
        proxy.frozen = False
        assert client.read().value == 1
        client.call("MULTI")
        client.call("SET", "k", "4")
        client.call("WAIT", 5, 0)
        assert client.call("EXEC").value[1].kind == ":"
    with replica.raw() as client:
        assert str(client.call("WAIT", 0, 0)) == "-ERR WAIT cannot be used with replica instances. Please also note that " \
            "since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are " \
            "just local and are not propagated."


def test_chain(servers, three_sides):
    first, second, third = (servers.start(binary, options=FAST) for binary in three_sides)
    proxy = servers.proxy(first)
    replicate(second, proxy.port)
    wait_link(second)
    replicate(third, second.port)
    wait_link(third)
    with WriteLoad(first.port) as load:
        wait_until("some load", lambda: load.done > 500)
        for _ in range(3):
            connections = proxy.connections
            proxy.cut()
            wait_until("the link comes back", lambda: proxy.connections > connections)  # pylint: disable=cell-var-from-loop
            wait_link(second)
    assert_in_sync(first, second)
    assert_in_sync(first, third)
    assert first.info("replication")["master_replid"] == third.info("replication")["master_replid"]
    assert sync_counts(first)[0] == 1 and sync_counts(second)[0] == 1
    assert third.info("replication")["role"] == "slave"
    assert second.info("replication")["connected_slaves"] == "1"


def test_promotion_spares_the_sibling_a_full_resync(servers, three_sides):
    # Without PINGs: one that reached the sibling after the promotion would be more than the new master has.
    options = {**FAST, "repl-ping-replica-period": "3600"}
    old, new, sibling = (servers.start(binary, options=options) for binary in three_sides)
    for replica in (new, sibling):
        replicate(replica, old.port)
        wait_link(replica)
    with WriteLoad(old.port) as load:
        wait_until("some load", lambda: load.done > 500)
    wait_same_offset(old, new, sibling)
    before = old.info("replication")
    assert new.call("REPLICAOF", "NO", "ONE") == b"OK"
    after = new.info("replication")
    assert after["role"] == "master"
    assert after["master_replid2"] == before["master_replid"] != after["master_replid"]
    assert int(after["second_repl_offset"]) == int(after["master_repl_offset"]) + 1
    new.call("SET", "from-the-new-master", "1")
    replicate(sibling, new.port)
    assert_in_sync(new, sibling)
    assert sync_counts(new) == (0, 1)
    replicate(old, new.port)
    assert_in_sync(new, old)
    assert old.call("GET", "from-the-new-master") == b"1"


def test_another_master_replaces_the_data(servers, sides):
    master, replica = linked(servers, sides)
    other = servers.start(oracle_binary(), options=FAST)
    master.call("SET", "of-master", "1")
    other.call("SET", "of-other", "1")
    wait_same_offset(master, replica)
    replicate(replica, other.port)
    assert_in_sync(other, replica)
    assert replica.call("EXISTS", "of-master") == 0


def test_passwords(servers, sides):
    master = servers.start(sides[0], options=FAST)
    replica = servers.start(sides[1], options={**FAST, "masterauth": "wrong"})
    master.call("CONFIG", "SET", "requirepass", "secret")
    mark = replica.log_mark()
    replicate(replica, master.port)
    replica.wait_log(r"Unable to AUTH to MASTER: .*WRONGPASS", mark)
    assert replica.info("replication")["master_link_status"] == "down"
    replica.call("CONFIG", "SET", "masterauth", "secret")
    wait_link(replica)


def test_expiry_comes_from_the_master(servers, sides):
    master, replica = linked(servers, sides)
    with master.raw() as client:
        client.call("SET", "short", "1", "PX", 150)
        client.call("RPUSH", "list", "a")
        client.call("PEXPIRE", "list", 150)
        client.call("SET", "long", "1", "EX", 1000)
    wait_same_offset(master, replica)
    wait_until("the master removes them", lambda: master.call("DBSIZE") == 1)
    wait_until("the replica removes them", lambda: replica.call("DBSIZE") == 1)
    assert 900 < replica.call("TTL", "long") <= 1000
    assert_in_sync(master, replica)


def test_a_replica_does_not_serve_what_has_expired(servers, sides):
    """With the master stopped, no DEL arrives; reads treat the key as gone, but it is still counted."""
    master, replica = linked(servers, sides)
    master.call("SET", "short", "1", "PX", "300")
    wait_same_offset(master, replica)
    master.signal(signal.SIGSTOP)
    wait_until("it has expired", lambda: replica.call("EXISTS", "short") == 0)
    assert replica.call("GET", "short") is None
    master.signal(signal.SIGCONT)
    wait_until("the DEL arrives", lambda: replica.call("DBSIZE") == 0)


def test_min_replicas_to_write(servers, sides):
    master, replica = linked(servers, sides)
    master.call("CONFIG", "SET", "min-replicas-to-write", "1")
    wait_until("one good replica", lambda: master.info("replication").get("min_slaves_good_slaves") == "1")
    assert master.call("SET", "k", "1") == b"OK"
    replica.stop()
    master.wait_info("replication", connected_slaves=0)
    with master.raw() as client:
        wait_until("writes are refused", lambda: str(client.call("SET", "k", "2")) ==
                   "-NOREPLICAS Not enough good replicas to write.")
        assert client.call("GET", "k").value == b"1"


def test_stale_data_refused_when_configured(servers, sides):
    master, replica = linked(servers, sides)
    master.call("SET", "k", "v")
    wait_same_offset(master, replica)
    replica.call("CONFIG", "SET", "replica-serve-stale-data", "no")
    master.stop()
    replica.wait_info("replication", master_link_status="down")
    with replica.raw() as client:
        assert str(client.call("GET", "k")) == \
            "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
        assert not client.call("INFO").is_error
    replica.call("CONFIG", "SET", "replica-serve-stale-data", "yes")
    assert replica.call("GET", "k") == b"v"


def test_log_of_a_replica(servers, sides):
    master, replica = linked(servers, sides)
    for text in ("Connecting to MASTER 127.0.0.1:%d" % master.port, "MASTER <-> REPLICA sync started",
                 "Master replied to PING, replication can continue",
                 "Full resync from master: [0-9a-f]{40}:[0-9]+", "MASTER <-> REPLICA sync: Flushing old data",
                 "MASTER <-> REPLICA sync: Loading DB in memory", "MASTER <-> REPLICA sync: Finished with success"):
        replica.wait_log(r"^\d+:S .* \* .*" + text)
    mark = replica.log_mark()
    replica.call("REPLICAOF", "NO", "ONE")
    replica.wait_log(r"^\d+:M .* \* MASTER MODE enabled \(user request from 'id=", mark)


def test_info_fields_of_a_replica(servers, sides):
    _, replica = linked(servers, sides)
    expected = """role master_host master_port master_link_status master_last_io_seconds_ago master_sync_in_progress
        slave_read_repl_offset slave_repl_offset slave_priority slave_read_only replica_announced connected_slaves
        master_failover_state master_replid master_replid2 master_repl_offset second_repl_offset repl_backlog_active
        repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen""".split()
    names = list(replica.info("replication"))
    assert [name for name in names if name in expected] == expected
    assert re.fullmatch("[0-9a-f]{40}", replica.info("replication")["master_replid"])


def test_a_type_that_is_not_there_yet_is_refused_by_name(servers, vigil, oracle):
    """A master's data with a type that Vigil does not have: a clear refusal that names key and type, nothing loaded."""
    if not vigil.is_vigil:
        pytest.skip("redis-server has all its types")
    master, replica = servers.start(oracle, options=FAST), servers.start(vigil, options=FAST)
    master.call("SET", "plain", "1")
    master.call("XADD", "the-stream", "*", "a", "1")
    mark = replica.log_mark()
    replicate(replica, master.port)
    match = replica.wait_log(r"^.*the-stream.*$", mark)
    assert "stream" in match.group(0).replace("the-stream", "").lower()
    assert replica.call("DBSIZE") == 0


def test_a_transaction_queued_by_a_master_that_is_none_any_more(servers, vigil, oracle):
    """What was queued before the role changed is refused with EXEC."""
    answers = []
    for binary in (vigil, oracle):
        master, other = servers.start(binary, options=FAST), servers.start(binary, options=FAST)
        with master.raw() as client:
            assert [str(client.call(*words)) for words in (["MULTI"], ["INCR", "k"], ["GET", "k"])] == ["+OK"] + ["+QUEUED"] * 2
            replicate(master, other.port)
            wait_link(master)
            answers.append([str(client.call("EXEC")), str(client.call("MULTI")), str(client.call("GET", "k")),
                            client.call("EXEC").plain()])
    assert answers[0] == answers[1]
    assert answers[0][0] == "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica."
