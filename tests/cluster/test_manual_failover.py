"""CLUSTER FAILOVER: with the master's help nothing is lost and nobody waits for long; FORCE by vote without it; TAKEOVER without
anybody."""

import signal
import threading
import time

import pytest

from harness.cluster import Cluster, HandMadeCluster, cluster_info, my_id, nodes, role_of, text
from harness.server import oracle_binary, vigil_binary
from harness.waiting import wait_until


def binaries(names):
    return [(vigil_binary() if name == "v" else oracle_binary()).require() for name in names]


@pytest.fixture(params=["vvvvvv", "vrvrvr", "rrrvvv"])
def cluster(request, servers):
    return Cluster(servers, binaries(request.param))


def test_soon_after_the_creation(cluster):
    master = cluster.masters[0]
    replica = cluster.replica_of(master)
    assert text(replica, "CLUSTER", "FAILOVER") == "OK"
    wait_until(f"{replica} takes over", lambda: role_of(replica) == "master")
    master.wait_info("replication", role="slave", master_link_status="up")
    cluster.wait_ok()


def layout(masters, replica):
    return {"A": (masters, (0, 5460)), "B": (masters, (5461, 10922)), "C": (masters, (10923, 16383)), "R": (replica, "A")}


class Writer:
    """Appends numbers to one list, one after another, and follows MOVED; knows which were acknowledged, and the longest wait."""

    def __init__(self, cluster):
        self.ports = {node.port: node for node in cluster.nodes}
        self.node = cluster.named["A"]
        self.acknowledged, self.longest, self.problem = [], 0, None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            number = 0
            while not self._stop.is_set():
                number += 1
                begin = time.monotonic()
                self._write(number)
                self.longest = max(self.longest, time.monotonic() - begin)
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem

    def _write(self, number):
        while True:
            with self.node.raw(timeout=30) as client:
                reply = client.call("RPUSH", "num", number)
            if not reply.is_error:
                return self.acknowledged.append(number)
            words = reply.value.decode().split()
            assert words[0] == "MOVED", reply
            self.node = self.ports[int(words[2].rpartition(":")[2])]

    def finish(self):
        self._stop.set()
        self._thread.join(60)
        assert self.problem is None, self.problem


@pytest.mark.parametrize("kinds", ["vv", "vr", "rv"])
def test_under_load_nothing_is_lost(servers, kinds):
    cluster = HandMadeCluster(servers, layout(*binaries(kinds)))
    writer = Writer(cluster)
    wait_until("it writes", lambda: len(writer.acknowledged) > 200)
    master, replica = cluster.named["A"], cluster.named["R"]
    for _ in range(2):
        known = len(writer.acknowledged)
        for node in cluster.nodes:  # a redis-server asks and is asked only for what is known
            wait_until(f"{node} knows who is whose", lambda node=node, master=master, replica=replica:
                       nodes(node)[my_id(replica)]["master"] == my_id(master))
        assert text(replica, "CLUSTER", "FAILOVER") == "OK"
        wait_until(f"{replica} takes over", lambda replica=replica: role_of(replica) == "master")
        wait_until("it writes there", lambda known=known, replica=replica: writer.node is replica and len(writer.acknowledged) > known + 200)
        master.wait_info("replication", role="slave", master_link_status="up")
        master, replica = replica, master
    writer.finish()
    assert [int(n) for n in master.call("LRANGE", "num", 0, -1)] == writer.acknowledged
    # The pause ends with the change of roles: nobody waits for the time that the failover may take at most.
    assert writer.longest < 4
    with replica.raw() as client:
        client.call("READONLY")
        wait_until("the replica has all", lambda: client.call("LLEN", "num").value == len(writer.acknowledged))
    assert replica.info("replication")["master_link_status"] == "up"


