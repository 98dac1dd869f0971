"""Hosts on one machine: network namespaces, each with an address of its own, joined by a router that drops what it is told.

    network = Network(3)                         needs root and iproute2
    network.hosts[0].address                     10.77.1.1
    network.hosts[0].command(["redis-server"])   that command line, run on that host
    with network.hosts[0].inside(): …            sockets that are made here are that host's
    network.block(a, b)                          b no longer hears a (one way): packets are lost without a word
    network.block(a, b, port=6379)               only what goes to that TCP port
    network.isolate(a)                           nobody hears a, a hears nobody
    network.heal()

Nothing leads out of the router, so that any number of such networks may exist beside each other.
"""

import ctypes
import os
import shutil
import subprocess
import uuid
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
RULES_BEFORE_ALL_OTHERS = "100"


def available():
    """Whether this process may make network namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"vigil-probe-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, timeout=20)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20, check=False)
    return made.returncode == 0


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"
    return done.stdout


def enter(namespace_file):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace_file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    def __init__(self, namespace, address=None):
        self.namespace = namespace
        self.address = address
        run("ip", "netns", "add", namespace)
        self.run("ip", "link", "set", "lo", "up")

    def command(self, words):
        return ["ip", "netns", "exec", self.namespace, *words]

    def run(self, *words):
        return run(*self.command(words))

    @contextmanager
    def inside(self):
        """This thread is on that host meanwhile."""
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self.namespace}") as there:
            enter(there)
            try:
                yield self
            finally:
                enter(before)

    def close(self):
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True, timeout=20, check=False)

    def __repr__(self):
        return self.address or "router"


class Network:
    def __init__(self, count):
        name = f"vigil-{uuid.uuid4().hex[:8]}"
        self._made = []
        self._rules = set()
        try:
            self._router = self._host(f"{name}-router")
            self._router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
            self.hosts = [self._host_with_link(f"{name}-h{number}", number) for number in range(1, count + 1)]
        except BaseException:
            self.close()
            raise

    def _host(self, *details):
        self._made.append(Host(*details))
        return self._made[-1]

    def _host_with_link(self, namespace, number):
        host = self._host(namespace, f"10.77.{number}.1")
        self._router.run("ip", "link", "add", f"h{number}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
        self._router.run("ip", "addr", "add", f"10.77.{number}.254/24", "dev", f"h{number}")
        self._router.run("ip", "link", "set", f"h{number}", "up")
        host.run("ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        host.run("ip", "route", "add", "default", "via", f"10.77.{number}.254")
        return host

    def block(self, sender, receiver, port=None):
        rule = ("from", sender.address, "to", receiver.address)
        if port is not None:
            rule += ("ipproto", "tcp", "dport", str(port))
        if rule in self._rules:
            return
        self._router.run("ip", "rule", "add", *rule, "priority", RULES_BEFORE_ALL_OTHERS, "blackhole")
        self._rules.add(rule)

    def split(self, side, other):
        """The hosts of one side and those of the other do not hear each other."""
        for a in side:
            for b in other:
                self.block(a, b)
                self.block(b, a)

    def isolate(self, host):
        self.split([host], [other for other in self.hosts if other is not host])

    def heal(self):
        for rule in self._rules:
            self._router.run("ip", "rule", "del", *rule, "priority", RULES_BEFORE_ALL_OTHERS, "blackhole")
        self._rules.clear()

    def close(self):
        for host in self._made:
            host.close()
