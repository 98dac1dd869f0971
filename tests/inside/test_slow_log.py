"""SLOWLOG on both servers: what is logged, and how."""

import pytest

from harness.waiting import wait_until

DEBUG = {"enable-debug-command": "yes"}


@pytest.fixture(params=["vigil", "redis"])
def server(request, servers):
    return servers.start(request.getfixturevalue("vigil" if request.param == "vigil" else "oracle"), options=DEBUG)


def entries(client, count="-1"):
    return [entry.plain() for entry in client.call("SLOWLOG", "GET", count).value]


def words(client):
    return [entry[3] for entry in entries(client)]


def test_slow_commands_are_told_apart_from_others_of_their_kind(server):
    """One pipeline of equal commands, of which two are slow."""
    with server.raw() as client:
        client.call("CLIENT", "SETNAME", "somebody")
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "50000")
        client.pipeline([("DEBUG", "SLEEP", "0.2" if number in (3, 7) else "0") for number in range(10)])
        found = entries(client)
        assert [entry[3] for entry in found] == [[b"DEBUG", b"SLEEP", b"0.2"]] * 2
        newest, oldest = found
        assert newest[0] == oldest[0] + 1
        assert all(200_000 <= entry[2] < 5_000_000 for entry in found)
        assert newest[5] == b"somebody"
        line = client.call("CLIENT", "INFO").value.decode()
        assert f"addr={newest[4].decode()} " in line
        assert client.call("SLOWLOG", "LEN").value == 2
        assert len(entries(client, "1")) == 1
        assert client.call("SLOWLOG", "RESET").value == b"OK"
        assert entries(client) == []


def test_everything_is_logged_from_zero_and_nothing_below(server):
    with server.raw() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        client.call("SLOWLOG", "RESET")
        client.call("set", "k", "v")
        client.call("GET")
        client.call("NOSUCH")
        client.call("LPUSH", "k", "x")
        assert words(client) == [[b"LPUSH", b"k", b"x"], [b"set", b"k", b"v"], [b"SLOWLOG", b"RESET"]]
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "-1")
        client.call("SLOWLOG", "RESET")
        client.call("DEBUG", "SLEEP", "0.01")
        assert words(client) == []


def test_long_commands_are_trimmed_and_secrets_hidden(server):
    with server.raw() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        client.call("SLOWLOG", "RESET")
        client.call("RPUSH", "list", *map(str, range(40)))
        client.call("SET", "k", "v" * 200)
        client.call("AUTH", "somebody", "secret")
        client.call("HELLO", "2", "AUTH", "default", "secret", "SETNAME", "x")
        client.call("CONFIG", "SET", "masterauth", "secret", "requirepass", "", "hz", "10")
        client.call("CONFIG", "SET", "masteruser", "somebody")
        client.call("ACL", "SETUSER", "somebody", "on", ">secret", "~*")
        client.call("ACL", "DELUSER", "somebody")
        logged = words(client)[:-1]
        assert logged[::-1] == [
            [b"RPUSH", b"list", *(str(n).encode() for n in range(29)), b"... (11 more arguments)"],
            [b"SET", b"k", b"v" * 128 + b"... (72 more bytes)"],
            [b"AUTH", b"(redacted)", b"(redacted)"],
            [b"HELLO", b"2", b"AUTH", b"(redacted)", b"(redacted)", b"SETNAME", b"x"],
            [b"CONFIG", b"SET", b"masterauth", b"(redacted)", b"requirepass", b"(redacted)", b"hz", b"10"],
            [b"CONFIG", b"SET", b"masteruser", b"(redacted)"],
            [b"ACL", b"SETUSER", b"(redacted)", b"(redacted)", b"(redacted)", b"(redacted)"],
            [b"ACL", b"DELUSER", b"somebody"],
        ]


def test_the_length_is_bounded(server):
    with server.raw() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "3")
        for number in range(10):
            client.call("SET", "k", str(number))
        assert client.call("SLOWLOG", "LEN").value == 3
        assert words(client) == [[b"SLOWLOG", b"LEN"], [b"SET", b"k", b"9"], [b"SET", b"k", b"8"]]
        client.call("CONFIG", "SET", "slowlog-max-len", "0")
        assert client.call("SLOWLOG", "LEN").value == 0


def test_commands_of_a_transaction_are_logged_and_exec_is_not(server):
    with server.raw() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        client.call("SLOWLOG", "RESET")
        client.pipeline([("MULTI",), ("SET", "k", "v"), ("DEBUG", "SLEEP", "0.05"), ("EXEC",)])
        found = entries(client)
        assert [entry[3][0] for entry in found] == [b"DEBUG", b"SET", b"MULTI", b"SLOWLOG"]
        assert found[0][2] >= 50_000 and found[1][2] < 50_000


def test_time_spent_blocked_does_not_count(server):
    with server.raw() as waiter, server.raw() as other:
        other.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        waiter.send("BLPOP", "list", "0")
        server.wait_info("clients", blocked_clients=1)
        other.call("DEBUG", "SLEEP", "0.2")
        assert b"cmdstat_blpop:calls=1" in other.call("INFO", "commandstats").value
        other.call("RPUSH", "list", "x")
        assert waiter.read().plain() == [b"list", b"x"]
        served = wait_until("the blocked call is logged", lambda: [e for e in entries(other) if e[3][0] == b"BLPOP"])[0]
        assert served[2] < 150_000
        waiter.call("BLPOP", "list", "0.05")
        assert b"cmdstat_blpop:calls=2" in other.call("INFO", "commandstats").value
        assert len([e for e in entries(other) if e[3] == [b"BLPOP", b"list", b"0.05"]]) == (1 if server.binary.is_vigil else 0)


def test_workers_share_one_log(servers, vigil):
    server = servers.start(vigil, options={**DEBUG, "io-threads": "3", "slowlog-log-slower-than": "0"})
    clients = [server.raw() for _ in range(6)]
    for number, client in enumerate(clients):
        client.call("SET", f"k{number}", "v")
    logged = entries(clients[0])
    assert {entry[3][1] for entry in logged if entry[3][0] == b"SET"} == {f"k{n}".encode() for n in range(6)}
    assert [entry[0] for entry in logged] == sorted((entry[0] for entry in logged), reverse=True)
    for client in clients:
        client.close()
