#!/usr/bin/env python3
"""CPU per request over sockets with one worker thread and with two, side by side.

usage: socket_threads.py [--server PATH] [--rounds 5] [--n 2000000] [--pipeline 32]

Starts the server once with `threads 1` and once with `threads 2` on loopback, in turn within each round so that drift of
the machine hits both alike, and drives each with redis-benchmark (50 connections, a million keys, values of 64 bytes).
CPU is the user and system time of all threads of the server, from /proc/PID/stat, over the number of requests; the
median of the rounds counts. A server with two threads has twice the cores, so the ratio is what a second thread costs.
"""
import argparse
import os
import socket
import statistics
import subprocess
import tempfile
import time

TESTS = ("set", "get", "incr")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_ready(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with status {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as client:
                client.sendall(b"PING\r\n")
                if client.recv(64).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not answer")


def load(port, test, requests, pipeline):
    subprocess.run(["redis-benchmark", "-p", str(port), "-t", test, "-n", str(requests), "-P", str(pipeline), "-c", "50",
                    "-d", "64", "-r", "1000000", "-q", "--threads", "2"], check=True, stdout=subprocess.DEVNULL)


def measure(server, threads, arguments):
    """CPU microseconds a request, by test."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen([server, "--port", str(port), "--save", "", "--threads", str(threads), "--dir", directory],
                                   stdout=subprocess.DEVNULL)
        try:
            wait_ready(port, process)
            load(port, "set", arguments.n, arguments.pipeline)  # the keys that GET finds
            costs = {}
            for test in TESTS:
                before = cpu_seconds(process.pid)
                load(port, test, arguments.n, arguments.pipeline)
                costs[test] = (cpu_seconds(process.pid) - before) / arguments.n * 1e6
            return costs
        finally:
            process.terminate()
            process.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--server", default="build/release/bin/vigil-server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", type=int, default=2_000_000)
    parser.add_argument("--pipeline", type=int, default=32)
    arguments = parser.parse_args()
    rounds = {1: [], 2: []}
    for _ in range(arguments.rounds):
        for threads, costs in rounds.items():
            costs.append(measure(arguments.server, threads, arguments))
    print(f"{'test':8} {'one thread':>12} {'two threads':>12} {'ratio':>7}")
    for test in TESTS:
        one, two = (statistics.median(costs[test] for costs in rounds[threads]) for threads in (1, 2))
        print(f"{test:8} {one:9.3f} us {two:9.3f} us {two / one:7.2f}")


if __name__ == "__main__":
    main()
