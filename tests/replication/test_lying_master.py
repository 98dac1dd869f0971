"""A master that lies: the replica says so in its log, keeps the data that it holds, and goes on with an honest one."""

import pytest

from harness import rdb_bytes
from harness.lying_master import ID, LyingMaster
from harness.replication import assert_in_sync, replicate, wait_link
from harness.resp import encode
from harness.waiting import wait_until

FULL = f"+FULLRESYNC {ID} 1000\r\n".encode()
MARK = b"m" * 40


def snapshot(*keys):
    """An RDB file with these keys, value "v", and a checksum that is not right."""
    body = b"REDIS0010\xfe\x00"
    for key in keys:
        body += rdb_bytes.STRING + rdb_bytes.text(key) + rdb_bytes.text(b"v")
    return body + b"\xff" + b"12345678"


def honest_snapshot(*keys):
    return snapshot(*keys)[:-8] + bytes(8)  # no checksum: allowed


def bulk(content, says=None):
    return f"${len(content) if says is None else says}\r\n".encode() + content


def full(content):
    return FULL + bulk(content)


# What the master answers to PSYNC, and what the replica's log says of it.
LIES = {
    "no answer": (b"", r"# Error condition on socket for SYNC"),
    "nonsense": (b"HTTP/1.1 400 Bad Request\r\n\r\n", r"# Unexpected reply to PSYNC from master: HTTP/1\.1"),
    "an endless line": (b"+" * 200_000, r"# Error condition on socket for SYNC: a line of the master is too long"),
    "a short id": (b"+FULLRESYNC abc 10\r\n", r"# Master replied with wrong \+FULLRESYNC syntax"),
    "no offset": (f"+FULLRESYNC {ID}\r\n".encode(), r"# Master replied with wrong \+FULLRESYNC syntax"),
    "a negative offset": (f"+FULLRESYNC {ID} -7\r\n".encode(), r"# Master replied with wrong \+FULLRESYNC syntax"),
    "an offset with a tail": (f"+FULLRESYNC {ID} 10x\r\n".encode(), r"# Master replied with wrong \+FULLRESYNC syntax"),
    "an offset beyond all": (f"+FULLRESYNC {ID} {2**63 - 1}\r\n".encode(), r"# Master replied with wrong \+FULLRESYNC syntax"),
    "no length": (FULL + b"$abc\r\n", r"# MASTER <-> REPLICA sync failed, the old data is kept: MASTER announced"),
    "a negative length": (FULL + b"$-1\r\n", r"# MASTER <-> REPLICA sync failed, the old data is kept: MASTER announced"),
    "no bulk": (FULL + b"+OK\r\n", r"# MASTER <-> REPLICA sync failed, the old data is kept: Bad protocol from MASTER"),
    "an error in its place": (FULL + b"-ERR disk\r\n",
                              r"# MASTER <-> REPLICA sync failed, the old data is kept: MASTER aborted replication"),
    "a short mark": (FULL + b"$EOF:abc\r\n", r"# MASTER <-> REPLICA sync failed, the old data is kept: MASTER announced an end"),
    "no mark at the end": (FULL + b"$EOF:" + MARK + b"\r\n" + honest_snapshot(b"a") + MARK[:39],
                           r"# I/O error trying to sync with MASTER"),
    "a length that is too long": (FULL + bulk(honest_snapshot(b"a"), says=10_000), r"# I/O error trying to sync with MASTER"),
    "a length that is too short": (FULL + bulk(honest_snapshot(b"a"), says=20),
                                   r"# MASTER <-> REPLICA sync failed, the old data is kept"),
    "an empty file": (FULL + bulk(b""), r"# MASTER <-> REPLICA sync failed, the old data is kept"),
    "no RDB file": (full(b"x" * 500), r"# MASTER <-> REPLICA sync failed, the old data is kept"),
    "a wrong checksum": (full(snapshot(b"a", b"b")), r"# MASTER <-> REPLICA sync failed, the old data is kept.*[Cc]hecksum"),
    "a key twice": (full(honest_snapshot(b"a", b"a")), r"# MASTER <-> REPLICA sync failed, the old data is kept"),
    "a future version": (full(honest_snapshot(b"a").replace(b"REDIS0010", b"REDIS9999")),
                         r"# MASTER <-> REPLICA sync failed, the old data is kept"),
    "an unknown type": (full(b"REDIS0010\xfe\x00\x63\x01a\x01b\xff" + bytes(8)),
                        r"# MASTER <-> REPLICA sync failed, the old data is kept"),
    "a length beyond the file": (full(b"REDIS0010\xfe\x00\x00\x81" + b"\x7f" * 8 + b"a\xff" + bytes(8)),
                                 r"# MASTER <-> REPLICA sync failed, the old data is kept"),
}


@pytest.fixture
def lying(request):
    def begin(answer):
        master = LyingMaster(answer)
        request.addfinalizer(master.close)
        return master

    return begin


@pytest.fixture
def replica(servers, vigil):
    """With data of its own, not a replica yet."""
    server = servers.start(vigil)
    server.call("SET", "old", "kept")
    server.call("RPUSH", "list", *range(100))
    return server


def assert_kept(replica):
    assert replica.call("GET", "old") == b"kept"
    assert replica.call("LLEN", "list") == 100
    assert replica.call("DBSIZE") == 2


def goes_on_with_an_honest_one(servers, vigil, replica):
    master = servers.start(vigil)
    master.call("SET", "new", "1")
    replicate(replica, master.port)
    wait_link(replica)
    assert_in_sync(master, replica)


