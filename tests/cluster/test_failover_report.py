"""CLUSTER FAILOVER-REPORT: what the nodes tell afterwards of a failover."""

import signal

import pytest

from harness.cluster import HandMadeCluster, my_id, role_of
from harness.waiting import wait_until


@pytest.fixture
def cluster(servers, vigil):
    layout = {"A": (vigil, (0, 5460)), "B": (vigil, (5461, 10922)), "C": (vigil, (10923, 16383)), "R": (vigil, "A"), "S": (vigil, "A")}
    return HandMadeCluster(servers, layout)


def tree(value):
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], bytes):  # a map
        return {value[i].decode(): tree(value[i + 1]) for i in range(0, len(value), 2)}
    return [tree(item) for item in value]


def report(node, *about):
    return tree(node.call("CLUSTER", "FAILOVER-REPORT", *about))


def wait_report(node, *about, outcome="succeeded"):
    return wait_until(f"{node} tells of it",
                      lambda: (found := report(node, *about)) is not None and found["outcome"] == outcome and found)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_master_that_dies_or_hangs(cluster, how):
    a, b, _, r, s = cluster.nodes
    ids = {my_id(node): node for node in cluster.nodes}
    assert all(report(node) is None for node in cluster.nodes)
    a.call("SET", "num", "1")
    a.call("WAIT", 2, 10000)
    old = my_id(a)
    a.signal(how)
    new = wait_until("a replica takes over", lambda: next((n for n in (r, s) if role_of(n) == "master"), None))
    told = wait_report(new)
    assert told["old-master"] == old and ids[told["new-master"]] is new
    assert told["cause"].startswith(("no answer for ", "said to have failed by "))
    assert told["new-master-offset"] > 0 and told["known-lost-bytes"] <= 100  # a PING to replicas at most
    stages = [stage["reached"] for stage in told["stages"]]
    assert stages[0] == "failed" and stages[-1] == "promoted" and {"ranked", "votes asked for"} < set(stages)
    assert all(0 <= stage["took-ms"] <= stage["after-ms"] for stage in told["stages"])
    votes = [vote for vote in told["votes"] if vote["epoch"] == told["epoch"]]
    assert len(votes) == 2 and all(vote["candidate"] == my_id(new) for vote in votes)
    assert {seen["node"] for seen in told["seen-down-by"]} <= set(ids) and told["seen-down-by"]
    verdicts = {candidate["replica"]: candidate for candidate in told["replicas"]}
    assert set(verdicts) == {my_id(r), my_id(s)} and verdicts[my_id(new)]["verdict"] == "promoted"
    other = verdicts[my_id(s if new is r else r)]
    assert (verdicts[my_id(new)]["rank"], other["rank"]) == (0, 1) and "another" in other["verdict"]
    seen = wait_report(b)
    assert seen["new-master"] == my_id(new) and seen["votes"][0]["node"] == my_id(b)
    assert seen["stages"][-1]["reached"] == "taken over"
    assert report(b, my_id(new)) == seen == report(b, old) and report(b, my_id(b)) is None
    new.wait_log(f"Failover of {old} to {my_id(new)}: succeeded, epoch {told['epoch']}, ")
    new.wait_log(r"at least \d+ bytes lost")
    if how == signal.SIGSTOP:
        a.signal(signal.SIGCONT)
        wait_until("the old master follows", lambda: role_of(a) == "slave")
        assert wait_report(a, old)["new-master"] == my_id(new)


def test_a_hand_over(cluster):
    a, b, _, r, _ = cluster.nodes
    r.call("CLUSTER", "FAILOVER")
    wait_until("the replica is the master", lambda: role_of(r) == "master" and role_of(a) == "slave")
    assert wait_report(r)["cause"] == "CLUSTER FAILOVER" and wait_report(r)["known-lost-bytes"] == 0
    assert [stage["reached"] for stage in report(r)["stages"]] == ["CLUSTER FAILOVER", "writes held back", "all applied",
                                                                  "votes asked for", "promoted"]
    assert wait_report(a)["cause"] == f"CLUSTER FAILOVER at {my_id(r)}" and wait_report(b)["known-lost-bytes"] == 0


def test_a_master_whose_place_nobody_takes(servers, vigil):
    pair = HandMadeCluster(servers, {"A": (vigil, (0, 5460)), "B": (vigil, (5461, 10922)), "C": (vigil, (10923, 16383))})
    a, b, _ = pair.nodes
    a.signal(signal.SIGSTOP)
    pair.wait_fail([b])
    wait_until("it is under way", lambda: report(b) is not None and report(b)["outcome"] == "under way")
    a.signal(signal.SIGCONT)
    pair.wait_ok()
    assert wait_report(b, outcome="given up: it answers again, and nobody has taken its place")["new-master"] == ""


def test_wrong_arguments(cluster):
    with cluster.nodes[0].raw() as client:
        assert str(client.call("CLUSTER", "FAILOVER-REPORT", "a", "b")) == \
            "-ERR unknown subcommand or wrong number of arguments for 'FAILOVER-REPORT'. Try CLUSTER HELP."
        assert str(client.call("CLUSTER", "FAILOVER-REPORT", "nobody")) == "$nil"
