"""Three hosts, each with a master and the replica of another one's master, and the network between them: cut, silent in one
direction, healed.

Whatever happens, a master in a minority stops taking writes, and at the end all nodes have one view and all slots are
served."""

import time

import pytest

from harness import network as networks
from harness.cluster import FAST, my_id, nodes, role_of, state
from harness.hosts import HostServer
from harness.waiting import wait_until

NODE_TIMEOUT = 2000
CONVERGES_WITHIN = 120  # connections that hang are given up after some seconds, and so are links to masters

pytestmark = pytest.mark.skipif(not networks.available(), reason="network namespaces need root and iproute2")

SLOTS = [(0, 5460), (5461, 10922), (10923, 16383)]
KEYS = ["num", "hello2", "foo"]  # one of each master: slots 2765, 7486 and 12182


class Hosts:
    """hosts.masters[i] is on host i, and its replica, hosts.replicas[i], on host i + 1."""

    def __init__(self, nursery, makes):
        self.network = networks.Network(3)
        self.masters, self.replicas = [], []
        for i, (master, replica) in enumerate(zip(makes[0], makes[1])):
            self._begin(nursery, master, i, 6379, self.masters)
            self._begin(nursery, replica, (i + 1) % 3, 6380, self.replicas)
        self.nodes = self.masters + self.replicas
        for epoch, node in enumerate(self.nodes, 1):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for master, slots in zip(self.masters, SLOTS):
            master.call("CLUSTER", "ADDSLOTSRANGE", *slots)
        for node in self.nodes[1:]:
            self.masters[0].call("CLUSTER", "MEET", node.host.address, node.port)
        for node in self.nodes:
            wait_until(f"{node} knows all", lambda node=node: len(nodes(node)) == 6 and not any(
                "handshake" in fields["flags"] for fields in nodes(node).values()))
        for master, replica in zip(self.masters, self.replicas):
            replica.call("CLUSTER", "REPLICATE", my_id(master))
        for replica in self.replicas:
            replica.wait_info("replication", role="slave", master_link_status="up")
        self.wait_state("ok", self.nodes)

    def _begin(self, nursery, binary, host, port, into):
        options = {**FAST, "cluster-node-timeout": NODE_TIMEOUT, "protected-mode": "no", "repl-timeout": "10",
                   "repl-ping-replica-period": "1"}
        server = HostServer(binary.require(), nursery.directory / f"{host}-{port}", port=port, options=options)
        server.host = self.network.hosts[host]
        nursery.servers.append(server)
        into.append(server.start())

    def on(self, *hosts):
        return [node for node in self.nodes if node.host in [self.network.hosts[host] for host in hosts]]

    @staticmethod
    def wait_state(expected, among):
        for node in among:
            wait_until(f"{node} says {expected}", lambda node=node: state(node) == expected, CONVERGES_WITHIN)

    def view(self, node):
        """Who owns what and who follows whom, as one node sees it; None while it sees anybody failing."""
        shown = nodes(node)
        if any("fail" in " ".join(fields["flags"]) for fields in shown.values()):
            return None
        return {id_: (fields["master"], fields["slots"]) for id_, fields in shown.items()}

    def wait_converged(self):
        """Until all have one view, all slots are served, and all replicas follow."""
        def converged():
            views = [self.view(node) for node in self.nodes]
            linked = all(node.info("replication").get("master_link_status") == "up" for node in self.nodes if role_of(node) == "slave")
            return None not in views and all(view == views[0] for view in views) and linked and \
                all(state(node) == "ok" for node in self.nodes) and sum(role_of(node) == "master" for node in self.nodes) == 3

        wait_until("all nodes have one view", converged, CONVERGES_WITHIN)

    def masters_now(self):
        return {node for node in self.nodes if role_of(node) == "master"}


MAKES = {"ours": ("vvv", "vvv"), "masters of both kinds": ("vrv", "vvr"), "one of our replicas": ("rrr", "vrr")}


@pytest.fixture
def hosts(servers, vigil, oracle):
    made = []

    def start(makes=MAKES["ours"]):
        of = {"v": vigil, "r": oracle}
        made.append(Hosts(servers, [[of[c] for c in part] for part in makes]))
        return made[-1]

    yield start
    for each in made:
        for server in each.nodes:
            server.close()
        each.network.close()


def refuses(client, key):
    return str(client.call("SET", key, "in the minority")).startswith("-CLUSTERDOWN")


