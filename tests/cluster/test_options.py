"""What each option of a cluster's node does."""

import signal
import ssl
import time

import pytest

from harness.certificates import Authority
from harness.cluster import HandMadeCluster, cluster_info, my_id, nodes, redis_cli, role_of, state
from harness.ports import Port
from harness.server import Ended
from harness.waiting import wait_until

PAIR = {"A": (0, 8191), "B": (8192, 16383)}
THREE = {"A": (0, 5460), "B": (5461, 10922), "C": (10923, 16383)}


def make(servers, binary, layout, **options):
    return HandMadeCluster(servers, {name: (binary, what) for name, what in layout.items()}, **options)


def slots_nodes(node):
    """CLUSTER SLOTS: of each range the first node, as [endpoint, port, metadata]."""
    return [[row[2][0], row[2][1], row[2][3]] for row in node.call("CLUSTER", "SLOTS")]


def test_cluster_enabled(servers, vigil, oracle):
    for binary in (vigil, oracle):
        alone = servers.start(binary)
        with alone.raw() as client:
            assert str(client.call("CLUSTER", "INFO")) == "-ERR This instance has cluster support disabled"
        assert alone.info("server")["redis_mode"] == "standalone" and alone.info("cluster")["cluster_enabled"] == "0"
        member = servers.start(binary, options={"cluster-enabled": "yes"})
        assert member.info("server")["redis_mode"] == "cluster" and member.info("cluster")["cluster_enabled"] == "1"
        assert cluster_info(member)["cluster_known_nodes"] == "1"


def test_cluster_config_file(servers, vigil):
    node = servers.start(vigil, options={"cluster-enabled": "yes", "cluster-config-file": "mine.conf"})
    assert my_id(node) in (node.directory / "mine.conf").read_text()
    assert not (node.directory / "nodes.conf").exists()


def test_cluster_port(servers, vigil, oracle):
    """The bus is where it says, and whoever is told meets it there."""
    for binary in (vigil, oracle):
        bus = Port()
        node = servers.create(binary, options={"cluster-enabled": "yes", "cluster-port": str(bus.number)})
        node.start()
        other = servers.start(binary, options={"cluster-enabled": "yes"})
        other.call("CLUSTER", "MEET", "127.0.0.1", node.port, bus.number)
        wait_until("both know each other", lambda node=node, other=other: len(nodes(node)) == len(nodes(other)) == 2 and
                   my_id(node) in nodes(other))
        assert f"@{bus.number} " in other.call("CLUSTER", "NODES").decode()
        bus.release()


def test_cluster_node_timeout_decides_how_long_silence_is_borne(servers, vigil):
    cluster = make(servers, vigil, PAIR, **{"cluster-node-timeout": "60000"})
    a, b = cluster.nodes
    b.signal(signal.SIGSTOP)
    begin = time.monotonic()
    wait_until("some time passes", lambda: time.monotonic() - begin > 3)
    assert state(a) == "ok" and cluster_info(a)["cluster_slots_pfail"] == "0"
    a.call("CONFIG", "SET", "cluster-node-timeout", "500")
    cluster.wait_fail([a])
    assert cluster_info(a)["cluster_slots_pfail"] == "8192"
    b.signal(signal.SIGCONT)



def test_announced_address(servers, vigil, oracle):
    """cluster-announce-ip, cluster-announce-port and cluster-announce-bus-port: what others know, and tell clients."""
    for binary in (vigil, oracle):
        cluster = make(servers, binary, PAIR)
        a, b = cluster.nodes
        a.call("CONFIG", "SET", "cluster-announce-ip", "127.0.0.2")
        a.call("CONFIG", "SET", "cluster-announce-bus-port", a.port + 10000)
        wait_until("B is told the address", lambda a=a, b=b, cluster=cluster:
                   nodes(b)[cluster.ids["A"]]["address"] == f"127.0.0.2:{a.port}")
        with b.raw() as client:
            wait_until("clients are told it", lambda client=client, a=a:  # ours takes a moment to reach all workers
                       str(client.call("GET", "num")) == f"-MOVED 2765 127.0.0.2:{a.port}")
        a.call("CONFIG", "SET", "cluster-announce-port", 7777)
        wait_until("B is told the port", lambda a=a, b=b, cluster=cluster: nodes(b)[cluster.ids["A"]]["address"] == "127.0.0.2:7777")
        with b.raw() as client:
            wait_until("clients are told it", lambda client=client: str(client.call("GET", "num")) == "-MOVED 2765 127.0.0.2:7777")
        assert slots_nodes(b)[0][:2] == [b"127.0.0.2", 7777]
        cluster.wait_ok()
        a.call("CONFIG", "SET", "cluster-announce-ip", "")
        wait_until("B sees where it comes from", lambda b=b, cluster=cluster:
                   nodes(b)[cluster.ids["A"]]["address"] == "127.0.0.1:7777")


