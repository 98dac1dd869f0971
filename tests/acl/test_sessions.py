"""What a change of users does to connections, on all workers; blocked calls; the log of 7.2; what INFO counts."""

import time

import pytest
import redis

from harness.resp import Closed
from harness.waiting import wait_until

WORKERS = {"io-threads": "4"}


def connect(server, user, password="x", protocol=2):
    client = server.raw()
    if protocol == 3:
        assert client.call("HELLO", "3", "AUTH", user, password).kind == "%"
    else:
        assert client.call("AUTH", user, password).value == b"OK"
    return client


def is_closed(client):
    try:
        client.call("PING")
        return False
    except (Closed, OSError):
        return True


def make(server, name, *rules):
    server.call("ACL", "SETUSER", name, "on", "nopass", "allkeys", "allchannels", "+@all", *rules)


def test_clients_of_a_deleted_user_are_closed_on_every_worker(servers, vigil):
    server = servers.start(vigil, options=WORKERS)
    make(server, "u")
    make(server, "v")
    gone = [connect(server, "u") for _ in range(12)]
    stay = [connect(server, "v") for _ in range(4)]
    gone[0].send("BLPOP", "list", "0")
    gone[1].send("BLPOP", "list", "0")
    server.wait_info("clients", blocked_clients=2)
    assert server.call("ACL", "DELUSER", "u") == 1
    assert b"user=u " not in server.call("CLIENT", "LIST")
    for client in gone:
        with pytest.raises((Closed, OSError)):
            client.read(timeout=20)
    assert not any(is_closed(client) for client in stay)
    server.wait_info("clients", blocked_clients=0)
    server.call("RPUSH", "list", "a")
    assert server.call("LLEN", "list") == 1


def test_a_user_who_is_made_anew_is_another(servers, vigil):
    server = servers.start(vigil, options=WORKERS)
    for _ in range(20):
        make(server, "u")
        clients = [connect(server, "u") for _ in range(4)]
        with server.raw() as admin:
            for words in (("ACL", "DELUSER", "u"), ("ACL", "SETUSER", "u", "on", "nopass", "+@all")):
                admin.send(*words)
            assert admin.read().value == 1
            assert admin.read().value == b"OK"
        assert all(is_closed(client) for client in clients)


def test_who_deletes_itself_gets_the_answer(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary)
        make(server, "u")
        client = connect(server, "u")
        assert client.call("ACL", "DELUSER", "u").value == 1
        assert is_closed(client)


def test_rights_change_at_once_for_all(servers, vigil):
    """After the change was answered no connection, on whichever worker, has the old rights."""
    server = servers.start(vigil, options=WORKERS)
    make(server, "u")
    clients = [connect(server, "u") for _ in range(8)]
    with server.raw() as admin:
        for i in range(50):
            admin.call("ACL", "SETUSER", "u", "-get" if i % 2 == 0 else "+get")
            for client in clients:
                assert client.call("GET", "k").is_error == (i % 2 == 0)


def test_a_new_password_keeps_sessions(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary)
        server.call("ACL", "SETUSER", "u", "on", ">old", "+@all", "allkeys")
        client = connect(server, "u", "old")
        server.call("ACL", "SETUSER", "u", "resetpass", ">new", "off")
        assert client.call("GET", "k").value is None
        assert client.call("AUTH", "u", "new").is_error
        server.call("ACL", "SETUSER", "u", "on")
        assert client.call("AUTH", "u", "old").is_error
        assert client.call("AUTH", "u", "new").value == b"OK"


def test_acl_load_closes_those_whose_user_changed(servers, vigil):
    server = servers.create(vigil, options={"aclfile": "users.acl", **WORKERS})
    path = server.directory / "users.acl"
    path.write_text("user same on nopass +@all\nuser changed on nopass +@all\nuser gone on nopass +@all\n")
    server.start()
    clients = {name: [connect(server, name) for _ in range(4)] for name in ("same", "changed", "gone")}
    plain = server.raw()
    assert plain.call("PING").value == b"PONG"
    path.write_text("user same on nopass +@all\nuser changed on nopass +@all -get\n")
    assert clients["gone"][0].call("ACL", "LOAD").value == b"OK"  # and hears it before it goes
    for name, some in clients.items():
        wait_until(name, lambda some=some, name=name: [is_closed(client) for client in some] == [name != "same"] * 4)
    assert plain.call("PING").value == b"PONG"


def test_a_blocked_call_is_checked_when_it_is_served(servers, vigil):
    server = servers.start(vigil, options=WORKERS)
    make(server, "u")
    denied, allowed, keyless = connect(server, "u"), server.raw(), connect(server, "u")
    denied.send("BLPOP", "list", "0")
    server.wait_info("clients", blocked_clients=1)
    allowed.send("BLPOP", "list", "0")
    server.wait_info("clients", blocked_clients=2)
    keyless.send("BLMOVE", "other", "to", "LEFT", "LEFT", "0")
    server.wait_info("clients", blocked_clients=3)
    server.call("ACL", "SETUSER", "u", "-blpop", "resetkeys", "%R~other")
    server.call("RPUSH", "list", "a")
    assert str(denied.read()) == "-NOPERM this user has no permissions to run the 'blpop' command"
    assert allowed.read().plain() == [b"list", b"a"]
    server.call("RPUSH", "other", "b")
    assert str(keyless.read()) == "-NOPERM this user has no permissions to access one of the keys used as arguments"
    assert server.call("LRANGE", "other", "0", "-1") == [b"b"]
    log = server.redis().acl_log()
    assert [(entry["reason"], entry["object"]) for entry in log] == [("key", "other"), ("command", "blpop")]
    server.wait_info("clients", blocked_clients=0)


