"""DUMP and RESTORE between Vigil and redis-server 7.0, in both directions, and what RESTORE refuses."""

import random

import pytest

from harness.data import fill
from harness.dump import assert_same_data, full_dump
from harness.rdb_bytes import (LIST, LIST_ZIPLIST, MIXED, PACKED_NODE, PLAIN_NODE, QUICKLIST, QUICKLIST_2, STRING, integer, length,
                               listpack, lzf, sealed, text, ziplist)


@pytest.mark.parametrize("direction", ["to-redis", "from-redis", "to-vigil"])
def test_payloads_are_interchangeable(live_pair, direction):
    source, target = {"to-redis": live_pair, "from-redis": live_pair[::-1], "to-vigil": (live_pair[0], live_pair[0])}[direction]
    fill(source)
    before = full_dump(source)
    payloads = {}
    with source.raw() as client:
        for database, key in before:
            client.call("SELECT", database)
            payloads[database, key] = client.call("DUMP", key).value
    if source is target:
        source.call("FLUSHALL")
    with target.raw() as client:
        for (database, key), payload in payloads.items():
            client.call("SELECT", database)
            reply = client.call("RESTORE", key, before[database, key][2] or 0, payload, "ABSTTL")
            assert str(reply) == "+OK", (key, reply)
    if source is target:
        assert full_dump(target) == before
    else:
        assert_same_data(source, target)


def test_small_payloads_are_the_same_bytes(live_pair):
    """Where nothing is compressed there is one way to write a value."""
    values = [b"", b"a", b"hello", b"12", b"-129", b"70000", b"2147483648", b"9223372036854775807", b"007", b"1.5", b"x" * 20]
    for server in live_pair:
        with server.raw() as client:
            for number, value in enumerate(values):
                client.call("SET", f"s{number}", value)
                client.call("RPUSH", "l", value)
    for key in [f"s{number}" for number in range(len(values))] + ["none"]:
        ours, theirs = (server.call("DUMP", key) for server in live_pair)
        assert ours == theirs, key
    for server in live_pair:
        server.call("CONFIG", "SET", "rdbcompression", "no")
    try:
        ours, theirs = (server.call("DUMP", "l") for server in live_pair)
        assert ours == theirs
    finally:
        for server in live_pair:
            server.call("CONFIG", "SET", "rdbcompression", "yes")


HISTORIC = {
    "plain": STRING + text(b"value"),
    "int8": STRING + integer(-5),
    "int16": STRING + integer(1000),
    "int32": STRING + integer(-100000),
    "lzf": STRING + lzf(b"abc", 8),
    "wide-length": STRING + b"\x81\0\0\0\0\0\0\0\x05value",
    "list": LIST + length(4) + text(b"a") + integer(1) + integer(70000) + lzf(b"zzz", 5),
    "ziplist": LIST_ZIPLIST + text(ziplist(*MIXED)),
    "quicklist": QUICKLIST + length(3) + text(ziplist(b"a", 1)) + text(ziplist(*MIXED)) + text(ziplist(b"z")),
    "quicklist-2": QUICKLIST_2 + length(3) + PACKED_NODE + text(listpack(b"a", b"b")) + PLAIN_NODE + text(b"p" * 9000) + PACKED_NODE
    + text(listpack(b"z")),
}


@pytest.mark.parametrize("name", HISTORIC)
def test_historic_encodings(live_pair, name):
    for version in (1, 6, 9, 10):
        for server in live_pair:
            assert server.call("RESTORE", f"k{version}", 0, sealed(HISTORIC[name], version)) == b"OK"
    assert_same_data(*live_pair)