def test_host_name_and_endpoint_type(servers, vigil, oracle):
    """cluster-announce-hostname and cluster-preferred-endpoint-type."""
    seen = []
    for binary in (vigil, oracle):
        cluster = make(servers, binary, PAIR)
        a, b = cluster.nodes
        a.call("CONFIG", "SET", "cluster-announce-hostname", "a.example.com")
        wait_until("B is told the name", lambda a=a, b=b: b"hostname" in slots_nodes(b)[0][2])
        lines = [slots_nodes(b)[0]]
        for kind in ("hostname", "unknown-endpoint", "ip"):
            for node in (a, b):
                node.call("CONFIG", "SET", "cluster-preferred-endpoint-type", kind)
            shown = {"hostname": "a.example.com", "unknown-endpoint": "", "ip": "127.0.0.1"}[kind]
            with b.raw() as client:  # ours takes a moment to reach all workers
                wait_until("clients are told so", lambda client=client, shown=shown, a=a:
                           str(client.call("GET", "num")) == f"-MOVED 2765 {shown}:{a.port}")
            lines.append(slots_nodes(b))
        lines.append([row[b"nodes"] if isinstance(row, dict) else len(row) for row in b.call("CLUSTER", "SHARDS")])
        seen.append(str(lines).replace(str(a.port), "PORT-A").replace(str(b.port), "PORT-B"))
        with a.raw() as client:
            assert client.call("CONFIG", "SET", "cluster-announce-hostname", "not a name").is_error
    assert seen[0] == seen[1]


def test_announced_human_name_is_heard_by_those_who_know_it(servers, vigil, oracle):
    """cluster-announce-human-nodename goes to our own kind alone: redis-server 7.0 warns of what it does not know."""
    cluster = HandMadeCluster(servers, {"A": (vigil, (0, 8191)), "B": (vigil, (8192, 16383)), "R": (oracle, "A")})
    cluster.named["A"].call("CONFIG", "SET", "cluster-announce-human-nodename", "number-one")
    begin = time.monotonic()
    pings = int(cluster_info(cluster.named["R"])["cluster_stats_messages_received"])
    wait_until("they talk", lambda: int(cluster_info(cluster.named["R"])["cluster_stats_messages_received"]) > pings + 10)
    assert time.monotonic() > begin
    assert "extension" not in cluster.named["R"].log_text()
    assert state(cluster.named["B"]) == "ok"


@pytest.mark.parametrize("name", ["cluster-replica-no-failover", "cluster-slave-no-failover"])
def test_a_replica_that_is_not_to_be_promoted(servers, vigil, name):
    cluster = make(servers, vigil, {**THREE, "R": "C"})
    replica = cluster.named["R"]
    replica.call("CONFIG", "SET", name, "yes")
    wait_until("others know", lambda: "nofailover" in nodes(cluster.named["A"])[cluster.ids["R"]]["flags"])
    cluster.named["C"].kill()
    wait_until("C has failed", lambda: "fail" in nodes(replica)[cluster.ids["C"]]["flags"])
    begin = time.monotonic()
    wait_until("time for an election passes", lambda: time.monotonic() - begin > 3)
    assert role_of(replica) == "slave"
    replica.call("CONFIG", "SET", name, "no")
    wait_until("it takes over once it may", lambda: role_of(replica) == "master")


