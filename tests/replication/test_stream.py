"""The bytes that a master sends to its replicas: each command rewritten to its effects, as redis-server 7.0 does it."""

import re

import pytest

from harness.replication import replicate, wait_link, wait_same_offset
from harness.resp import RawClient
from harness.waiting import wait_until

MILLISECONDS = re.compile(rb"^1[6-9]\d{11}$|^[2-9]\d{12}$")  # a time within reach of today, which differs between two runs
SCRIPT = """
SET k v
SET k v EX 100
SET k v PX 100000
SET k v EXAT 33177117420
SET k v KEEPTTL
SET k w GET
SET k w NX
SETNX k w
SETNX fresh w
SETEX k 100 v
PSETEX k 100000 v
GETSET k x
GETEX k EX 100
GETEX k PERSIST
GETEX k PERSIST
GETEX k
GETDEL k
GETDEL k
INCR n
INCRBY n 5
DECR n
INCRBYFLOAT f 1.5
EXPIRE n 100
INCRBYFLOAT n 1.5
APPEND a x
SETRANGE a 5 y
SETRANGE none 0 ""
MSET a 1 b 2
MSETNX a 1 c 2
MSETNX c 1 d 2
EXPIRE a 100
EXPIRE a 100 NX
PEXPIRE a 100000
EXPIREAT a 33177117420
PEXPIREAT a 33177117420123
PERSIST a
PERSIST a
EXPIRE a -1
DEL a
DEL b c
UNLINK d
RPUSH l a b c d e f g
LPUSHX none a
LPOP l
LPOP l 2
LPOP l 0
LSET l 0 z
LREM l 0 none
LREM l 0 z
LTRIM l 0 100
LINSERT l BEFORE g h
LINSERT l BEFORE none h
LMOVE l m LEFT RIGHT
RPOPLPUSH l m
LMPOP 2 none m LEFT COUNT 5
BLPOP l 0
RPUSH l 1 2 3 4 5
BLMOVE l m LEFT LEFT 0
BRPOPLPUSH l m 0
BLMPOP 0 1 l LEFT COUNT 2
BRPOP l 0
RPUSH s 3 1 2
SORT s
SORT s STORE sorted
SORT s BY w_* GET # STORE sorted
SORT none STORE sorted
SORT none STORE sorted
RENAME m m2
RENAMENX m2 m3
COPY m3 m4
COPY m3 m4
COPY m3 m4 DB 1
MOVE m4 2
SELECT 1
SET in-db-1 x
SWAPDB 0 1
SELECT 0
MULTI
SET t 1
EXEC
MULTI
EXEC
MULTI
GET t
EXEC
MULTI
SET t 1
INCR t
EXPIRE t 100
EXEC
FLUSHDB
FLUSHALL
"""


class Listener:
    """A replica that only listens: takes the full resync (as a file of known size) and then parses the stream."""

    def __init__(self, server):
        self.client = RawClient(server.port)
        self.client.call("REPLCONF", "listening-port", "1")
        self.client.call("REPLCONF", "capa", "psync2")
        self.client.send("PSYNC", "?", "-1")
        assert self.client.read().value.startswith(b"FULLRESYNC ")
        header = self.client.read_line()
        while header == b"":  # line ends keep the link alive while the snapshot is made
            header = self.client.read_line()
        assert header[:1] == b"$" and header[1:].isdigit(), header
        assert self.client.read_bytes(int(header[1:])).startswith(b"REDIS00")

    def until(self, last):
        """The commands up to the one whose first word is `last`, without what keeps the link alive."""
        commands = []
        while True:
            words = [MILLISECONDS.sub(b"<time>", item.value) for item in self.client.read().value]
            name = words[0].upper()
            if name in (b"PING", b"REPLCONF"):
                continue
            if words == [b"SET", last, b"1"]:
                return commands
            commands.append([name] + words[1:])


def stream_of(server):
    listener = Listener(server)
    with server.raw() as client:
        for line in SCRIPT.strip().splitlines():
            reply = client.call(*(word if word != '""' else "" for word in line.split()))
            assert not reply.is_error, f"{line}: {reply}"
        client.call("SET", "the-last", "1")
    stream = listener.until(b"the-last")
    listener.client.close()
    return stream


