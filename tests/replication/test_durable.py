"""WAITAOF, replicas' lag in INFO, snapshots for tools (REPLCONF rdb-only, rdb-filter-only), and masters with an AOF that
die: their replicas go on with a partial resync."""

import subprocess
import time

import pytest

from harness.load import WriteLoad
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_same_offset
from harness.waiting import wait_until

FAST = {"repl-diskless-sync-delay": "0"}
ALWAYS = {**FAST, "appendonly": "yes", "appendfsync": "always"}


def test_waitaof(servers, vigil):
    master = servers.start(vigil, options=ALWAYS)
    durable, volatile = servers.start(vigil, options=ALWAYS), servers.start(vigil, options=FAST)
    with master.raw() as client:
        client.call("SET", "k", "1")
        assert client.call("WAITAOF", 1, 0, 0).plain() == [1, 0]
        assert client.call("WAITAOF", 1, 1, 50).plain() == [1, 0]
        for replica in (durable, volatile):
            replicate(replica, master.port)
            wait_link(replica)
        client.call("SET", "k", "2")
        assert client.call("WAITAOF", 1, 1, 60000).plain() == [1, 1]
        assert client.call("WAITAOF", 0, 2, 200).plain() == [1, 1]
        assert client.call("WAIT", 2, 60000).value == 2
        for words, error in ((("2", "0", "0"), "-ERR value is out of range, must be between 0 and 1"),
                             (("1", "-1", "0"), "-ERR value is out of range, must be positive"),
                             (("1", "0", "-1"), "-ERR timeout is negative"),
                             (("1", "0", "x"), "-ERR timeout is not an integer or out of range")):
            assert str(client.call("WAITAOF", *words)) == error
    with durable.raw() as client:
        assert str(client.call("WAITAOF", 0, 0, 0)).startswith("-ERR WAITAOF cannot be used with replica instances.")
    plain = servers.start(vigil)
    with plain.raw() as client:
        assert str(client.call("WAITAOF", 1, 0, 0)) == \
            "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        assert client.call("WAITAOF", 0, 0, 0).plain() == [0, 0]


def lag(master, number=0):
    fields = master.info("replication")[f"replica_lag{number}"]
    return dict(part.split("=") for part in fields.split(",")) if isinstance(fields, str) else fields


def test_lag(servers, sides):
    master, replica = (servers.start(binary, options=FAST) for binary in sides)
    if not master.binary.is_vigil:
        pytest.skip("a field of Vigil's own")
    proxy = servers.proxy(master)
    replicate(replica, proxy.port)
    wait_link(replica)
    wait_until("no lag", lambda: int(lag(master)["bytes"]) == 0)
    proxy.frozen = True
    master.call("SET", "k", "x" * 10000)
    assert int(lag(master)["bytes"]) >= 10000
    wait_until("the lag grows", lambda: int(lag(master)["milliseconds"]) >= 1000)
    proxy.frozen = False
    wait_until("no lag", lambda: (int(lag(master)["bytes"]), int(lag(master)["milliseconds"])) == (0, 0))


@pytest.mark.parametrize("option, loaded", [("--rdb", {b"k": b"v"}), ("--functions-rdb", {})])
def test_redis_cli_fetches_a_snapshot(servers, vigil, oracle, tmp_path, option, loaded):
    master = servers.start(vigil, options=FAST)
    master.call("SET", "k", "v")
    path = tmp_path / "fetched.rdb"
    subprocess.run(["redis-cli", "-p", str(master.port), option, path], check=True, capture_output=True, timeout=60)
    subprocess.run(["redis-check-rdb", path], check=True, capture_output=True)
    wait_until("it has gone", lambda: master.info("replication")["connected_slaves"] == "0")
    reader = servers.create(oracle)
    (reader.directory / "dump.rdb").write_bytes(path.read_bytes())
    reader.start()
    assert {key: reader.call("GET", key) for key in reader.call("KEYS", "*")} == loaded
    with master.raw() as client:
        assert str(client.call("REPLCONF", "rdb-filter-only", "functions keys")) == \
            "-ERR Unsupported rdb-filter-only option: keys"
        assert client.call("REPLCONF", "rdb-only", "2").is_error


def followed(servers, vigil, oracle, policy):
    """A master with an AOF, and a replica of each kind."""
    master = servers.start(vigil, options={**ALWAYS, "appendfsync": policy})
    replicas = [servers.start(binary, options=FAST) for binary in (vigil, oracle)]
    for replica in replicas:
        replicate(replica, master.port)
        wait_link(replica)
    return master, replicas


def assert_went_on(master, replicas):
    """They follow again, and none needed a full resync."""
    for replica in replicas:
        wait_link(replica)
    master.call("SET", "after", "it")
    assert_in_sync(master, *replicas)
    assert sync_counts(master)[0] == 0, "a full resync was needed"


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_master_killed_and_restarted(servers, vigil, oracle, policy, rounds):
    """Replicas of both kinds go on with a partial resync from where they were."""
    master, replicas = followed(servers, vigil, oracle, policy)
    for _ in range(rounds(20)):
        with WriteLoad(master.port) as load:
            wait_until("some load", lambda: load.done > 500)  # pylint: disable=cell-var-from-loop
            master.kill()
        master.start()
        assert_went_on(master, replicas)


