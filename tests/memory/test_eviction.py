"""Eviction on running servers: what goes under each policy, what is refused, and what replicas, the AOF and transactions see.
Where redis-server answers the same question, it is asked too."""

import re
import threading

import pytest

from harness.replication import assert_in_sync, replicate, wait_link
from harness.waiting import wait_until

MB = 1 << 20
POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]
OOM = b"OOM command not allowed when used memory > 'maxmemory'."


def used(server):
    """What counts against maxmemory."""
    memory = server.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_not_counted_for_evict"])


def evicted(server):
    return int(server.info("stats")["evicted_keys"])


def write(client, count, *, size=200, name="key", ttl=None, start=0):
    """Sets that many keys in pipelines; the replies that are errors."""
    errors = []
    for first in range(start, start + count, 500):
        commands = [("SET", f"{name}:{number}", "v" * size, *(("EX", ttl) if ttl else ()))
                    for number in range(first, min(first + 500, start + count))]
        errors += [reply.value for reply in client.pipeline(commands) if reply.is_error]
    return errors


def limited(servers, binary, extra, **options):
    """A server that may take `extra` bytes beside what it takes when it is empty."""
    server = servers.start(binary, options={"io-threads": "2", **options} if binary.is_vigil else options)
    server.call("CONFIG", "SET", "maxmemory", used(server) + extra)
    return server


@pytest.mark.parametrize("policy", POLICIES)
def test_memory_stays_below_the_limit(servers, vigil, policy):
    server = limited(servers, vigil, 4 * MB, **{"maxmemory-policy": policy})
    limit = int(server.call("CONFIG", "GET", "maxmemory")[1])
    with server.raw() as client:
        assert write(client, 1000, name="forever") == []
        for round_ in range(20):
            assert write(client, 2500, name="mortal", ttl=10000 + round_, start=2500 * round_) == []
            assert used(server) < limit * 1.02
        assert evicted(server) > 10000
        kept = sum(reply.value for reply in client.pipeline([("EXISTS", f"forever:{n}") for n in range(1000)]))
    assert kept == 1000 if policy.startswith("volatile") else kept < 900
    assert server.info("memory")["maxmemory_policy"] == policy


def test_lists_and_large_strings_count(servers, vigil):
    server = limited(servers, vigil, 8 * MB, **{"maxmemory-policy": "allkeys-lru"})
    limit = int(server.call("CONFIG", "GET", "maxmemory")[1])
    with server.raw() as client:
        for number in range(200):
            client.pipeline([("SET", f"string:{number}", "v" * 100_000), ("RPUSH", f"list:{number}", *(["v" * 1000] * 100))])
            assert used(server) < limit * 1.02
    assert 100 < evicted(server) < 400


@pytest.mark.parametrize("policy", ["noeviction", "volatile-lru", "volatile-random", "volatile-ttl"])
def test_where_nothing_may_go_writes_are_refused(servers, vigil, oracle, policy):
    answers = []
    for binary in (vigil, oracle):
        server = limited(servers, binary, MB, **{"maxmemory-policy": policy})
        with server.raw() as client:
            assert set(write(client, 6000)) == {OOM}
            # What the pipeline's buffers took is free again: that must not be room.
            server.call("CONFIG", "SET", "maxmemory", used(server) - 64 * 1024)
            assert evicted(server) == 0
            replies = [client.call(*line.split()) for line in (
                "SET a b|APPEND a b|LPUSH l x|GET key:1|STRLEN key:1|DEL nothing|LPOP l|EXPIRE nothing 1|INCR n|MULTI|GET a"
                "|DISCARD|MULTI|EXEC|WATCH a|UNWATCH|PING|RESET").split("|")]
            # What was queued before memory ran out is refused as a whole.
            server.call("CONFIG", "SET", "maxmemory", "0")
            replies += [client.call(*words) for words in (("MULTI",), ("SET", "a", "b"))]
            server.call("CONFIG", "SET", "maxmemory", "1000000")
            replies += [client.call(*words) for words in (("EXEC",), ("GET", "a"), ("EXEC",))]
            server.call("CONFIG", "SET", "maxmemory", "0")
            replies += [client.call(*words) for words in (("MULTI",), ("GET", "a"))]
            server.call("CONFIG", "SET", "maxmemory", "1000000")
            replies.append(client.call("EXEC"))
            answers.append([str(reply) for reply in replies])
            assert int(server.info("stats")["evicted_keys"]) == 0
    assert answers[0] == answers[1]


def test_lru_keeps_what_is_read(servers, vigil):
    server = limited(servers, vigil, 4 * MB, **{"maxmemory-policy": "allkeys-lru"})
    with server.raw() as client:
        write(client, 12000, name="old")
        assert evicted(server) == 0
        wait_until("a second of the LRU clock passes", lambda: client.call("OBJECT", "IDLETIME", "old:0").value > 0)
        client.pipeline([("GET", f"old:{n}") for n in range(1000)])
        write(client, 10000)
        assert 3000 < evicted(server) < 10000
        kept = sum(reply.value for reply in client.pipeline([("EXISTS", f"old:{n}") for n in range(1000)]))
        assert kept > 990


