"""What a client may not do: too long, too many, too slow."""

import re

import pytest

from harness.resp import Closed, encode
from harness.waiting import wait_until


def test_a_client_that_does_not_read_is_dropped(servers, vigil):
    server = servers.start(vigil, options={"client-output-buffer-limit": "normal 1mb 0 0"})
    server.call("SET", "big", "x" * 300_000)
    with server.raw() as client:
        name = client.call("CLIENT", "SETNAME", "lazy")
        assert not name.is_error
        with pytest.raises(OSError):
            for _ in range(2000):
                client.send_bytes(encode(["GET", "big"]))
                if b"name=lazy" not in server.call("CLIENT", "LIST"):
                    raise OSError("dropped")
    wait_until("it is gone", lambda: b"name=lazy" not in server.call("CLIENT", "LIST"))
    assert server.call("PING") == b"PONG"


@pytest.mark.parametrize("side", ["vigil", "oracle"])
def test_the_soft_limit_ends_a_silent_subscriber(side, request, servers):
    server = servers.start(request.getfixturevalue(side), options={"client-output-buffer-limit": "pubsub 0 1mb 1"})
    with server.raw() as subscriber, server.raw() as publisher:
        subscriber.call("CLIENT", "SETNAME", "silent")
        subscriber.call("SUBSCRIBE", "channel")
        publisher.pipeline([("PUBLISH", "channel", "x" * 100_000)] * 60)  # more than the sockets hold
        wait_until("it is gone", lambda: b"name=silent" not in publisher.call("CLIENT", "LIST").value, timeout=20)
    assert re.search(r"Client id=\d+ addr=\S+ .*name=silent .*user=default.* (scheduled to be closed ASAP|closed) for "
                     "overcoming of output buffer limits", server.log_text())


def test_query_buffer_limit(servers, vigil):
    server = servers.start(vigil, options={"client-query-buffer-limit": "2mb"})
    with server.raw() as client:
        assert client.call("SET", "k", "x" * 1_000_000).value == b"OK"
        with pytest.raises((Closed, OSError)):
            client.send_bytes(b"*2\r\n$3\r\nGET\r\n$5000000\r\n")
            for _ in range(50):
                client.send_bytes(b"y" * 100_000)
            client.read(timeout=30)
    assert server.call("PING") == b"PONG"


def test_bulk_length_limit(servers, vigil):
    server = servers.start(vigil, options={"proto-max-bulk-len": "1mb"})
    with server.raw() as client:
        client.send_bytes(b"*2\r\n$3\r\nGET\r\n$1048577\r\n")
        assert str(client.read()) == "-ERR Protocol error: invalid bulk length"
        assert client.read_until_closed() == b""
    with server.raw() as client:
        client.call("SET", "k", "x" * 1_000_000)
        assert client.call("APPEND", "k", "y" * 100_000).value == \
            b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"


def test_no_argument_may_be_as_long_as_four_gigabytes(servers, vigil):
    """Sizes are kept in 32 bits: what redis-server takes for itself would be cut."""
    server = servers.start(vigil)
    with server.raw() as client:
        assert str(client.call("CONFIG", "SET", "proto-max-bulk-len", "4gb")) == \
            "-ERR CONFIG SET failed (possibly related to argument 'proto-max-bulk-len') - " \
            "argument must be between 1048576 and 4293918720 inclusive"
        assert client.call("CONFIG", "SET", "proto-max-bulk-len", "4095mb").value == b"OK"


def test_an_unauthenticated_client_may_not_send_much(servers, vigil):
    server = servers.start(vigil, options={"requirepass": "secret"})
    for data, text in ((b"*11\r\n", "unauthenticated multibulk length"), (b"*1\r\n$16385\r\n", "unauthenticated bulk length")):
        with server.raw() as client:
            client.send_bytes(data)
            assert str(client.read()) == f"-ERR Protocol error: {text}"
            assert client.read_until_closed() == b""


