"""Cluster clients under load while a master hands over, slots move, and a master dies: they go on, and nothing that was
acknowledged is lost."""

import threading
import time

import pytest
import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot

from harness.cluster import HandMadeCluster, my_id, nodes, redis_cli, role_of
from harness.node import Program
from harness.waiting import wait_until

MOVED_SLOTS = 30  # the first of B's
MOVING = [key for key in (f"moving{number}" for number in range(5000)) if 5461 <= key_slot(key.encode()) < 5461 + MOVED_SLOTS][:3]
KEYS = [f"list{number}" for number in range(9)] + MOVING


@pytest.fixture
def cluster(servers, vigil):
    layout = {"A": (vigil, (0, 5460)), "B": (vigil, (5461, 10922)), "C": (vigil, (10923, 16383)),
              "AR": (vigil, "A"), "BR": (vigil, "B"), "CR": (vigil, "C")}
    return HandMadeCluster(servers, layout)


class Lists:
    """What the cluster holds of the lists, asked of whoever serves each."""

    def __init__(self, cluster):
        self.cluster = cluster

    def _ask(self, *words):
        for node in self.cluster.running():
            with node.raw() as client:
                reply = client.call(*words)
                if not reply.is_error:
                    return reply.value
        return None

    def length(self):
        lengths = [self._ask("LLEN", key) for key in KEYS]
        return None if None in lengths else lengths

    def items(self):
        return {int(item.value) for key in KEYS for item in self._ask("LRANGE", key, 0, -1)}

    def wait_growth(self, what):
        """Each list gets longer: writes go on everywhere."""
        before = wait_until(f"all lists are served {what}", self.length)
        wait_until(f"writes go on {what}", lambda: (now := self.length()) is not None and
                   all(a > b + 5 for a, b in zip(now, before)))


def disturb(cluster, lists, dead_returns=False):
    """What the clients have to bear. `dead_returns`: the client waits for the node that it knew, and asks nobody else."""
    lists.wait_growth("at the beginning")
    a, b, c, a_replica, b_replica, _ = cluster.nodes
    a_replica.call("CLUSTER", "FAILOVER")
    wait_until("the hand-over is done", lambda: role_of(a_replica) == "master" and role_of(a) == "slave")
    lists.wait_growth("after a hand-over")
    redis_cli("--cluster", "reshard", f"127.0.0.1:{b.port}", "--cluster-from", my_id(b), "--cluster-to", my_id(c),
              "--cluster-slots", MOVED_SLOTS, "--cluster-yes", timeout=200)
    assert nodes(c)[my_id(c)]["slots"][0] == f"5461-{5460 + MOVED_SLOTS}"
    lists.wait_growth("after a reshard")
    b_replica.wait_info("replication", master_link_status="up")
    b.kill()
    wait_until("the replica takes over", lambda: role_of(b_replica) == "master")
    cluster.wait_ok()
    if dead_returns:
        b.start()
    lists.wait_growth("after a death")


def assert_nothing_lost(acknowledged, lists, details=""):
    lost = set(acknowledged) - lists.items()
    assert not lost, f"{len(lost)} acknowledged writes are lost, of {len(acknowledged)} {details}"


@pytest.mark.parametrize("library,protocol", [("ioredis", 2), ("redis", 2), ("redis", 3), ("glide", 2), ("glide", 3)])
def test_node_clients(cluster, node_folder, library, protocol):
    nodes = [{"host": "127.0.0.1", "port": node.port} for node in cluster.nodes]
    lists = Lists(cluster)
    with Program(node_folder, library, "writing", protocol=protocol, nodes=nodes, keys=KEYS) as program:
        program.wait_ready()
        # node-redis 5.10.0 goes on only when the dead master is back as a replica, which sends it on; with redis-server likewise.
        disturb(cluster, lists, dead_returns=library == "redis")
        program.tell("stop")
        result = program.result()
    assert_nothing_lost(result["acknowledged"], lists, result["errors"])
    assert result["longestGapMs"] < 30000


def test_redis_py(cluster):
    lists, stop, acknowledged = Lists(cluster), threading.Event(), []
    client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", node.port) for node in cluster.nodes], socket_timeout=2)

    def write():
        number = 0
        while not stop.is_set():
            try:
                client.rpush(KEYS[number % len(KEYS)], number)
                acknowledged.append(number)
            except (redis.RedisError, OSError):
                time.sleep(0.01)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        disturb(cluster, lists)
    finally:
        stop.set()
        writer.join()
        client.close()
    assert_nothing_lost(acknowledged, lists)