EMPTY = "-ERR Bad data format"
REFUSED = {
    "nothing": b"",
    "no such type": b"\x63\x05hello",
    "an opcode": b"\xfc" + bytes(8) + b"\x00\x05hello",
    "the end of a file": b"\xff",
    "an encoding that there is not": b"\x00\xc5",
    "a length that there is not": b"\x00\x82\0\0\0\x05hello",
    "a string that is not there": b"\x00\x80\xff\xff\xff\xff",
    "an enormous string": b"\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff",
    "compressed bytes that become too much": b"\x00\xc3\x02\x80\x7f\xff\xff\xff\x00a",
    "compressed bytes that refer to what is not there": b"\x00\xc3\x03\x08\xe0\xff\xff",
    "an empty list": b"\x01\x00",
    "an empty quicklist": b"\x12\x00",
    "a list that ends early": b"\x01\x80\xff\xff\xff\xff\x01a",
    "a node of no kind": QUICKLIST_2 + length(1) + b"\x03" + text(listpack(b"a")),
    "a ziplist with a wrong size": LIST_ZIPLIST + text(b"\xff" + ziplist(b"a", b"b")[1:]),
    "a ziplist with a wrong tail": LIST_ZIPLIST + text(ziplist(b"a", b"b")[:4] + b"\x0b" + ziplist(b"a", b"b")[5:]),
    "a ziplist without its end": LIST_ZIPLIST + text(ziplist(b"a", b"b")[:-1] + b"\x00"),
    "a listpack with a wrong size": QUICKLIST_2 + length(1) + PACKED_NODE + text(b"\xff" + listpack(b"a")[1:]),
    "a listpack whose element is too long": QUICKLIST_2 + length(1) + PACKED_NODE + text(listpack(b"a", b"b").replace(b"\x81", b"\xbf", 1)),
    "an empty listpack": QUICKLIST_2 + length(1) + PACKED_NODE + text(listpack()),
}


@pytest.fixture
def checking(live_pair):
    """The oracle looks as closely as Vigil always does."""
    live_pair[1].call("CONFIG", "SET", "sanitize-dump-payload", "yes")
    yield live_pair
    live_pair[1].call("CONFIG", "SET", "sanitize-dump-payload", "no")


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_payloads(checking, name):
    for server in checking:
        with server.raw() as client:
            assert str(client.call("RESTORE", "k", 0, sealed(REFUSED[name]))) == EMPTY, server
            assert client.call("EXISTS", "k").value == 0


def test_damaged_payloads(vigil, servers):
    """Any damage ends in an error, or in a value that can be read: the server goes on in any case."""
    server = servers.start(vigil, options={"enable-debug-command": "yes"})
    dice = random.Random(1)
    fill(server, big=False)
    server.call("RPUSH", "nodes", *[b"n" * dice.randrange(300) for _ in range(60)])
    with server.raw() as client:
        client.call("DEL", "gone")  # expires at some moment
        payloads = [client.call("DUMP", key).value for key in client.call("KEYS", "*").plain()]
        for _ in range(3000):
            value = bytearray(dice.choice(payloads)[:-10])
            for _ in range(dice.randint(1, 3)):
                value[dice.randrange(len(value))] = dice.randrange(256)
            reply = client.call("RESTORE", "k", 0, sealed(bytes(value)), "REPLACE")
            if reply.is_error:
                assert str(reply).startswith("-ERR Bad data format"), reply
                continue
            read = ("LRANGE", "k", 0, -1) if client.call("TYPE", "k").value == b"list" else ("GET", "k")
            assert not client.call(*read).is_error


def test_types_that_are_not_held(vigil, oracle, servers):
    ours, theirs = servers.start(vigil), servers.start(oracle)
    theirs.call("XADD", "stream", "*", "field", "value")
    with ours.raw() as client:
        reply = client.call("RESTORE", "k", 0, theirs.call("DUMP", "stream"))
        assert reply.is_error and "stream" in str(reply) and str(reply).startswith("-ERR Bad data format"), reply


@pytest.mark.parametrize("change", [lambda p: p[:-1], lambda p: p[:2] + p[3:], lambda p: p[:-9] + b"\xff" + p[-8:], lambda p: b"x" + p,
                                    lambda p: p[:8], lambda p: b"", lambda p: sealed(p[:-10], 12), lambda p: sealed(p[:-10], 999)])
def test_wrong_footers(live_pair, change):
    payload = change(sealed(STRING + text(b"value")))
    for server in live_pair:
        with server.raw() as client:
            assert str(client.call("RESTORE", "k", 0, payload)) == "-ERR DUMP payload version or checksum are wrong"


def test_version_of_seven_two(live_pair):
    assert live_pair[0].call("RESTORE", "k", 0, sealed(STRING + text(b"value"), 11)) == b"OK"
