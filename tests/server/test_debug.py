"""DEBUG RELOAD, CHANGE-REPL-ID and CONFIG-REWRITE-FORCE-ALL, and which subcommands there are."""

import re

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
