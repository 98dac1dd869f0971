"""MIGRATE between Vigil and redis-server 7.0: what is moved, what is answered, and that nothing is lost on the way."""

import socket
import threading
import time
from collections import Counter

import pytest

from harness.certificates import Authority
from harness.dump import full_dump
from harness.ports import Port
from harness.waiting import wait_until
from replication.test_stream import Listener

PASSWORD = "secret"


@pytest.fixture(params=["vigil-vigil", "vigil-redis", "redis-vigil"])
def pair(request, servers, vigil, oracle):
    """(source, target)."""
    binaries = {"vigil": vigil, "redis": oracle}
    return [servers.start(binaries[side]) for side in request.param.split("-")]


def migrate(client, target, key, *options, db=0, timeout=5000):
    return str(client.call("MIGRATE", "127.0.0.1", getattr(target, "port", target), key, db, timeout, *options))


def test_values_arrive(pair):
    source, target = pair
    with source.raw() as client:
        client.call("SET", "text", "x" * 100)
        client.call("SET", "number", "12345")
        client.call("RPUSH", "list", *range(2000))
        client.call("SET", "expiring", "v", "PXAT", "33177117420123")
        before = full_dump(source)
        for key in ("text", "number", "list", "expiring"):
            assert migrate(client, target, key) == "+OK"
            assert client.call("EXISTS", key).value == 0
    after = full_dump(target)
    assert after.keys() == before.keys()
    for place, (kind, value, expires) in before.items():
        assert after[place][:2] == (kind, value)
        assert (after[place][2] is None) == (expires is None)
        assert expires is None or abs(after[place][2] - expires) < 5000


SCENARIO = [
    # (what is asked, what is there at the target afterwards)
    (("k",), "moved"),
    (("none",), None),
    (("k", "COPY"), "copied"),
    (("taken",), "refused"),
    (("taken", "REPLACE"), "replaced"),
    (("", "KEYS", "a", "none", "b"), "several"),
    (("", "KEYS", "none", "none2"), "no keys"),
    (("", "KEYS", "a", "taken", "b"), "one of them is refused"),
    (("", "COPY", "REPLACE", "KEYS", "a", "taken", "b"), "copies of several"),
    (("k", "KEYS", "a"), "two ways to name keys"),
    (("", "KEYS"), "no keys named"),
    (("k", "BOGUS"), "syntax"),
    (("k", "AUTH"), "no password"),
    (("k", "AUTH2", "user"), "no password"),
    (("k", "AUTH", "x"), "a password that is not asked for"),
    (("k", "AUTH2", "nobody", "x"), "a user that there is not"),
]


@pytest.mark.parametrize("asked, what", SCENARIO)
def test_answers_are_those_of_redis(servers, vigil, oracle, asked, what):
    target = servers.start(oracle)
    outcomes = []
    for binary in (vigil, oracle):
        source = servers.start(binary)
        target.call("FLUSHALL")
        target.call("SET", "taken", "by the target")
        with source.raw() as client:
            client.call("MSET", "k", "v", "taken", "mine", "a", "1", "b", "2")
            reply = migrate(client, target, *asked)
        outcomes.append((reply, full_dump(source), full_dump(target)))
    assert outcomes[0] == outcomes[1], what


@pytest.mark.parametrize("words", [("x", "1000"), ("0", "x"), ("0", "1.5"), ("99", "1000"), ("-1", "1000"), ("0", "-1"), ("9", "0")])
def test_numbers(servers, vigil, oracle, words):
    target = servers.start(oracle)
    replies = []
    for binary in (vigil, oracle):
        source = servers.start(binary)
        source.call("SET", "k", "v")
        target.call("FLUSHALL")
        with source.raw() as client:
            replies.append((str(client.call("MIGRATE", "127.0.0.1", target.port, "k", *words)), full_dump(source), full_dump(target)))
    assert replies[0] == replies[1]


