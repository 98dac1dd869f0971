"""What single options do, where no other test shows it; beside redis-server where it can be asked the same."""

import ctypes
import os
import re
import shutil
import socket
import subprocess

import pytest

from harness.replication import replicate, wait_link
from harness.waiting import wait_until

BOTH = pytest.mark.parametrize("side", ["vigil", "redis"])


def replica_of(servers, binary, master, **options):
    replica = servers.start(binary, options=options)
    replicate(replica, master.port)
    return replica


def expiry_turn(server):
    """How long the cron's turns are when more keys have expired than one can delete: milliseconds, the mean."""
    with server.raw() as client:
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        for first in range(0, 500_000, 1000):
            client.pipeline([("SET", f"key:{n}", "v", "PX", "1") for n in range(first, first + 1000)])
        client.call("CONFIG", "RESETSTAT")
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", "1")
        wait_until("all keys are gone", lambda: client.call("DBSIZE").value == 0)
        stats = server.info("stats")
    cut = int(stats["expired_time_cap_reached_count"])
    return int(stats["expire_cycle_cpu_milliseconds"]) / cut if cut >= 3 else None


def test_active_expire_effort(servers, vigil):
    """A quarter of a turn of 100 ms, and up to 43 ms of it where more is asked for."""
    mean = {}
    for effort in ("1", "10"):
        server = servers.start(vigil, options={"active-expire-effort": effort, "io-threads": "1", "enable-debug-command": "yes"})
        mean[effort] = expiry_turn(server)
        if mean[effort] is None:
            pytest.skip("this machine deletes them all at once")
    assert mean["10"] > mean["1"] * 1.2, mean


@BOTH
def test_replaced_aof_files_stay(servers, binary):
    server = servers.start(binary, options={"appendonly": "yes", "aof-disable-auto-gc": "yes"})
    folder = server.directory / "appendonlydir"
    before = {path.name for path in folder.iterdir() if "manifest" not in path.name}
    server.call("SET", "k", "v")
    server.call("BGREWRITEAOF")
    wait_until("it is rewritten", lambda: len(list(folder.iterdir())) == 5)
    server.wait_info("persistence", aof_rewrite_in_progress=0)
    assert before <= {path.name for path in folder.iterdir()}
    assert len(re.findall(" type h$", (folder / "appendonly.aof.manifest").read_text(), re.MULTILINE)) == 2
    server.call("CONFIG", "SET", "aof-disable-auto-gc", "no")
    wait_until("they go", lambda: len(list(folder.iterdir())) == 3)
    wait_until("the manifest forgets them", lambda: " type h" not in (folder / "appendonly.aof.manifest").read_text())


@BOTH
def test_names_of_aof_files(servers, binary):
    server = servers.start(binary, options={"appendonly": "yes", "appenddirname": "logs", "appendfilename": "mine.aof"})
    assert sorted(path.name for path in (server.directory / "logs").iterdir()) == [
        "mine.aof.1.base.rdb", "mine.aof.1.incr.aof", "mine.aof.manifest"]


@BOTH
def test_protected_configs(servers, binary):
    for permission, allowed in (("no", False), ("local", True), ("yes", True)):
        server = servers.start(binary, options={"enable-protected-configs": permission})
        with server.raw() as client:
            for option, value in (("dir", str(server.directory)), ("dbfilename", "other.rdb")):
                reply = str(client.call("CONFIG", "SET", option, value))
                assert reply == "+OK" if allowed else reply == (
                    f"-ERR CONFIG SET failed (possibly related to argument '{option}') - can't set protected config")


@BOTH
def test_hz(servers, binary):
    server = servers.start(binary, options={"hz": "40", "dynamic-hz": "no"})
    assert server.info("server")["configured_hz"] == "40"
    server.wait_info("server", hz=40)
    server.call("CONFIG", "SET", "hz", "1000")
    server.wait_info("server", hz=500)


@BOTH
def test_min_replicas_max_lag(servers, binary, oracle):
    master = servers.start(binary, options={"repl-diskless-sync-delay": "0", "min-replicas-max-lag": "1"})
    replica = replica_of(servers, oracle, master)
    wait_link(replica)
    master.call("CONFIG", "SET", "min-replicas-to-write", "1")
    with master.raw() as client:
        wait_until("writes are taken", lambda: not client.call("SET", "k", "v").is_error)
        replica.signal(19)  # SIGSTOP
        wait_until("writes are refused", lambda: client.call("SET", "k", "v").value == b"NOREPLICAS Not enough good replicas to write.")
        client.call("CONFIG", "SET", "min-replicas-max-lag", "1000")
        wait_until("the lag is none", lambda: not client.call("SET", "k", "v").is_error)
        replica.signal(18)


