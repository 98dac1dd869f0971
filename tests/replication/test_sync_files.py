"""Full resyncs by way of a file, and those without data: what they leave of the RDB file, and when they answer."""

import re
import socket

import pytest

from harness.resp import encode
from harness.waiting import wait_until

BOTH = pytest.mark.parametrize("side", ["vigil", "redis"])


def link(master):
    return socket.create_connection(("127.0.0.1", master.port), timeout=60)


def read_until(client, end):
    got = b""
    while not got.endswith(end):
        more = client.recv(1 << 16)
        assert more, f"the master closed the link after {got[:200]!r}"
        got += more
    return got


@BOTH
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_snapshot_without_data_does_not_become_the_rdb_file(servers, binary, diskless):
    """What redis-cli --functions-rdb asks for."""
    master = servers.start(binary, options={"repl-diskless-sync": diskless, "repl-diskless-sync-delay": "0", "save": "3600 1"})
    master.call("SET", "k", "v")
    master.call("SAVE")
    before = (master.directory / "dump.rdb").read_bytes()
    with link(master) as client:
        client.sendall(encode(("REPLCONF", "rdb-filter-only", "functions")))
        assert read_until(client, b"\r\n") == b"+OK\r\n"
        client.sendall(encode(("SYNC",)))
        assert read_until(client, b"\r\n") == b"-ERR Filtered replica requires EOF capability\r\n"
        client.sendall(encode(("REPLCONF", "capa", "eof")))
        assert read_until(client, b"\r\n") == b"+OK\r\n"
        client.sendall(encode(("PSYNC", "?", "-1")))
        answer = b""  # "$EOF:", a mark of 40 bytes, the snapshot, the mark again
        while not (begin := re.search(rb"\$EOF:(.{40})\r\n", answer)) or answer.count(begin[1]) < 2:
            received = client.recv(1 << 16)
            assert received, answer
            answer += received
    assert (master.directory / "dump.rdb").read_bytes() == before
    master.kill()
    master.start()
    assert master.call("GET", "k") == b"v"


def test_the_answer_comes_before_the_snapshot(servers, vigil):
    """A replica that heard nothing until a large data set is saved would give up, and ask for the next."""
    master = servers.start(vigil, options={"repl-diskless-sync": "no", "enable-debug-command": "yes"})
    master.call("DEBUG", "POPULATE", 300_000, "key", 100)
    with link(master) as client:
        client.sendall(encode(("PSYNC", "?", "-1")))
        first = client.recv(1 << 20)
        assert first.startswith(b"+FULLRESYNC ") and b"$" not in first, first[:200]
        assert first.count(b"\n") == 1


def test_the_file_of_a_full_resync_does_not_replace_a_newer_one(servers, vigil):
    master = servers.start(vigil, options={"repl-diskless-sync": "no", "save": "", "enable-debug-command": "yes"})
    master.call("DEBUG", "POPULATE", 300_000, "key", 100)
    with link(master) as client:
        client.sendall(encode(("PSYNC", "?", "-1")))
        assert client.recv(1 << 20).startswith(b"+FULLRESYNC ")
        master.call("FLUSHALL")
        master.call("SET", "new", "1")
        master.call("SAVE")
        assert b"$" in read_until(client, b"\r\n"), "the older snapshot is sent all the same"
    wait_until("nothing is left of it", lambda: not list(master.directory.glob("temp-sync-*")))
    master.kill()
    master.start()
    assert master.call("KEYS", "*") == [b"new"]
