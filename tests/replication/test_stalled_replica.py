"""A replica that does not read: it costs its master disk, not memory, and goes on where it stood."""

import os
import re
import signal

import pytest

from harness.disk import fill_up
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link
from harness.waiting import wait_until

MEGABYTES = 100
OPTIONS = {"repl-diskless-sync-delay": "0", "repl-backlog-size": "1mb", "repl-timeout": "600",
           "client-output-buffer-limit": "replica 90mb 80mb 1"}
VALUES = 64  # keys of 16 kB that are written over and over


def resident(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))


def write(client, megabytes):
    value = "v" * 16000
    for _ in range(megabytes):
        client.pipeline([("SET", f"key{i}", value) for i in range(VALUES)])


@pytest.mark.parametrize("appendonly", ["no", "yes"])
def test_a_stalled_replica(servers, vigil, appendonly):
    if not vigil.is_vigil:
        pytest.skip("redis-server drops the replica when its buffer is full")
    master = servers.start(vigil, options={**OPTIONS, "appendonly": appendonly})
    replica = servers.start(vigil, options=OPTIONS)
    replicate(replica, master.port)
    wait_link(replica)
    with master.raw() as client:
        write(client, 5)
        assert_in_sync(master, replica)
        before = resident(master)
        replica.process.send_signal(signal.SIGSTOP)
        try:
            write(client, MEGABYTES + 64)
            wait_until("old blocks go to disk", lambda: int(master.info("replication")["repl_spilled_bytes"]) > MEGABYTES // 2 << 20)
            grown = resident(master) - before
            assert not list(master.directory.glob("temp-*")), "scratch files have no names"
        finally:
            replica.process.send_signal(signal.SIGCONT)
    if not vigil.is_sanitized:  # whose allocator keeps what was freed
        assert grown < 90 << 20, f"{grown >> 20} MB more"
    assert_in_sync(master, replica)
    assert sync_counts(master)[0] == 1, "no full resync"
    with master.raw() as client:
        write(client, 1)  # trims what nobody needs any more
    wait_until("the scratch files go", lambda: int(master.info("replication")["repl_spilled_bytes"]) < 64 << 20)


def test_without_room_on_disk_the_slow_replica_alone_is_lost(servers, vigil):
    if not vigil.is_vigil:
        pytest.skip("an option of Vigil")
    master = servers.start(vigil, options={**OPTIONS, "repl-spill-max-size": "0"})
    replicas = [servers.start(vigil, options=OPTIONS) for _ in range(2)]
    for replica in replicas:
        replicate(replica, master.port)
        wait_link(replica)
    replicas[0].process.send_signal(signal.SIGSTOP)
    try:
        with master.raw() as client:
            write(client, MEGABYTES)
        wait_until("the log says it", lambda: "that is too slow for memory loses its place" in master.log_text())
        assert_in_sync(master, replicas[1])
    finally:
        replicas[0].process.send_signal(signal.SIGCONT)
    assert_in_sync(master, replicas[0])
    assert sync_counts(master)[0] == 3


def test_the_spills_disk_is_full(servers, vigil, make_disk):
    """Writers go on, the log says why the slow replica is lost, it comes back by itself, and with room on the disk it is not
    lost the next time."""
    if not vigil.is_vigil:
        pytest.skip("redis-server has no such file")
    disk = make_disk(256 << 20)
    master = servers.create(vigil, options=OPTIONS)
    master.options["dir"] = str(disk)
    master.start()
    replica = servers.start(vigil, options=OPTIONS)
    replicate(replica, master.port)
    wait_link(replica)
    fill_up(disk)
    with master.raw() as client:
        replica.signal(signal.SIGSTOP)
        try:
            write(client, MEGABYTES)
            master.wait_log("A reader of the replication log that is too slow for memory loses its place: .*No space left on device")
            wait_until("it is dropped", lambda: master.info("replication")["connected_slaves"] == "0")
            write(client, 5)
        finally:
            replica.signal(signal.SIGCONT)
        assert_in_sync(master, replica)
        assert sync_counts(master)[0] == 2
        (disk / "filler").unlink()
        replica.signal(signal.SIGSTOP)
        try:
            write(client, MEGABYTES)
            wait_until("old blocks go to disk", lambda: int(master.info("replication")["repl_spilled_bytes"]) > 0)
        finally:
            replica.signal(signal.SIGCONT)
    assert_in_sync(master, replica)
    assert sync_counts(master)[0] == 2


def test_the_disk_is_full_during_a_full_resync(servers, vigil, make_disk):
    """What a slow replica has not read of its snapshot goes to disk. Without room there the replica is dropped, says the log,
    and it comes back by itself."""
    if not vigil.is_vigil:
        pytest.skip("redis-server has no such file")
    disk = make_disk(64 << 20)
    master = servers.create(vigil, options=OPTIONS)
    master.options["dir"] = str(disk)
    master.start()
    with master.raw() as client:
        for i in range(40):
            client.call("SET", f"big{i}", os.urandom(1 << 20))
        fill_up(disk)
        proxy = servers.proxy(master)
        proxy.rate = 100_000
        replica = servers.start(vigil, options=OPTIONS)
        replicate(replica, proxy.port)
        master.wait_log("Dropping replica 127.0.0.1:.*: There is no room on disk .*No space left on device")
        assert client.call("SET", "k", "v").value == b"OK"
        (disk / "filler").unlink()
        proxy.rate = None
    assert_in_sync(master, replica)


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_replica_that_hangs_in_the_bulk_is_dropped(servers, vigil, diskless):
    """One that takes some now and then is not."""
    master = servers.start(vigil, options={**OPTIONS, "repl-timeout": "3", "repl-diskless-sync": diskless})
    with master.raw() as client:
        for i in range(60):
            client.call("SET", f"big{i}", os.urandom(1 << 20))
    with master.raw() as hung, master.raw() as slow:
        for client in (hung, slow):
            assert str(client.call("REPLCONF", "capa", "eof", "capa", "psync2")) == "+OK"
            client.send("PSYNC", "?", "-1")

        def hung_is_dropped():
            slow.read_bytes(1 << 16)
            return re.search(r"Disconnecting timedout replica \(full sync\)", master.log_text())

        wait_until("it is dropped", hung_is_dropped, interval=0.2)
        wait_until("the other is still there", lambda: master.info("replication")["connected_slaves"] == "1")


def test_the_limit_counts_memory(servers, vigil):
    """client-output-buffer-limit counts what is held in memory for the replica beyond the backlog."""
    if not vigil.is_vigil:
        pytest.skip("redis-server counts otherwise")
    master = servers.start(vigil, options={**OPTIONS, "client-output-buffer-limit": "replica 20mb 0 0"})
    replica = servers.start(vigil, options=OPTIONS)
    replicate(replica, master.port)
    wait_link(replica)
    replica.process.send_signal(signal.SIGSTOP)
    try:
        with master.raw() as client:
            write(client, 40)
        wait_until("it is dropped", lambda: master.info("replication")["connected_slaves"] == "0")
        assert "overcoming of output buffer limits" in master.log_text()
    finally:
        replica.process.send_signal(signal.SIGCONT)
    assert_in_sync(master, replica)