def test_passwords(servers, vigil, oracle):
    target = servers.start(oracle, options={"requirepass": PASSWORD})
    with target.raw() as admin:
        admin.call("AUTH", PASSWORD)
        admin.call("ACL", "SETUSER", "mover", "on", ">word", "~*", "+@all")
        replies = []
        for binary in (vigil, oracle):
            source = servers.start(binary)
            admin.call("FLUSHALL")
            with source.raw() as client:
                client.call("MSET", "a", "1", "b", "2", "c", "3")
                replies.append([migrate(client, target, "a"), migrate(client, target, "a", "AUTH", "wrong"),
                                migrate(client, target, "a", "AUTH", PASSWORD), migrate(client, target, "b", "AUTH2", "mover", "wrong"),
                                migrate(client, target, "b", "AUTH2", "mover", "word"), migrate(client, target, "c")])
        assert replies[0] == replies[1]


def test_targets_that_cannot_be_reached(servers, vigil, oracle):
    free = Port()
    silent = socket.create_server(("127.0.0.1", 0))  # its connections are never read
    closing = socket.create_server(("127.0.0.1", 0))
    ending = threading.Event()

    def close_all():
        closing.settimeout(0.1)
        while not ending.is_set():
            try:
                closing.accept()[0].close()
            except socket.timeout:
                pass

    closer = threading.Thread(target=close_all)
    closer.start()
    try:
        replies = []
        for binary in (vigil, oracle):
            source = servers.start(binary)
            with source.raw() as client:
                client.call("SET", "k", "v")
                client.call("SET", "big", "x" * 20_000_000)
                ports = [free.number, silent.getsockname()[1], closing.getsockname()[1], "0", "99999999", "abc"]
                replies.append([migrate(client, port, "k", timeout=200) for port in ports] +
                               [migrate(client, silent.getsockname()[1], "big", timeout=200)])
                assert client.call("EXISTS", "k", "big").value == 2
        assert replies[0] == replies[1]
    finally:
        ending.set()
        closer.join()
        free.release()


def test_what_is_logged(servers, vigil, oracle):
    target = servers.start(oracle)
    streams = []
    for binary in (vigil, oracle):
        source = servers.start(binary, options={"repl-diskless-sync-delay": "0"})
        target.call("FLUSHALL")
        target.call("SET", "taken", "x")
        listener = Listener(source)
        with source.raw() as client:
            client.call("MSET", "a", 1, "b", 2, "c", 3, "taken", 4, "copied", 5)
            migrate(client, target, "a")
            migrate(client, target, "", "KEYS", "b", "taken", "none", "c")
            migrate(client, target, "copied", "COPY")
            migrate(client, target, "taken")
            client.call("SET", "the-last", "1")
        streams.append(listener.until(b"the-last"))
        listener.client.close()
    assert streams[0] == streams[1]


@pytest.fixture
def frozen(servers, vigil):
    """(source, target, a proxy before the target through which nothing passes)."""
    source, target = servers.start(vigil, options={"io-threads": "3"}), servers.start(vigil)
    proxy = servers.proxy(target)
    proxy.frozen = True
    return source, target, proxy


def test_commands_on_the_keys_wait_and_others_do_not(frozen):
    source, target, proxy = frozen
    with source.raw() as mover, source.raw() as writer, source.raw() as other:
        mover.call("MSET", "k", "old", "l", "old", "free", "1")
        mover.send("MIGRATE", "127.0.0.1", proxy.port, "", 0, 60000, "KEYS", "k", "l")
        wait_until("the migration is under way", lambda: proxy.connections == 1)
        writer.send_bytes(b"SET k new\r\nGET k\r\nEXISTS l\r\n")
        other.send("BLPOP", "waiting", 0)
        # Neither those that name other keys, nor those of the whole node.
        with source.raw() as client:
            assert client.call("INCR", "free").value == 2
            assert client.call("RPUSH", "waiting", "x").value == 1
            assert other.read().plain() == [b"waiting", b"x"]
            assert sorted(client.call("KEYS", "*").plain()) == [b"free", b"k", b"l"]
            assert client.call("DBSIZE").value == 3
        assert writer._buffer == b""
        proxy.frozen = False
        assert str(mover.read()) == "+OK"
        assert [str(writer.read()) for _ in range(3)] == ["+OK", '"new"', ":0"]
    assert target.call("MGET", "k", "l") == [b"old", b"old"]


