"""MONITOR on both servers: which commands are shown, how, and in which order."""

import re
import threading

import pytest

from harness.resp import Closed
from harness.waiting import wait_until

LINE = re.compile(rb"^(\d+\.\d{6}) \[(\d+) ([^\]]+)\] (.*)$")
MARK = "end of the test"


@pytest.fixture(params=["vigil", "redis"])
def binary(request):
    return request.getfixturevalue("vigil" if request.param == "vigil" else "oracle")


@pytest.fixture
def server(servers, binary):
    return servers.start(binary)


def watch(server):
    client = server.raw()
    assert str(client.call("MONITOR")) == "+OK"
    return client


def lines(server, watcher):
    """(time, db, source, text) of everything up to now."""
    with server.raw() as client:
        client.call("ECHO", MARK)
    shown = []
    while True:
        reply = watcher.read()
        assert reply.kind == "+"
        time, db, source, text = LINE.match(reply.value).groups()
        if MARK.encode() in text:
            return shown
        shown.append((float(time), int(db), source.decode(), text.decode()))


def texts(server, watcher):
    return [line[3] for line in lines(server, watcher)]


def source(client):
    return "%s:%d" % client.socket.getsockname()


def test_a_line_has_the_time_the_database_the_client_and_the_quoted_arguments(server):
    with watch(server) as watcher, server.raw() as client:
        client.call("set", "a", b'x\x00"\\\n\r\t\x07\xff ')
        client.call("SELECT", "3")
        client.call("Get", "")
        shown = lines(server, watcher)
        now = [int(part) for part in client.call("TIME").plain()]
        assert [line[1:] for line in shown] == [(0, source(client), r'"set" "a" "x\x00\"\\\n\r\t\a\xff "'),
                                                (3, source(client), '"SELECT" "3"'), (3, source(client), '"Get" ""')]
        assert 0 <= now[0] + now[1] / 1e6 - shown[0][0] < 60
        assert [line[0] for line in shown] == sorted(line[0] for line in shown)


def test_clients_of_a_unix_socket_are_shown_by_its_path(servers, binary, tmp_path):
    path = str(tmp_path / "s")
    server = servers.start(binary, options={"unixsocket": path})
    with watch(server) as watcher, server.raw(unix=path) as client:
        client.call("INCR", "n")
        assert [line[2] for line in lines(server, watcher)] == [f"unix:{path}"]


def test_what_is_refused_or_administrative_is_not_shown(server):
    with watch(server) as watcher, server.raw() as client:
        for words in (["NOSUCH"], ["GET"], ["CONFIG", "GET", "port"], ["CLIENT", "LIST"], ["ACL", "LIST"],
                      ["SLOWLOG", "LEN"], ["MONITOR", "x"], ["LPUSH"], ["ACL", "WHOAMI"]):
            client.call(*words)
        client.call("SET", "s", "x")
        assert client.call("LPUSH", "s", "x").is_error  # it was executed
        assert texts(server, watcher) == ['"ACL" "WHOAMI"', '"SET" "s" "x"', '"LPUSH" "s" "x"']


