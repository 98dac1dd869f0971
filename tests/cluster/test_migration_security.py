"""Atomic migrations where nodes must show who they are: TLS, passwords, users with few rights."""

import pytest

from harness.atomic_migration import contents, fill, job_of, layout, move, start, take, wait_owner, wait_state
from harness.certificates import Authority
from harness.cluster import HandMadeCluster
from harness.waiting import wait_until

TAGS = take((f"t{n}" for n in range(10000)), 0, 99, 3)
# What a source sends in the name of `masteruser`, beside what a replica does.
RIGHTS = ["-@all", "+psync", "+replconf", "+ping", "+cluster|syncslots", "+select", "+@write", "~*"]


def moves_there_and_back(cluster):
    source, target = cluster.named["A"], cluster.named["B"]
    fill(source, TAGS)
    before = contents(source, TAGS)
    move(cluster, "A", "B", (0, 99))
    assert contents(target, TAGS) == before
    move(cluster, "B", "A", (0, 99))
    assert contents(source, TAGS) == before
    wait_owner(cluster, (0, 99), "A")


def test_tls(servers, tmp_path):
    authority = Authority(tmp_path / "tls")
    identity = authority.issue("node")
    cluster = HandMadeCluster(servers, layout(replicas=True), tls=authority.context(identity),
                              **{"tls-cluster": "yes", "tls-replication": "yes", **authority.options(identity)})
    moves_there_and_back(cluster)


def test_a_source_that_speaks_no_tls_is_told_so(servers, tmp_path):
    """The bus speaks it, but not what follows `tls-replication`."""
    authority = Authority(tmp_path / "tls")
    identity = authority.issue("node")
    cluster = HandMadeCluster(servers, layout(), tls=authority.context(identity), **{"tls-cluster": "yes", **authority.options(identity)})
    name = start(cluster, "A", "B", (0, 99))
    wait_state(cluster.named["A"], name, "failed")
    assert job_of(cluster.named["A"], name)["message"] in (b"the connection to the target was lost", b"the target does not speak RESP")


def lock(cluster, user, password, rights=()):
    for node in cluster.nodes:
        if user != "default":
            node.call("ACL", "SETUSER", user, "on", f">{password}", *rights)
            node.call("CONFIG", "SET", "masteruser", user)
        node.call("CONFIG", "SET", "masterauth", password)
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "requirepass", "secret")
        node.credentials = ("secret",)


@pytest.mark.parametrize("user", ["default", "mover"])
def test_passwords(servers, user):
    cluster = HandMadeCluster(servers, layout(replicas=True))
    lock(cluster, user, "secret", RIGHTS)
    moves_there_and_back(cluster)


def test_wrong_password_and_missing_rights(servers):
    cluster = HandMadeCluster(servers, layout())
    source, target = cluster.named["A"], cluster.named["B"]
    fill(source, TAGS)
    before = contents(source, TAGS)
    lock(cluster, "mover", "moving", ["-@all", "+psync", "+replconf", "+ping"])
    for change, why in [
        (["mover", "resetpass", ">other"], b"the target answered: WRONGPASS"),
        (["mover", ">moving"], b"the target answered: NOPERM"),
        (["mover", "+cluster|syncslots", "+select"], b"the target answered: NOPERM"),
        (["mover", "+@write", "~other"], b"the target answered: NOPERM"),
    ]:
        target.call("ACL", "SETUSER", *change)
        name = start(cluster, "A", "B", (0, 99))
        wait_state(source, name, "failed")
        assert why in job_of(source, name)["message"], change
        if job_of(target, name) is not None:
            wait_state(target, name, "failed")
            assert b"'set' failed with NOPERM" in job_of(target, name)["message"]
            wait_until("the copies are deleted", lambda: target.call("DBSIZE") == 0)
        assert contents(source, TAGS) == before
    target.call("ACL", "SETUSER", "mover", "~*")
    move(cluster, "A", "B", (0, 99))
    assert contents(target, TAGS) == before