@pytest.mark.parametrize("heir", [0, 1], ids=["vigil", "redis"])
def test_master_killed_and_replaced(servers, vigil, oracle, heir):
    """As after a failover: the old master comes back as a replica, and goes on from where it was."""
    master, replicas = followed(servers, vigil, oracle, "everysec")
    master.call("SET", "before", "it")
    assert_in_sync(master, *replicas)
    master.kill()
    replicas[heir].call("REPLICAOF", "NO", "ONE")
    replicas[heir].call("SET", "meanwhile", "1")
    master.start()
    replicate(master, replicas[heir].port)
    replicate(replicas[1 - heir], replicas[heir].port)
    assert_went_on(replicas[heir], [master, replicas[1 - heir]])


def test_what_the_old_master_wrote_alone_is_given_up(servers, vigil, oracle):
    master, replicas = followed(servers, vigil, oracle, "everysec")
    assert_in_sync(master, *replicas)
    master.kill()
    replicas[0].call("REPLICAOF", "NO", "ONE")
    replicas[0].call("SET", "k", "of the new master")
    master.start()
    master.call("SET", "k", "of the old one")
    replicate(master, replicas[0].port)
    wait_link(master)
    assert_in_sync(replicas[0], master)
    assert sync_counts(replicas[0])[0] == 1


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("replica_side", ["vigil", "redis"])
def test_what_no_offset_counted_is_not_missed(servers, vigil, oracle, replica_side, restart):
    """Without AOF and backlog nobody needs the log. A history that was told of before does not go on over that."""
    master = servers.start(vigil, options={**FAST, "repl-backlog-ttl": "1", "appendfsync": "always"})
    away, other = servers.start(vigil if replica_side == "vigil" else oracle, options=FAST), servers.start(vigil, options=FAST)
    proxy = servers.proxy(master)
    replicate(away, proxy.port)
    wait_link(away)
    master.call("SET", "a", "1")
    wait_same_offset(master, away)
    proxy.refusing = True
    proxy.cut()
    wait_until("the backlog is freed", lambda: master.info("replication")["repl_backlog_active"] == "0")
    master.call("SET", "k", "counted by nobody")
    master.call("CONFIG", "SET", "appendonly", "yes")
    master.wait_info("persistence", aof_enabled="1", aof_rewrite_in_progress="0", aof_rewrite_scheduled="0")
    if restart:
        master.options["appendonly"] = "yes"
        master.kill()
        master.start()
    replicate(other, master.port)
    wait_link(other)
    proxy.refusing = False
    wait_link(away)
    assert_in_sync(master, away, other)


@pytest.mark.parametrize("replica_side", ["vigil", "redis"])
def test_replicas_hear_of_keys_that_expired_while_the_master_was_down(servers, vigil, oracle, replica_side):
    master = servers.start(vigil, options=FAST)
    replica = servers.start(vigil if replica_side == "vigil" else oracle, options=FAST)
    replicate(replica, master.port)
    wait_link(replica)
    for database in ("0", "3"):
        with master.raw() as client:
            client.call("SELECT", database)
            client.call("MSET", "stays", "1", "counter", "5")
            client.call("PEXPIRE", "counter", "1000")
    master.shutdown("SAVE")
    time.sleep(1.1)  # the time to live
    master.start()
    wait_link(replica)
    assert sync_counts(master)[:2] == (0, 1)
    assert "keys expired: 2" in master.log_text()
    master.call("INCR", "counter")
    assert_in_sync(master, replica)
    assert replica.call("GET", "counter") == b"1"


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_master_killed_again_as_soon_as_a_replica_knows_its_new_id(servers, vigil, oracle, policy, rounds):
    """The master begins a new history when it comes back. It dies again when one replica has just heard of it and another
    perhaps not: both go on with a partial resync."""
    master, replicas = followed(servers, vigil, oracle, policy)
    for number in range(rounds(20)):
        master.call("SET", "round", number)
        wait_same_offset(master, *replicas)
        old = master.info("replication")["master_replid"]
        master.kill()
        master.start()
        wait_until("a replica knows the new id", interval=0, condition=lambda old=old: any(
            replica.info("replication")["master_replid"] != old for replica in replicas))
        master.kill()
        master.start()
        assert_went_on(master, replicas)


def test_master_killed_several_times_while_replicas_are_away(servers, vigil, oracle):
    """They missed several of its histories, and still go on with a partial resync."""
    master = servers.start(vigil, options=ALWAYS)
    replicas = [servers.start(binary, options=FAST) for binary in (vigil, oracle)]
    proxy = servers.proxy(master)
    for replica in replicas:
        replicate(replica, proxy.port)
        wait_link(replica)
    proxy.refusing = True
    for number in range(4):
        master.kill()
        master.start()
        master.call("SET", "k", number)
    proxy.refusing = False
    assert_in_sync(master, *replicas)
    assert sync_counts(master) == (0, 2)


def test_propagation_error_behavior(servers, vigil):
    master, replica = (servers.start(vigil, options=FAST) for _ in range(2))
    replicate(replica, master.port)
    wait_link(replica)
    replica.call("CONFIG", "SET", "replica-read-only", "no")
    replica.call("SET", "a", "a string where the master has a list")
    master.call("RPUSH", "a", "x")
    replica.wait_log("== CRITICAL == This replica is sending an error to its master: .*WRONGTYPE.*rpush")
    wait_same_offset(master, replica)
    replica.call("CONFIG", "SET", "propagation-error-behavior", "panic-on-replicas")
    replica.meant_to_abort = True
    replica.call("SET", "b", "a string where the master has a list")
    master.call("RPUSH", "b", "x")
    wait_until("it has ended", lambda: replica.process.poll() is not None)
    replica.wait_log("propagation-error-behavior says that it ends then")