def test_transactions_on_the_keys_wait(frozen):
    source, target, proxy = frozen
    with source.raw() as mover, source.raw() as writer:
        mover.call("SET", "k", "1")
        mover.send("MIGRATE", "127.0.0.1", proxy.port, "k", 0, 60000)
        wait_until("the migration is under way", lambda: proxy.connections == 1)
        writer.pipeline([("MULTI",), ("INCR", "other"), ("INCR", "k"), ("DBSIZE",), ("SORT", "none", "BY", "w_*")])
        writer.send("EXEC")
        assert source.call("EXISTS", "other") == 0
        proxy.frozen = False
        assert str(mover.read()) == "+OK"
        assert writer.read().plain() == [1, 1, 2, []]
    assert target.call("GET", "k") == b"1"


def test_what_goes_past_the_hold_keeps_the_key(frozen):
    source, target, proxy = frozen
    with source.raw() as mover, source.raw() as client:
        mover.call("MSET", "k", "1", "l", "2")
        mover.call("SET", "short", "v", "PX", 300)
        mover.send("MIGRATE", "127.0.0.1", proxy.port, "", 0, 60000, "KEYS", "k", "l", "short")
        wait_until("the migration is under way", lambda: proxy.connections == 1)
        assert str(client.call("FLUSHALL")) == "+OK"
        proxy.frozen = False
        reply = str(mover.read())
        assert reply.startswith("-ERR key '") and "was changed or deleted here" in reply, reply
        assert client.call("DBSIZE").value == 0
        # The hold has ended in this case too.
        client.call("SET", "k", "new")
        assert str(client.call("MIGRATE", "127.0.0.1", proxy.port, "k", 0, 60000, "REPLACE")) == "+OK"
    assert target.call("GET", "k") == b"new"


def test_a_key_whose_time_comes_on_the_way(frozen):
    source, _, proxy = frozen
    with source.raw() as mover:
        mover.call("SET", "k", "v", "PX", 200)
        mover.send("MIGRATE", "127.0.0.1", proxy.port, "k", 0, 60000)
        wait_until("the migration is under way", lambda: proxy.connections == 1)
        wait_until("the key expires", lambda: source.call("DBSIZE") == 0)
        proxy.frozen = False
        assert str(mover.read()) == "+OK"


def test_a_client_that_leaves(frozen):
    source, target, proxy = frozen
    with source.raw() as mover:
        mover.call("SET", "k", "v")
        mover.send("MIGRATE", "127.0.0.1", proxy.port, "k", 0, 60000)
        wait_until("the migration is under way", lambda: proxy.connections == 1)
    proxy.frozen = False
    wait_until("the key is moved", lambda: target.call("GET", "k") == b"v" and source.call("EXISTS", "k") == 0)


def test_a_pause_comes_first(frozen):
    source, target, proxy = frozen
    with source.raw() as mover, source.raw() as client:
        mover.call("SET", "k", "v")
        mover.send("MIGRATE", "127.0.0.1", proxy.port, "k", 0, 60000)
        wait_until("the migration is under way", lambda: proxy.connections == 1)
        client.call("CLIENT", "PAUSE", 60000, "WRITE")
        proxy.frozen = False
        wait_until("the target has the key", lambda: target.call("EXISTS", "k") == 1)
        offset = source.info("replication")["master_repl_offset"]
        assert client.call("DBSIZE").value == 1
        client.call("CLIENT", "UNPAUSE")
        assert str(mover.read()) == "+OK"
        assert client.call("EXISTS", "k").value == 0
        assert source.info("replication")["master_repl_offset"] == offset  # nobody listens: offsets do not count


