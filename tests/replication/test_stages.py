"""A full resync that is interrupted at any stage, from either end."""

import itertools
import os

import pytest

from harness.replication import assert_in_sync, replicate, sync_counts, wait_link
from harness.waiting import wait_until

OPTIONS = {"repl-diskless-sync-delay": "0", "enable-debug-command": "yes"}
LONG = bool(os.environ.get("VIGIL_ACCEPT"))
# What a master sends before the snapshot: +PONG, three times +OK, +FULLRESYNC … and the line before the bulk.
HANDSHAKE = 7 + 3 * 5 + 56 + 48
# After so many bytes from the master: at single bytes of the handshake, then into the snapshot and behind it.
STAGES = [*range(1, HANDSHAKE, 1 if LONG else 9), 200, 1000, 20_000, 100_000, 400_000]


def diskless(how):
    return {**OPTIONS, "repl-diskless-sync": how}


@pytest.mark.sanitize
@pytest.mark.parametrize("how", ["yes", "no"])
def test_cut_at_every_stage(servers, sides, how):
    """After each cut the replica comes again; in the end it has everything, and in between it had its old data."""
    master, replica = (servers.start(binary, options=diskless(how)) for binary in sides)
    master.call("DEBUG", "POPULATE", 20_000, "key", 20)
    replica.call("SET", "old", "kept")
    proxy = servers.proxy(master)
    for stage in STAGES:
        proxy.cut_after = stage
        connections = proxy.connections
        # Anew each time, so that no time is spent on waiting between two attempts.
        replica.call("REPLICAOF", "NO", "ONE")
        replicate(replica, proxy.port)
        wait_until("it has come", lambda: proxy.connections > connections)  # pylint: disable=cell-var-from-loop
        wait_until("and is cut off", lambda: not proxy._pipes)  # pylint: disable=protected-access
        if replica.binary.is_vigil and stage < 400_000:
            assert replica.call("GET", "old") == b"kept", stage
    proxy.cut_after = None
    wait_link(replica)
    assert_in_sync(master, replica)


@pytest.mark.parametrize("how", ["yes", "no"])
def test_a_replica_killed_while_it_loads(servers, sides, how):
    master, replica = (servers.start(binary, options=diskless(how)) for binary in sides)
    master.call("DEBUG", "POPULATE", 100_000, "key", 50)
    proxy = servers.proxy(master)
    proxy.rate = 2_000_000
    replicate(replica, proxy.port)
    wait_until("the snapshot is under way", lambda: replica.info("replication")["master_sync_in_progress"] == "1")
    replica.kill()
    proxy.rate = None
    replica.start()
    replicate(replica, proxy.port)
    wait_link(replica)
    assert_in_sync(master, replica)
    # Nothing of the first attempt is left at the master.
    wait_until("one replica", lambda: master.info("replication")["connected_slaves"] == "1")


@pytest.mark.parametrize("first, second, how", list(itertools.product(("master", "replica"), ("master", "replica"), ("kill", "stop"))))
def test_both_ends_restarted(servers, vigil, first, second, how):
    """In any order, gently or not, with data written in between; a clean stop costs no full resync."""
    persistent = {"appendonly": "yes", "repl-diskless-sync-delay": "0"}
    master = servers.start(vigil, options=persistent)
    replica = servers.start(vigil, options={**persistent, "replicaof": f"127.0.0.1 {master.port}"})
    ends = {"master": master, "replica": replica}
    master.call("SET", "a", "1")
    wait_link(replica)
    assert_in_sync(master, replica)
    for round_, name in enumerate((first, second)):
        end = ends[name]
        if how == "kill":
            end.kill()
        else:
            end.stop()
        end.start()
        master.call("SET", f"b{round_}", "2")
        wait_link(replica)
    assert_in_sync(master, replica)
    assert replica.call("MGET", "a", "b0", "b1") == [b"1", b"2", b"2"]
    if how == "stop":
        assert sync_counts(master)[0] <= (0 if "master" in (first, second) else 1)
