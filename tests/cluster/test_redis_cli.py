"""What Debian's redis-cli --cluster does to a cluster of ours: rebalance, add-node, del-node, fix, call, import, backup."""

import pytest
from redis.cluster import RedisCluster

from harness.cluster import HandMadeCluster, knows_all, my_id, nodes, redis_cli, role_of
from harness.waiting import wait_until

THREE = {"A": (0, 5460), "B": (5461, 10922), "C": (10923, 16383)}
KEYS = 600


@pytest.fixture
def cluster(servers, vigil):
    made = HandMadeCluster(servers, {name: (vigil, slots) for name, slots in THREE.items()})
    made.data = RedisCluster(host="127.0.0.1", port=made.nodes[0].port)
    for i in range(KEYS):
        made.data.set(f"key:{i}", i)
    yield made
    made.data.close()


def at(node):
    return f"127.0.0.1:{node.port}"


def check(cluster):
    """All is as it should be, and all keys are there, each once."""
    wait_until("cluster check is content", lambda: all(line in cluster.check() for line in (
        "[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered.")))
    cluster.wait_ok()
    assert [cluster.data.get(f"key:{i}") for i in range(KEYS)] == [b"%d" % i for i in range(KEYS)]
    masters = [node for node in cluster.running() if role_of(node) == "master"]
    assert sum(node.call("DBSIZE") for node in masters) == KEYS


def slot_count(node):
    ranges = nodes(node)[my_id(node)]["slots"]
    return sum(int(last or first) - int(first) + 1 for first, _, last in (text.partition("-") for text in ranges))


def newcomer(servers, vigil):
    return servers.start(vigil, options={"cluster-enabled": "yes", "cluster-node-timeout": "2000", "repl-diskless-sync-delay": "0"})


def test_rebalance_by_weight(cluster):
    a, b, c = cluster.nodes
    redis_cli("--cluster", "rebalance", at(a), "--cluster-weight", f"{cluster.ids['A']}=1.06", f"{cluster.ids['B']}=1",
              f"{cluster.ids['C']}=1", "--cluster-pipeline", "50", "--cluster-threshold", "1", timeout=280)
    assert abs(slot_count(a) - 5675) < 3 and abs(slot_count(b) - 5354) < 3 and abs(slot_count(c) - 5354) < 3
    check(cluster)


def test_a_node_comes_gets_slots_and_goes(cluster, servers, vigil):
    """add-node, rebalance onto it, reshard away from it, del-node."""
    new = newcomer(servers, vigil)
    redis_cli("--cluster", "add-node", at(new), at(cluster.nodes[0]))
    cluster.nodes.append(new)
    ids = {my_id(node) for node in cluster.nodes}
    for node in cluster.nodes:
        wait_until(f"{node} knows all", lambda node=node: knows_all(node, ids))
    wait_until("the new node takes part", lambda: b"cluster_state:ok" in new.call("CLUSTER", "INFO"))
    redis_cli("--cluster", "reshard", at(cluster.nodes[0]), "--cluster-from", cluster.ids["A"], "--cluster-to", my_id(new),
              "--cluster-slots", "300", "--cluster-yes", timeout=300)
    assert slot_count(new) == 300
    check(cluster)
    replica = newcomer(servers, vigil)
    redis_cli("--cluster", "add-node", at(replica), at(cluster.nodes[0]), "--cluster-slave", "--cluster-master-id", my_id(new))
    cluster.nodes.append(replica)
    replica.wait_info("replication", role="slave", master_link_status="up")
    wait_until("it has its master's keys", lambda: replica.call("DBSIZE") == new.call("DBSIZE") > 0)
    for node in cluster.nodes:
        wait_until(f"{node} knows whose it is", lambda node=node: nodes(node)[my_id(replica)]["master"] == my_id(new))

    redis_cli("--cluster", "del-node", at(cluster.nodes[0]), my_id(replica))
    cluster.nodes.remove(replica)
    for node in cluster.nodes:
        wait_until(f"{node} has forgotten it", lambda node=node: len(nodes(node)) == 4)
    redis_cli("--cluster", "reshard", at(cluster.nodes[0]), "--cluster-from", my_id(new), "--cluster-to", cluster.ids["B"],
              "--cluster-slots", "300", "--cluster-yes", timeout=300)
    wait_until("it has no slots", lambda: slot_count(new) == 0)
    redis_cli("--cluster", "del-node", at(cluster.nodes[0]), my_id(new))
    cluster.nodes.remove(new)
    for node in cluster.nodes:
        wait_until(f"{node} has forgotten it", lambda node=node: len(nodes(node)) == 3)
    check(cluster)