@BOTH
@pytest.mark.parametrize("removed", ["yes", "no"])
def test_sync_files_are_removed(servers, binary, oracle, removed):
    """repl-diskless-sync no: the snapshot for a replica is a file, which a server without persistence may not want to keep."""
    master = servers.start(binary, options={"repl-diskless-sync": "no", "rdb-del-sync-files": removed})
    master.call("SET", "k", "v")
    replica = replica_of(servers, oracle, master)
    wait_link(replica)
    assert replica.call("GET", "k") == b"v"
    file = master.directory / "dump.rdb"
    if removed == "yes":
        wait_until("it is gone", lambda: not file.exists())
    else:
        assert file.exists()


@BOTH
def test_backlog_is_given_back(servers, binary, oracle):
    master = servers.start(binary, options={"repl-diskless-sync-delay": "0", "repl-backlog-ttl": "1"})
    replica = replica_of(servers, oracle, master)
    wait_link(replica)
    assert master.info("replication")["repl_backlog_active"] == "1"
    replica.stop()
    master.wait_info("replication", repl_backlog_active=0)


@BOTH
def test_diskless_delay_and_its_end(servers, binary, oracle):
    """With repl-diskless-sync-delay the master waits for more replicas, but no longer than until there are
    repl-diskless-sync-max-replicas of them."""
    master = servers.start(binary, options={"repl-diskless-sync-delay": "3600", "repl-diskless-sync-max-replicas": "2"})
    first = replica_of(servers, oracle, master)
    wait_until("it waits", lambda: "state=wait_bgsave" in master.info("replication").get("slave0", ""))
    second = replica_of(servers, oracle, master)
    wait_link(first)
    wait_link(second)
    third = replica_of(servers, oracle, master)
    wait_until("it waits", lambda: "state=wait_bgsave" in master.info("replication").get("slave2", ""))
    master.call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    wait_link(third)


@BOTH
def test_what_a_replica_says_of_itself(servers, binary, oracle):
    master = servers.start(oracle, options={"repl-diskless-sync-delay": "0"})
    replica = replica_of(servers, binary, master, **{"replica-announce-ip": "10.1.2.3", "replica-announce-port": "4567",
                                                     "replica-priority": "33", "replica-announced": "no"})
    wait_link(replica)
    assert master.info("replication")["slave0"].startswith("ip=10.1.2.3,port=4567,")
    said = replica.info("replication")
    assert (said["slave_priority"], said["replica_announced"]) == ("33", "0")


def socket_of(server, descriptor):
    """Another process's socket, to ask it for its options."""
    pidfd_getfd = 438
    pidfd = os.pidfd_open(server.process.pid)
    copy = ctypes.CDLL(None, use_errno=True).syscall(pidfd_getfd, pidfd, descriptor, 0)
    os.close(pidfd)
    if copy < 0:
        pytest.skip("this user may not look into another process")
    return socket.socket(fileno=copy)


@BOTH
def test_sockets(servers, binary, oracle):
    server = servers.start(binary, options={"tcp-keepalive": "100", "tcp-backlog": "37", "repl-diskless-sync-delay": "0"})
    clients = lambda kind: [dict(field.split("=", 1) for field in line.split())
                            for line in server.call("CLIENT", "LIST", "TYPE", kind).decode().splitlines()]
    with server.raw() as client:
        number = str(client.call("CLIENT", "ID").value)
        ours = socket_of(server, next(int(line["fd"]) for line in clients("normal") if line["id"] == number))
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 100
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    for disabled in ("no", "yes"):
        server.call("CONFIG", "SET", "repl-disable-tcp-nodelay", disabled)
        replica = replica_of(servers, oracle, server)
        wait_link(replica)
        link = socket_of(server, int(clients("replica")[0]["fd"]))
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == (0 if disabled == "yes" else 1)
        replica.stop()
        server.wait_info("replication", connected_slaves=0)
    if shutil.which("ss"):
        text = subprocess.run(["ss", "-Htln", f"sport = :{server.port}"], capture_output=True, text=True, check=True).stdout
        assert text.split()[2] == "37"


def increments(server):
    return set(server.directory.glob("appendonlydir/*.incr.aof"))


def test_no_fsync_on_rewrite(servers, vigil):
    """What is written during a rewrite is not synced before its end."""
    server = servers.start(vigil, options={"appendonly": "yes", "enable-debug-command": "yes", "no-appendfsync-on-rewrite": "yes",
                                           "auto-aof-rewrite-percentage": "0"})
    keys = 1_000_000
    with server.raw() as client:
        for _ in range(3):
            client.call("DEBUG", "POPULATE", keys)
            before = increments(server)
            client.call("BGREWRITEAOF")
            # What was written before the file in which the log goes on is synced for the rewrite's own sake.
            wait_until("the log goes on in a new file", lambda: increments(server) - before)
            client.call("SET", "k", "v")
            # A sync comes within a second, if one comes.
            synced = client.call("WAITAOF", "1", "0", "1500").plain()[0]
            if server.info("persistence")["aof_rewrite_in_progress"] == "1":
                assert synced == 0
                server.wait_info("persistence", aof_rewrite_in_progress=0)
                client.call("SET", "k", "w")
                assert client.call("WAITAOF", "1", "0", "30000").plain()[0] == 1
                return
            keys *= 2
    pytest.skip("rewrites are too quick here")
