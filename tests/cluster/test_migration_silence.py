"""An atomic migration whose connection is cut without a word, while the nodes go on hearing each other on the bus."""

import pytest

from harness import network as networks
from harness.atomic_migration import contents, fill, job_of, migrate_by_id, take, wait_state
from harness.cluster import FAST, my_id, nodes, state
from harness.hosts import HostServer
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(not networks.available(), reason="network namespaces need root and iproute2")

TAGS = take((f"t{n}" for n in range(10000)), 0, 99, 5)
GIVEN_UP_WITHIN = 60


@pytest.fixture
def pair(servers, vigil):
    """Two masters on two hosts, with half of the slots each."""
    network = networks.Network(2)
    made = []
    try:
        for host, slots in zip(network.hosts, [(0, 8191), (8192, 16383)]):
            server = HostServer(vigil.require(), servers.directory / host.address, port=6379,
                                options={**FAST, "protected-mode": "no"})
            server.host = host
            servers.servers.append(server)
            made.append(server.start())
            server.call("CLUSTER", "SET-CONFIG-EPOCH", len(made))
            server.call("CLUSTER", "ADDSLOTSRANGE", *slots)
        made[0].call("CLUSTER", "MEET", network.hosts[1].address, 6379)
        for node in made:
            wait_until(f"{node} knows both", lambda node=node: state(node) == "ok" and len(nodes(node)) == 2)
        yield network, *made
    finally:
        for server in made:
            server.close()
        network.close()


def begin(source, target):
    reply = migrate_by_id(source, my_id(target), (0, 99))
    return None if reply.is_error else source.call("CLUSTER", "GETSLOTMIGRATIONS")[0][1]


def test_both_ends_notice(pair):
    network, source, target = pair
    fill(source, TAGS)
    before = contents(source, TAGS)
    target.call("CLIENT", "PAUSE", 600_000, "WRITE")
    name = wait_until("it begins", lambda: begin(source, target))  # not before the nodes have said that they can
    wait_until("the target takes part", lambda: job_of(target, name))
    network.block(network.hosts[0], network.hosts[1], port=6379)
    target.call("CLIENT", "UNPAUSE")
    for node in (source, target):
        wait_state(node, name, "failed", within=GIVEN_UP_WITHIN)
    assert b"the target" in job_of(source, name)["message"]
    assert job_of(target, name)["message"] == b"the source has fallen silent"
    assert contents(source, TAGS) == before

    network.heal()
    again = wait_until("another one begins", lambda: begin(source, target))
    wait_state(source, again, "success", within=GIVEN_UP_WITHIN)
    assert contents(target, TAGS) == before
