"""Links that break, under write load."""

import signal

import pytest

from harness.load import WriteLoad
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_same_offset
from harness.waiting import wait_until

CUTS = 10
OPTIONS = {"repl-backlog-size": "64mb", "repl-diskless-sync-delay": "0", "client-output-buffer-limit": "replica 0 0 0"}


@pytest.mark.sanitize
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_ten_cut_links_under_load(servers, sides, diskless):
    """The same data on both sides at the end, and no full resync after the first."""
    master, replica = (servers.start(binary, options={**OPTIONS, "repl-diskless-sync": diskless}) for binary in sides)
    proxy = servers.proxy(master)
    with WriteLoad(master.port) as load:
        wait_until("some load", lambda: load.done > 500)
        replicate(replica, proxy.port)
        wait_link(replica)
        for _ in range(CUTS):
            done, connections = load.done, proxy.connections
            wait_until("load goes on", lambda: load.done > done + 300)  # pylint: disable=cell-var-from-loop
            proxy.cut()
            wait_until("the replica comes back", lambda: proxy.connections > connections)  # pylint: disable=cell-var-from-loop
            wait_link(replica)
    assert not load.errors
    assert_in_sync(master, replica)
    full, partial = sync_counts(master)
    assert full == 1 and partial >= CUTS, (full, partial)


def test_a_slow_link_with_delay(servers, sides):
    master, replica = (servers.start(binary, options=OPTIONS) for binary in sides)
    proxy = servers.proxy(master)
    proxy.delay, proxy.rate = 0.02, 2_000_000
    with WriteLoad(master.port, keys=100) as load:
        wait_until("some load", lambda: load.done > 500)
        replicate(replica, proxy.port)
        wait_link(replica)
        done = load.done
        wait_until("load goes on", lambda: load.done > done + 2000)
    proxy.delay, proxy.rate = 0, None
    assert_in_sync(master, replica)


def test_full_resync_of_a_bigger_data_set_under_load(servers, sides):
    master, replica = (servers.start(binary, options=OPTIONS) for binary in sides)
    with master.raw() as client:
        for start in range(0, 30000, 1000):
            client.call("MSET", *[word for i in range(start, start + 1000) for word in (f"big{i}", f"value{i}" * 5)])
        for start in range(0, 20000, 1000):
            client.call("RPUSH", "biglist", *[f"item{i}" for i in range(start, start + 1000)])
    replica.call("SET", "to-be-gone", "1")
    with WriteLoad(master.port) as load:
        replicate(replica, master.port)
        wait_link(replica)
        done = load.done
        wait_until("load goes on", lambda: load.done > done + 500)
    assert not load.errors
    assert_in_sync(master, replica)
    assert replica.call("EXISTS", "to-be-gone") == 0


def test_a_replica_away_for_longer_than_the_backlog_gets_it_all(servers, sides):
    master, replica = (servers.start(binary, options={**OPTIONS, "repl-backlog-size": "16384"}) for binary in sides)
    proxy = servers.proxy(master)
    replicate(replica, proxy.port)
    wait_link(replica)
    proxy.refusing = True
    proxy.cut()
    replica.wait_info("replication", master_link_status="down")
    with WriteLoad(master.port) as load:
        wait_until("much load", lambda: load.done > 3000)
    proxy.refusing = False
    assert_in_sync(master, replica)


def test_a_master_killed_under_load_comes_back(servers, sides):
    """The replica follows the master that comes back with what its AOF holds."""
    options = {**OPTIONS, "appendonly": "yes", "appendfsync": "always"}
    master, replica = servers.start(sides[0], options=options), servers.start(sides[1], options=OPTIONS)
    replicate(replica, master.port)
    wait_link(replica)
    with WriteLoad(master.port) as load:
        wait_until("some load", lambda: load.done > 500)
        master.kill()
        master.start()
        done = load.done
        wait_until("load goes on", lambda: load.done > done + 300)
    wait_same_offset(master, replica)
    assert_in_sync(master, replica)


def test_a_replica_paused_and_continued(servers, sides):
    master, replica = (servers.start(binary, options=OPTIONS) for binary in sides)
    replicate(replica, master.port)
    wait_link(replica)
    with WriteLoad(master.port) as load:
        for _ in range(3):
            replica.signal(signal.SIGSTOP)
            done = load.done
            wait_until("load goes on", lambda: load.done > done + 300)  # pylint: disable=cell-var-from-loop
            replica.signal(signal.SIGCONT)
    assert_in_sync(master, replica)
    assert sync_counts(master)[0] == 1
