"""Client-side caching: whatever changes a key, those who cache it are told, and never too early to be of use."""

import random
import threading

import pytest

from harness.resp import Closed
from harness.waiting import wait_until

MANY_THREADS = {"io-threads": "4"}


@pytest.fixture(params=["vigil", "redis"])
def binary(request):
    return request.getfixturevalue("vigil" if request.param == "vigil" else "oracle")


def caching(server, *options):
    """A RESP3 client with tracking on."""
    client = server.raw()
    client.call("HELLO", "3")
    assert str(client.call("CLIENT", "TRACKING", "ON", *options)) == "+OK"
    return client


def read_push(client):
    push = client.read()
    assert push.kind == ">", push
    return push.plain()


def invalidated(client):
    """The keys of the next push."""
    kind, keys = read_push(client)
    assert kind == b"invalidate"
    return keys


def assert_nothing_came(client):
    assert str(client.call("PING")) == "+PONG"


# Name, how the key comes to be, how it changes.
CHANGES = [
    ("expired while someone looks", [["SET", "k", "v", "PX", "30"]],
     [["DEBUG", "SET-ACTIVE-EXPIRE", "0"], ["DEBUG", "SLEEP", "0.05"], ["GET", "k"]]),
    ("expired by itself", [["SET", "k", "v", "PX", "100"]], []),
    ("a time to live in the past", [["SET", "k", "v"]], [["PEXPIREAT", "k", "1"]]),
    ("restored", [["SET", "k", "v"], ["SET", "other", "w"]], "restore"),
    ("a transaction", [["SET", "k", "v"]], [["MULTI"], ["PING"], ["APPEND", "k", "x"], ["EXEC"]]),
    ("sorted into", [["RPUSH", "k", "v"]], [["RPUSH", "l", "2", "1"], ["SORT", "l", "STORE", "k"]]),
    ("renamed over", [["SET", "k", "v"], ["SET", "other", "w"]], [["RENAME", "other", "k"]]),
    ("bits", [["SET", "k", "v"]], [["SETBIT", "k", "0", "1"]]),
    ("bit operation", [["SET", "k", "v"]], [["BITOP", "NOT", "k", "k"]]),
    ("moved", [["RPUSH", "k", "v"]], [["LMOVE", "k", "other", "LEFT", "LEFT"]]),
    ("unlinked", [["RPUSH", "k", "v"]], [["UNLINK", "k"]]),
    ("renamed away", [["RPUSH", "k", "v"]], [["RENAMENX", "k", "other"]]),
]


@pytest.mark.parametrize("name, before, change", CHANGES, ids=[c[0].replace(" ", "-") for c in CHANGES])
def test_a_change_is_told(servers, binary, name, before, change):
    server = servers.start(binary, options={"enable-debug-command": "yes"})
    with caching(server) as reader, caching(server, "BCAST", "PREFIX", "k") as listener, server.raw() as other:
        for words in before:
            assert not other.call(*words).is_error
        wait_until("the listener was told of the first", lambda: invalidated(listener) == [b"k"])
        reader.call("EXISTS", "k")
        if change == "restore":
            other.call("RESTORE", "k", "0", other.call("DUMP", "other").value, "REPLACE")
        else:
            for words in change:
                assert not other.call(*words).is_error
        assert invalidated(reader) == [b"k"]
        assert invalidated(listener) == [b"k"]
        assert_nothing_came(reader)
        assert_nothing_came(listener)


def test_an_evicted_key_is_told(servers, binary):
    server = servers.start(binary, options={"maxmemory-policy": "allkeys-random"})
    with caching(server) as reader, server.raw() as other:
        for number in range(50):
            other.call("SET", f"k{number}", "x" * 1000)
            reader.call("GET", f"k{number}")
        other.call("CONFIG", "SET", "maxmemory", "1")
        other.call("SET", "more", "x")
        assert {invalidated(reader)[0] for _ in range(50)} == {b"k%d" % number for number in range(50)}


def test_swapped_databases_are_told(servers, vigil):
    """Redis tells nobody."""
    server = servers.start(vigil)
    with caching(server) as reader, server.raw() as other:
        reader.call("GET", "k")
        other.call("SWAPDB", "0", "1")
        assert invalidated(reader) is None
        other.call("SET", "k", "v")
        assert_nothing_came(reader)


def test_a_key_that_is_popped_for_a_waiting_client_is_told(servers, binary):
    server = servers.start(binary)
    with caching(server) as reader, server.raw() as waiting, server.raw() as other:
        waiting.send("BLPOP", "k", "0")
        server.wait_info("clients", blocked_clients=1)
        reader.call("LRANGE", "k", "0", "-1")
        other.call("RPUSH", "k", "v")
        waiting.read()
        assert invalidated(reader) == [b"k"]
        assert_nothing_came(reader)
        waiting.send("BLMOVE", "a", "k", "LEFT", "LEFT", "0")
        server.wait_info("clients", blocked_clients=1)
        reader.call("LRANGE", "k", "0", "-1")
        other.call("RPUSH", "a", "v")
        waiting.read()
        assert invalidated(reader) == [b"k"]


