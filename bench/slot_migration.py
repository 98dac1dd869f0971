#!/usr/bin/env python3
"""Moves slots of a loaded master to an empty one: Vigil's way in one piece beside the key-by-key way of redis-cli.

usage: slot_migration.py [--megabytes 500] [--slots 500] [--value 1000] [--rate 20000] [--replicas 0] NAME='COMMAND …' …

COMMAND starts a server; {port} and {dir} are filled in. For each, a cluster of two masters (with so many replicas each), of which
the first owns all slots and holds so many megabytes of strings in as many of the first slots, which will move, and a tenth of that in slots that will
not. Servers that know CLUSTER MIGRATESLOTS move with that, others by `redis-cli --cluster reshard`. Before it and
meanwhile three clients, each a process of its own, follow redirections and write:

  untouched   SETs on slots that stay, in pipelines of fifty: half of the `rate` (open loop), or as fast as they are answered (--rate 0)
  moving      the same on slots that move
  one by one  SETs on slots that move, each when the one before was answered: how long did the longest take?

"before" are some quiet seconds of the same load. `share` is what was left of the throughput meanwhile. A longest pause is at least what the machine
itself holds a process up for, so it should be quiet; where it is not, look at that of the quiet seconds too.
"""
import argparse
import binascii
import itertools
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from array import array

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from full_resync import Server, free_port, wait  # pylint: disable=wrong-import-position
from harness.resp import RawClient, encode  # pylint: disable=wrong-import-position

SLOTS = 16384
PIPELINE = 50
QUIET = 5  # seconds
FILL = 500  # SETs in a pipeline
SAMPLE = 20_000  # keys that the clients write


def slot_of(key):
    return binascii.crc_hqx(key[1:key.index("}")].encode(), 0) % SLOTS


def tags_of(slots):
    """A hash tag for each of them."""
    found = {}
    for number in itertools.count():
        slot = binascii.crc_hqx(str(number).encode(), 0) % SLOTS
        if slot in slots:
            found.setdefault(slot, number)
            if len(found) == len(slots):
                return list(found.values())


def names(slots, count):
    """So many keys, spread over these slots."""
    tags = tags_of(slots)
    return [f"{{{tags[number % len(tags)]}}}{number}" for number in range(count)]


# --- Clients -----------------------------------------------------------------------------------------------------


class Client:
    """Sends each key's request to where it was last told that the key's slot is."""

    def __init__(self, port):
        self.first = port
        self.connections = {}
        self.owners = {}

    def connection(self, port):
        if port not in self.connections:
            self.connections[port] = RawClient(port)
        return self.connections[port]

    def owner(self, key):
        return self.owners.get(slot_of(key), self.first)

    def write(self, key, request):
        """Until it is acknowledged."""
        reply = self.ask(self.owner(key), request)
        while reply.is_error:
            reply = self.redirected(key, request, reply)

    def ask(self, port, request):
        connection = self.connection(port)
        connection.send_bytes(request)
        return connection.read()

    def redirected(self, key, request, reply):
        word, *details = reply.value.decode().split()
        port = int(details[1].rpartition(":")[2]) if word in ("MOVED", "ASK") else None
        if word == "MOVED":
            self.owners[slot_of(key)] = port
        elif word == "ASK":
            self.connection(port).call("ASKING")
            return self.ask(port, request)
        elif word != "TRYAGAIN":
            raise SystemExit(f"{key}: {reply}")
        return self.ask(self.owner(key), request)

    def write_batch(self, batch):
        """`batch`: (key, request) of one owner."""
        connection = self.connection(self.owner(batch[0][0]))
        connection.send_bytes(b"".join(request for _, request in batch))
        for (key, request), reply in zip(batch, [connection.read() for _ in batch]):
            while reply.is_error:
                reply = self.redirected(key, request, reply)


class Load:
    """A client in a process of its own, which notes when how many writes were acknowledged, and how long that took."""

    def __init__(self, port, keys, size, rate, pipeline):
        self.keys, self.size, self.rate, self.pipeline = keys, size, rate, pipeline
        self.port = port
        self.ended = multiprocessing.Event()
        self.mine, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run, args=(theirs,), daemon=True)
        self.process.start()
        self.mine.recv()

    def run(self, results):
        client = Client(self.port)
        value = "w" * self.size
        pick = random.Random(self.pipeline)
        requests = [(key, encode(("SET", key, value))) for key in self.keys]
        times, took = array("d"), array("d")
        results.send("ready")
        began, done = time.monotonic(), 0
        while not self.ended.is_set():
            if self.rate:
                early = began + done / self.rate - time.monotonic()
                if early > 0:
                    time.sleep(early)
            batch = [pick.choice(requests) for _ in range(self.pipeline)]
            start = time.monotonic()
            for part in self.by_owner(client, batch):
                client.write_batch(part) if self.pipeline > 1 else client.write(*part[0])
            times.append(time.monotonic())
            took.append(times[-1] - start)
            done += self.pipeline
        results.send((times.tobytes(), took.tobytes()))

    @staticmethod
    def by_owner(client, batch):
        parts = {}
        for each in batch:
            parts.setdefault(client.owner(each[0]), []).append(each)
        return parts.values()

    def end(self):
        self.ended.set()
        self.times, self.took = (array("d", each) for each in self.mine.recv())
        self.process.join()

    def per_second(self, begin, end):
        return self.pipeline * sum(begin <= at < end for at in self.times) / (end - begin)

    def milliseconds(self, begin, end):
        """Sorted, of what was under way between the two."""
        return sorted(1000 * took for at, took in zip(self.times, self.took) if begin <= at and at - took < end)


