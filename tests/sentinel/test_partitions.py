"""Three hosts, each with a server and a Sentinel, and the network between them: cut, silent in one direction, healed.

Whatever happens, at the end all Sentinels name one master, all other servers follow it, and it alone takes writes."""

import pytest
from harness import network as networks
from harness.hosts import HostSentinel, HostServer
from harness.sentinel import NAME, down_after_for, events, sentinel_binary
from harness.waiting import wait_until

CONVERGES_WITHIN = 120  # connections that hang are given up after 15 s, and a replica that follows another after 10 s

pytestmark = pytest.mark.skipif(not networks.available(), reason="network namespaces need root and iproute2")


class Hosts:
    """hosts.servers[i] and hosts.sentinels[i] are on hosts.network.hosts[i]; the first server is the master."""

    def __init__(self, nursery, server_binaries, sentinel_binaries, *, settings=(), server_options=None):
        self.network = networks.Network(3)
        self.servers, self.sentinels = [], []
        options = {"repl-diskless-sync-delay": "0", "protected-mode": "no", "repl-timeout": "10",
                   "repl-ping-replica-period": "1", **(server_options or {})}
        for number, (host, binary) in enumerate(zip(self.network.hosts, server_binaries)):
            follows = {} if number == 0 else {"replicaof": f"{self.network.hosts[0].address} 6379"}
            server = HostServer(binary.require(), nursery.directory / f"data{number}", port=6379, options=options | follows)
            self._begin(nursery, server, host, self.servers)
        lines = [f"sentinel monitor {NAME} {self.network.hosts[0].address} 6379 2",
                 f"sentinel down-after-milliseconds {NAME} {down_after_for(sentinel_binaries)}",
                 f"sentinel failover-timeout {NAME} 10000", "protected-mode no", *settings]
        for number, (host, binary) in enumerate(zip(self.network.hosts, sentinel_binaries)):
            sentinel = HostSentinel(sentinel_binary(binary).require(), nursery.directory / f"sentinel{number}",
                                    "\n".join(lines) + "\n", port=26379)
            self._begin(nursery, sentinel, host, self.sentinels)
        for sentinel in self.sentinels:
            wait_until(f"{sentinel} knows all", lambda s=sentinel: s.info("sentinel")["master0"].endswith(
                "slaves=2,sentinels=3") and not any(
                "disconnected" in other["flags"] for other in s.list("SENTINELS", NAME) + s.list("REPLICAS", NAME)))

    @staticmethod
    def _begin(nursery, server, host, into):
        server.host = host
        nursery.servers.append(server)
        into.append(server.start())

    def address_at(self, number):
        """Where the Sentinel on that host says that the master is."""
        return self.sentinels[number].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[0]

    def wait_switched(self, by, away_from):
        """Until the Sentinels with these numbers name one other server, and it is a master; returns its number."""
        def agreed():
            named = {self.address_at(number) for number in by}
            found = [i for i, host in enumerate(self.network.hosts) if {host.address} == named]
            new = found[0] if found and found[0] != away_from else None
            return [new] if new is not None and self.servers[new].info("replication")["role"] == "master" else None

        return wait_until("another server is the master", agreed, 60)[0]

    def follows(self, replica, master):
        fields = self.servers[replica].info("replication")
        return (fields["role"], fields.get("master_host"), fields.get("master_link_status")) == (
            "slave", self.network.hosts[master].address, "up")

    def writable(self):
        """The numbers of the servers that take writes."""
        found = []
        for number, server in enumerate(self.servers):
            with server.raw() as client:
                if not client.call("SET", "probe", str(number)).is_error:
                    found.append(number)
        return found

    def wait_converged(self):
        """Until all agree on one master, whose number is returned."""
        def converged():
            named = {self.address_at(number) for number in range(3)}
            master = next((i for i, host in enumerate(self.network.hosts) if {host.address} == named), None)
            agreed = master is not None and all(self.follows(i, master) for i in range(3) if i != master)
            quiet = all("down" not in s.fields("MASTER", NAME)["flags"] for s in self.sentinels)
            return [master] if agreed and quiet and self.writable() == [master] else None

        return wait_until("all agree on one master", converged, CONVERGES_WITHIN)[0]


MAKES = {"ours": ("vvv", "vvv"), "one real Sentinel": ("vvv", "vvr"), "over Redis, one of our Sentinels": ("rrr", "rvr")}


@pytest.fixture
def hosts(request, servers, vigil, oracle):
    made = []

    def start(makes=MAKES["ours"], **details):
        of = {"v": vigil, "r": oracle}
        made.append(Hosts(servers, [of[c] for c in makes[0]], [of[c] for c in makes[1]], **details))
        return made[-1]

    yield start
    for each in made:
        for server in each.servers + each.sentinels:
            server.close()
        each.network.close()