@pytest.mark.parametrize("name", ["cluster-replica-validity-factor", "cluster-slave-validity-factor"])
def test_a_replica_whose_data_is_too_old(servers, vigil, name):
    cluster = make(servers, vigil, {**THREE, "R": "C"}, **{"cluster-node-timeout": "1000", "repl-ping-replica-period": "1"})
    replica, master = cluster.named["R"], cluster.named["C"]
    replica.call("CONFIG", "SET", name, "1")
    # The link to the master is broken, and cannot be made anew, while the bus goes on.
    master.call("CONFIG", "SET", "requirepass", "secret")
    with master.raw() as client:
        client.call("AUTH", "secret")
        client.call("CLIENT", "KILL", "TYPE", "replica")
    wait_until("the link has been down for long", lambda: int(replica.info("replication").get("master_link_down_since_seconds", 0)) >= 5)
    master.kill()
    replica.wait_log("Currently unable to failover: Disconnected from master for longer than allowed")
    assert role_of(replica) == "slave"
    replica.call("CONFIG", "SET", name, "0")
    wait_until("with 0 it always stands", lambda: role_of(replica) == "master")


def test_replicas_move_to_a_master_without_one(servers, vigil):
    """cluster-migration-barrier: its master keeps so many; cluster-allow-replica-migration: whether it moves at all."""
    layout = {**THREE, "R1": "A", "R2": "A", "R3": "B"}
    cluster = make(servers, vigil, layout)
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-allow-replica-migration", "no")
        node.call("CONFIG", "SET", "cluster-migration-barrier", "2")
    a, b = cluster.ids["A"], cluster.ids["B"]
    cluster.named["R3"].kill()

    def followers(master):
        return sorted(name for name in ("R1", "R2") if nodes(cluster.named["A"])[cluster.ids[name]]["master"] == master)

    wait_until("R3 has failed", lambda: "fail" in nodes(cluster.named["A"])[cluster.ids["R3"]]["flags"])
    begin = time.monotonic()
    wait_until("time for a move passes", lambda: time.monotonic() - begin > 7)
    assert followers(a) == ["R1", "R2"]
    for node in cluster.running():
        node.call("CONFIG", "SET", "cluster-allow-replica-migration", "yes")
    begin = time.monotonic()
    wait_until("time for a move passes", lambda: time.monotonic() - begin > 2)
    assert followers(a) == ["R1", "R2"], "each keeps two"
    for node in cluster.running():
        node.call("CONFIG", "SET", "cluster-migration-barrier", "1")
    wait_until("one has moved", lambda: len(followers(a)) == len(followers(b)) == 1)
    moved = cluster.named[followers(b)[0]]
    moved.wait_info("replication", master_link_status="up", master_port=cluster.named["B"].port)


def test_link_that_takes_too_much_memory_is_ended(servers, vigil):
    """cluster-link-sendbuf-limit."""
    cluster = make(servers, vigil, PAIR, **{"cluster-node-timeout": "60000"})
    a, b = cluster.nodes
    a.call("CONFIG", "SET", "cluster-link-sendbuf-limit", "1mb")
    b.signal(signal.SIGSTOP)

    def over():
        a.call("PUBLISH", "news", "x" * 1_000_000)
        return int(cluster_info(a)["total_cluster_links_buffer_limit_exceeded"]) > 0

    wait_until("the link is ended", over)
    a.wait_log("Freeing outbound cluster link")
    b.signal(signal.SIGCONT)
    wait_until("a new one stands", lambda: nodes(a)[cluster.ids["B"]]["link"] == "connected")
    a.call("CONFIG", "SET", "cluster-link-sendbuf-limit", "0")



