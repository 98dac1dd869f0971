"""DEBUG RELOAD, LOADAOF, AOF-FLUSH-SLEEP, CHANGE-REPL-ID, QUICKLIST-PACKED-THRESHOLD and CONFIG-REWRITE-FORCE-ALL, and which subcommands there are."""

import re
import time

import pytest

from harness.dump import assert_same_data
from harness.replication import replicate, sync_counts, wait_link
from harness.waiting import wait_until


@pytest.fixture(params=["vigil", "redis"])
def binary(request, vigil, oracle):
    return vigil if request.param == "vigil" else oracle


def start(servers, binary, **details):
    return servers.start(binary, options={"enable-debug-command": "yes", **details.pop("options", {})}, **details)


def fill(client):
    client.pipeline([("SET", f"key:{n}", n) for n in range(2000)])
    client.call("RPUSH", "list", *range(1000))
    client.call("SET", "mortal", "v", "EX", "1000")
    client.call("SET", "big", b"x" * 100_000)


def test_reload(servers, binary):
    server, other = start(servers, binary), start(servers, binary)
    for one in (server, other):
        with one.raw() as client:
            fill(client)
    with server.raw() as client:
        before = client.call("DEBUG", "DIGEST").value
        assert client.call("DEBUG", "RELOAD").value == b"OK"
        assert client.call("DEBUG", "DIGEST").value == before
        assert 900 < client.call("TTL", "mortal").value <= 1000
        client.call("SET", "later", "v")
        assert client.call("DEBUG", "RELOAD", "NOSAVE").value == b"OK"
        assert client.call("EXISTS", "later").value == 0
        assert client.call("DEBUG", "RELOAD", "NONSENSE").is_error
    assert_same_data(server, other)
    assert (server.directory / "dump.rdb").exists()


def test_reload_without_a_file_keeps_the_data(servers, binary):
    server = start(servers, binary)
    with server.raw() as client:
        client.call("SET", "k", "v")
        reply = client.call("DEBUG", "RELOAD", "NOSAVE")
        assert str(reply).startswith("-ERR Error trying to load the RDB dump")
        if binary.is_vigil:
            assert client.call("GET", "k").value == b"v"