def test_lfu_keeps_what_is_read_often(servers, vigil):
    server = limited(servers, vigil, 4 * MB, **{"maxmemory-policy": "allkeys-lfu", "lfu-log-factor": "1"})
    with server.raw() as client:
        write(client, 1000, name="read")
        for _ in range(20):
            client.pipeline([("GET", f"read:{n}") for n in range(1000)])
        assert client.call("OBJECT", "FREQ", "read:1").value > 8
        write(client, 40000)
        assert evicted(server) > 20000
        kept = sum(reply.value for reply in client.pipeline([("EXISTS", f"read:{n}") for n in range(1000)]))
        assert kept > 990


def test_ttl_evicts_what_expires_first(servers, vigil):
    server = limited(servers, vigil, 4 * MB, **{"maxmemory-policy": "volatile-ttl"})
    with server.raw() as client:
        write(client, 4000, name="late", ttl=90000)
        write(client, 20000, name="soon", ttl=5000)
        kept = sum(reply.value for reply in client.pipeline([("EXISTS", f"late:{n}") for n in range(4000)]))
        assert kept > 3950 and evicted(server) > 5000


@pytest.mark.parametrize("lazy", ["no", "yes"])
@pytest.mark.parametrize("oracle_replicates", [True, False])
def test_replicas_get_every_eviction(servers, vigil, oracle, lazy, oracle_replicates):
    master = limited(servers, vigil, 3 * MB, **{"maxmemory-policy": "allkeys-lru", "lazyfree-lazy-eviction": lazy})
    replica = servers.start(oracle if oracle_replicates else vigil)
    replica.call("CONFIG", "SET", "maxmemory", "1mb")  # which it ignores
    replicate(replica, master.port)
    wait_link(replica)
    with master.raw() as client:
        write(client, 20000)
        client.pipeline([("RPUSH", f"list:{n}", *(["x" * 100] * 300)) for n in range(200)])
        write(client, 5000, name="more")
    assert evicted(master) > 5000
    master.call("CONFIG", "SET", "maxmemory", "0")  # to look at the data takes memory too
    assert_in_sync(master, replica)
    assert evicted(replica) == 0
    assert int(replica.call("DBSIZE")) > 1000


@pytest.mark.parametrize("lazy, command", [("no", "DEL"), ("yes", "UNLINK")])
def test_the_aof_has_every_eviction(servers, vigil, lazy, command):
    server = servers.start(vigil, options={"appendonly": "yes", "aof-use-rdb-preamble": "no", "lazyfree-lazy-eviction": lazy,
                                           "maxmemory-policy": "allkeys-random"})
    server.call("CONFIG", "SET", "maxmemory", used(server) + 2 * MB)
    with server.raw() as client:
        write(client, 10000)
    count, size = evicted(server), int(server.call("DBSIZE"))
    assert count > 1000
    server.shutdown()
    log = b"".join(path.read_bytes() for path in sorted((server.directory / "appendonlydir").glob("*.incr.aof")))
    assert len(re.findall(rb"\$\d\r\n%s\r\n\$\d+\r\nkey:" % command.encode(), log)) == count
    server.start()  # without the limit, which CONFIG SET gave
    assert int(server.call("DBSIZE")) == size


def test_samples_decide_how_old_the_victims_are(servers, vigil):
    """With more maxmemory-samples fewer of the younger half go."""
    wrong = {}
    for samples in ("1", "64"):
        server = servers.start(vigil, options={"maxmemory-policy": "volatile-ttl", "maxmemory-samples": samples, "io-threads": "1"})
        with server.raw() as client:
            # What expires first is the best victim: an order that does not depend on time.
            for first in range(0, 40000, 1000):
                client.pipeline([("SET", f"key:{n}", "v" * 200, "EX", 10000 + n) for n in range(first, first + 1000)])
            client.call("CONFIG", "SET", "maxmemory", used(server) - 4 * MB)
            wait_until("some have gone", lambda: evicted(server) > 8000)
            wait_until("eviction is over", lambda: used(server) <= int(server.call("CONFIG", "GET", "maxmemory")[1]))
            kept = [reply.value for reply in client.pipeline([("EXISTS", f"key:{n}") for n in range(40000)])]
            victims = kept.count(0)
            wrong[samples] = kept[victims:].count(0) / victims
    assert wrong["64"] < wrong["1"], wrong


def test_a_smaller_limit_evicts_in_the_background(servers, vigil):
    server = servers.start(vigil, options={"maxmemory-policy": "allkeys-lru"})
    with server.raw() as client:
        write(client, 40000)
    before = used(server)
    limit = before - 5 * MB
    server.call("CONFIG", "SET", "maxmemory", limit)
    wait_until("the memory is freed", lambda: used(server) <= limit)
    assert f"WARNING: the new maxmemory value set via CONFIG SET ({limit}) is smaller than the current memory usage (" in \
        server.log_text()
    wait_until("eviction is over", lambda: server.info("stats")["current_eviction_exceeded_time"] == "0")


