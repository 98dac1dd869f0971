#!/usr/bin/env python3
"""Full resyncs under load, of several servers side by side.

usage: full_resync.py [--megabytes 100] [--rate 20000] [--slow-seconds 60] NAME='COMMAND …' NAME='COMMAND …'

COMMAND starts a server; {port} and {dir} are filled in. For each, a master and a replica of the same program:

  full    the master holds so many megabytes of strings of 100 bytes and takes `rate` writes a second (open loop, in
          pipelines of a hundred) while a replica gets everything: seconds from REPLICAOF until its link is up, and the
          master's full resyncs until the replica has caught up.
  slow    the same with `repl-backlog-size 1mb` and a tenth of the data, over a link that passes a tenth of what the writes
          need for so many seconds, and all of it from then on: the master's full resyncs until the replica has caught up, and
          the peak of its memory over what it was before.

Both say how many writes a second were really done. The machine should be quiet; compare ratios, not seconds. In full:
--megabytes 1000, some four gigabytes of memory, some minutes for each server.
"""
import argparse
import os
import random
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from harness.proxy import Proxy  # pylint: disable=wrong-import-position
from harness.resp import RawClient, encode  # pylint: disable=wrong-import-position

VALUE = "v" * 100
PIPELINE = 100
LIMIT = 1800  # seconds that anything may take


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, command, directory, *more):
        self.port = free_port()
        line = shlex.split(command.format(port=self.port, dir=directory)) + list(more)
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, cwd=directory)
        wait("the server answers", lambda: self.call("PING") == b"PONG", 30)

    def call(self, *words):
        with RawClient(self.port, timeout=LIMIT) as client:
            return client.call(*words).plain()

    def info(self, section):
        lines = self.call("INFO", section).decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def status(self, field):
        """Bytes, of /proc/PID/status."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith(field + ":"))

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def close(self):
        self.process.kill()
        self.process.wait()


def wait(what, condition, limit=LIMIT):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, KeyError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"{what}: not within {limit} seconds")


class Writes:
    """SETs at a fixed rate over the keys that are there, by a thread of its own."""

    def __init__(self, port, keys, rate):
        self.port, self.keys, self.rate = port, keys, rate
        self.done = 0
        self.ended = False
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()

    def run(self):
        pick = random.Random(1)
        batches = [b"".join(encode(("SET", f"key:{pick.randrange(self.keys)}", VALUE)) for _ in range(PIPELINE))
                   for _ in range(1000)]
        answers = b"+OK\r\n" * PIPELINE
        with RawClient(self.port, timeout=LIMIT) as client:
            while not self.ended:
                early = self.began + self.done / self.rate - time.monotonic()
                if early > 0:
                    time.sleep(early)
                client.send_bytes(batches[self.done // PIPELINE % len(batches)])
                if client.read_bytes(len(answers)) != answers:
                    raise SystemExit("a write was refused")
                self.done += PIPELINE

    def rate_so_far(self):
        return self.done / (time.monotonic() - self.began)


def caught_up(master, replica):
    there = replica.info("replication")
    return there["master_link_status"] == "up" and \
        int(master.info("replication")["master_repl_offset"]) - int(there["slave_repl_offset"]) < 1 << 20


def start_pair(command, directory, *options):
    both = []
    for name in ("master", "replica"):
        place = os.path.join(directory, name)
        os.mkdir(place)
        both.append(Server(command, place, "--save", "", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes",
                           *options))
    return both


def full(command, megabytes, rate):
    keys = megabytes * 1_000_000 // len(VALUE)
    with tempfile.TemporaryDirectory() as directory:
        master, replica = start_pair(command, directory)
        try:
            master.call("DEBUG", "POPULATE", keys, "key", len(VALUE))
            with Writes(master.port, keys, rate) as writes:
                time.sleep(2)
                began = time.monotonic()
                replica.call("REPLICAOF", "127.0.0.1", master.port)
                wait("the link is up", lambda: replica.info("replication")["master_link_status"] == "up")
                seconds = time.monotonic() - began
                wait("it catches up", lambda: caught_up(master, replica))
                return {"seconds": round(seconds, 2), "full resyncs": int(master.info("stats")["sync_full"]),
                        "writes a second": round(writes.rate_so_far())}
        finally:
            master.close()
            replica.close()


def slow(command, megabytes, rate, slow_seconds):
    keys = max(1000, megabytes * 100_000 // len(VALUE))
    with tempfile.TemporaryDirectory() as directory:
        master, replica = start_pair(command, directory, "--repl-backlog-size", "1mb")
        proxy = Proxy(master.port)
        try:
            master.call("DEBUG", "POPULATE", keys, "key", len(VALUE))
            before = master.status("VmRSS")
            master.forget_peak()
            proxy.rate = rate * len(encode(("SET", f"key:{keys}", VALUE))) // 10
            with Writes(master.port, keys, rate) as writes:
                time.sleep(2)
                replica.call("REPLICAOF", "127.0.0.1", proxy.port)
                time.sleep(slow_seconds)
                done = writes.rate_so_far()
                proxy.rate = None
                wait("it catches up", lambda: caught_up(master, replica))
                peak = master.status("VmHWM")
                return {"full resyncs": int(master.info("stats")["sync_full"]), "memory at its peak": round(peak / before, 2),
                        "megabytes more": (peak - before) >> 20, "writes a second": round(done)}
        finally:
            proxy.close()
            master.close()
            replica.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--slow-seconds", type=int, default=60)
    parser.add_argument("servers", nargs="+", metavar="NAME=COMMAND")
    arguments = parser.parse_args()
    servers = dict(server.split("=", 1) for server in arguments.servers)
    seconds = {}
    for name, command in servers.items():
        result = full(command, arguments.megabytes, arguments.rate)
        seconds[name] = result["seconds"]
        print(f"{name:8} full  {result}", flush=True)
    for name, command in servers.items():
        print(f"{name:8} slow  {slow(command, arguments.megabytes, arguments.rate, arguments.slow_seconds)}", flush=True)
    first = next(iter(seconds))
    for name in list(seconds)[1:]:
        print(f"{name}'s full resync is {seconds[first] / seconds[name]:.2f} times as fast as {first}'s")


if __name__ == "__main__":
    main()