# --- The cluster -------------------------------------------------------------------------------------------------


class Cluster:
    def __init__(self, command, directory, replicas):
        self.nodes = []
        self.buses = []
        for number in range(2 * (1 + replicas)):
            place = os.path.join(directory, str(number))
            os.mkdir(place)
            self.buses.append(free_port())
            self.nodes.append(Server(command, place, "--save", "", "--enable-debug-command", "yes", "--cluster-enabled", "yes",
                                     "--cluster-port", str(self.buses[-1]), "--repl-diskless-sync-delay", "0",
                                     "--loglevel", "warning", "--cluster-node-timeout", "15000"))
        self.source, self.target, *others = self.nodes
        self.ids = [node.call("CLUSTER", "MYID").decode() for node in self.nodes]
        for epoch, node in enumerate(self.nodes, 1):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        self.source.call("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        for node, bus in zip(self.nodes[1:], self.buses[1:]):
            self.source.call("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        wait("all know all", lambda: all(b"handshake" not in node.call("CLUSTER", "NODES") and
                                         node.call("CLUSTER", "NODES").count(b"\n") == len(self.nodes) for node in self.nodes))
        wait("the cluster is up", lambda: all(b"cluster_state:ok" in node.call("CLUSTER", "INFO") for node in self.nodes))
        for number, replica in enumerate(others):
            replica.call("CLUSTER", "REPLICATE", self.ids[number % 2])
        for replica in others:
            wait("a replica is linked", lambda replica=replica: replica.info("replication").get("master_link_status") == "up")

    def close(self):
        for node in self.nodes:
            node.close()

    def fill(self, keys, size):
        value = "v" * size
        with RawClient(self.source.port) as client:
            for at in range(0, len(keys), FILL):
                batch = keys[at:at + FILL]
                client.send_bytes(b"".join(encode(("SET", key, value)) for key in batch))
                client.read_bytes(len(b"+OK\r\n") * len(batch))

    def is_atomic(self):
        return b"unknown" not in self.source.call("CLUSTER", "MIGRATESLOTS")

    def move(self, slots):
        """Until the target owns the slots."""
        if self.is_atomic():
            self.source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", 0, slots - 1, "NODE", self.ids[1])
            wait("the migration ends", lambda: self.state() in (b"success", b"failed"))
            if self.state() != b"success":
                raise SystemExit(f"the migration failed: {self.source.call('CLUSTER', 'GETSLOTMIGRATIONS')}")
            return
        subprocess.run(["redis-cli", "--cluster", "reshard", f"127.0.0.1:{self.source.port}", "--cluster-from", self.ids[0],
                        "--cluster-to", self.ids[1], "--cluster-slots", str(slots), "--cluster-yes"],
                       check=True, stdout=subprocess.DEVNULL)

    def state(self):
        job = self.source.call("CLUSTER", "GETSLOTMIGRATIONS")[0]
        return job[job.index(b"state") + 1]


def measure(command, arguments):
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(command, directory, arguments.replicas)
        try:
            count = arguments.megabytes * 1_000_000 // arguments.value
            moving = names(range(arguments.slots), count)
            staying = names(range(SLOTS - arguments.slots, SLOTS), count // 10)
            cluster.fill(moving + staying, arguments.value)
            rate = arguments.rate / 2
            moving = random.Random(1).sample(moving, min(count, SAMPLE))
            loads = [Load(cluster.source.port, staying[:SAMPLE], arguments.value, rate, PIPELINE),
                     Load(cluster.source.port, moving, arguments.value, rate, PIPELINE),
                     Load(cluster.source.port, moving, arguments.value, arguments.single, 1)]
            time.sleep(1)
            quiet = time.monotonic()
            time.sleep(QUIET)
            begin = time.monotonic()
            cluster.move(arguments.slots)
            end = time.monotonic()
            for load in loads:
                load.end()
            if cluster.target.call("DBSIZE") != count:
                raise SystemExit("the target has not got the keys")
        finally:
            cluster.close()
    result = {"seconds": round(end - begin, 2)}
    for name, load in zip(("untouched", "moving"), loads):
        before, during = load.per_second(quiet, begin), load.per_second(begin, end)
        result[name] = f"{before:.0f} -> {during:.0f} a second, share {during / before:.2f}"
    for name, span in (("before", (quiet, begin)), ("meanwhile", (begin, end))):
        took = loads[2].milliseconds(*span)
        result[name] = f"p99.9 {took[int(len(took) * 0.999)]:.1f} ms, longest {took[-1]:.1f} ms"
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--slots", type=int, default=500)
    parser.add_argument("--value", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--single", type=int, default=1000, help="of the client that writes one by one, a second; 0: as fast as it can")
    parser.add_argument("--replicas", type=int, default=0)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    arguments = parser.parse_args()
    seconds = {}
    for name, command in (server.split("=", 1) for server in arguments.servers):
        result = measure(command, arguments)
        seconds[name] = result["seconds"]
        print(name, *(f"  {what:10} {figure}" for what, figure in result.items()), sep="\n", flush=True)
    first = next(iter(seconds))
    for name in list(seconds)[1:]:
        print(f"{name} is {seconds[first] / seconds[name]:.1f} times as fast as {first}")


if __name__ == "__main__":
    main()