@pytest.mark.parametrize("makes", MAKES.values(), ids=MAKES.keys())
def test_the_master_and_its_sentinel_are_cut_off_from_all(hosts, makes):
    three = hosts(makes)
    assert three.servers[0].call("SET", "before", "1") == b"OK"
    assert three.servers[0].call("WAIT", "2", "10000") == 2
    three.network.isolate(three.network.hosts[0])
    new = three.wait_switched(by=[1, 2], away_from=0)
    # What Redis's rules permit: in its minority the old master, which nobody can tell, takes writes still.
    assert three.address_at(0) == three.network.hosts[0].address
    assert three.servers[0].call("SET", "lost", "1") == b"OK"
    assert three.servers[new].call("SET", "after", "1") == b"OK"
    three.network.heal()
    assert three.wait_converged() == new
    for server in three.servers:
        assert [server.call("GET", key) for key in ("before", "after", "lost")] == [b"1", b"1", None]


def test_with_min_replicas_to_write_the_minority_takes_no_writes(hosts):
    three = hosts(server_options={"min-replicas-to-write": "1", "min-replicas-max-lag": "2"})
    three.network.isolate(three.network.hosts[0])
    new = three.wait_switched(by=[1, 2], away_from=0)
    with three.servers[0].raw() as client:
        wait_until("the old master refuses", lambda: str(client.call("SET", "key", "1")).startswith("-NOREPLICAS"))
    three.network.heal()
    assert three.wait_converged() == new


def test_the_master_alone_is_cut_off_from_the_other_servers_and_sentinels(hosts):
    """The Sentinel beside the master still sees it; the other two decide, and it follows."""
    three = hosts()
    three.network.split([three.network.hosts[0]], three.network.hosts[1:])
    new = three.wait_switched(by=[1, 2], away_from=0)
    assert "+odown" not in events(three.sentinels[0])
    three.network.heal()
    assert three.wait_converged() == new
    assert "+config-update-from" in events(three.sentinels[0])


def test_a_majority_without_the_replicas_elects_nobody_new(hosts):
    """Two Sentinels lose the master and with it both replicas' data: there is nobody to promote until it heals."""
    three = hosts()
    three.servers[1].kill()
    three.servers[2].kill()
    three.network.isolate(three.network.hosts[0])
    one_of = three.sentinels[1:]
    wait_until("a failover was given up", lambda: any("-failover-abort-no-good-slave" in events(s) for s in one_of), 60)
    three.network.heal()
    for server in three.servers[1:]:
        server.start()
    assert three.wait_converged() == 0


def test_a_minority_that_loses_the_master_does_nothing(hosts):
    three = hosts()
    three.network.isolate(three.network.hosts[1])
    three.sentinels[1].wait_log(r"\+sdown master")
    for other in (0, 2):
        three.sentinels[1].wait_log(rf"\+sdown sentinel .* {three.network.hosts[other].address} 26379")
    assert three.address_at(1) == three.network.hosts[0].address
    three.network.heal()
    assert three.wait_converged() == 0
    assert all("+switch-master" not in events(sentinel) for sentinel in three.sentinels)
    assert "+odown" not in events(three.sentinels[1])


@pytest.mark.parametrize("deaf", [True, False], ids=["the master hears nobody", "nobody hears the master"])
def test_silence_in_one_direction(hosts, deaf):
    three = hosts()
    here, others = three.network.hosts[0], three.network.hosts[1:]
    for other in others:
        three.network.block(*((other, here) if deaf else (here, other)))
    new = three.wait_switched(by=[1, 2], away_from=0)
    three.network.heal()
    assert three.wait_converged() == new


def test_a_replica_that_alone_loses_the_master_changes_nothing(hosts):
    """Host 1 and host 0 do not hear each other; both hear host 2. One Sentinel of three is no quorum of two."""
    three = hosts()
    three.network.split([three.network.hosts[0]], [three.network.hosts[1]])
    three.sentinels[1].wait_log(r"\+sdown master")
    three.network.heal()
    assert three.wait_converged() == 0
    assert all("+switch-master" not in events(sentinel) for sentinel in three.sentinels)


def test_partitions_one_after_another(hosts):
    """The master's host is cut off again and again, each time another one."""
    three = hosts(settings=[f"sentinel failover-timeout {NAME} 3000"])
    master = 0
    for _ in range(3):
        three.network.isolate(three.network.hosts[master])
        new = three.wait_switched(by=[i for i in range(3) if i != master], away_from=master)
        three.network.heal()
        assert three.wait_converged() == new
        master = new