def test_a_migrated_key_is_told_on_both_sides(servers, binary):
    source, target = servers.start(binary), servers.start(binary)
    with caching(source) as here, caching(target) as there, source.raw() as other:
        other.call("SET", "k", "v")
        here.call("GET", "k")
        there.call("GET", "k")
        assert str(other.call("MIGRATE", "127.0.0.1", target.port, "k", "0", "5000")) == "+OK"
        assert invalidated(here) == [b"k"]
        assert invalidated(there) == [b"k"]


def test_clients_of_a_replica_are_told(servers, binary):
    master = servers.start(binary)
    replica = servers.start(binary, options={"repl-diskless-load": "swapdb"})
    with caching(replica) as reader, caching(replica, "BCAST") as listener, master.raw() as writer, replica.raw() as control:
        writer.call("SET", "k", "1")
        reader.call("GET", "k")
        control.call("REPLICAOF", "127.0.0.1", master.port)
        assert invalidated(reader) is None  # the full resync
        assert invalidated(listener) is None
        replica.wait_info("replication", master_link_status="up")
        assert str(reader.call("GET", "k")) == '"1"'
        writer.call("SET", "k", "2")
        assert invalidated(reader) == [b"k"]
        assert invalidated(listener) == [b"k"]
        reader.call("GET", "k")
        writer.call("MULTI")
        writer.call("SET", "k", "3", "PX", "50")
        writer.call("SET", "other", "3")
        writer.call("EXEC")
        assert invalidated(reader) == [b"k"]
        told = []
        while len(told) < 2:
            told += invalidated(listener)
        assert sorted(told) == [b"k", b"other"]
        reader.call("GET", "k")
        assert invalidated(reader) == [b"k"]  # the master says that it has expired
        reader.call("GET", "k")
        writer.call("FLUSHALL")
        assert invalidated(reader) is None


def test_reloaded_data_is_told(servers, binary):
    server = servers.start(binary, options={"enable-debug-command": "yes"})
    with caching(server) as reader, server.raw() as other:
        other.call("SET", "k", "1")
        reader.call("GET", "k")
        assert str(other.call("DEBUG", "RELOAD")) == "+OK"
        assert invalidated(reader) is None


def test_redirection(servers, binary):
    server = servers.start(binary)
    with server.raw() as reader, server.raw() as second, server.raw() as writer:
        listener = server.raw()
        name = listener.call("CLIENT", "ID").value
        listener.call("SUBSCRIBE", "__redis__:invalidate")
        for client in (reader, second):
            client.call("CLIENT", "TRACKING", "ON", "REDIRECT", name)
            assert client.call("CLIENT", "GETREDIR").value == name
            client.call("GET", "k")
        assert f" flags=t db=0 ".encode() in reader.call("CLIENT", "INFO").value
        assert f" redir={name} ".encode() in reader.call("CLIENT", "INFO").value
        writer.call("SET", "k", "1")
        for _ in range(2):
            assert listener.read().plain() == [b"message", b"__redis__:invalidate", [b"k"]]
        writer.call("FLUSHDB")
        for _ in range(2):
            assert listener.read().plain() == [b"message", b"__redis__:invalidate", None]
        listener.call("UNSUBSCRIBE")
        listener.call("HELLO", "3")
        reader.call("GET", "k")
        writer.call("SET", "k", "2")
        assert invalidated(listener) == [b"k"]
        assert_nothing_came(reader)
        listener.close()
        server.wait_info("clients", connected_clients=4)
        reader.call("GET", "k")
        writer.call("SET", "k", "3")
        wait_until("it is seen", lambda: b" flags=tR " in reader.call("CLIENT", "INFO").value)
        assert "broken_redirect" in str(reader.call("CLIENT", "TRACKINGINFO"))
        reader.call("HELLO", "3")
        reader.call("GET", "k")
        writer.call("SET", "k", "4")
        assert read_push(reader) == [b"tracking-redir-broken", name]
        reader.call("CLIENT", "TRACKING", "ON")
        assert "broken_redirect" not in str(reader.call("CLIENT", "TRACKINGINFO"))


