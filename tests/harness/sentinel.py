"""A master, its replicas and the Sentinels that watch them, of either make."""

import re
from pathlib import Path

from harness.server import Binary, Server
from harness.waiting import PATIENCE, wait_until

NAME = "mymaster"


def sentinel_binary(server_binary):
    """The Sentinel beside a server."""
    return Binary(server_binary.side, Path(server_binary.path).parent / "redis-sentinel")


def decoded(value):
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


class Sentinel(Server):
    """A Sentinel process; its state is in its configuration file, which it is given anew at each start."""

    def __init__(self, binary, directory, text, **details):
        super().__init__(binary, directory, **details)
        self.config_path = self.directory / "sentinel.conf"
        self.config_path.write_text(f"port {self.port}\ndir {self.directory}\n{text}")

    def command_line(self):
        return [str(self.binary.path), str(self.config_path)]

    def call(self, *words):
        return decoded(super().call(*words))

    def fields(self, *words):
        """A reply of names and values, as a dict."""
        plain = self.call("SENTINEL", *words)
        return dict(zip(plain[::2], plain[1::2]))

    def list(self, *words):
        return [dict(zip(plain[::2], plain[1::2])) for plain in self.call("SENTINEL", *words)]

    def address(self):
        """The port of the master that clients are sent to."""
        return int(self.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])

    def config_lines(self, prefix):
        return [line for line in self.config_path.read_text().splitlines() if line.startswith(prefix)]


def down_after_for(sentinel_binaries):
    """The shortest down-after-milliseconds that all of these bear. redis-sentinel connects to the master that it is told
    of only a second after its last attempt at the one before, but counts it as silent from the moment it was told: with
    1,000 it may fail over again what is well."""
    return 1000 if all(binary.side == "vigil" for binary in sentinel_binaries) else 2500


class Group:
    """group = Group(servers, [vigil, vigil, oracle], [vigil, vigil, oracle]): servers (the first is the master) and
    Sentinels of these makes, which all know each other."""

    def __init__(self, nursery, server_binaries, sentinel_binaries, *, down_after=None, settings=(), server_options=None,
                 extra="", quorum=None):
        self.nursery = nursery
        options = {"repl-diskless-sync-delay": "0", **(server_options or {})}
        self.master = nursery.start(server_binaries[0], f"data{len(nursery.servers)}", options=options)
        self.replicas = [
            nursery.start(binary, f"data{i + 1}-{self.master.port}", options={**options, "replicaof": f"127.0.0.1 {self.master.port}"})
            for i, binary in enumerate(server_binaries[1:])]
        quorum = quorum or len(sentinel_binaries) // 2 + 1
        down_after = down_after or down_after_for(sentinel_binaries)
        lines = [f"sentinel monitor {NAME} 127.0.0.1 {self.master.port} {quorum}",
                 f"sentinel down-after-milliseconds {NAME} {down_after}", f"sentinel failover-timeout {NAME} 20000",
                 *settings]
        self.sentinels = [self._sentinel(binary, i, "\n".join(lines) + "\n" + extra)
                          for i, binary in enumerate(sentinel_binaries)]

    def _sentinel(self, binary, number, text):
        sentinel = Sentinel(sentinel_binary(binary).require(), self.nursery.directory / f"sentinel{number}-{self.master.port}", text)
        self.nursery.servers.append(sentinel)
        return sentinel

    @property
    def servers(self):
        return [self.master, *self.replicas]

    def start(self):
        for sentinel in self.sentinels:
            sentinel.start()
        return self.wait_acquainted()

    def wait_acquainted(self):
        wanted = f"slaves={len(self.replicas)},sentinels={len(self.sentinels)}"
        for sentinel in self.sentinels:
            wait_until(f"{sentinel} knows all", lambda s=sentinel: s.info("sentinel")["master0"].endswith(wanted) and all(
                "disconnected" not in other["flags"] and "down" not in other["flags"]
                for other in s.list("SENTINELS", NAME) + s.list("REPLICAS", NAME) + s.list("MASTERS")))
        return self

    def wait_switched(self, old):
        """Until all Sentinels that run agree on another master than `old`, and it is one; returns its Server."""
        def agreed():
            ports = {sentinel.address() for sentinel in self.sentinels if sentinel.is_running()}
            new = next(s for s in self.servers if {s.port} == ports)
            return new if new is not old and new.info("replication")["role"] == "master" else None

        return wait_until("all Sentinels agree on another master", agreed, max(PATIENCE, 60))

    def wait_follows(self, replica, master):
        replica.wait_info("replication", role="slave", master_port=master.port, master_link_status="up")


def events(sentinel, since=0):
    """The names of the events that a Sentinel logged, in order."""
    return re.findall(r"(?m)^\d+:X .*? [#*\-.] ([+-][a-z-]+)", sentinel.log_text()[since:])
