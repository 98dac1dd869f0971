"""A clean stop and start continues the replication history: a partial resync, no full one."""

import signal

import pytest

from harness.load import WriteLoad
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_same_offset
from harness.waiting import wait_until

FAST = {"repl-diskless-sync-delay": "0"}


def pair_with_data(servers, writer_reader, master_options=None, replica_options=None):
    master = servers.start(writer_reader[0], options={**FAST, **(master_options or {})})
    replica = servers.start(writer_reader[1], options={**FAST, **(replica_options or {})})
    replicate(replica, master.port)
    wait_link(replica)
    with WriteLoad(master.port) as load:
        wait_until("some load", lambda: load.done > 300)
    wait_same_offset(master, replica)
    return master, replica


def test_master_restarted_from_rdb(servers, writer_reader):
    master, replica = pair_with_data(servers, writer_reader)
    assert master.shutdown("SAVE") == 0
    master.start()
    wait_link(replica)
    assert_in_sync(master, replica)
    assert sync_counts(master) == (0, 1)
    master.call("SET", "after", "restart")
    assert_in_sync(master, replica)


def test_replica_restarted_from_rdb(servers, writer_reader):
    master, replica = pair_with_data(servers, writer_reader)
    assert replica.shutdown("SAVE") == 0
    master.call("SET", "while", "away")
    replica.options["replicaof"] = f"127.0.0.1 {master.port}"
    replica.start()
    wait_link(replica)
    assert_in_sync(master, replica)
    assert sync_counts(master) == (1, 1)


@pytest.mark.parametrize("who", ["master", "replica"])
def test_restarted_from_aof(servers, vigil, who):
    if not vigil.is_vigil:
        pytest.skip("redis-server does a full resync in this case")
    aof = {"appendonly": "yes"}
    master, replica = pair_with_data(servers, (vigil, vigil), aof, aof)
    restarted = master if who == "master" else replica
    assert restarted.shutdown() == 0
    if who == "replica":
        master.call("SET", "while", "away")
        replica.options["replicaof"] = f"127.0.0.1 {master.port}"
    restarted.start()
    wait_link(replica)
    assert_in_sync(master, replica)
    assert sync_counts(master) == ((0, 1) if who == "master" else (1, 1))


@pytest.mark.parametrize("words, saved", [(["NOSAVE"], False), (["SAVE"], True), ([], False), (["NOW", "SAVE"], True),
                                          (["FORCE", "NOSAVE"], False)], ids=str)
def test_shutdown_forms(servers, vigil, words, saved):
    server = servers.start(vigil)
    server.call("SET", "k", "v")
    mark = server.log_mark()
    assert server.shutdown(*words) == 0
    assert (server.directory / "dump.rdb").exists() == saved
    server.wait_log(r"User requested shutdown\.\.\.$", mark)
    server.wait_log(r"is now ready to exit, bye bye\.\.\.$", mark)
    server.start()
    assert server.call("EXISTS", "k") == (1 if saved else 0)


@pytest.mark.parametrize("number, text", [(signal.SIGTERM, "Received SIGTERM scheduling shutdown..."),
                                          (signal.SIGINT, "Received SIGINT scheduling shutdown...")], ids=str)
def test_signals_save_when_save_points_are_set(servers, vigil, number, text):
    server = servers.start(vigil, options={"save": "3600 1000"})
    server.call("SET", "k", "v")
    server.signal(number)
    assert server.wait_exit() == 0
    assert text in server.log_text()
    server.start()
    assert server.call("GET", "k") == b"v"


@pytest.mark.parametrize("appendonly", ["no", "yes"])
@pytest.mark.parametrize("side", ["vigil", "redis"])
def test_a_stop_while_loading_does_not_wait_for_the_rest(servers, request, side, appendonly):
    binary = request.getfixturevalue("vigil" if side == "vigil" else "oracle")
    server = servers.start(binary, options={"enable-debug-command": "yes", "appendonly": appendonly})
    server.call("DEBUG", "POPULATE", "1000000", "key", "100")
    if appendonly == "yes":
        server.call("BGREWRITEAOF")
        server.wait_log("Background AOF rewrite finished successfully")
    else:
        server.call("SAVE")
    server.kill()
    mark = server.log_mark()
    server.spawn()
    server.wait_log("Reading RDB base file on AOF loading" if appendonly == "yes" else "Loading RDB produced by", mark)
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    log = server.log_text()[mark:]
    assert "bye bye" in log and "Done loading RDB" not in log
    assert server.start().call("DBSIZE") == 1000000


def test_shutdown_waits_for_a_lagging_replica(servers, vigil):
    master = servers.start(vigil, options={**FAST, "shutdown-timeout": "60"})
    replica = servers.start(vigil, options=FAST)
    replicate(replica, master.port)
    wait_link(replica)
    wait_same_offset(master, replica)
    replica.signal(signal.SIGSTOP)
    master.call("SET", "last", "word")
    mark = master.log_mark()
    with master.raw() as client:
        client.send("SHUTDOWN", "NOSAVE")
        master.wait_log(r"Waiting for replicas before shutting down", mark)
        replica.signal(signal.SIGCONT)
        assert master.wait_exit() == 0
    wait_until("the last write is there", lambda: replica.call("GET", "last") == b"word")
