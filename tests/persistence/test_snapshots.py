"""Snapshots in a running server: what cancels them, what follows them, what clients hear meanwhile."""

import os
import re

import pytest

from harness.dump import full_dump
from harness.waiting import wait_until

BOTH = pytest.mark.parametrize("side", ["vigil", "redis"])


def filled(servers, binary, keys=30000, **options):
    server = servers.start(binary, options=options)
    with server.raw() as client:
        for start in range(0, keys, 10000):
            client.pipeline([("SET", f"key{number}", os.urandom(60).hex()) for number in range(start, start + 10000)])
    return server


def saved(server):
    wait_until("the save ends", lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0")


def restarted(server):
    server.kill()
    return server.start()


@BOTH
def test_flushall_with_save_points_saves_the_empty_data_set(servers, binary):
    server = filled(servers, binary, save="3600 1000000")
    with server.raw() as client:
        replies = client.pipeline([("BGSAVE",), ("FLUSHALL",)])
    assert [str(reply) for reply in replies] == ["+Background saving started", "+OK"]
    assert (server.directory / "dump.rdb").stat().st_size < 1000
    assert server.info("persistence")["rdb_last_bgsave_status"] == "ok"
    assert restarted(server).call("DBSIZE") == 0


@BOTH
def test_what_flushall_deleted_does_not_come_back(servers, binary):
    """kill -9 right behind the answer, whatever save is under way meanwhile."""
    server = filled(servers, binary, save="3600 1000000")
    for meanwhile in ([], [("BGSAVE",)], [("FLUSHALL", "ASYNC")], [("BGSAVE",), ("FLUSHALL",)]):
        server.call("SET", "old", "1")
        server.call("SAVE")
        with server.raw() as client:
            replies = client.pipeline([*meanwhile, ("FLUSHALL",), ("SET", "new", "1")])
            server.kill()
        assert not any(reply.is_error for reply in replies)
        assert server.start().call("EXISTS", "old") == 0


@BOTH
def test_several_clients_flush_at_once(servers, binary):
    server = filled(servers, binary, keys=10000, save="3600 1000000")
    clients = [server.raw() for _ in range(10)]
    for _ in range(5):
        for client in clients:
            client.send("FLUSHALL")
        assert {str(client.read()) for client in clients} == {"+OK"}
    assert {str(reply) for reply in clients[0].pipeline([("CONFIG", "SET", "save", ""), ("FLUSHALL",)])} == {"+OK"}


@BOTH
def test_flushall_is_answered_when_its_save_fails(servers, binary):
    server = filled(servers, binary, keys=1000, save="3600 1000000")
    (server.directory / f"temp-{server.process.pid}.rdb").mkdir()
    with server.raw() as client:
        assert str(client.call("FLUSHALL")) == "+OK"
    assert server.call("DBSIZE") == 0


def test_flushall_without_save_points_leaves_the_file(servers, vigil):
    server = filled(servers, vigil, keys=10000)
    server.call("SAVE")
    server.call("FLUSHALL")
    assert restarted(server).call("DBSIZE") == 10000


def test_commands_on_the_whole_keyspace_during_a_snapshot(servers, vigil, oracle):
    """The snapshot goes on over tables that SWAPDB and FLUSHDB took away."""
    server = filled(servers, vigil)
    before = full_dump(server)
    with server.raw() as client:
        client.pipeline([("BGSAVE",), ("SWAPDB", "0", "3"), ("SELECT", "3"), ("FLUSHDB",), ("SET", "new", "1")])
    saved(server)
    server.kill()
    for binary in (oracle, vigil):
        reader = servers.start(binary, server.directory.name, options=server.options)
        assert full_dump(reader) == before
        reader.kill()


def test_bgsave_in_a_transaction_and_twice(servers, vigil):
    server = filled(servers, vigil)
    with server.raw() as client:
        replies = client.pipeline([("MULTI",), ("BGSAVE",), ("EXEC",)])
        assert replies[-1].plain() == [b"Background saving scheduled"]
        wait_until("it is saved", lambda: server.info("persistence")["rdb_saves"] == "1")
        replies = client.pipeline([("BGSAVE",), ("BGSAVE",), ("BGSAVE", "SCHEDULE"), ("SAVE",), ("BGSAVE", "NOW")])
    assert str(replies[0]) == "+Background saving started"
    assert {str(reply) for reply in replies[1:4]} == {"-ERR Background save already in progress"}
    assert str(replies[4]) == "-ERR syntax error"
    saved(server)


def test_save_waits_for_its_end_while_others_are_served(servers, vigil):
    server = filled(servers, vigil, keys=100000)
    with server.raw() as saver, server.raw() as other:
        saver.send("SAVE")
        assert str(other.call("SET", "during", "1")) == "+OK"
        assert str(saver.read()) == "+OK"
        assert str(saver.call("PING")) == "+PONG"
    assert (server.directory / "dump.rdb").exists()


@pytest.mark.parametrize("side", ["vigil", "redis"])
def test_ping_tells_that_a_save_failed(servers, vigil, oracle, side):
    """So that whoever watches the server hears of it."""
    server = servers.start({"vigil": vigil, "redis": oracle}[side], options={"save": "3600 1000000"})
    (server.directory / "dump.rdb").mkdir()
    server.call("BGSAVE")
    wait_until("the save fails", lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err")
    with server.raw() as client:
        refusal = str(client.call("SET", "a", "1"))
        assert refusal.startswith("-MISCONF Redis is configured to save RDB snapshots")
        assert str(client.call("PING")) == str(client.call("PING", "text")) == refusal
        assert client.call("GET", "a").value is None
        (server.directory / "dump.rdb").rmdir()
        client.call("BGSAVE")
        wait_until("writes are taken", lambda: not client.call("SET", "a", "1").is_error)
        assert str(client.call("PING")) == "+PONG"


def test_a_save_that_fails_stops_writes_until_one_succeeds(servers, vigil):
    server = filled(servers, vigil, keys=10000, save="3600 1000000")
    # Whoever may do everything may not make a file of a folder either.
    name = f"temp-{server.process.pid}.rdb"
    (server.directory / name).mkdir()
    server.call("BGSAVE")
    wait_until("the save fails", lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err")
    server.wait_log("Failed opening the temp RDB file")
    with server.raw() as client:
        assert str(client.call("SET", "a", "1")).startswith("-MISCONF Redis is configured to save RDB snapshots")
        assert not client.call("GET", "a").is_error
        client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        wait_until("writes are taken", lambda: not client.call("SET", "a", "1").is_error)
        client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes")
        wait_until("writes are refused", lambda: client.call("SET", "a", "1").is_error)
        (server.directory / name).rmdir()
        client.call("BGSAVE")
        wait_until("writes are taken again", lambda: not client.call("SET", "a", "1").is_error)


def test_clients_hear_loading(servers, vigil):
    server = filled(servers, vigil, keys=400000)
    server.call("SAVE")
    server.kill()
    server.spawn()
    heard = set()

    def loaded():
        try:
            with server.raw() as client:
                heard.add(str(client.call("GET", "key1"))[:8])
                heard.add("loading:" + re.search(rb"loading:(\d)", client.call("INFO", "persistence").value)[1].decode())
                return client.call("DBSIZE").plain() == 400000
        except (OSError, AssertionError):
            return False

    wait_until("everything is loaded", loaded, interval=0.005)
    assert {"-LOADING", "loading:1", "loading:0"} <= heard


def test_what_a_crash_leaves_behind_does_no_harm(servers, vigil):
    server = filled(servers, vigil, keys=10000)
    server.call("SAVE")
    server.kill()
    (server.directory / "temp-1.rdb").write_bytes(b"REDIS0010 cut")
    assert server.start().call("DBSIZE") == 10000