def test_connections_are_kept(servers, vigil):
    source, target = servers.start(vigil), servers.start(vigil)
    with source.raw() as client:
        client.call("MSET", "a", 1, "b", 2, "c", 3, "d", 4)
        assert migrate(client, target, "a") == "+OK"
        connections = target.info("stats")["total_connections_received"]
        source.wait_info("stats", migrate_cached_sockets=1)
        assert migrate(client, target, "b", db=3) == "+OK"
        assert migrate(client, target, "none") == "+NOKEY"
        assert int(target.info("stats")["total_connections_received"]) == int(connections) + 1  # of this INFO
        # One that the target has closed does not count as an error.
        target.stop()
        target.start()
        assert migrate(client, target, "c") == "+OK"
        assert migrate(client, target, "d", db=3) == "+OK"
        assert full_dump(target) == {(0, b"c"): (b"string", b"3", None), (3, b"d"): (b"string", b"4", None)}
        wait_until("idle connections are closed", lambda: source.info("stats")["migrate_cached_sockets"] == "0", timeout=60)


def test_not_in_a_transaction(servers, vigil):
    source = servers.start(vigil)
    with source.raw() as client:
        client.call("SET", "k", "v")
        client.call("MULTI")
        client.call("MIGRATE", "127.0.0.1", "1", "k", 0, 10)
        reply = client.call("EXEC").value[0]
        assert reply.is_error and "transaction" in str(reply)


@pytest.mark.sanitize
def test_no_acknowledged_write_is_lost(servers, vigil, rounds):
    """A list is moved away again and again while clients push to it: each value is somewhere, once."""
    source, target = servers.start(vigil, options={"io-threads": "3"}), servers.start(vigil)
    moves = rounds(1000)
    stop = threading.Event()
    acknowledged = [[] for _ in range(4)]

    def push(writer):
        with source.raw() as client:
            number = 0
            while not stop.is_set():
                values = [f"{writer}:{number + i}" for i in range(5)]
                for value, reply in zip(values, client.pipeline([("RPUSH", "list", value) for value in values])):
                    assert not reply.is_error, reply
                    acknowledged[writer].append(value.encode())
                number += 5

    def disturb():
        with source.raw() as client:
            while not stop.is_set():
                client.pipeline([("SORT", "list", "BY", "w_*", "LIMIT", "0", "1"), ("DBSIZE",), ("SWAPDB", "0", "0"),
                                 ("SET", "list2", "x"), ("KEYS", "l*")])

    threads = [threading.Thread(target=push, args=(writer,)) for writer in range(4)] + [threading.Thread(target=disturb)]
    for thread in threads:
        thread.start()
    moved = 0
    try:
        with source.raw() as mover, target.raw() as taker:
            deadline = time.monotonic() + 120
            while moved < moves:
                assert time.monotonic() < deadline, f"{moved} moves of {moves} in two minutes"
                reply = migrate(mover, target, "list", timeout=60000)
                assert reply in ("+OK", "+NOKEY"), reply
                if reply == "+OK":
                    assert str(taker.call("RENAME", "list", f"part{moved}")) == "+OK"
                    moved += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    found = []
    with target.raw() as client:
        for key in client.call("KEYS", "part*").plain():
            found += client.call("LRANGE", key, 0, -1).plain()
    found += source.call("LRANGE", "list", 0, -1)
    pushed, found = Counter(sum(acknowledged, [])), Counter(found)
    assert found == pushed, f"lost: {list(pushed - found)[:20]}, there twice or never pushed: {list(found - pushed)[:20]}"


@pytest.mark.parametrize("kind", ["vigil", "redis"])
def test_the_target_speaks_tls(servers, vigil, oracle, tmp_path, kind):
    """MIGRATE follows `tls-cluster`, in a cluster or not."""
    authority = Authority(tmp_path / "tls")
    identity = authority.issue("node")
    options = authority.options(identity)
    secure = servers.start({"vigil": vigil, "redis": oracle}[kind], options=options, tls=authority.context(identity))
    plain = servers.start(vigil)
    source = servers.start(vigil, options=options | {"tls-cluster": "yes", "bind-source-addr": "127.0.0.1"})
    with source.raw() as client:
        client.call("SET", "k", "v")
        assert migrate(client, plain, "k", timeout=500).startswith("-IOERR")
        for key, target in (("k", secure), ("plain", plain)):
            client.call("SET", key, "v")
            assert migrate(client, target, key) == "+OK"
            assert target.call("GET", key) == b"v"
            client.call("CONFIG", "SET", "tls-cluster", "no")
