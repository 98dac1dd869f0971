"""CLUSTER MIGRATESLOTS: slots move with their keys in one piece, under load, and back to where they were on any failure."""

import shutil
import signal
import time

import pytest

from harness.atomic_migration import (A_SLOTS, contents, fill, job_of, jobs, layout, migrate, move, owner, slot_of, stalled, start,
                                      take, wait_owner, wait_state, works)
from harness.cluster import HandMadeCluster, nodes
from harness.server import oracle_binary, vigil_binary
from harness.slot_load import CarefulWriter, SlotWriter
from harness.waiting import wait_until


def test_slots_move_with_their_keys(servers):
    cluster = HandMadeCluster(servers, layout())
    source, target = cluster.named["A"], cluster.named["B"]
    moving, staying = take((f"t{n}" for n in range(10000)), 0, 99, 5), take((f"t{n}" for n in range(10000)), 100, 5460, 5)
    fill(source, moving)
    fill(source, staying)
    before, stay = contents(source, moving), contents(source, staying)
    held = target.call("DBSIZE")
    name = start(cluster, "A", "B", (0, 49), (50, 99))
    wait_state(source, name, "success")
    wait_state(target, name, "success")
    assert contents(target, moving) == before
    assert contents(source, staying) == stay
    wait_owner(cluster, (0, 50, 99), "B")
    wait_owner(cluster, (100,), "A")
    assert target.call("DBSIZE") == held + len(moving) * 25
    wait_until("the source has deleted them", lambda: source.call("DBSIZE") == len(staying) * 25)
    with source.raw() as client:
        assert str(client.call("GET", f"{{{moving[0]}}}n")) == f"-MOVED {slot_of(moving[0])} 127.0.0.1:{target.port}"
    exported, imported = job_of(source, name), job_of(target, name)
    assert list(exported) == ["name", "operation", "slot_ranges", "target_node", "source_node", "create_time", "last_update_time",
                              "last_ack_time", "state", "message", "cow_size"]
    assert (exported["operation"], imported["operation"]) == (b"EXPORT", b"IMPORT")
    for job in (exported, imported):
        assert (job["slot_ranges"], job["state"], job["message"]) == (b"0-99", b"success", b"")
        assert (job["source_node"].decode(), job["target_node"].decode()) == (cluster.ids["A"], cluster.ids["B"])
        assert abs(job["create_time"] - time.time()) < 600


def test_writes_during_the_migration_happen_once(servers):
    cluster = HandMadeCluster(servers, layout(replicas=True))
    source = cluster.named["A"]
    tags = take((f"t{n}" for n in range(10000)), 0, 499, 4) + take((f"t{n}" for n in range(10000)), 1000, 16383, 2)
    fill(source, tags[:4])
    writer = SlotWriter(cluster, tags)
    writer.progress()
    for _ in range(3):
        move(cluster, "A", "B", (0, 499))
        writer.progress()
        move(cluster, "B", "A", (0, 499))
        writer.progress()
    writer.stop()
    assert writer.moved >= 4 * 6
    owners = {tag: cluster.named[wait_until("an owner", lambda tag=tag: owner(cluster, slot_of(tag)))] for tag in tags}
    writer.check(lambda tag: owners[tag])
    assert writer.longest < 10, writer.longest


def test_copies_are_hidden_until_then(pair):
    source, target, replica = pair.named["A"], pair.named["B"], pair.named["RB"]
    pair.named["RA"].hang()
    name = start(pair, "A", "B", (0, 99))
    wait_until("the hand-over waits for the source's replica", lambda: job_of(source, name)["state"] in (b"paused", b"failed"))
    target.call("SAVE")
    for node in (target, replica):
        assert (node.call("DBSIZE"), node.call("KEYS", "*"), node.call("RANDOMKEY")) == (0, [], None)
        assert node.call("SCAN", 0, "COUNT", 100_000) == [b"0", []]
        assert node.call("CLUSTER", "COUNTKEYSINSLOT", slot_of(pair.tags[0])) == 0
        assert node.call("CLUSTER", "GETKEYSINSLOT", slot_of(pair.tags[0]), 100) == []
    with target.raw() as client:
        assert str(client.call("GET", f"{{{pair.tags[0]}}}n")).startswith("-MOVED")
    assert f"{{{pair.tags[0]}}}".encode() not in (target.directory / "dump.rdb").read_bytes()
    wait_state(source, name, "failed")
    assert b"too long" in job_of(source, name)["message"]
    pair.named["RA"].signal(signal.SIGCONT)
    wait_until("the target gives it up", lambda: job_of(target, name)["state"] == b"failed")
    wait_until("the copies are deleted", lambda: "no room" if target.call("CLUSTER", "COUNTKEYSINSLOT", 0) else True)
    works(pair)


def test_cancelled(pair):
    name = stalled(pair)
    assert pair.named["A"].call("CLUSTER", "CANCELSLOTMIGRATIONS") == b"OK"
    assert job_of(pair.named["A"], name)["state"] == b"canceled"
    pair.named["B"].call("CLIENT", "UNPAUSE")
    wait_state(pair.named["B"], name, "failed")
    works(pair)


