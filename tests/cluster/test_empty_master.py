"""A master of a cluster that comes back without its data, sooner than anybody takes it for failed: its replica takes its place."""

import pytest

from harness.cluster import HandMadeCluster, role_of
from harness.waiting import wait_until


@pytest.mark.parametrize("others", ["vigil", "oracle"])
def test_replica_takes_its_place(servers, request, vigil, others):
    masters = request.getfixturevalue(others)
    cluster = HandMadeCluster(
        servers,
        {"A": (masters, (0, 5460)), "B": (masters, (5461, 10922)), "C": (masters, (10923, 16383)), "R": (vigil, "A")},
        **{"cluster-node-timeout": "60000", "save": ""})
    master, replica = cluster.named["A"], cluster.named["R"]
    with master.raw() as client:
        for number in range(100):
            assert not client.call("SET", f"{{num}}{number}", number).is_error
    wait_until("the replica has the data", lambda: replica.call("DBSIZE") == 100)
    master.kill()
    master.start()
    wait_until("the replica takes over", lambda: role_of(replica) == "master")
    replica.wait_log("came back without its data, which this replica has")
    wait_until("the master follows it", lambda: role_of(master) == "slave")
    master.wait_info("replication", role="slave", master_link_status="up")
    assert replica.call("DBSIZE") == 100 == master.call("DBSIZE")
    cluster.wait_ok()