@pytest.mark.parametrize("kind", ["vigil", "redis"])
def test_the_log_shows_who_sends_what_is_no_protocol(servers, vigil, oracle, kind):
    server = servers.start({"vigil": vigil, "redis": oracle}[kind], options={"loglevel": "verbose"})
    with server.raw() as client:
        client.call("CLIENT", "SETNAME", "odd")
        client.send_bytes(b"*1\r\n$x\x01\xff" + b"y" * 300 + b"\r\n")
        assert str(client.read()) == "-ERR Protocol error: invalid bulk length"
    server.wait_log(r"- Protocol error \(invalid bulk length\) from client: id=\d+ addr=127.* name=odd .*\. "
                    r"Query buffer during protocol error: '[^']*\$x\.\.y+' \(\.\.\. more 1\d\d bytes \.\.\.\) 'y+\.\.'")


@pytest.mark.parametrize("ending", [b"*x\r\n", b"QUIT\r\n"])
def test_who_wants_no_replies_is_not_told_why_it_ends(ending, servers, vigil):
    """redis-server says nothing either, and leaves the connection open."""
    server = servers.start(vigil)
    with server.raw() as client:
        client.send_bytes(b"CLIENT REPLY OFF\r\n" + ending)
        assert client.read_until_closed() == b""


@pytest.mark.parametrize("side", ["vigil", "oracle"])
def test_the_log_tells_of_who_left(side, request, servers):
    server = servers.start(request.getfixturevalue(side), options={"loglevel": "verbose"})
    with server.raw() as client:
        client.call("CLIENT", "SETNAME", "leaving")
    wait_until("it is logged", lambda: re.search(r"Client closed connection id=\d+ addr=\S+ .*name=leaving ", server.log_text()))


def test_a_long_inline_request_is_refused(servers, vigil):
    server = servers.start(vigil)
    with server.raw() as client:
        client.send_bytes(b"x" * 70_000)
        assert str(client.read()) == "-ERR Protocol error: too big inline request"


def test_a_deep_pipeline_with_large_replies(servers, vigil):
    server = servers.start(vigil)
    value = b"v" * 10_000
    with server.raw() as client:
        client.call("SET", "k", value)
        client.send_bytes(encode(["GET", "k"]) * 3000)
        assert all(client.read().value == value for _ in range(3000))


def test_a_request_in_single_bytes(servers, vigil):
    server = servers.start(vigil)
    with server.raw() as client:
        for byte in encode(["SET", "k", "v\r\n"]) + b"GET k\r\n":
            client.send_bytes(bytes([byte]))
        assert str(client.read()) == "+OK"
        assert client.read().value == b"v\r\n"


def test_maxmemory_without_eviction(servers, vigil):
    server = servers.start(vigil, options={"maxmemory": "1", "maxmemory-policy": "noeviction"})
    with server.raw() as client:
        assert str(client.call("SET", "k", "v")) == "-OOM command not allowed when used memory > 'maxmemory'."
        assert client.call("GET", "k").value is None
        assert client.call("DEL", "k").value == 0


def test_an_output_buffer_that_is_not_needed_is_given_back(servers, vigil):
    server = servers.start(vigil, options={"enable-debug-command": "yes"})
    with server.raw() as client, server.raw() as control:
        def buffer():
            return int(re.search(rb" rbs=(\d+) ", control.call("CLIENT", "LIST", "ID", name).value)[1])

        name = client.call("CLIENT", "ID").value
        control.call("SET", "k", "x" * 3000)
        assert control.call("DEBUG", "REPLYBUFFER", "RESIZING", "0").value == b"OK"
        assert control.call("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", "100").value == b"OK"
        client.pipeline([("GET", "k")] * 40)
        large = buffer()
        assert large > 100_000
        shrinks = int(server.info("stats")["reply_buffer_shrinks"])
        control.call("DEBUG", "REPLYBUFFER", "RESIZING", "1")
        wait_until("it is smaller", lambda: buffer() < large / 4)
        assert int(server.info("stats")["reply_buffer_shrinks"]) > shrinks
        assert client.call("GET", "k").value == b"x" * 3000
        assert control.call("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", "NEVER").value == b"OK"
        assert control.call("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", "RESET").value == b"OK"
        for words in (["PEAK-RESET-TIME", "x"], ["NONSENSE", "1"], ["RESIZING"]):
            assert control.call("DEBUG", "REPLYBUFFER", *words).is_error