@pytest.mark.parametrize("where", ["A", "B"])
def test_flushall_ends_it(pair, where):
    name = stalled(pair)
    with pair.named[where].raw() as client:
        client.send("FLUSHALL")
        pair.named["B"].call("CLIENT", "UNPAUSE")
        assert client.read().value == b"OK"
    wait_state(pair.named["A"], name, "failed")
    wait_state(pair.named["B"], name, "failed")
    if where == "A":
        fill(pair.named["A"], pair.tags)
        pair.before = contents(pair.named["A"], pair.tags)
    works(pair)


def test_source_dies(pair):
    name = stalled(pair)
    pair.named["A"].kill()
    wait_until("its replica takes over", lambda: "master" in nodes(pair.named["RA"])[pair.ids["RA"]]["flags"])
    pair.named["B"].call("CLIENT", "UNPAUSE")
    wait_state(pair.named["B"], name, "failed")
    pair.wait_ok()
    assert pair.named["B"].call("DBSIZE") == 0
    works(pair, "RA")


def test_target_dies(pair):
    name = stalled(pair)
    pair.named["B"].kill()
    wait_state(pair.named["A"], name, "failed")
    wait_until("its replica takes over", lambda: "master" in nodes(pair.named["RB"])[pair.ids["RB"]]["flags"])
    pair.wait_ok()
    assert pair.named["RB"].call("DBSIZE") == 0
    pair.named["B"] = pair.named["RB"]
    pair.ids["B"] = pair.ids["RB"]
    del pair.ids["RB"]
    works(pair)


def test_replica_of_the_source_dies(pair):
    name = stalled(pair)
    pair.named["RA"].kill()
    pair.named["B"].call("CLIENT", "UNPAUSE")
    wait_until("it ends", lambda: job_of(pair.named["A"], name)["state"] in (b"success", b"failed"))
    if job_of(pair.named["A"], name)["state"] == b"failed":
        works(pair)
    assert contents(pair.named["B"], pair.tags) == pair.before


def test_target_dies_right_after_it(pair):
    name = start(pair, "A", "B", (0, 99))
    wait_until("it ends", lambda: job_of(pair.named["A"], name)["state"] == b"success", interval=0.001)
    pair.named["B"].kill()
    replica = pair.named["RB"]
    wait_until("its replica takes over", lambda: "master" in nodes(replica)[pair.ids["RB"]]["flags"])
    pair.wait_ok()
    assert contents(replica, pair.tags) == pair.before
    wait_owner(pair, (0, 99), "RB")


def test_restart_of_the_target_from_its_aof(servers):
    cluster = HandMadeCluster(servers, layout(), own_options={"B": {"appendonly": "yes"}})
    cluster.tags = take((f"t{n}" for n in range(10000)), 0, 99, 5)
    fill(cluster.named["A"], cluster.tags)
    cluster.before = contents(cluster.named["A"], cluster.tags)
    target = cluster.named["B"]
    name = stalled(cluster)
    target.kill()
    wait_state(cluster.named["A"], name, "failed")
    target.spawn()
    target.wait_ready()
    cluster.wait_ok()
    assert target.call("DBSIZE") == 0
    works(cluster)
    target.kill()
    target.spawn()
    target.wait_ready()
    cluster.wait_ok()
    assert contents(target, cluster.tags) == cluster.before


def test_redis_server_at_either_end_is_refused(servers):
    ours, theirs = vigil_binary().require(), oracle_binary().require()
    cluster = HandMadeCluster(servers, {"A": (ours, A_SLOTS), "B": (theirs, (5461, 10922)), "C": (ours, (10923, 16383)), "RC": (theirs, "C")})
    for target, culprit in (("B", "B"), ("C", "RC")):
        reply = migrate(cluster, "A", target, (0, 99))
        assert reply.is_error and reply.value.decode().startswith(f"ERR Node {cluster.ids[culprit]} does not announce"), reply
    assert migrate(cluster, "C", "A", (16000, 16001)).is_error
    assert not jobs(cluster.named["A"])


REFUSED = [
    ("SLOTSRANGE 0 1 NODE", "ERR wrong number of arguments for 'cluster|migrateslots' command"),
    ("RANGE 0 1 NODE {B}", "ERR syntax error"),
    ("SLOTSRANGE 0 1 2 NODE {B}", "ERR Invalid or out of range slot"),
    ("SLOTSRANGE 0 16384 NODE {B}", "ERR Invalid or out of range slot"),
    ("SLOTSRANGE 2 1 NODE {B}", "ERR start slot number 2 is greater than end slot number 1"),
    ("SLOTSRANGE 0 1 NODE nobody", "ERR Unknown node nobody"),
    ("SLOTSRANGE 0 1 NODE {A}", "ERR The target of a slot migration must be another node"),
    ("SLOTSRANGE 6000 6001 NODE {B}", "ERR Slot 6000 is not served by this node"),
    ("SLOTSRANGE 0 1 NODE {B} SLOTSRANGE 1 2 NODE {C}", "ERR Slots are named more than once"),
]