def test_the_table_has_a_limit(servers, binary):
    server = servers.start(binary, options={"tracking-table-max-keys": "100"})
    with caching(server) as reader, server.raw() as other:
        for number in range(300):
            reader.send("GET", f"k{number}")
        replies = pushes = 0
        while replies < 300:
            if reader.read().kind == ">":
                pushes += 1
            else:
                replies += 1
        server.wait_info("stats", tracking_total_keys=100)
        while pushes < 200:
            invalidated(reader)
            pushes += 1
        assert_nothing_came(reader)
        other.call("CONFIG", "SET", "tracking-table-max-keys", "10")
        wait_until("the table has shrunk", lambda: other.call("PING") and server.info("stats")["tracking_total_keys"] == "10")
        for _ in range(90):
            invalidated(reader)
        other.call("CONFIG", "SET", "tracking-table-max-keys", "0")
        for number in range(300):
            reader.call("GET", f"k{number}")
        assert server.info("stats")["tracking_total_keys"] == "300"
        other.call("FLUSHALL")
        assert server.info("stats")["tracking_total_keys"] == "0"


def test_what_info_and_the_client_list_say(servers, binary):
    server = servers.start(binary)
    with caching(server) as one, caching(server) as two, caching(server, "BCAST", "PREFIX", "a", "PREFIX", "b") as three:
        one.call("MGET", "k", "l")
        two.call("GET", "k")
        info = server.info("stats")
        assert (info["tracking_total_keys"], info["tracking_total_items"], info["tracking_total_prefixes"]) == ("2", "3", "2")
        assert server.info("clients")["tracking_clients"] == "3"
        assert b" flags=tB " in three.call("CLIENT", "INFO").value
        assert b" redir=0 " in three.call("CLIENT", "INFO").value
        assert str(three.call("RESET")) == "+RESET"
        assert b" redir=-1 " in three.call("CLIENT", "INFO").value
        two.close()
        server.wait_info("clients", tracking_clients=1)
        assert server.info("stats")["tracking_total_prefixes"] == "0"
        one.call("CLIENT", "TRACKING", "OFF")
        assert server.info("clients")["tracking_clients"] == "0"


class Cache(threading.Thread):
    """Reads keys through a local cache, as client libraries do, and checks what it serves: never a value that is older than
    what had been acknowledged to the writer before the cache asked for its pushes."""

    def __init__(self, server, keys, acknowledged, over, options):
        super().__init__()
        self.keys, self.acknowledged, self.over = keys, acknowledged, over
        self.client = caching(server, *options)
        self.broadcast = "BCAST" in options
        self.values = {}
        self.stale = []
        self.served = self.pushes = 0

    def drop(self, push):
        kind, keys = push.plain()
        assert kind == b"invalidate"
        self.pushes += 1
        for key in self.values if keys is None else keys:
            self.values.pop(key.decode(), None)

    def call(self, *words):
        self.client.send(*words)
        while True:
            reply = self.client.read()
            if reply.kind != ">":
                return reply
            self.drop(reply)

    def run(self):
        chance = random.Random(len(self.keys))
        while not self.over.is_set():
            key = chance.choice(self.keys)
            least = self.acknowledged[key]
            self.call("PING")
            if key in self.values:
                self.served += 1
            else:
                value = self.call("GET", key).value
                self.values[key] = int(value)
                continue
            if self.values[key] < least:
                self.stale.append((key, self.values[key], least))
        self.client.close()


@pytest.mark.parametrize("options", [[], ["BCAST"], ["BCAST", "NOLOOP", "PREFIX", "key"]], ids=["default", "bcast", "prefix"])
def test_no_cache_serves_what_is_old(servers, vigil, options):
    server = servers.start(vigil, options=MANY_THREADS)
    keys = [f"key{number}" for number in range(20)]
    acknowledged = dict.fromkeys(keys, 0)
    over = threading.Event()
    with server.raw() as writer:
        for key in keys:
            writer.call("SET", key, 0)
        caches = [Cache(server, keys, acknowledged, over, options) for _ in range(4)]
        for cache in caches:
            cache.start()
        chance = random.Random(1)
        for number in range(1, 4000):
            key = chance.choice(keys)
            assert str(writer.call("SET", key, number)) == "+OK"
            acknowledged[key] = number
        over.set()
        for cache in caches:
            cache.join()
    assert [cache.stale for cache in caches] == [[]] * 4
    assert all(cache.served > 0 and cache.pushes > 0 for cache in caches)


def test_nobody_is_told_behind_the_limit_of_the_output(servers, vigil):
    server = servers.start(vigil, options={"client-output-buffer-limit": "normal 1mb 0 0"})
    listener = caching(server, "BCAST")
    with server.raw() as writer:
        for number in range(200):
            writer.pipeline([("SET", f"{number}-{n}-" + "x" * 1000, "v") for n in range(100)])
        wait_until("it is closed", lambda: server.info("clients")["tracking_clients"] == "0")
    with pytest.raises((Closed, OSError)):
        while True:
            listener.read()