@pytest.mark.sanitize
@pytest.mark.parametrize("lie", LIES)
def test_a_full_resync_that_is_none(servers, vigil, lying, replica, lie):
    answer, says = LIES[lie]
    master = lying(lambda link: link.send(answer))
    replicate(replica, master.port)
    replica.wait_log(says)
    assert_kept(replica)
    assert replica.info("replication")["master_link_status"] == "down"
    goes_on_with_an_honest_one(servers, vigil, replica)


def test_byte_by_byte_it_is_a_resync_all_the_same(lying, replica):
    """The counter-check: honest bytes, as slowly as can be, also with line ends that keep the link alive."""
    content = honest_snapshot(b"a", b"b")

    def answer(link):
        link.send_bytewise(b"\n\n" + FULL + b"\n" + b"$EOF:" + MARK + b"\r\n" + content + MARK)
        link.send_commands(("SELECT", "0"), ("SET", "c", "v"))
        link.wait_closed()

    master = lying(answer)
    replicate(replica, master.port)
    wait_link(replica)
    wait_until("the stream is applied", lambda: replica.call("MGET", "a", "b", "c") == [b"v"] * 3)
    assert replica.call("EXISTS", "old") == 0


# What follows a good snapshot, and what the replica's log says of it.
BAD_STREAMS = {
    "nonsense": (b"hello\r\n", r"# Protocol error in the stream from MASTER at offset 10\d\d"),
    "a length that is none": (b"*1\r\n$x\r\n", r"# Protocol error in the stream from MASTER"),
    "a negative length": (b"*2\r\n$3\r\nDEL\r\n$-5\r\n", r"# Protocol error in the stream from MASTER"),
    "no bulk": (b"*2\r\n:3\r\n", r"# Protocol error in the stream from MASTER"),
    "too many arguments": (b"*9999999999\r\n", r"# Protocol error in the stream from MASTER"),
    "an unknown command": (b"*2\r\n$6\r\nNOSUCH\r\n$1\r\na\r\n", r"# The master sent the command 'NOSUCH' for the key 'a'"),
    "a wrong number of arguments": (b"*2\r\n$3\r\nSET\r\n$1\r\na\r\n", r"# The master sent 'SET' with 1 arguments"),
    "a bad command in a transaction": (b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nq\r\n$1\r\n1\r\n*1\r\n$6\r\nNOSUCH\r\n"
                                       b"*1\r\n$4\r\nEXEC\r\n", r"# The master sent the command 'NOSUCH'"),
}


@pytest.mark.sanitize
@pytest.mark.parametrize("what", BAD_STREAMS)
def test_a_stream_that_is_none(servers, vigil, lying, replica, what):
    """What came before it stays, nothing of it is applied. The link is asked for again where it broke, or from the beginning
    where the place in the stream is lost with the protocol."""
    stream, says = BAD_STREAMS[what]
    requests = []

    def answer(link):
        requests.append(link.asked)
        if len(requests) == 1:
            link.send(full(honest_snapshot(b"a")))
            link.send_commands(("SELECT", "0"), ("SET", "b", "v"))
            link.send(stream)
        link.wait_closed()

    master = lying(answer)
    replicate(replica, master.port)
    replica.wait_log(says)
    assert replica.call("MGET", "a", "b", "q") == [b"v", b"v", None]
    wait_until("the replica asks again", lambda: len(requests) > 1)
    # 1000 of the snapshot, 23 of SELECT, 27 of SET; PSYNC asks for the byte behind.
    assert requests[1] == (["?", "-1"] if "Protocol error" in says else [ID, "1051"])
    goes_on_with_an_honest_one(servers, vigil, replica)


def test_continue_where_nothing_can_go_on(servers, vigil, lying):
    """A replica from its start, without data: it asks for a full resync and for nothing else."""
    asked = []

    def answer(link):
        asked.append(link.asked)
        link.send(b"+CONTINUE\r\n")
        link.send_commands(("SELECT", "0"), ("SET", "a", "v"))
        link.wait_closed()

    master = lying(answer)
    replica = servers.start(vigil, options={"replicaof": f"127.0.0.1 {master.port}"})
    replica.wait_log(r"# Unexpected reply to PSYNC from master: \+CONTINUE, where nothing was asked for")
    assert asked[0] == ["?", "-1"]
    assert replica.call("EXISTS", "a") == 0
    goes_on_with_an_honest_one(servers, vigil, replica)


def test_a_timeout_while_the_replica_is_busy_repeats_nothing(servers, vigil, lying):
    """Commands that take longer than repl-timeout: what the next PSYNC asks for begins behind them."""
    replica = servers.start(vigil, options={"repl-timeout": "1"})
    commands = [("SELECT", "0"), ("RPUSH", "l", *(i * 7919 % 200_003 for i in range(200_000)))] + [("SORT", "l", "ALPHA", "STORE", "d")] * 40 + [("INCR", "n")]
    stream = b"".join(encode(words) for words in commands)
    asked = []

    def answer(link):
        asked.append(link.asked)
        if len(asked) == 1:
            link.send(full(honest_snapshot(b"a")) + stream)
        else:
            link.send(b"+CONTINUE\r\n" + stream[int(link.asked[1]) - 1001:])
        link.wait_closed()

    master = lying(answer)
    replicate(replica, master.port)
    wait_until("the silence has been noticed twice", lambda: len(asked) > 2)
    assert [offset for _, offset in asked[1:]] == [str(1001 + len(stream))] * (len(asked) - 1)
    assert replica.call("GET", "n") == b"1"
