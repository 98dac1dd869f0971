"""Several workers, many clients, and properties that only hold if the locks are right. Runs under ThreadSanitizer as well."""

import random
import threading

import pytest

from harness.resp import RawClient
from harness.waiting import wait_until

ACCOUNTS, TOTAL = 20, 20 * 1000


class Crew:
    """Threads that each run a function with a client of their own; the first exception fails the test."""

    def __init__(self, port):
        self.port = port
        self.problems = []
        self.threads = []

    def add(self, function, *arguments):
        def run():
            try:
                with RawClient(self.port, timeout=120) as client:
                    function(client, *arguments)
            except BaseException as problem:  # pylint: disable=broad-except
                self.problems.append(problem)

        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def join(self, threads=None):
        for thread in threads or self.threads:
            thread.join()
        if self.problems:
            raise self.problems[0]


@pytest.fixture
def server(servers, vigil):
    options = {"appendonly": "yes", "appendfsync": "no"}
    if vigil.is_vigil:
        options["threads"] = "4"
    return servers.start(vigil, options=options)


@pytest.fixture
def scale(vigil, rounds):
    """Iterations: fewer where every memory access is checked."""
    return lambda count: max(20, rounds(count * 200) // (20 if vigil.is_sanitized else 1))


def values_of(client, keys):
    return [int(item.value) for item in client.call("MGET", *keys).value]


@pytest.mark.sanitize
def test_transactions_keep_a_sum(server, scale):
    """Transfers by MULTI and by WATCH; MGET, EXEC of many GETs, and a snapshot each see the same sum."""
    keys = [f"account{number}" for number in range(ACCOUNTS)]
    server.call("MSET", *[word for key in keys for word in (key, TOTAL // ACCOUNTS)])
    stop = threading.Event()

    def by_multi(client, seed):
        pick = random.Random(seed)
        for _ in range(scale(200)):
            source, target = pick.sample(keys, 2)
            replies = client.pipeline([("MULTI",), ("DECRBY", source, 3), ("INCRBY", target, 3), ("EXEC",)])
            assert replies[-1].kind == "*"

    def by_watch(client, seed):
        pick = random.Random(seed)
        for _ in range(scale(100)):
            source, target = pick.sample(keys, 2)
            client.call("WATCH", source, target)
            left, right = values_of(client, [source, target])
            client.pipeline([("MULTI",), ("SET", source, left - 1), ("SET", target, right + 1), ("EXEC",)])

    def watch_the_sum(client):
        while not stop.is_set():
            assert sum(values_of(client, keys)) == TOTAL
            replies = client.pipeline([("MULTI",), *[("GET", key) for key in keys], ("EXEC",)])
            assert sum(int(item.value) for item in replies[-1].value) == TOTAL

    def save(client):
        while not stop.wait(0.2):
            client.call("BGSAVE")
            wait_until("the save ends", lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0")

    crew = Crew(server.port)
    for number in range(4):
        crew.add(by_multi, number)
        crew.add(by_watch, 100 + number)
    movers = list(crew.threads)
    crew.add(watch_the_sum)
    crew.add(save)
    crew.join(movers)
    stop.set()
    crew.join()
    with server.raw() as client:
        assert sum(values_of(client, keys)) == TOTAL
    server.call("SAVE")
    server.shutdown()
    server.start()
    with server.raw() as client:
        assert sum(values_of(client, keys)) == TOTAL


@pytest.mark.sanitize
def test_watch_prevents_write_skew(server, scale):
    """Two keys of which at least one must stay 1: each client may only clear one if it has seen the other set."""
    def doctor(client, mine, other):
        for _ in range(scale(150)):
            client.call("WATCH", "on-call:1", "on-call:2")
            if client.call("GET", other).value == b"1":
                client.pipeline([("MULTI",), ("SET", mine, 0), ("EXEC",)])
            else:
                client.call("UNWATCH")
            replies = client.pipeline([("MULTI",), ("MGET", "on-call:1", "on-call:2"), ("EXEC",)])
            seen = [item.value for item in replies[-1].value[0].value]
            assert b"1" in seen, seen
            client.call("SET", mine, 1)

    server.call("MSET", "on-call:1", "1", "on-call:2", "1")
    crew = Crew(server.port)
    crew.add(doctor, "on-call:1", "on-call:2")
    crew.add(doctor, "on-call:2", "on-call:1")
    crew.join()


@pytest.mark.sanitize
def test_blocking_pops_lose_and_double_nothing(server, scale):
    queues = [f"queue{number}" for number in range(5)]
    count = scale(300)
    taken, lock = [], threading.Lock()

    def consumer(client, seed):
        pick, mine = random.Random(seed), []
        while True:
            some = pick.sample(queues, len(queues))
            form = pick.randrange(3)
            if form == 0:
                reply = client.call("BLPOP", *some, "stop", "0")
                values = [reply.value[1].value]
            elif form == 1:
                reply = client.call("BRPOP", *some, "stop", "0")
                values = [reply.value[1].value]
            else:
                reply = client.call("BLMPOP", "0", 1 + len(some), *some, "stop", "LEFT")
                values = [item.value for item in reply.value[1].value]
            if reply.value[0].value == b"stop":
                with lock:
                    taken.extend(mine)
                return
            mine += values

    def producer(client, name):
        pick = random.Random(name)
        for number in range(count):
            words = [f"{name}-{number}-{part}" for part in range(3)]
            if number % 3:
                client.call("RPUSH", pick.choice(queues), *words)
            else:
                first, second = pick.sample(queues, 2)
                client.pipeline([("MULTI",), ("LPUSH", first, words[0]), ("RPUSH", second, *words[1:]), ("EXEC",)])

    def mover(client):
        pick = random.Random(5)
        for _ in range(count):
            client.call("LMOVE", *pick.sample(queues, 2), "LEFT", "RIGHT")

    crew = Crew(server.port)
    consumers = 6
    for seed in range(consumers):
        crew.add(consumer, seed)
    takers = list(crew.threads)
    for name in range(3):
        crew.add(producer, name)
    crew.add(mover)
    crew.join(crew.threads[consumers:])
    wait_until("the queues are empty", lambda: server.call("EXISTS", *queues) == 0)
    server.call("RPUSH", "stop", *["x"] * consumers)
    crew.join(takers)
    wanted = [f"{name}-{number}-{part}".encode() for name in range(3) for number in range(count) for part in range(3)]
    assert sorted(taken) == sorted(wanted)


@pytest.mark.sanitize
def test_expiry_flush_scan_and_rewrite_together(server, scale):
    """No property but: every reply is one that the command may give, and the server lives through it."""
    def churn(client, seed):
        pick = random.Random(seed)
        for _ in range(scale(60)):
            number = pick.randrange(200)
            batch = [
                ("SET", f"k{number}", "v", "PX", pick.randrange(1, 50)), ("GET", f"k{number}"), ("RPUSH", f"l{number}", *range(20)),
                ("PEXPIRE", f"l{number}", pick.randrange(1, 50)), ("RENAME", f"l{number}", f"m{number}"),
                ("COPY", f"m{number}", f"l{pick.randrange(200)}", "REPLACE"), ("LLEN", f"m{number}"), ("RANDOMKEY",),
                ("SCAN", 0, "COUNT", 50), ("UNLINK", f"m{number}", f"k{pick.randrange(200)}"), ("DBSIZE",), ("TTL", f"k{number}"),
                ("OBJECT", "ENCODING", f"l{number}"), ("CLIENT", "LIST"), ("INFO",),
            ]
            for words, reply in zip(batch, client.pipeline(batch)):
                assert not reply.is_error or reply.value == b"ERR no such key", f"{words}: {reply}"

    def shake(client):
        pick = random.Random(1)
        for _ in range(scale(20)):
            client.call(*pick.choice([["FLUSHALL"], ["BGREWRITEAOF"], ["BGSAVE"], ["SWAPDB", "0", "1"], ["KEYS", "*"], ["CONFIG", "GET", "*"],
                                      ["CLIENT", "KILL", "TYPE", "replica"], ["FLUSHDB", "ASYNC"]]))

    crew = Crew(server.port)
    for seed in range(5):
        crew.add(churn, seed)
    crew.add(shake)
    crew.join()
    assert server.is_running()
    assert server.call("PING") == b"PONG"


@pytest.mark.sanitize
def test_clients_that_come_and_go(server, scale):
    def visitor(_, seed):
        pick = random.Random(seed)
        for number in range(scale(60)):
            with RawClient(server.port, timeout=120) as client:
                client.call("CLIENT", "SETNAME", f"visitor{seed}")
                form = pick.randrange(4)
                if form == 0:
                    client.send("BLPOP", f"wait{number % 5}", "0")
                elif form == 1:
                    client.send("MULTI")
                    client.send("SET", "half", "1")
                elif form == 2:
                    client.call("WATCH", "half", "whole")
                else:
                    client.send_bytes(b"*3\r\n$3\r\nSET\r\n$4\r\nha")
            with RawClient(server.port, timeout=120) as client:
                assert client.call("RPUSH", f"wait{number % 5}", "x").kind == ":"

    crew = Crew(server.port)
    for seed in range(5):
        crew.add(visitor, seed)
    crew.join()
    wait_until("all have gone", lambda: int(server.info("clients")["connected_clients"]) == 1)
    assert server.info("clients")["blocked_clients"] == "0"
    assert server.call("EXISTS", "half") == 0
