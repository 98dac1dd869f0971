"""CLIENT and its kind, where replies depend on ids and addresses, so that scripts cannot compare them."""

import re
import socket
import time

import pytest

from harness.resp import Closed, RawClient
from harness.waiting import wait_until


@pytest.fixture(params=["vigil", "redis"])
def server(request, servers):
    return servers.start(request.getfixturevalue("vigil" if request.param == "vigil" else "oracle"))


def fields(line):
    return dict(word.split("=", 1) for word in line.strip().decode().split(" "))


def assert_closed(client):
    with pytest.raises((Closed, OSError)):
        client.call("PING")
        client.call("PING")


def test_list_and_info(server):
    with server.raw() as first, server.raw() as second, server.raw() as blocked:
        first.call("CLIENT", "SETNAME", "one")
        second.call("SELECT", 3)
        second.call("MULTI")
        blocked.send("BLPOP", "none", "0")
        server.wait_info("clients", blocked_clients=1)
        # The connection that asked INFO may not be gone yet: closing it is its own worker's business.
        wait_until("three clients are listed", lambda: len(first.call("CLIENT", "LIST").value.splitlines()) == 3)
        lines = [fields(line) for line in first.call("CLIENT", "LIST").value.splitlines()]
        mine, other, waiting = sorted(lines, key=lambda line: int(line["id"]))
        address = "%s:%d" % first.socket.getsockname()
        assert (mine["name"], mine["addr"], mine["laddr"]) == ("one", address, f"127.0.0.1:{server.port}")
        assert (mine["cmd"], mine["flags"], mine["db"], mine["user"], mine["resp"]) == ("client|list", "N", "0", "default", "2")
        assert (other["db"], other["flags"], other["multi"], other["cmd"]) == ("3", "x", "0", "multi")
        assert (waiting["flags"], waiting["cmd"]) == ("b", "blpop")
        assert fields(first.call("CLIENT", "INFO").value)["id"] == str(first.call("CLIENT", "ID").value)
        some = first.call("CLIENT", "LIST", "ID", other["id"], waiting["id"]).value.splitlines()
        assert [fields(line)["id"] for line in some] == [other["id"], waiting["id"]]


def test_kill_by_all_filters(server):
    with server.raw() as killer:
        victims = [server.raw() for _ in range(4)]
        for victim in victims:
            victim.call("PING")
        assert killer.call("CLIENT", "KILL", "%s:%d" % victims[0].socket.getsockname()).value == b"OK"
        assert killer.call("CLIENT", "KILL", "ADDR", "%s:%d" % victims[1].socket.getsockname()).value == 1
        assert killer.call("CLIENT", "KILL", "ID", victims[2].call("CLIENT", "ID").value, "TYPE", "normal").value == 1
        for victim in victims[:3]:
            assert_closed(victim)
        assert killer.call("CLIENT", "KILL", "USER", "default", "LADDR", f"127.0.0.1:{server.port}").value == 1
        assert_closed(victims[3])
        assert killer.call("CLIENT", "KILL", "TYPE", "normal").value == 0
        assert killer.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no").value == 1
        assert_closed(killer)


def test_a_killed_blocked_client_takes_nothing(server):
    with server.raw() as client, server.raw() as blocked:
        name = blocked.call("CLIENT", "ID").value
        blocked.send("BLPOP", "list", "0")
        server.wait_info("clients", blocked_clients=1)
        assert client.call("CLIENT", "KILL", "ID", name).value == 1
        server.wait_info("clients", blocked_clients=0)
        client.call("RPUSH", "list", "a")
        assert client.call("LLEN", "list").value == 1
        assert_closed(blocked)


def test_unblock(server):
    with server.raw() as client, server.raw() as blocked:
        name = blocked.call("CLIENT", "ID").value
        assert client.call("CLIENT", "UNBLOCK", name).value == 0
        for words, answer in (([], "*nil"), (["TIMEOUT"], "*nil"),
                              (["ERROR"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK")):
            blocked.send("BLPOP", "none", "0")
            server.wait_info("clients", blocked_clients=1)
            assert client.call("CLIENT", "UNBLOCK", name, *words).value == 1
            assert str(blocked.read()) == answer
        blocked.send("BLMOVE", "none", "x", "LEFT", "LEFT", "0")
        server.wait_info("clients", blocked_clients=1)
        client.call("CLIENT", "UNBLOCK", name)
        assert str(blocked.read()) == "*nil"


def test_pause_holds_writes_and_then_lets_them_go(server):
    with server.raw() as client, server.raw() as writer, server.raw() as reader:
        client.call("SET", "k", "0")
        client.call("CLIENT", "PAUSE", 100000, "WRITE")
        writer.send("SET", "k", "1")
        assert reader.call("GET", "k").value == b"0"
        with pytest.raises(socket.timeout):
            writer.read(timeout=0.2)
        assert client.call("CLIENT", "UNPAUSE").value == b"OK"
        assert writer.read(timeout=60).value == b"OK"
        assert reader.call("GET", "k").value == b"1"


def test_pause_of_everything_ends_by_itself(server):
    with server.raw() as client, server.raw() as reader:
        before = time.monotonic()
        client.call("CLIENT", "PAUSE", 400, "ALL")
        assert reader.call("GET", "k").value is None
        assert time.monotonic() - before >= 0.4


def test_pause_stops_expiry(server):
    with server.raw() as client:
        client.call("SET", "k", "v", "PX", 50)
        client.call("CLIENT", "PAUSE", 100000, "WRITE")
        wait_until("it has expired for readers", lambda: client.call("GET", "k").value is None)
        assert client.call("DBSIZE").value == 1
        client.call("CLIENT", "UNPAUSE")
        wait_until("it is removed", lambda: client.call("DBSIZE").value == 0)


def test_ipv6(servers, vigil):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = servers.start(vigil, options={"bind": "127.0.0.1 ::1"})
    with RawClient(server.port, host="::1") as client:
        assert re.search(rb" addr=\[::1\]:\d+ laddr=\[::1\]:%d " % server.port, client.call("CLIENT", "INFO").value)


def test_protected_mode(servers, vigil):
    """Without a password, a server that is bound to all addresses answers only loopback, and says so."""
    address = next((line for line in _own_addresses() if not line.startswith("127.")), None)
    if address is None:
        pytest.skip("this machine has no address besides loopback")
    server = servers.start(vigil, options={"bind": "*", "protected-mode": "yes"})
    with RawClient(server.port, host=address) as client:
        assert client.read_until_closed().startswith(b"-DENIED Redis is running in protected mode because protected mode is enabled")
    assert server.call("PING") == b"PONG"


def _own_addresses():
    try:
        return {item[4][0] for item in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        return set()
