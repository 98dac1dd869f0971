"""Clients that wait: for a key, or for replicas. Beside redis-server, asked the same."""

import pytest

from harness.waiting import wait_until


@pytest.fixture(params=["vigil", "redis"])
def binary(request):
    return request.getfixturevalue("vigil" if request.param == "vigil" else "oracle")


@pytest.fixture
def server(servers, binary):
    return servers.start(binary, options={"enable-debug-command": "yes"})


def waits(control, client, *words):
    """Sends a command that waits, and returns when CLIENT LIST, which `control` asks for, shows that it does."""
    name = client.call("CLIENT", "ID").value
    client.send(*words)
    wait_until(f"{words} waits", lambda: b"flags=b " in control.call("CLIENT", "LIST", "ID", name).value)


@pytest.mark.parametrize("longest", [("BLPOP", "none", "9000000000000000"), ("BLPOP", "none", "10000000000000"),
                                     ("WAIT", "1", "9000000000000000000")])
def test_a_timeout_beyond_all_clocks_holds_up_no_other(servers, binary, longest):
    server = servers.start(binary, options={"io-threads": "1"})
    with server.raw() as patient, server.raw() as other, server.raw() as third:
        patient.call("SET", "k", "v")
        patient.send(*longest)
        wait_until("it waits", lambda: b"cmd=" + longest[0].lower().encode() in third.call("CLIENT", "LIST").value)
        other.send("BLPOP", "other", "0.01")
        assert str(other.read(timeout=20)) == "*nil"
        other.send("WAIT", "1", "10")
        assert other.read(timeout=20).value == 0
        patient.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            patient.read()


def test_timeouts_of_wait(server):
    with server.raw() as client:
        if server.binary.is_vigil:  # 7.0 calculates with it
            assert str(client.call("WAIT", "1", str(2 ** 63 - 1))) == "-ERR timeout is out of range"
        assert str(client.call("WAIT", "1", "-1")) == "-ERR timeout is negative"
        assert str(client.call("WAIT", "1", "x")) == "-ERR timeout is not an integer or out of range"


@pytest.mark.parametrize("command", ["PUBLISH", "SPUBLISH"])
def test_a_pause_of_writes_holds_messages_back(server, command):
    """They would enter the stream of the replicas."""
    with server.raw() as client, server.raw() as publisher:
        client.call("CLIENT", "PAUSE", "100000", "WRITE")
        waits(client, publisher, command, "channel", "message")
        client.call("CLIENT", "UNPAUSE")
        assert publisher.read().value == 0


@pytest.mark.parametrize("mode", ["OFF", "SKIP"])
@pytest.mark.parametrize("end", ["served", "timed out", "unblocked", "unblocked with an error"])
def test_no_reply_is_sent_that_is_not_wanted(server, mode, end):
    with server.raw() as control, server.raw() as client:
        name = client.call("CLIENT", "ID").value
        client.send("CLIENT", "REPLY", mode)
        client.send("BLPOP", "k", "0.1" if end == "timed out" else "0")
        if end != "timed out":
            wait_until("it waits", lambda: b"flags=b " in control.call("CLIENT", "LIST", "ID", name).value)
        if end == "served":
            assert control.call("RPUSH", "k", "v").value == 1
        elif end != "timed out":
            assert control.call("CLIENT", "UNBLOCK", name, "ERROR" if "error" in end else "TIMEOUT").value == 1
        if mode == "OFF":
            client.send("CLIENT", "REPLY", "ON")
            assert str(client.read()) == "+OK"
        assert str(client.call("PING")) == "+PONG"


@pytest.mark.parametrize("end, answer", [(["TIMEOUT"], ":0"), ([], ":0"),
                                         (["ERROR"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK")])
@pytest.mark.parametrize("timeout", ["0", "100000"])
def test_wait_is_a_wait_that_can_be_ended(server, end, answer, timeout):
    with server.raw() as control, server.raw() as client:
        name = client.call("CLIENT", "ID").value
        client.call("SET", "k", "v")
        waits(control, client, "WAIT", "1", timeout)
        assert server.info("clients")["blocked_clients"] == "1"
        client.send("GET", "k")
        assert control.call("CLIENT", "UNBLOCK", name, *end).value == 1
        assert str(client.read()) == answer
        assert client.read().value == b"v"
        assert control.call("CLIENT", "UNBLOCK", name).value == 0
        assert server.info("clients")["blocked_clients"] == "0"
        assert client.call("WAIT", "1", "1").value == 0
        assert server.info("clients")["blocked_clients"] == "0"
        assert b"flags=N " in client.call("CLIENT", "INFO").value


def test_a_wait_ends_with_its_client(server):
    with server.raw() as control:
        for _ in range(20):
            with server.raw() as client:
                waits(control, client, "WAIT", "1", "0")
        wait_until("nobody waits", lambda: server.info("clients")["blocked_clients"] == "0")