@pytest.mark.sanitize
def test_same_effects(servers, vigil, oracle):
    options = {"repl-diskless-sync-delay": "0"}
    ours, theirs = (stream_of(servers.start(binary, options=options)) for binary in (vigil, oracle))
    for position, (mine, other) in enumerate(zip(ours, theirs)):
        assert mine == other, f"record {position}, after {theirs[max(0, position - 2):position]}"
    assert len(ours) == len(theirs)


def test_blocked_clients_and_expiry_in_the_stream(servers, vigil):
    server = servers.start(vigil, options={"repl-diskless-sync-delay": "0"})
    listener = Listener(server)
    with server.raw() as blocked, server.raw() as client:
        blocked.send("BLMOVE", "src", "dst", "LEFT", "RIGHT", "0")
        server.wait_info("clients", blocked_clients=1)
        client.call("RPUSH", "src", "x")
        assert blocked.read().value == b"x"
        client.call("SET", "short", "v", "PX", 50)
        client.call("SET", "the-last", "1")
        stream = listener.until(b"the-last")
        records = [words for words in stream if words[0] != b"SELECT"]
        # A push and what it serves are one unit.
        plain = [words for words in records if words[0] not in (b"MULTI", b"EXEC")]
        assert plain[0] == [b"RPUSH", b"src", b"x"]
        assert plain[1] == [b"LMOVE", b"src", b"dst", b"left", b"right"] or \
            [word.upper() for word in plain[1]] == [b"LMOVE", b"SRC", b"DST", b"LEFT", b"RIGHT"]
        assert plain[2][:4] == [b"SET", b"short", b"v", b"PXAT"]
        while True:
            record = [item.value for item in listener.client.read().value]
            if record[0].upper() not in (b"PING", b"REPLCONF", b"SELECT"):
                break
        assert record[0].upper() in (b"DEL", b"UNLINK") and record[1] == b"short"


@pytest.mark.parametrize("side", ["vigil", "oracle"])
def test_what_replication_sends_is_counted(side, request, servers):
    master, replica = (servers.start(request.getfixturevalue(side), options={"repl-diskless-sync-delay": "0"}) for _ in range(2))
    replicate(replica, master.port)
    wait_link(replica)
    for server in (master, replica):
        server.call("CONFIG", "RESETSTAT")
    master.call("SET", "k", "x" * 1_000_000)
    wait_until("the replica has counted it", lambda: int(replica.info("stats")["total_net_repl_input_bytes"]) > 1_000_000)
    assert int(master.info("stats")["total_net_repl_output_bytes"]) > 1_000_000
    assert int(replica.info("stats")["total_net_input_bytes"]) > 1_000_000, "it is a part of all traffic"


@pytest.mark.parametrize("kind", ["vigil", "redis"])
def test_a_watched_key_whose_time_had_come_may_go(servers, vigil, oracle, kind):
    """On a replica it goes when the master says so: that is no change for who watched what had expired, its return is one."""
    master = servers.start(vigil, options={"enable-debug-command": "yes"})
    replica = servers.start({"vigil": vigil, "redis": oracle}[kind])
    replicate(replica, master.port)
    wait_link(replica)
    master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    for returns in (False, True):
        master.call("SET", "k", "v", "PX", "20")
        wait_same_offset(master, replica)
        wait_until("the key has expired", lambda: replica.call("EXISTS", "k") == 0)
        with replica.raw() as client:
            client.call("WATCH", "k")
            assert master.call("GET", "k") is None
            if returns:
                master.call("SET", "k", "w")
            wait_same_offset(master, replica)
            client.call("MULTI")
            client.call("PING")
            assert client.call("EXEC").plain() == (None if returns else [b"PONG"])


def test_a_database_that_the_replica_has_not_breaks_the_link(servers, sides):
    """redis-server runs what follows in the database before: another key would change."""
    if not sides[1].is_vigil:
        pytest.skip("it is the replica that refuses")
    master = servers.start(sides[0])
    replica = servers.start(sides[1], options={"databases": "4"})
    replicate(replica, master.port)
    wait_same_offset(master, replica)
    with master.raw() as client:
        client.pipeline([("SET", "z", "0"), ("SELECT", 9), ("DEL", "z"), ("SET", "z", "9")])
    replica.wait_log("The master selected the database 9, and there are only 4 here")
    assert replica.call("GET", "z") == b"0"
