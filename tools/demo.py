"""What the demos share: servers of one temporary directory, asked with redis-cli, and ended in order."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 60  # seconds that any one condition may take


class Failure(Exception):
    pass


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_cluster_ports(count, first=7001):
    """Ports whose bus (port + 10000) is free, too: 7001 and so on, where possible."""
    ports = []
    for port in range(first, 20000):
        if is_free(port) and is_free(port + 10000):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise Failure("there are no free ports")


class Process:
    """One of the demo's processes, with a directory of its own."""

    def __init__(self, name, cli, directory, port):
        self.name, self.cli, self.port = name, cli, port
        self.directory = os.path.join(directory, name)
        os.mkdir(self.directory)
        self.log = os.path.join(self.directory, "server.log")
        self.command = []
        self.process = None

    def spawn(self):
        # A session of its own: Ctrl-C reaches this script alone, which then stops the servers in order.
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    def ask(self, *words):
        answer = subprocess.run([self.cli, "-h", "127.0.0.1", "-p", str(self.port), *words],
                                capture_output=True, text=True, check=False)
        return answer.stdout.strip()

    def wait_until(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with status {self.process.returncode}; its log:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}: {what} did not happen within {PATIENCE} s; its log:\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-20:])
        except OSError:
            return "(none)"

    def log_text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Node(Process):
    def __init__(self, name, server, cli, directory, port, *options):
        super().__init__(name, cli, directory, port)
        self.command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", self.directory,
                        "--appendonly", "yes", "--repl-diskless-sync-delay", "0", "--logfile", self.log, *options]
        self.spawn()


def arguments_of(parser, program):
    """Adds the options that every demo has; the server's path, redis-cli's, and the options."""
    parser.add_argument("--bin", default="build/release/bin", help="directory of the server's binary")
    parser.add_argument("--server", help="the server's binary itself, instead of --bin")
    parser.add_argument("--once", action="store_true", help="stop after the show")
    arguments = parser.parse_args()
    server = os.path.abspath(arguments.server or os.path.join(arguments.bin, "vigil-server"))
    cli = shutil.which("redis-cli")
    if not os.access(server, os.X_OK):
        sys.exit(f"{program}: there is no {server}; run `make build` first")
    if cli is None:
        sys.exit(f"{program}: redis-cli is missing; run `make setup` first")
    return server, cli, arguments


def run_demo(program, show):
    """show(directory, nodes) starts nodes, adds each to the list, and returns when all has been shown."""
    # SIGINT too: a shell that started this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    directory = tempfile.mkdtemp(prefix="vigil-demo-")
    nodes = []
    try:
        show(directory, nodes)
    except KeyboardInterrupt:
        print()
    except Failure as failure:
        sys.exit(f"{program}: {failure}")
    finally:
        for node in reversed(nodes):
            node.stop()
        shutil.rmtree(directory, ignore_errors=True)


class Restarter:
    """Starts again what has ended, ten seconds later."""

    def __init__(self, nodes):
        self.nodes, self.at = nodes, {}

    def step(self):
        for node in self.nodes:
            if node.process.poll() is not None and node not in self.at:
                print(f"{node.name} has ended with status {node.process.returncode}; it is started again in 10 s", flush=True)
                self.at[node] = time.monotonic() + 10
        for node, at in list(self.at.items()):
            if time.monotonic() >= at:
                node.spawn()
                del self.at[node]
                print(f"{node.name:9} 127.0.0.1:{node.port}  pid {node.process.pid}", flush=True)
