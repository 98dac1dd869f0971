"""A cache under load: zipfian reads, and what was missed is set. Tells the hit ratio and how far memory exceeded the limit.

As a program it compares the servers of two directories over all policies:

    VIGIL_BIN=build/release/bin /usr/bin/python3 tests/memory/cache_trial.py --megabytes 100
"""

import argparse
import itertools
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.server import Server, oracle_binary, vigil_binary

POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]
VALUE = 100
BATCH = 250
CONNECTIONS = 2
MARGIN = 1.02
HIT = b"$%d\r\n" % VALUE
MISS = b"$-1\r\n"


@dataclass
class Load:
    """The same for every server: which keys are read, in which order."""

    keys: int
    reads: int
    skew: float = 0.9
    seed: int = 1

    def batches(self):
        pick = random.Random(self.seed)
        weights = list(itertools.accumulate(1 / (rank ** self.skew) for rank in range(1, self.keys + 1)))
        for _ in range(self.reads // BATCH):
            yield pick.choices(range(self.keys), cum_weights=weights, k=BATCH)


@dataclass
class Outcome:
    hits: int = 0
    reads: int = 0
    keys: int = 0
    longest_over: float = 0.0  # seconds over the limit by more than the margin, without a break
    highest: float = 0.0       # the most memory, as a part of the limit
    seconds: float = 0.0

    @property
    def ratio(self):
        return self.hits / self.reads


class MemoryWatch:
    """Looks at the memory that counts against the limit, all the time, until it is stopped."""

    def __init__(self, server, limit):
        self.longest, self.highest = 0.0, 0.0
        self._server, self._limit = server, limit
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        since = None
        while not self._stop.wait(0.02):
            memory = self._server.info("memory")
            part = (int(memory["used_memory"]) - int(memory["mem_not_counted_for_evict"])) / self._limit
            now = time.monotonic()
            self.highest = max(self.highest, part)
            if part <= MARGIN:
                since = None
            else:
                since = since or now
                self.longest = max(self.longest, now - since)


def name_of(key):
    return b"key:%08d" % key


def read_request(keys):
    return b"".join(b"*2\r\n$3\r\nGET\r\n$12\r\n%s\r\n" % name_of(key) for key in keys)


def write_request(keys, mortal):
    value = b"v" * VALUE
    if not mortal:
        return b"".join(b"*3\r\n$3\r\nSET\r\n$12\r\n%s\r\n$%d\r\n%s\r\n" % (name_of(key), VALUE, value) for key in keys)
    # Every key has its own time to live, which has nothing to do with how often it is read.
    return b"".join(b"*5\r\n$3\r\nSET\r\n$12\r\n%s\r\n$%d\r\n%s\r\n$2\r\nEX\r\n$5\r\n%d\r\n"
                    % (name_of(key), VALUE, value, 10000 + key * 7919 % 90000) for key in keys)


def missed_of(keys, replies):
    """The keys whose reply was a miss. `replies` must hold all of them."""
    at, missed = 0, []
    for key in keys:
        if replies.startswith(HIT, at):
            at += len(HIT) + VALUE + 2
        else:
            assert replies.startswith(MISS, at), replies[at:at + 100]
            at += len(MISS)
            missed.append(key)
    return missed


class Wire:
    """One connection that is spoken to in whole batches."""

    def __init__(self, server):
        self._client = server.raw()
        self._socket = self._client.socket

    def send(self, request):
        self._socket.sendall(request)

    def receive_reads(self, keys):
        replies = b""
        while True:
            replies += self._socket.recv(1 << 20)
            # All replies are of one of two sizes: count the line ends.
            hits = replies.count(HIT)
            if replies.count(b"\r\n") == len(keys) + hits and replies.endswith(b"\r\n"):
                return missed_of(keys, replies)

    def receive_writes(self, count):
        replies = b""
        while replies.count(b"\r\n") < count:
            replies += self._socket.recv(1 << 20)
        assert replies == b"+OK\r\n" * count, replies[:200]

    def close(self):
        self._client.close()


def run(server, policy, megabytes, load):
    """Runs the load on a server that is empty; the first third of it warms up and is not counted."""
    limit = megabytes << 20
    server.call("CONFIG", "SET", "maxmemory", limit, "maxmemory-policy", policy)
    outcome = Outcome()
    wires = [Wire(server) for _ in range(CONNECTIONS)]
    mortal = policy.startswith("volatile")
    warm, done, began = load.reads // 3, 0, time.monotonic()
    batches = load.batches()
    with MemoryWatch(server, limit) as watch:
        while work := [(wire, keys) for wire, keys in zip(wires, batches)]:
            for wire, keys in work:
                wire.send(read_request(keys))
            missed = []
            for wire, keys in work:
                absent = wire.receive_reads(keys)
                missed.append((wire, list(dict.fromkeys(absent))))
                done += len(keys)
                if done > warm:
                    outcome.reads += len(keys)
                    outcome.hits += len(keys) - len(absent)
            for wire, keys in missed:
                wire.send(write_request(keys, mortal))
            for wire, keys in missed:
                wire.receive_writes(len(keys))
    for wire in wires:
        wire.close()
    outcome.seconds = time.monotonic() - began
    outcome.longest_over, outcome.highest = watch.longest, watch.highest
    outcome.keys = server.call("DBSIZE")
    assert int(server.info("stats")["evicted_keys"]) > 0, "nothing was evicted: the load is too small for the limit"
    return outcome


def load_for(megabytes, reads_per_key=3):
    """More keys than fit, so that the policy matters: about four times as many as redis-server can hold."""
    keys = megabytes * 20_000
    return Load(keys=keys, reads=keys * reads_per_key)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--reads-per-key", type=int, default=3)
    parser.add_argument("--threads", default="2")
    parser.add_argument("policies", nargs="*", default=POLICIES)
    options = parser.parse_args()
    load = load_for(options.megabytes, options.reads_per_key)
    print(f"{load.keys} keys, {load.reads} reads, maxmemory {options.megabytes} MB")
    print(f"{'policy':<16}{'server':<14}{'hit ratio':>10}{'keys':>10}{'highest':>9}{'over 2%':>9}{'seconds':>9}")
    for policy in options.policies:
        for binary in (vigil_binary(), oracle_binary()):
            with tempfile.TemporaryDirectory() as directory:
                server = Server(binary, directory, options={"io-threads": options.threads} if binary.is_vigil else {})
                try:
                    server.start()
                    got = run(server, policy, options.megabytes, load)
                finally:
                    server.close()
            print(f"{policy:<16}{binary.path.name:<14}{got.ratio:>10.4f}{got.keys:>10}{got.highest:>8.1%}"
                  f"{got.longest_over:>8.2f}s{got.seconds:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