def test_fix_ends_what_was_interrupted(cluster):
    """A slot half on its way, one that only its target says is on its way, and one that nobody owns."""
    a, b, _ = cluster.nodes
    slots = [a.call("CLUSTER", "KEYSLOT", f"key:{i}") for i in range(KEYS)]
    half = next(slot for slot in slots if slot <= 5460)
    b.call("CLUSTER", "SETSLOT", half, "IMPORTING", cluster.ids["A"])
    a.call("CLUSTER", "SETSLOT", half, "MIGRATING", cluster.ids["B"])
    keys = a.call("CLUSTER", "GETKEYSINSLOT", half, 100)
    a.call("MIGRATE", "127.0.0.1", b.port, keys[0], 0, 5000)
    told = next(slot for slot in slots if 5461 <= slot <= 10922)
    a.call("CLUSTER", "SETSLOT", told, "IMPORTING", cluster.ids["B"])
    empty = next(slot for slot in range(0, 5461) if slot not in slots)
    for node in cluster.nodes:
        node.call("CLUSTER", "DELSLOTS", empty)
    assert "[WARNING]" in cluster.check() or "[ERR]" in cluster.check()
    redis_cli("--cluster", "fix", at(a), "--cluster-yes", stdin="yes\nyes\n", timeout=280)
    wait_until("every node knows an owner", lambda: all(sum(map(lambda fields: sum(
        int(last or first) - int(first) + 1 for first, _, last in (text.partition("-") for text in fields["slots"] if "[" not in text)),
        nodes(node).values())) == 16384 for node in cluster.nodes))
    check(cluster)


def test_call_info_and_backup(cluster, servers, vigil):
    called = redis_cli("--cluster", "call", at(cluster.nodes[0]), "DBSIZE")
    assert all(at(node) in called for node in cluster.nodes)
    assert f"[OK] {KEYS} keys in 3 masters." in redis_cli("--cluster", "info", at(cluster.nodes[0]))
    folder = servers.directory / "backup"
    folder.mkdir()
    assert "[OK] Backup created into:" in redis_cli("--cluster", "backup", at(cluster.nodes[0]), folder)
    files = sorted(folder.glob("*.rdb"))
    assert len(files) == 3 and (folder / "nodes.json").exists()
    total = 0
    for file in files:
        home = servers.directory / f"restored-{file.stem[-40:]}"
        home.mkdir()
        (home / "dump.rdb").write_bytes(file.read_bytes())
        total += servers.start(vigil, home.name).call("DBSIZE")
    assert total == KEYS


def test_import(cluster, servers, vigil, oracle):
    for binary in (vigil, oracle):
        old = servers.start(binary)
        with old.raw() as client:
            for i in range(100):
                client.call("SET", f"{binary.side}:{i}", i)
        redis_cli("--cluster", "import", at(cluster.nodes[0]), "--cluster-from", at(old), timeout=300)
        assert [cluster.data.get(f"{binary.side}:{i}") for i in range(100)] == [b"%d" % i for i in range(100)]
        assert old.call("DBSIZE") == 0


def test_set_timeout(cluster):
    redis_cli("--cluster", "set-timeout", at(cluster.nodes[0]), "3000")
    for node in cluster.nodes:
        assert node.call("CONFIG", "GET", "cluster-node-timeout")[1] == b"3000"