def test_a_master_that_is_gone(servers, vigil):
    """Without its help it takes FORCE, and the vote of the others; that needs no FAIL."""
    cluster = HandMadeCluster(servers, layout(vigil, vigil), **{"cluster-node-timeout": "60000"})
    replica = cluster.named["R"]
    cluster.named["A"].kill()

    def refused():
        with replica.raw() as client:
            return client.call("CLUSTER", "FAILOVER").value

    wait_until("it is refused", lambda: refused() == b"ERR Master is down or failed, please use CLUSTER FAILOVER FORCE")
    epoch = int(cluster_info(replica)["cluster_current_epoch"])
    assert text(replica, "CLUSTER", "FAILOVER", "FORCE") == "OK"
    wait_until("it takes over", lambda: role_of(replica) == "master")
    assert nodes(replica)[my_id(replica)]["epoch"] == epoch + 1
    replica.wait_log("Forced failover user request accepted")
    replica.wait_log("Failover election won")
    for name in "BC":
        wait_until(f"{name} knows", lambda name=name: nodes(cluster.named[name])[cluster.ids["R"]]["slots"] == ["0-5460"])
    cluster.named["A"].start()
    cluster.named["A"].wait_info("replication", role="slave", master_link_status="up")


@pytest.mark.parametrize("words", [("FORCE",), ()])
def test_asked_for_twice(servers, vigil, words):
    """The second request does not spoil the first: the voters have voted."""
    cluster = HandMadeCluster(servers, layout(vigil, vigil))
    replica, master = cluster.named["R"], cluster.named["A"]
    if not words:
        master.signal(signal.SIGSTOP)
    with replica.raw() as client:
        for _ in range(2):
            client.send("CLUSTER", "FAILOVER", *words)
        assert [client.read().value, client.read().value] == [b"OK", b"OK"]
    if not words:
        master.signal(signal.SIGCONT)
    wait_until("it takes over", lambda: role_of(replica) == "master", timeout=10)
    assert "Manual failover timed out" not in replica.log_text()


def test_without_a_majority_it_takes_takeover(servers, vigil):
    cluster = HandMadeCluster(servers, layout(vigil, vigil), **{"cluster-node-timeout": "1000"})
    replica = cluster.named["R"]
    cluster.named["A"].kill()
    cluster.named["B"].kill()
    cluster.wait_fail()
    mark = replica.log_mark()
    assert text(replica, "CLUSTER", "FAILOVER", "FORCE") == "OK"
    replica.wait_log("Manual failover timed out|Currently unable to failover: Failover attempt expired", since=mark)
    assert role_of(replica) == "slave"
    epoch = max(fields["epoch"] for fields in nodes(replica).values())
    assert text(replica, "CLUSTER", "FAILOVER", "TAKEOVER") == "OK"
    wait_until("it takes over", lambda: role_of(replica) == "master")
    mine = nodes(replica)[my_id(replica)]
    assert mine["slots"] == ["0-5460"] and mine["epoch"] > epoch
    # Two of three masters can be reached again, but B's slots have no server: the rest is up where that is borne.
    for node in cluster.running():
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
    cluster.wait_ok()
    assert replica.call("SET", "num", 1) == b"OK"
    cluster.named["A"].start()
    cluster.named["A"].wait_info("replication", role="slave", master_link_status="up")


def test_a_master_whose_replica_vanishes_goes_on(servers, vigil):
    """The pause ends by itself: the replica that asked for it is gone."""
    cluster = HandMadeCluster(servers, layout(vigil, vigil))
    master, replica = cluster.named["A"], cluster.named["R"]
    # It never hears of a vote (FAILOVER_AUTH_ACK), so it never wins.
    replica.call("DEBUG", "DROP-CLUSTER-PACKET-FILTER", 6)
    replica.call("CLUSTER", "FAILOVER")
    master.wait_log("Manual failover requested by replica")
    begin = time.monotonic()
    assert master.call("SET", "num", 1) == b"OK"
    assert 1 < time.monotonic() - begin < 20
    master.wait_log("Manual failover timed out")
    assert role_of(master) == "master"