def test_an_unauthenticated_client_is_let_in_when_the_password_goes(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"requirepass": "secret"})
        admin = connect(server, "default", "secret")
        client = server.raw()
        assert str(client.call("GET", "k")) == "-NOAUTH Authentication required."
        admin.call("CONFIG", "SET", "requirepass", "")
        assert client.call("GET", "k").value is None
        assert client.call("SET", "k", "v" * 100_000).value == b"OK"  # more than the unauthenticated may send
        admin.call("CONFIG", "SET", "requirepass", "other")
        assert str(client.call("GET", "k")) == "-NOAUTH Authentication required."
        assert admin.call("PING").value == b"PONG"
        assert admin.call("RESET").value == b"RESET"
        assert str(admin.call("PING")) == "-NOAUTH Authentication required."


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_log(servers, vigil, protocol):
    server = servers.start(vigil)
    server.call("ACL", "SETUSER", "u", "on", ">p", "+get", "+multi", "+exec", "~a")
    client = connect(server, "u", "p", protocol)
    before = time.time() * 1000
    for words in (("GET", "b"), ("SET", "a", "1"), ("GET", "b"), ("AUTH", "u", "wrong"), ("MULTI",), ("GET", "b"), ("EXEC",)):
        client.call(*words)
    with server.raw() as reader:
        reader.call("HELLO", str(protocol))
        entries = reader.call("ACL", "LOG")
        assert all(entry.kind == ("%" if protocol == 3 else "*") for entry in entries.value)
        assert all(entry.value[11].kind == ("," if protocol == 3 else "$") for entry in entries.value)
        entries = [entry.plain() for entry in entries.value]
        entries = [dict(zip(entry[::2], entry[1::2])) if isinstance(entry, list) else entry for entry in entries]
    assert [(e[b"count"], e[b"reason"], e[b"context"], e[b"object"], e[b"username"], e[b"entry-id"]) for e in entries] == [
        (1, b"key", b"multi", b"b", b"u", 3), (1, b"auth", b"toplevel", b"AUTH", b"u", 2),
        (2, b"key", b"toplevel", b"b", b"u", 0), (1, b"command", b"toplevel", b"set", b"u", 1)]
    for entry in entries:
        assert before - 1000 <= entry[b"timestamp-created"] <= entry[b"timestamp-last-updated"] <= time.time() * 1000 + 1000
        assert 0 <= float(entry[b"age-seconds"]) < 60
        assert b"user=u" in entry[b"client-info"] and b"cmd=" in entry[b"client-info"]
    stats = server.info("stats")
    assert [stats[f"acl_access_denied_{kind}"] for kind in ("auth", "cmd", "key", "channel")] == ["1", "1", "3", "0"]


def test_redis_py(servers, vigil):
    server = servers.start(vigil, options=WORKERS)
    admin = server.redis(decode_responses=True)
    assert admin.acl_setuser("u", enabled=True, passwords=["+p"], keys=["cache:*"], commands=["+get", "+set", "+config|get", "+multi", "+exec"],
                             categories=["+@list"])
    user = admin.acl_getuser("u")
    assert user["enabled"] and user["flags"] == ["on"] and len(user["passwords"]) == 1
    client = server.redis(username="u", password="p", decode_responses=True)
    assert client.set("cache:1", "v") and client.get("cache:1") == "v"
    assert client.config_get("hz")
    assert client.lpush("cache:l", "x") == 1
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.get("other")
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.acl_whoami()
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGPASS"):
        server.redis(username="u", password="wrong").ping()
    assert "u" in admin.acl_users() and admin.acl_whoami() == "default"
    assert any(line.startswith("user u on #") for line in admin.acl_list())
    assert "read" in admin.acl_cat() and "get" in admin.acl_cat("read")
    assert len(admin.acl_genpass()) == 64
    assert admin.acl_log_reset()
    pipe = client.pipeline()
    pipe.set("cache:2", "a").get("cache:2")
    assert pipe.execute() == [True, "a"]
    with pytest.raises(redis.exceptions.NoPermissionError):  # of the command; EXEC's own error comes behind it
        client.pipeline().get("cache:1").get("other").execute()
    assert admin.acl_deluser("u") == 1
    # Its connection is closed, and a new one, if redis-py tries that, finds no such user.
    with pytest.raises((redis.exceptions.ConnectionError, redis.exceptions.ResponseError)):
        client.connection_pool.connection_kwargs["password"] = "p"
        client.ping()
