"""A cluster made with redis-cli, of our nodes and of both kinds: check, redirections, clients, failover, return."""

import signal

import pytest
from redis.cluster import RedisCluster

from harness.cluster import Cluster, my_id, nodes, redis_cli, role_of, text
from harness.server import oracle_binary, vigil_binary
from harness.waiting import wait_until


def binaries(names):
    return [(vigil_binary() if name == "v" else oracle_binary()).require() for name in names]


@pytest.fixture(params=["vvvvvv", "vrvrvr", "rrrvvv"])
def cluster(request, servers):
    return Cluster(servers, binaries(request.param))


def test_create_check_and_clients(cluster):
    assert "[OK] All 16384 slots covered." in cluster.output
    wait_until("cluster check is content", lambda: "[OK] All nodes agree" in cluster.check())
    client = RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port)
    for i in range(300):
        assert client.set(f"key:{i}", i)
    assert [client.get(f"key:{i}") for i in range(300)] == [b"%d" % i for i in range(300)]
    assert client.mset_nonatomic({"{tag}a": 1, "{tag}b": 2})
    assert sum(int(node.call("DBSIZE")) for node in cluster.masters) == 302
    client.close()


def test_killed_master_is_replaced_and_returns_as_replica(cluster):
    victim = cluster.masters[1]
    heir = cluster.replica_of(victim)
    client = RedisCluster(host="127.0.0.1", port=cluster.masters[0].port)
    for i in range(100):
        client.set(f"key:{i}", i)
    heir.wait_info("replication", master_link_status="up")
    wait_until("the replica has all", lambda: heir.call("DBSIZE") == victim.call("DBSIZE"))
    victim.kill()
    wait_until(f"{heir} takes over", lambda: role_of(heir) == "master")
    cluster.wait_ok()
    assert [client.get(f"key:{i}") for i in range(100)] == [b"%d" % i for i in range(100)]
    client.close()
    victim.start()
    victim.wait_info("replication", role="slave", master_link_status="up")
    assert nodes(victim)[my_id(victim)]["master"] == my_id(heir)
    wait_until("the data came back", lambda: heir.call("DBSIZE") == victim.call("DBSIZE"))


def test_stopped_master_is_replaced(cluster):
    victim = cluster.masters[2]
    heir = cluster.replica_of(victim)
    victim.signal(signal.SIGSTOP)
    wait_until(f"{heir} takes over", lambda: role_of(heir) == "master")
    cluster.wait_ok([node for node in cluster.nodes if node is not victim])
    victim.signal(signal.SIGCONT)
    victim.wait_info("replication", role="slave")
    cluster.wait_ok()


def test_down_without_a_slot_and_back(servers, vigil):
    cluster = Cluster(servers, [vigil] * 6)
    master = cluster.masters[1]
    replica = cluster.replica_of(master)
    replica.kill()
    master.kill()
    cluster.wait_fail()
    with cluster.masters[0].raw() as client:
        assert client.call("GET", "num").value.startswith((b"CLUSTERDOWN", b"MOVED"))
        assert client.call("SET", "{06S}", "1").value == b"CLUSTERDOWN The cluster is down"
    master.start()
    cluster.wait_ok()


def test_reshard_by_redis_cli(servers, vigil):
    cluster = Cluster(servers, [vigil] * 3, replicas=0)
    client = RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port)
    for i in range(2000):
        client.set(f"key:{i}", i)
    source, target = cluster.masters[0], cluster.masters[1]
    redis_cli("--cluster", "reshard", f"127.0.0.1:{source.port}", "--cluster-from", my_id(source), "--cluster-to",
              my_id(target), "--cluster-slots", "200", "--cluster-yes", "--cluster-pipeline", "20")
    wait_until("cluster check is content", lambda: "[OK] All 16384 slots covered" in cluster.check())
    assert [client.get(f"key:{i}") for i in range(2000)] == [b"%d" % i for i in range(2000)]
    assert sum(node.call("DBSIZE") for node in cluster.nodes) == 2000
    client.close()