@pytest.mark.parametrize("makes", MAKES.values(), ids=MAKES.keys())
def test_a_master_cut_off_from_the_majority_refuses_and_is_replaced(hosts, makes):
    three = hosts(makes)
    old, new = three.masters[0], three.replicas[0]
    assert old.call("SET", "num", "before") == b"OK" and old.call("WAIT", 1, 10000) == 1
    three.network.isolate(three.network.hosts[0])
    cut = time.monotonic()
    with old.raw() as client:
        wait_until("the minority refuses", lambda: refuses(client, "num"))
        assert time.monotonic() - cut < NODE_TIMEOUT / 1000 + 8, "on a machine with other work to do, too"
        wait_until("its replica takes over", lambda: role_of(new) == "master")
        three.wait_state("ok", three.on(1, 2))
        assert new.call("SET", "num", "after") == b"OK"
        assert refuses(client, "num") and role_of(old) == "master" and state(old) == "fail"
    three.network.heal()
    three.wait_converged()
    assert role_of(old) == "slave" and new in three.masters_now()
    wait_until("the old master has what the new one has", lambda: [reads(node, "num") for node in (old, new)] == [b"after"] * 2)


def reads(node, key):
    with node.raw() as client:
        client.call("READONLY")
        return client.call("GET", key).value


def test_no_side_has_a_majority(hosts):
    """All refuse, nobody is promoted; once it heals, everything is as it was, and nothing is lost."""
    three = hosts()
    epoch = max(fields["epoch"] for fields in nodes(three.masters[0]).values())
    for master, key in zip(three.masters, KEYS):
        master.call("SET", key, "before")
        master.call("WAIT", 1, 10000)
    for host in three.network.hosts:
        three.network.isolate(host)
    three.wait_state("fail", three.nodes)
    for master, key in zip(three.masters, KEYS):
        with master.raw() as client:
            assert refuses(client, key)
    three.network.heal()
    three.wait_converged()
    # The hosts are joined one after another: on a slow machine two of them may be a majority before the third is there.
    if max(fields["epoch"] for fields in nodes(three.masters[0]).values()) == epoch:
        assert three.masters_now() == set(three.masters)
        assert [master.call("GET", key) for master, key in zip(three.masters, KEYS)] == [b"before"] * 3
    else:
        assert len(three.masters_now()) == 3


@pytest.mark.parametrize("deaf", [True, False], ids=["the master hears nobody", "nobody hears the master"])
def test_silence_in_one_direction(hosts, deaf):
    three = hosts()
    here, others = three.network.hosts[0], three.network.hosts[1:]
    for other in others:
        three.network.block(*((other, here) if deaf else (here, other)))
    with three.masters[0].raw() as client:
        wait_until("it refuses", lambda: refuses(client, "num"), 60)
    wait_until("its replica takes over", lambda: role_of(three.replicas[0]) == "master", 60)
    three.network.heal()
    three.wait_converged()
    assert three.replicas[0] in three.masters_now()


def test_two_masters_that_do_not_hear_each_other_change_nothing(hosts):
    """The third hears both: one of three is no majority, and two of three are one."""
    three = hosts()
    three.network.split([three.network.hosts[0]], [three.network.hosts[1]])
    one, other = three.masters[:2]
    for node, missing in ((one, other), (other, one)):
        wait_until(f"{node} misses {missing}", lambda node=node, missing=missing: "fail?" in nodes(node)[my_id(missing)]["flags"], 60)
    assert state(one) == state(other) == state(three.masters[2]) == "ok"
    assert one.call("SET", "num", "still") == b"OK"
    three.network.heal()
    three.wait_converged()
    assert three.masters_now() == set(three.masters)


def test_a_partition_where_the_replicas_are_all_in_the_minority(hosts):
    """Host 2 has the replica of master 1; cut off, it takes nothing over, and its own master is replaced by host 0's replica."""
    three = hosts()
    three.network.isolate(three.network.hosts[2])
    wait_until("the replica on host 0 takes over", lambda: role_of(three.replicas[2]) == "master", 60)
    three.wait_state("ok", three.on(0, 1))
    assert role_of(three.replicas[1]) == "slave", "it is in the minority with its vote for nobody"
    assert three.masters[1].call("SET", "hello2", "1") == b"OK"
    three.network.heal()
    three.wait_converged()
    assert three.masters_now() == {three.masters[0], three.masters[1], three.replicas[2]}


def test_partitions_one_after_another(hosts):
    """Each host in turn; in between masters are handed back, since a host with two of three is a majority."""
    three = hosts()
    for host in range(3):
        three.network.isolate(three.network.hosts[host])
        three.wait_state("fail", three.on(host))
        three.wait_state("ok", three.on(*(other for other in range(3) if other != host)))
        three.network.heal()
        three.wait_converged()
        for master in three.masters:
            if role_of(master) == "slave":
                master.call("CLUSTER", "FAILOVER")
                wait_until(f"{master} is a master again", lambda master=master: role_of(master) == "master")
        three.wait_converged()