def test_reload_beside_what_is_there(servers, binary):
    server = start(servers, binary)
    with server.raw() as client:
        client.call("SET", "file", "1", "EX", "1000")
        client.call("SET", "both", "of the file")
        client.call("SELECT", "3")
        client.call("RPUSH", "elsewhere", "a", "b")
        client.call("SAVE")
        client.call("SELECT", "0")
        client.call("DEL", "file")
        client.call("SET", "both", "of memory")
        client.call("SET", "memory", "2")
        assert client.call("DEBUG", "RELOAD", "MERGE", "NOSAVE", "NOFLUSH").value == b"OK"
        assert client.call("MGET", "file", "both", "memory").plain() == [b"1", b"of the file", b"2"]
        assert 900 < client.call("TTL", "file").value <= 1000
        client.call("SELECT", "3")
        assert client.call("LRANGE", "elsewhere", "0", "-1").plain() == [b"a", b"b"]
        client.call("SELECT", "0")
        # Without MERGE a key that both have is an error. redis-server ends; Vigil keeps what it has.
        if binary.is_vigil:
            client.call("SET", "both", "of memory")
            assert str(client.call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")).startswith("-ERR Error trying to load")
            assert client.call("MGET", "file", "both", "memory").plain() == [b"1", b"of memory", b"2"]
        client.call("FLUSHALL")
        client.call("SET", "memory", "2")
        assert client.call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH").value == b"OK"
        assert client.call("MGET", "file", "both", "memory").plain() == [b"1", b"of the file", b"2"]


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_load_the_aof(servers, binary, preamble):
    options = {"appendonly": "yes", "aof-use-rdb-preamble": preamble}
    server, other = (start(servers, binary, options=options) for _ in range(2))
    for one in (server, other):
        with one.raw() as client:
            fill(client)
            client.call("BGREWRITEAOF")
            one.wait_info("persistence", aof_rewrite_in_progress=0, aof_rewrite_scheduled=0)
            client.call("APPEND", "key:1", "behind the base")
            client.call("DEL", "key:2")
    with server.raw() as client:
        before = client.call("DEBUG", "DIGEST").value
        assert client.call("DEBUG", "LOADAOF").value == b"OK"
        assert client.call("DEBUG", "DIGEST").value == before
        client.call("SET", "later", "v")
        assert client.call("DEBUG", "LOADAOF").value == b"OK"
        assert client.call("GETDEL", "later").value == b"v"
    assert_same_data(server, other)
    server.stop()
    server.start()
    assert_same_data(server, other)


def test_an_aof_that_cannot_be_loaded_leaves_the_data(servers, vigil):
    server = start(servers, vigil, options={"appendonly": "yes"})
    with server.raw() as client:
        client.call("SET", "k", "v")
        base = next((server.directory / "appendonlydir").glob("*.base.rdb"))
        whole = base.read_bytes()
        base.write_bytes(b"REDIS0011nonsense")
        assert str(client.call("DEBUG", "LOADAOF")).startswith("-ERR Error trying to load the AOF files")
        assert client.call("GET", "k").value == b"v"
        base.write_bytes(whole)
        assert client.call("DEBUG", "LOADAOF").value == b"OK"
        assert client.call("GET", "k").value == b"v"
        client.call("CONFIG", "SET", "appendonly", "no")
        wait_until("it is off", lambda: client.call("DEBUG", "LOADAOF").is_error)


def test_the_aof_is_loaded_under_load(servers, vigil):
    server = start(servers, vigil, options={"io-threads": "2", "appendonly": "yes"})
    with server.raw() as writer, server.raw() as client:
        fill(client)
        for round_ in range(5):
            client.send("DEBUG", "LOADAOF")
            for n in range(200):
                writer.send("INCR", "counter")
            assert [writer.read().value for _ in range(200)] == list(range(round_ * 200 + 1, round_ * 200 + 201))
            assert client.read().value == b"OK"


def test_flushing_the_aof_may_sleep(servers, binary):
    server = start(servers, binary, options={"appendonly": "yes"})
    with server.raw() as client:
        client.call("DEBUG", "AOF-FLUSH-SLEEP", "200000")
        began = time.monotonic()
        client.call("SET", "k", "v")
        assert time.monotonic() - began >= 0.2
        client.call("DEBUG", "AOF-FLUSH-SLEEP", "0")
        client.call("SET", "k", "w")
    server.stop()
    server.start()
    assert server.call("GET", "k") == b"w"


def test_nothing_is_lost_under_load(servers, vigil):
    server = start(servers, vigil, options={"io-threads": "2"})
    with server.raw() as writer, server.raw() as client:
        fill(client)
        for round_ in range(5):
            client.send("DEBUG", "RELOAD")
            for n in range(200):
                writer.send("INCR", "counter")
            replies = [writer.read().value for _ in range(200)]
            assert client.read().value == b"OK"
            assert replies == list(range(round_ * 200 + 1, round_ * 200 + 201))
        assert client.call("GET", "counter").value == b"1000"


def test_the_threshold_of_packed_lists_is_checked(servers, binary):
    server = start(servers, binary)
    with server.raw() as client:
        answers = [str(client.call("DEBUG", "QUICKLIST-PACKED-THRESHOLD", size))
                   for size in ("0", "100", "1gb", "4293918720", "4293918721", "4gb", "x", "-1")]
        assert answers == 4 * ["+OK"] + 4 * ["-ERR argument must be a memory value bigger than 1 and smaller than 4gb"]
        client.call("RPUSH", "list", "small", "x" * 200_000, "small")
        assert [len(item) for item in client.call("LRANGE", "list", 0, -1).plain()] == [5, 200_000, 5]


def test_change_repl_id(servers, binary, oracle):
    master = start(servers, binary, options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(oracle)
    replicate(replica, master.port)
    wait_link(replica)
    old = master.info("replication")
    assert master.call("DEBUG", "CHANGE-REPL-ID") == b"OK"
    new = master.info("replication")
    assert new["master_replid"] != old["master_replid"] and new["master_replid2"] == "0" * 40
    full = sync_counts(master)[0]
    replica.call("CLIENT", "KILL", "TYPE", "master")
    wait_until("it asks for everything", lambda: sync_counts(master)[0] == full + 1)
    wait_link(replica)


def test_rewrite_of_everything(servers, vigil, oracle):
    names = []
    for binary in (vigil, oracle):
        server = start(servers, binary, config_file="# mine\nhz 20\n")
        assert server.call("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == b"OK"
        text = server.config_path.read_text()
        assert text.startswith("# mine\nhz 20\n")
        names.append(set(re.findall(r"^([a-z-]+) ", text, re.MULTILINE)))
        server.stop()
        server.start()
    # Empty texts say nothing, and are left out here also where redis-server writes them.
    assert names[1] - {"user", "aclfile", "ignore-warnings", "logfile"} <= names[0], names[1] - names[0]


def test_clients_that_are_links_can_be_killed(servers, binary, oracle):
    master = servers.start(binary, options={"repl-diskless-sync-delay": "0"})
    replica = servers.start(oracle)
    replicate(replica, master.port)
    wait_link(replica)
    full, partial = sync_counts(master)
    assert master.call("CLIENT", "KILL", "TYPE", "replica") == 1
    wait_until("it comes back", lambda: sync_counts(master) == (full, partial + 1))
    wait_link(replica)
    follower = servers.start(binary)
    replicate(follower, replica.port)
    wait_link(follower)
    full, partial = sync_counts(replica)
    assert follower.call("CLIENT", "KILL", "TYPE", "master") == 1
    wait_until("it comes back", lambda: sync_counts(replica) == (full, partial + 1))
    wait_link(follower)
