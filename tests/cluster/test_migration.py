"""docs/migrating-from-redis.md: six live nodes of redis-server are replaced one after another while a client writes; nothing that
was acknowledged is missing, and the way back."""

import threading
import time

import pytest
from redis.cluster import RedisCluster
from redis.exceptions import RedisError

from harness.cluster import HandMadeCluster, my_id, nodes, redis_cli, role_of
from harness.waiting import wait_until

LAYOUT = {"A": (0, 5460), "B": (5461, 10922), "C": (10923, 16383), "A1": "A", "B1": "B", "C1": "C"}


class Load:
    """Writes numbers under keys of their own through a cluster client; knows which were acknowledged."""

    def __init__(self, cluster):
        self.client = RedisCluster(startup_nodes=cluster.startup_nodes(), cluster_error_retry_attempts=20)
        self.acknowledged, self.errors, self.longest = set(), [], 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        number, last = 0, time.monotonic()
        while not self._stop.is_set():
            number += 1
            try:
                self.client.set(f"key:{number}", number)
                self.acknowledged.add(number)
                self.longest, last = max(self.longest, time.monotonic() - last), time.monotonic()
            except (RedisError, OSError) as error:
                self.errors.append(repr(error))

    def progress(self):
        count = len(self.acknowledged)
        wait_until("the client goes on", lambda: len(self.acknowledged) > count + 100)

    def finish(self):
        self._stop.set()
        self._thread.join(60)
        missing = [n for n in self.acknowledged if self.client.get(f"key:{n}") != b"%d" % n]
        self.client.close()
        assert not missing, f"{len(missing)} of {len(self.acknowledged)} acknowledged writes are missing: {sorted(missing)[:20]}"


class Migration(HandMadeCluster):
    def startup_nodes(self):
        from redis.cluster import ClusterNode  # pylint: disable=import-outside-toplevel
        return [ClusterNode("127.0.0.1", node.port) for node in self.nodes]

    def wait_settled(self):
        """Everybody knows everybody's role, and every replica has what its master has."""
        self.wait_ok()
        for node in self.nodes:
            wait_until(f"{node} sees what all see", lambda node=node: self.roles(node) == self.roles(self.nodes[0]))
            if role_of(node) == "slave":
                node.wait_info("replication", master_link_status="up")

    @staticmethod
    def roles(node):
        return {name: (fields["master"], fields["slots"], "fail" in fields["flags"]) for name, fields in nodes(node).items()}

    def give_way(self, node):
        """If it is a master: its replica takes over, by hand."""
        if role_of(node) == "slave":
            return
        heir = self.replica_of(node)
        assert heir.call("CLUSTER", "FAILOVER") == b"OK"
        wait_until(f"{heir} takes over", lambda: role_of(heir) == "master")
        wait_until(f"{node} follows", lambda: role_of(node) == "slave")

    def replace_in_place(self, node, binary):
        self.give_way(node)
        self.wait_settled()
        node.shutdown()
        node.binary = binary
        node.start()
        self.wait_settled()


@pytest.mark.parametrize("old,new", [("oracle", "vigil"), ("vigil", "oracle")])
def test_in_place(servers, request, old, new):
    old, new = request.getfixturevalue(old), request.getfixturevalue(new)
    cluster = Migration(servers, {name: (old, what) for name, what in LAYOUT.items()}, appendonly="yes")
    load = Load(cluster)
    load.progress()
    for name in ("A1", "B1", "C1", "A", "B", "C"):
        cluster.replace_in_place(cluster.named[name], new)
        load.progress()
    assert all(node.binary is new for node in cluster.nodes)
    load.finish()
    assert "[OK] All 16384 slots covered." in cluster.check()


def test_with_new_nodes_beside_the_old_ones(servers, vigil, oracle):
    cluster = Migration(servers, {name: (oracle, what) for name, what in LAYOUT.items() if name in "ABC"})
    load = Load(cluster)
    load.progress()
    for name in "ABC":
        old = cluster.named[name]
        made = []
        for _ in range(2):
            node = servers.start(vigil, options={"cluster-enabled": "yes", "cluster-node-timeout": "2000", "repl-diskless-sync-delay": "0"})
            redis_cli("--cluster", "add-node", f"127.0.0.1:{node.port}", f"127.0.0.1:{old.port}", "--cluster-slave",
                      "--cluster-master-id", my_id(old))
            cluster.nodes.append(node)
            node.wait_info("replication", role="slave", master_link_status="up")
            made.append(node)
        cluster.wait_settled()
        assert made[0].call("CLUSTER", "FAILOVER") == b"OK"
        wait_until(f"{made[0]} takes over", lambda made=made: role_of(made[0]) == "master")
        cluster.wait_settled()
        load.progress()
    for name in "ABC":
        old = cluster.named[name]
        redis_cli("--cluster", "del-node", f"127.0.0.1:{cluster.nodes[-1].port}", my_id(old))
        cluster.nodes.remove(old)
        old.stop()
        load.progress()
    cluster.wait_settled()
    assert len(nodes(cluster.nodes[0])) == 6
    load.finish()
