"""Writers that know what was acknowledged, while slots move between the nodes of a cluster."""

import threading
import time

from harness.resp import Closed
from harness.waiting import wait_until


class SlotWriter:
    """Increments counters and appends to lists under a few hash tags, follows MOVED, and knows what was acknowledged: each
    INCR and RPUSH counts exactly once. Any other error than MOVED, and any ASK, is a problem."""

    def __init__(self, cluster, tags, pipeline=1):
        self.nodes = {node.port: node for node in cluster.nodes}
        self.cluster, self.tags, self.pipeline = cluster, tags, pipeline
        self.counts = {tag: 0 for tag in tags}
        self.unsure = {tag: 0 for tag in tags}
        self.longest, self.moved, self.problem = 0.0, 0, None
        self._stop = threading.Event()
        self._clients = {}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _client(self, port):
        if port not in self._clients:
            self._clients[port] = self.nodes[port].raw(timeout=30)
        return self._clients[port]

    def _run(self):
        try:
            at = dict.fromkeys(self.tags, self.cluster.nodes[0].port)
            while not self._stop.is_set():
                for tag in self.tags:
                    begin = time.monotonic()
                    at[tag] = self._write(tag, at[tag])
                    self.longest = max(self.longest, time.monotonic() - begin)
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem

    def _write(self, tag, port):
        for _ in range(1000):
            try:
                reply = self._client(port).call("RPUSH", f"{{{tag}}}list", self.counts[tag])
            except OSError:
                # It may have happened or not.
                self._clients.pop(port, None)
                self.unsure[tag] += 1
                raise
            if not reply.is_error:
                self.counts[tag] += 1
                return port
            message = reply.value.decode()
            if not message.startswith("MOVED"):
                raise AssertionError(f"{tag}: {message}")
            self.moved += 1
            port = int(message.rpartition(":")[2])
        raise AssertionError(f"{tag}: redirected for ever")

    def progress(self, more=50):
        def all_went_on(before):
            assert self.problem is None, self.problem
            return all(self.counts[tag] > before[tag] + more for tag in self.tags)
        before = dict(self.counts)
        wait_until("the writer goes on", lambda: self.problem is not None or all_went_on(before))
        assert self.problem is None, self.problem

    def stop(self):
        self._stop.set()
        self._thread.join(60)
        assert self.problem is None, self.problem

    def check(self, owner_of):
        """`owner_of(tag)`: the node that serves it now. Every acknowledged element is there once, in its place."""
        for tag in self.tags:
            have = owner_of(tag).call("LRANGE", f"{{{tag}}}list", 0, -1)
            assert [int(value) for value in have] == list(range(self.counts[tag])), tag


class CarefulWriter(SlotWriter):
    """Counts as acknowledged what a replica has as well (WAIT 1), so that the death of a node may not lose it; goes on while nodes die.
    What was cut off on its way may have happened or not, but not twice."""

    def __init__(self, cluster, tags):
        self.acknowledged = {tag: [] for tag in tags}
        super().__init__(cluster, tags)

    def _write(self, tag, port):
        self.counts[tag] += 1
        number, deadline = self.counts[tag], time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._stop.is_set():
                return port
            try:
                client = self._client(port)
                reply = client.call("RPUSH", f"{{{tag}}}list", number)
                if not reply.is_error:
                    if client.call("WAIT", 1, 500).value == 1:
                        self.acknowledged[tag].append(number)
                    return port
            except (OSError, Closed):
                self._clients.pop(port, None)
                return self._other(port)  # with the next number
            message = reply.value.decode()
            if message.startswith("MOVED"):
                port = int(message.rpartition(":")[2])
            elif message.startswith(("CLUSTERDOWN", "LOADING")):
                port = self._other(port)
                time.sleep(0.01)
            else:
                raise AssertionError(f"{tag}: {message}")
        raise AssertionError(f"{tag}: nobody takes {number}")

    def _other(self, port):
        ports = [node.port for node in self.cluster.running()]
        return ports[(ports.index(port) + 1) % len(ports)] if port in ports else ports[0]

    def check(self, owner_of):
        for tag in self.tags:
            have = [int(value) for value in owner_of(tag).call("LRANGE", f"{{{tag}}}list", 0, -1)]
            assert have == sorted(set(have)), f"{tag}: twice or out of order"
            missing = set(self.acknowledged[tag]) - set(have)
            assert not missing, f"{tag}: {sorted(missing)[:20]} of {len(self.acknowledged[tag])} are missing"
            assert max(have) <= self.counts[tag]