def test_what_is_refused(servers):
    cluster = HandMadeCluster(servers, layout())
    with cluster.named["A"].raw() as client:
        for words, error in REFUSED:
            reply = client.call("CLUSTER", "MIGRATESLOTS", *words.format(**cluster.ids).split())
            assert (reply.kind, reply.value.decode()) == ("-", error), words
        assert client.call("CLUSTER", "GETSLOTMIGRATIONS").value == []
        assert client.call("CLUSTER", "CANCELSLOTMIGRATIONS").value == b"OK"
        for words in ("STAGE 1 2 0-1", "HANDOFF 1 2 0-1", "CLAIM nothing 1", "MARK x"):
            assert client.call("CLUSTER", "SYNCSLOTS", *words.split()).is_error, words


@pytest.mark.parametrize("victim", ["A", "B"])
def test_either_end_dies_somewhere_in_it(servers, victim):
    """At a moment of its own each time, the hand-over's too; what a replica had as well is never lost, and has one owner."""
    for delay in (0.004, 0.010, 0.016, 0.022, 0.030):
        cluster = HandMadeCluster(servers, layout(replicas=True))
        tags = take((f"t{n}" for n in range(10000)), 0, 99, 3)
        writer = CarefulWriter(cluster, tags)
        writer.progress(20)
        start(cluster, "A", "B", (0, 99))
        time.sleep(delay)
        cluster.named[victim].kill()
        heir = f"R{victim}"
        wait_until("its replica takes over", lambda: "master" in nodes(cluster.named[heir])[cluster.ids[heir]]["flags"])
        cluster.wait_ok()
        writer.progress(2)  # each waits in vain for a second replica
        for tag in tags:
            wait_until(f"{tag} has an owner", lambda tag=tag: owner(cluster, slot_of(tag)))
        writer.stop()
        writer.check(lambda tag: cluster.named[owner(cluster, slot_of(tag))])
        for node in cluster.running():
            node.kill()


def loaded_by_redis(servers, oracle, node, tags):
    """What redis-server makes of the node's AOF: a copy of it, for a server by itself."""
    copy = servers.create(oracle, options={"appendonly": "yes"})
    shutil.copytree(node.directory / "appendonlydir", copy.directory / "appendonlydir")
    copy.start()
    seen = copy.call("DBSIZE"), contents(copy, tags)
    assert "CRITICAL" not in copy.log_text()
    copy.stop()
    return seen


def test_the_aof_of_either_end_loads_in_redis_server(servers):
    """Also that of a target which died in the middle of it; and ours, loaded again, goes on from there."""
    cluster = HandMadeCluster(servers, layout(), appendonly="yes", **{"aof-use-rdb-preamble": "no"})
    source, target, oracle = cluster.named["A"], cluster.named["B"], oracle_binary()
    cluster.tags = take((f"t{n}" for n in range(10000)), 0, 99, 5)
    fill(source, cluster.tags)
    cluster.before = contents(source, cluster.tags)
    nothing = {name: None if len(name) == 2 and name[1] not in ("short", "long") else -2 if len(name) == 3 else [] for name in cluster.before}
    stalled(cluster)
    target.kill()
    assert b"SYNCSLOTS STAGE" in b"".join(path.read_bytes() for path in (target.directory / "appendonlydir").iterdir())
    loaded_by_redis(servers, oracle, target, cluster.tags)
    target.start()
    cluster.wait_ok()
    works(cluster)
    wait_until("the source has deleted them", lambda: source.call("DBSIZE") == 0)
    for node in (source, target):
        node.kill()
    assert loaded_by_redis(servers, oracle, source, cluster.tags) == (0, nothing)
    assert loaded_by_redis(servers, oracle, target, cluster.tags) == (len(cluster.tags) * 25, cluster.before)
    for node in (source, target):
        node.start()
    cluster.wait_ok()
    assert contents(target, cluster.tags) == cluster.before and source.call("DBSIZE") == 0


def test_a_target_that_lost_the_end_of_its_aof_keeps_what_it_owns(servers):
    """As after a loss of power within a second of the hand-over: nodes.conf is durable by then, the last of the AOF is not."""
    cluster = HandMadeCluster(servers, layout(), own_options={"B": {"appendonly": "yes"}})
    source, target = cluster.named["A"], cluster.named["B"]
    tags = take((f"t{n}" for n in range(10000)), 0, 99, 5)
    fill(source, tags)
    before = contents(source, tags)
    move(cluster, "A", "B", (0, 99))
    target.kill()
    path, = (target.directory / "appendonlydir").glob("*.incr.aof")
    log = path.read_bytes()
    path.write_bytes(log[:log.index(b"CLUSTER SYNCSLOTS COMMIT")])
    for restart in range(2):
        target.start()
        cluster.wait_ok()
        wait_owner(cluster, (0, 99), "B")
        assert contents(target, tags) == before, restart
        assert target.call("DBSIZE") == len(tags) * 25
        target.kill()