def test_tenacity_bounds_what_one_command_does(servers, vigil):
    """With none at all a command evicts next to nothing, and the background does the rest."""
    server = servers.start(vigil, options={"maxmemory-policy": "allkeys-lru", "maxmemory-eviction-tenacity": "0"})
    with server.raw() as client:
        write(client, 60000)
        client.call("CONFIG", "SET", "maxmemory", used(server) - 8 * MB)
        limit = int(server.call("CONFIG", "GET", "maxmemory")[1])
        wait_until("eviction is over", lambda: used(server) <= limit)
        assert int(server.info("stats")["total_eviction_exceeded_time"]) > 0
        client.call("CONFIG", "RESETSTAT")
        stats = server.info("stats")
        # The background may have evicted a few more by the time INFO is asked.
        assert int(stats["evicted_keys"]) < 1000 and int(stats["total_eviction_exceeded_time"]) < 1000


def test_nothing_goes_while_writes_are_paused(servers, vigil):
    server = servers.start(vigil, options={"maxmemory-policy": "allkeys-lru", "io-threads": "2"})
    with server.raw() as client:
        write(client, 20000)
        client.call("CLIENT", "PAUSE", "100000", "WRITE")
        client.call("CONFIG", "SET", "maxmemory", "1mb")
        for _ in range(50):
            client.call("GET", "key:1")
        assert evicted(server) == 0 and client.call("DBSIZE").value == 20000
        client.call("CLIENT", "UNPAUSE")
        wait_until("what was held back is done", lambda: evicted(server) > 1000)


def test_an_eviction_fails_who_watches_the_key(servers, vigil):
    server = servers.start(vigil, options={"maxmemory-policy": "allkeys-random"})
    with server.raw() as client:
        write(client, 10)
        client.call("WATCH", *[f"key:{n}" for n in range(10)])
        server.call("CONFIG", "SET", "maxmemory", "1")
        wait_until("all keys are gone", lambda: server.call("DBSIZE") == 0)
        server.call("CONFIG", "SET", "maxmemory", "0")
        client.call("MULTI")
        client.call("PING")
        assert client.call("EXEC").value is None


def test_a_replica_evicts_on_its_own_account_only_if_told_to(servers, vigil):
    master = servers.start(vigil)
    replica = servers.start(vigil, options={"maxmemory-policy": "allkeys-lru"})
    replicate(replica, master.port)
    wait_link(replica)
    with master.raw() as client:
        write(client, 20000)
    assert_in_sync(master, replica)
    replica.call("CONFIG", "SET", "maxmemory", used(replica) - 2 * MB)
    with master.raw() as client:
        write(client, 1000, name="more")
    assert_in_sync(master, replica)
    assert evicted(replica) == 0
    replica.call("CONFIG", "SET", "replica-ignore-maxmemory", "no")
    wait_until("the replica evicts", lambda: used(replica) <= int(replica.call("CONFIG", "GET", "maxmemory")[1]))
    assert evicted(replica) > 0 and master.call("DBSIZE") == 21000


def test_many_writers_on_several_workers(servers, vigil):
    server = limited(servers, vigil, 4 * MB, **{"maxmemory-policy": "allkeys-lru", "io-threads": "4"})
    limit = int(server.call("CONFIG", "GET", "maxmemory")[1])
    errors, highest, over = [], [0], threading.Event()

    def writer(number):
        with server.raw() as client:
            errors.extend(write(client, 20000, name=f"writer{number}"))

    def watcher():
        while not over.is_set():
            highest[0] = max(highest[0], used(server))

    watching = threading.Thread(target=watcher)
    writers = [threading.Thread(target=writer, args=(number,)) for number in range(6)]
    for thread in (watching, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    watching.join()
    assert errors == []
    # Beside the data, the clients' own buffers of some hundred kilobytes count.
    assert highest[0] < limit * 1.02 + MB
    wait_until("memory is below the limit", lambda: used(server) <= limit)
    keys = server.call("DBSIZE")
    assert keys + evicted(server) == 120000


def test_object_freq_and_idletime_follow_the_policy(servers, vigil, oracle):
    answers = []
    for binary in (vigil, oracle):
        server = servers.start(binary)
        with server.raw() as client:
            seen = []
            for policy in [*POLICIES, "noeviction", "bogus"]:
                seen.append(str(client.call("CONFIG", "SET", "maxmemory-policy", policy)))
                client.call("SET", "k", "v")
                seen += [str(client.call("OBJECT", what, "k")) for what in ("FREQ", "IDLETIME")]
                client.call("DEL", "k")
            for name, value in (("maxmemory-samples", 0), ("maxmemory-eviction-tenacity", 101), ("lfu-decay-time", -1),
                                ("lfu-log-factor", -1), ("maxmemory", "x"), ("lfu-log-factor", 2147483647)):
                seen.append(str(client.call("CONFIG", "SET", name, value)))
            answers.append(seen)
    assert answers[0] == answers[1]
