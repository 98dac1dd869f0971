"""A stop waits for replicas that lag: with SHUTDOWN and with SIGTERM, on both servers."""

import re
import signal
import time

import pytest

from harness.waiting import wait_until


@pytest.fixture(params=["vigil", "redis"])
def pair(request, servers):
    """A master and its replica, which is stopped and has missed a write."""
    binary = request.getfixturevalue("vigil" if request.param == "vigil" else "oracle")
    master = servers.start(binary, options={"shutdown-timeout": "1000", "repl-diskless-sync-delay": "0"})
    replica = servers.start(request.getfixturevalue("oracle"), options={"replicaof": f"127.0.0.1 {master.port}"})
    replica.wait_info("replication", master_link_status="up")
    master.call("SET", "k", "1")
    wait_until("the replica has it", lambda: replica.call("GET", "k") == b"1")
    replica.signal(signal.SIGSTOP)
    master.call("SET", "k", "2")
    yield master, replica
    replica.signal(signal.SIGCONT)


def test_it_waits_until_the_replica_has_everything(pair):
    master, replica = pair
    with master.raw() as stopper, master.raw() as writer, master.raw() as reader:
        stopper.send("SHUTDOWN")
        master.wait_log(r"# User requested shutdown\.\.\.$")
        master.wait_log(r"\* Waiting for replicas before shutting down\.")
        assert reader.call("GET", "k").value == b"2"
        writer.send("SET", "k", "3")
        wait_until("the writer is held back",
                   lambda: b"cmd=set" not in reader.call("CLIENT", "LIST").value or master.info("clients")["blocked_clients"] != "0")
        left = int(master.info("server")["shutdown_in_milliseconds"])
        assert 900_000 < left <= 1_000_000
        replica.signal(signal.SIGCONT)
        assert master.wait_exit() == 0
    assert "* 1 of 1 replicas are in sync when shutting down." in master.log_text()
    assert "Lagging replica" not in master.log_text()
    assert replica.call("GET", "k") == b"2"


def test_it_waits_no_longer_than_it_is_told(pair):
    master, replica = pair
    master.call("CONFIG", "SET", "shutdown-timeout", "1")
    master.signal(signal.SIGTERM)
    assert master.wait_exit() == 0
    log = master.log_text()
    assert re.search(r"# Lagging replica 127\.0\.0\.1:%d reported offset \d+ behind master, lag=\d+, state=online\.$" % replica.port,
                     log, re.M), log
    assert "* 0 of 1 replicas are in sync when shutting down." in log


def test_now_does_not_wait(pair):
    master, _ = pair
    assert master.shutdown("NOW") == 0
    assert "Waiting for replicas" not in master.log_text()


def test_a_timeout_of_zero_does_not_wait(pair):
    master, _ = pair
    master.call("CONFIG", "SET", "shutdown-timeout", "0")
    master.signal(signal.SIGINT)
    assert master.wait_exit() == 0
    assert "Waiting for replicas" not in master.log_text()


def test_abort(pair):
    master, _ = pair
    with master.raw() as stopper, master.raw() as writer, master.raw() as other:
        stopper.send("SHUTDOWN")
        master.wait_log("Waiting for replicas")
        writer.send("SET", "k", "3")
        assert other.call("SHUTDOWN", "ABORT").value == b"OK"
        assert stopper.read().value == b"ERR Errors trying to SHUTDOWN. Check logs."
        assert writer.read().value == b"OK"
        master.wait_log(r"\* Shutdown manually aborted\.")
        assert "shutdown_in_milliseconds" not in master.info("server")
        assert other.call("SHUTDOWN", "ABORT").value == b"ERR No shutdown in progress."


@pytest.mark.parametrize("option", ["now", "force now", "nosave now"])
@pytest.mark.parametrize("name, number", [("shutdown-on-sigterm", signal.SIGTERM), ("shutdown-on-sigint", signal.SIGINT)])
def test_signals_have_options(servers, vigil, oracle, option, name, number):
    for binary in (vigil, oracle):
        server = servers.start(binary, options={name: option, "save": "3600 1"})
        server.call("SET", "k", "v")
        server.signal(number)
        assert server.wait_exit() == 0
        assert (server.directory / "dump.rdb").exists() == ("nosave" not in option)


def test_a_failed_save_keeps_the_server(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"save": "3600 1", "dbfilename": "dump.rdb"})
        server.call("SET", "k", "v")
        (server.directory / "dump.rdb").mkdir()  # nothing can be renamed onto it
        with server.raw() as client:
            assert client.call("SHUTDOWN").value == b"ERR Errors trying to SHUTDOWN. Check logs."
            server.wait_log(r"# Error trying to save the DB, can't exit\.")
            server.wait_log(r"# Errors trying to shut down the server\. Check the logs for more information\.")
            assert client.call("SET", "k", "w").value == b"OK" or b"MISCONF" in client.call("SET", "k", "w").value
        server.signal(signal.SIGTERM)
        server.wait_log("Received SIGTERM scheduling shutdown")
        assert server.call("PING") == b"PONG"
        assert server.shutdown("FORCE") == 0


def test_it_waits_for_the_first_aof(servers, vigil):
    """Where appendonly was just turned on, a restart that reads the AOF would find none of the data before its base is there."""
    keys = 300_000
    server = servers.start(vigil, options={"enable-debug-command": "yes"})
    server.call("DEBUG", "POPULATE", keys)
    server.call("CONFIG", "SET", "appendonly", "yes")
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    assert "Writing initial AOF. Exiting anyway." not in server.log_text()
    server.options["appendonly"] = "yes"
    server.start()
    assert server.call("DBSIZE") == keys


def test_it_does_not_wait_for_the_first_aof_when_told_to_hurry(servers, vigil):
    server = servers.start(vigil, options={"enable-debug-command": "yes"})
    server.call("DEBUG", "POPULATE", 1_000_000)
    with server.raw() as client:
        client.call("CONFIG", "SET", "appendonly", "yes")
        client.send("SHUTDOWN", "NOSAVE", "NOW", "FORCE")
        assert server.wait_exit() == 0
    log = server.log_text()
    assert "Background AOF rewrite finished successfully" in log or "# Writing initial AOF. Exiting anyway." in log


def test_a_failed_save_and_force(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"save": "3600 1", "dbfilename": "dump.rdb"})
        server.call("SET", "k", "v")
        (server.directory / "dump.rdb").mkdir()
        assert server.shutdown("FORCE") == 0
        server.wait_log(r"# Error trying to save the DB\. Exit anyway\.")


def test_a_second_interrupt_ends_it_at_once(servers, vigil, oracle):
    """Also while a command keeps the server busy."""
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"enable-debug-command": "yes"})
        with server.raw() as busy:
            busy.send("DEBUG", "SLEEP", 30)
            server.signal(signal.SIGINT)
            server.wait_log("Received SIGINT scheduling shutdown")
            began = time.monotonic()
            server.signal(signal.SIGINT)
            assert server.wait_exit() == 1
            assert time.monotonic() - began < 20
        server.wait_log(r"You insist\.\.\. exiting now\.")