def test_secrets_are_hidden(server):
    with watch(server) as watcher, server.raw() as client:
        client.call("AUTH", "secret")
        client.call("AUTH", "someone", "secret")
        client.call("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "n")
        client.call("SET", "a", "1")
        client.call("MIGRATE", "127.0.0.1", "1", "a", "0", "10", "COPY", "AUTH", "secret")
        client.call("MIGRATE", "127.0.0.1", "1", "a", "0", "10", "AUTH2", "name", "secret")
        assert texts(server, watcher) == [
            '"AUTH" "(redacted)"', '"AUTH" "(redacted)" "(redacted)"',
            '"HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "n"', '"SET" "a" "1"',
            '"MIGRATE" "127.0.0.1" "1" "a" "0" "10" "COPY" "AUTH" "(redacted)"',
            '"MIGRATE" "127.0.0.1" "1" "a" "0" "10" "AUTH2" "(redacted)" "(redacted)"']


def test_a_transaction_is_shown_when_it_is_executed(server):
    with watch(server) as watcher, server.raw() as client, server.raw() as other:
        client.call("MULTI")
        client.call("SET", "a", "1")
        client.call("CONFIG", "GET", "port")
        other.call("PING")
        client.call("GET", "a")
        client.call("EXEC")
        client.call("MULTI")
        client.call("NOSUCH")
        client.call("EXEC")
        client.call("WATCH", "a")
        other.call("SET", "a", "2")
        client.call("MULTI")
        client.call("GET", "a")
        client.call("EXEC")
        client.call("MULTI")
        client.call("GET", "a")
        client.call("DISCARD")
        assert texts(server, watcher) == [
            '"MULTI"', '"PING"', '"SET" "a" "1"', '"GET" "a"', '"EXEC"', '"MULTI"', '"EXEC"', '"WATCH" "a"',
            '"SET" "a" "2"', '"MULTI"', '"EXEC"', '"MULTI"', '"DISCARD"']


def test_a_command_that_waits_is_shown_once(server):
    with watch(server) as watcher, server.raw() as client, server.raw() as other:
        client.send("BLPOP", "l", "0")
        server.wait_info("clients", blocked_clients=1)
        other.call("RPUSH", "l", "x")
        client.read()
        shown = [text for text in texts(server, watcher) if not text.startswith('"INFO"')]
        assert shown == ['"BLPOP" "l" "0"', '"RPUSH" "l" "x"']


def test_one_who_watches_is_a_client_of_its_own_kind(server):
    with watch(server) as watcher, server.raw() as client:
        assert str(watcher.call("GET", "a")) == "-ERR Replica can't interact with the keyspace"
        assert str(watcher.call("PUBLISH", "a", "b")) == "-ERR Replica can't interact with the keyspace"
        assert str(watcher.call("PING")) == "+PONG"
        assert watcher.read().value.endswith(b'"PING"')
        watcher.send("MONITOR")  # no answer
        assert b" flags=O " in client.call("CLIENT", "LIST", "ID", watcher.call("CLIENT", "ID").value).value
        assert watcher.read().value.endswith(b'"CLIENT" "ID"')
        assert str(watcher.call("RESET")) == "+RESET"
        client.call("SET", "a", "1")
        assert str(watcher.call("GET", "a")) == '"1"'
        assert b" flags=N " in watcher.call("CLIENT", "INFO").value
        watcher.call("MULTI")
        watcher.call("MONITOR")
        assert str(watcher.call("EXEC")) == "[-ERR MONITOR isn't allowed for DENY BLOCKING client]"
        assert client.call("CLIENT", "KILL", "TYPE", "normal").value >= 1


def test_one_who_does_not_read_is_closed(servers, binary):
    server = servers.start(binary, options={"client-output-buffer-limit": "normal 1mb 0 0"})
    with watch(server) as watcher, server.raw() as client:
        for _ in range(400):
            client.call("SET", "a", "x" * 100_000)
        wait_until("the client is closed", lambda: b"flags=O" not in client.call("CLIENT", "LIST").value)
        with pytest.raises((Closed, OSError)):
            while True:
                watcher.read()


def test_a_replica_shows_what_its_master_sends(servers, binary):
    master = servers.start(binary)
    replica = servers.start(binary, options={"replicaof": f"127.0.0.1 {master.port}"})
    replica.wait_info("replication", master_link_status="up")
    with watch(replica) as watcher, master.raw() as client, replica.raw() as reader:
        client.call("SELECT", "2")
        client.call("SET", "a", "1")
        client.call("MULTI")
        client.call("SET", "b", "1")
        client.call("INCR", "b")
        client.call("EXEC")
        reader.call("SELECT", "2")
        wait_until("the replica has it", lambda: str(reader.call("GET", "b")) == '"2"')
        shown = [line[1:] for line in lines(replica, watcher) if line[2] == f"127.0.0.1:{master.port}"]
        shown = [line for line in shown if line[2] not in ('"ping"', '"PING"')]
        where = (2, f"127.0.0.1:{master.port}")
        assert [text.lower() for _, _, text in shown] == ['"select" "2"', '"set" "a" "1"', '"multi"', '"set" "b" "1"',
                                                          '"incr" "b"', '"exec"']
        assert all(line[:2] == where for line in shown)


def test_nothing_is_lost_or_reordered(server):
    """Each client's commands in their order, the same for two who watch, in times that do not go back."""
    clients, count = 4, 500

    def work(number):
        with server.raw() as client:
            for start in range(0, count, 50):
                client.pipeline([("SET", f"k{number}", str(n)) for n in range(start, start + 50)])

    with watch(server) as first, watch(server) as second:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shown = lines(server, first)
        assert shown == [line for line in lines(server, second) if MARK not in line[3]]
        assert [line[0] for line in shown] == sorted(line[0] for line in shown)
        for number in range(clients):
            mine = [line[3] for line in shown if f'"k{number}"' in line[3]]
            assert mine == [f'"SET" "k{number}" "{n}"' for n in range(count)]