def test_tls_on_the_bus(servers, vigil, oracle, tmp_path):
    """tls-cluster and cluster-announce-tls-port, in a cluster of both kinds."""
    authority = Authority(tmp_path / "tls")
    identity = authority.issue("node")
    context = authority.context(identity)
    options = {"cluster-enabled": "yes", "cluster-node-timeout": "2000", "tls-cluster": "yes", "tls-replication": "yes",
               **authority.options(identity)}
    made = [servers.create(binary, tls=context, options=options) for binary in (vigil, oracle)]
    for node in made:
        node.start()
    ours, theirs = made
    ours.call("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
    theirs.call("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
    ours.call("CLUSTER", "MEET", "127.0.0.1", theirs.port)
    for node in made:
        wait_until(f"{node} is up", lambda node=node: state(node) == "ok")
    with theirs.raw() as client:
        assert str(client.call("GET", "num")) == f"-MOVED 2765 127.0.0.1:{ours.port}"
    with pytest.raises((OSError, ssl.SSLError, AssertionError, Exception)):
        with ours.raw(tls=None, timeout=5) as client:  # not even clients without TLS are taken
            client.call("PING")
    ours.call("CONFIG", "SET", "cluster-announce-tls-port", 7777)
    wait_until("the other one knows", lambda: slots_nodes(theirs)[0][1] == 7777)


def test_refused_connections_are_evidence_where_asked_for(servers, vigil):
    """cluster-refused-timeout: a killed master is replaced long before the node timeout; one without a replica is not even
    marked as failed."""
    cluster = make(servers, vigil, {**THREE, "R": "C"}, **{"cluster-node-timeout": "30000", "cluster-refused-timeout": "300"})
    begin = time.monotonic()
    cluster.named["C"].kill()
    wait_until("R takes over", lambda: role_of(cluster.named["R"]) == "master", timeout=15)
    cluster.wait_ok()
    assert time.monotonic() - begin < 15
    cluster.named["B"].kill()
    begin = time.monotonic()
    wait_until("much more than the refused timeout passes", lambda: time.monotonic() - begin > 3)
    flags = nodes(cluster.named["A"])[cluster.ids["B"]]["flags"]
    assert "fail" not in flags and "fail?" not in flags
    cluster.named["B"].start()
    cluster.wait_ok()


def test_the_last_slot_of_a_master_makes_it_a_replica_if_allowed(servers, vigil):
    """cluster-allow-replica-migration decides about masters, too."""
    for allowed in ("yes", "no"):
        cluster = make(servers, vigil, {"A": (1, 16383), "B": (0, 0), "C": None}, **{"cluster-allow-replica-migration": allowed})
        a, b = cluster.ids["A"], cluster.named["B"]
        cluster.named["A"].call("CLUSTER", "SETSLOT", 0, "IMPORTING", cluster.ids["B"])
        b.call("CLUSTER", "SETSLOT", 0, "MIGRATING", a)
        cluster.named["A"].call("CLUSTER", "SETSLOT", 0, "NODE", a)
        wait_until("the slot has moved", lambda cluster=cluster, a=a: nodes(cluster.named["B"])[a]["slots"] == ["0-16383"])
        if allowed == "yes":
            b.wait_info("replication", role="slave")
            assert nodes(b)[cluster.ids["B"]]["master"] == a
        else:
            assert role_of(b) == "master"


def test_replicaof_in_the_configuration_is_refused(servers, vigil, oracle):
    for binary in (vigil, oracle):
        node = servers.create(binary, options={"cluster-enabled": "yes", "replicaof": "127.0.0.1 1"})
        with pytest.raises(Ended, match="replicaof directive not allowed in cluster mode"):
            node.start()


def test_a_port_too_high_for_the_bus_is_refused(servers, vigil, oracle):
    for binary in (vigil, oracle):
        node = servers.create(binary, options={"cluster-enabled": "yes"}, port=65000).spawn()
        assert node.wait_exit() == 1
        assert "Redis port number too high" in node.log_text()


def test_redis_cli_is_content(servers, vigil):
    cluster = make(servers, vigil, THREE)
    assert "[OK] All 16384 slots covered." in redis_cli("--cluster", "check", f"127.0.0.1:{cluster.nodes[0].port}")


def test_config_set_is_answered_when_it_is_in_force(servers, vigil):
    """A client that was told OK sees the effect with its next command, on whatever thread it is served."""
    cluster = make(servers, vigil, {"A": (0, 8191), "B": None}, **{"cluster-require-full-coverage": "yes"})
    a = cluster.named["A"]
    cluster.wait_fail([a])
    clients = [a.raw() for _ in range(8)]
    for round_ in range(20):
        down = round_ % 2 == 1
        words = ["CONFIG", "SET", "cluster-allow-reads-when-down", "no" if down else "yes"]
        assert str(clients[round_ % 8].call(*words)) == "+OK"
        for client in clients:
            assert client.call("GET", "num").is_error == down
    assert str(clients[0].call("MULTI")) == "+OK"
    clients[0].call("CONFIG", "SET", "cluster-allow-reads-when-down", "yes")
    assert str(clients[0].call("EXEC")) == "[+OK]"
    wait_until("it is in force", lambda: not clients[1].call("GET", "num").is_error)
    for client in clients:
        client.close()
