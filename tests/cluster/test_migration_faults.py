"""Atomic migrations while things go wrong: nodes stopped and cut off at each stage, memory that runs out, replicas that begin anew."""

import signal
import threading

import pytest

from harness.atomic_migration import (contents, fill, job_of, jobs, layout, migrate, move, owner, slot_of, stalled, start, take,
                                      wait_owner, wait_state, works)
from harness.cluster import HandMadeCluster, nodes, role_of
from harness.slot_load import SlotWriter
from harness.waiting import wait_until

TAGS = take((f"t{n}" for n in range(10000)), 0, 99, 5)


def nothing_left(node):
    """Not of the copies, hidden or not: the node's memory and INFO say so too."""
    wait_until(f"{node} has deleted the copies", lambda: node.call("DBSIZE") == 0 and
               b"still keys" not in b"".join(job["message"] for job in jobs(node)[:1]))


def wait_ended(node, name):
    return wait_until("it ends", lambda: (job := job_of(node, name))["state"] in (b"success", b"failed", b"canceled") and job)


# --- Given up by hand --------------------------------------------------------------------------------------------


def test_cancelled_before_the_target_has_answered(pair):
    source, target = pair.named["A"], pair.named["B"]
    target.hang()
    name = start(pair, "A", "B", (0, 99))
    assert job_of(source, name)["state"] == b"connecting"
    assert source.call("CLUSTER", "CANCELSLOTMIGRATIONS") == b"OK"
    assert job_of(source, name)["state"] == b"canceled"
    target.signal(signal.SIGCONT)
    works(pair)
    assert job_of(target, name) is None or job_of(target, name)["state"] == b"failed"


def test_cancelled_in_the_hand_over(pair):
    """A replica of the source does not answer: what clients want of the slots waits, and goes on when it is cancelled."""
    source = pair.named["A"]
    pair.named["RA"].hang()
    name = start(pair, "A", "B", (0, 99))
    wait_state(source, name, "paused")
    with source.raw() as client:
        client.send("INCR", f"{{{TAGS[0]}}}n")
        assert source.call("CLUSTER", "CANCELSLOTMIGRATIONS") == b"OK"
        assert client.read().value == 12346
        client.call("DECR", f"{{{TAGS[0]}}}n")
    assert job_of(source, name)["state"] == b"canceled"
    pair.named["RA"].signal(signal.SIGCONT)
    wait_state(pair.named["B"], name, "failed")
    works(pair)


def test_not_cancelled_where_the_target_decides(pair):
    """The source has said that all is there, and a replica of the target does not answer: the target gives it up in time."""
    source, target = pair.named["A"], pair.named["B"]
    pair.named["RB"].hang()
    name = start(pair, "A", "B", (0, 99))
    wait_state(source, name, "claiming")
    with source.raw() as client:
        reply = client.call("CLUSTER", "CANCELSLOTMIGRATIONS")
        assert reply.value.decode() == f"ERR Slots 0-99 have been handed over to node {pair.ids['B']}, which must answer first"
    wait_state(source, name, "failed")
    assert b"the target has given it up" in job_of(source, name)["message"]
    assert job_of(target, name)["message"] == b"the replicas are too slow"
    pair.named["RB"].signal(signal.SIGCONT)
    nothing_left(target)
    works(pair)


# --- Nodes that stop, and begin anew -----------------------------------------------------------------------------


def test_target_that_never_answers(pair):
    source, target = pair.named["A"], pair.named["B"]
    for node in pair.nodes:
        node.call("CONFIG", "SET", "cluster-node-timeout", 60_000)
    target.hang()
    name = start(pair, "A", "B", (0, 99))
    wait_state(source, name, "failed")
    assert job_of(source, name)["message"] == b"the target does not answer"
    target.signal(signal.SIGCONT)
    works(pair)


@pytest.mark.parametrize("victim", ["A", "B"])
def test_either_end_hangs_until_it_is_failed_over(pair, victim):
    name = stalled(pair)
    pair.named[victim].hang()
    heir = pair.named[f"R{victim}"]
    wait_until("its replica takes over", lambda: "master" in nodes(heir)[pair.ids[f"R{victim}"]]["flags"])
    if victim == "A":
        pair.named["B"].call("CLIENT", "UNPAUSE")
    other = pair.named["B" if victim == "A" else "A"]
    wait_state(other, name, "failed")
    assert job_of(other, name)["message"] in (b"the source fails", b"the slots are not the source's any more",
                                              b"the target is not there as a master any more")
    pair.named[victim].signal(signal.SIGCONT)
    wait_until("it follows its replica", lambda: role_of(pair.named[victim]) == "slave")
    assert job_of(pair.named[victim], name)["state"] == b"failed"
    pair.wait_ok()
    pair.named[victim].wait_info("replication", master_link_status="up")
    if victim == "B":
        pair.named["B"], pair.named["RB"] = pair.named["RB"], pair.named["B"]
        pair.ids["B"], pair.ids["RB"] = pair.ids["RB"], pair.ids["B"]
    nothing_left(pair.named["B"])
    works(pair, "RA" if victim == "A" else "A")


@pytest.mark.parametrize("victim", ["A", "B"])
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_either_end_is_restarted(servers, victim, how):
    """With an AOF and within the node timeout."""
    cluster = HandMadeCluster(servers, layout(), appendonly="yes", **{"cluster-node-timeout": "60000"})
    cluster.tags = TAGS
    fill(cluster.named["A"], TAGS)
    cluster.before = contents(cluster.named["A"], TAGS)
    node, other = (cluster.named[name] for name in ([victim, "B"] if victim == "A" else [victim, "A"]))
    name = stalled(cluster)
    getattr(node, how)()
    if victim == "A":
        cluster.named["B"].call("CLIENT", "UNPAUSE")
    wait_state(other, name, "failed")
    node.start()
    cluster.wait_ok()
    assert cluster.named["B"].call("DBSIZE") == 0
    works(cluster)


def begin_anew(cluster, name):
    """Without its data: it needs a full resync."""
    replica = cluster.named[name]
    replica.kill()
    replica.start()
    replica.wait_info("replication", master_link_status="up")


def test_full_resync_of_the_sources_replica(pair):
    name = stalled(pair)
    begin_anew(pair, "RA")
    pair.named["B"].call("CLIENT", "UNPAUSE")
    wait_state(pair.named["A"], name, "success")
    assert contents(pair.named["B"], TAGS) == pair.before
    wait_until("the replica has deleted them too", lambda: pair.named["RA"].call("DBSIZE") == 0)


def test_full_resync_of_the_targets_replica(pair):
    name = stalled(pair)
    begin_anew(pair, "RB")
    pair.named["B"].call("CLIENT", "UNPAUSE")
    wait_state(pair.named["A"], name, "failed")
    assert job_of(pair.named["B"], name)["message"] == b"a replica came with a full resync, without the copies"
    nothing_left(pair.named["B"])
    nothing_left(pair.named["RB"])
    works(pair)
    pair.named["B"].kill()
    wait_until("its replica takes over", lambda: "master" in nodes(pair.named["RB"])[pair.ids["RB"]]["flags"])
    pair.wait_ok()
    assert contents(pair.named["RB"], TAGS) == pair.before


def test_slow_target(servers):
    """It runs for one moment in five: what it has not taken waits at the source, whose clients do not notice."""
    cluster = HandMadeCluster(servers, layout())
    source, target = cluster.named["A"], cluster.named["B"]
    with source.raw() as client:
        for tag in TAGS:
            for number in range(60):
                client.call("SET", f"{{{tag}}}{number}", f"{number}" * 50_000)
    writer = SlotWriter(cluster, TAGS)
    ended = threading.Event()

    def slow_down():
        while not ended.is_set():
            target.signal(signal.SIGSTOP)
            ended.wait(0.08)
            target.signal(signal.SIGCONT)
            ended.wait(0.02)

    thread = threading.Thread(target=slow_down)
    thread.start()
    try:
        name = start(cluster, "A", "B", (0, 99))
        writer.progress(5)
        job = wait_ended(source, name)
    finally:
        ended.set()
        thread.join()
    if job["state"] == b"failed":  # one of its pauses fell into the hand-over
        assert any(why in job["message"] for why in (b"too long", b"given it up", b"neither taken nor answered")), job
        move(cluster, "A", "B", (0, 99))
    writer.progress(5)
    writer.stop()
    wait_owner(cluster, (0, 99), "B")
    writer.check(lambda tag: target)
    for tag in TAGS:
        assert [target.call("STRLEN", f"{{{tag}}}{number}") for number in (0, 9, 59)] == [50_000, 50_000, 100_000]


# --- Memory ------------------------------------------------------------------------------------------------------


def test_target_without_memory(pair):
    source, target = pair.named["A"], pair.named["B"]
    with source.raw() as client:
        for number in range(40):
            client.call("SET", f"{{{TAGS[0]}}}large{number}", "x" * 500_000)
    used = int(target.info("memory")["used_memory"])
    target.call("CONFIG", "SET", "maxmemory", used + 5_000_000)
    name = start(pair, "A", "B", (0, 99))
    wait_state(source, name, "failed")
    assert b"OOM" in job_of(source, name)["message"]
    wait_until("the target knows why", lambda: b"OOM" in job_of(target, name)["message"])
    assert "OOM" in target.log_text() and "OOM" in source.log_text()
    nothing_left(target)
    wait_until("the memory is free again", lambda: int(target.info("memory")["used_memory"]) < used + 4_000_000)
    assert contents(source, TAGS) == pair.before
    target.call("CONFIG", "SET", "maxmemory", 0)
    works(pair)


def keys_there(node, tag, count):
    with node.raw() as client:
        return [client.call("EXISTS", f"{{{tag}}}{number}").value for number in range(count)]


def test_what_the_source_evicts_and_expires_meanwhile(servers):
    cluster = HandMadeCluster(servers, layout(replicas=True))
    source, target = cluster.named["A"], cluster.named["B"]
    tag, expiring = TAGS[:2]
    with source.raw() as client:
        for number in range(1000):
            client.call("SET", f"{{{tag}}}{number}", "x" * 3000)
            client.call("SET", f"{{{expiring}}}{number}", "x", "PX", 1500 if number < 500 else 1_000_000)
    name = stalled(cluster)
    wait_state(source, name, "streaming")
    source.call("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    used = int(source.info("memory")["used_memory"])
    source.call("CONFIG", "SET", "maxmemory", used - 1_000_000)
    wait_until("some have been evicted", lambda: int(source.info("stats")["evicted_keys"]) > 50)
    source.call("CONFIG", "SET", "maxmemory", 0)
    wait_until("some have expired", lambda: int(source.info("stats")["expired_keys"]) > 0 and sum(keys_there(source, expiring, 500)) == 0)
    left = [keys_there(source, each, 1000) for each in (tag, expiring)]
    assert sum(left[0]) < 1000 and sum(left[1]) > 0
    target.call("CLIENT", "UNPAUSE")
    wait_state(source, name, "success")
    for node in (target, cluster.named["RB"]):
        wait_until(f"{node} has what the source had", lambda node=node: node.call("DBSIZE") == sum(map(sum, left)))
    assert [keys_there(target, each, 1000) for each in (tag, expiring)] == left
    wait_until("the source has nothing left", lambda: source.call("DBSIZE") == 0)


# --- Other commands, other migrations ----------------------------------------------------------------------------


def test_transactions_meanwhile(servers):
    """Each appends to two lists of a slot, or to none; a transaction that was sent away as a whole is sent again."""
    cluster = HandMadeCluster(servers, layout(replicas=True))
    tag, done, problems, ended = TAGS[0], [0], [], threading.Event()

    def run():
        clients = {node.port: node.raw() for node in (cluster.named["A"], cluster.named["B"])}
        port = cluster.named["A"].port
        while not ended.is_set():
            replies = clients[port].pipeline([["MULTI"], ["RPUSH", f"{{{tag}}}a", done[0]], ["RPUSH", f"{{{tag}}}b", done[0]], ["EXEC"]])
            errors = [reply.value.decode() for reply in replies if reply.is_error]
            if not errors:
                done[0] += 1
                continue
            moved = [error for error in errors if error.startswith("MOVED")]
            if not moved or not all(error.startswith(("MOVED", "EXECABORT")) for error in errors):
                problems.append(errors)
                return
            port = int(moved[0].rpartition(":")[2])

    thread = threading.Thread(target=run)
    thread.start()
    for source, target in [("A", "B"), ("B", "A")] * 3:
        before = done[0]
        wait_until("transactions go on", lambda before=before: problems or done[0] > before + 20)
        move(cluster, source, target, (0, 99))
    ended.set()
    thread.join()
    assert not problems
    for name in "ab":
        have = cluster.named["A"].call("LRANGE", f"{{{tag}}}{name}", 0, -1)
        assert [int(value) for value in have] == list(range(done[0]))


def test_two_at_once(servers):
    cluster = HandMadeCluster(servers, layout())
    source = cluster.named["A"]
    tags = {"B": TAGS, "C": take((f"t{n}" for n in range(10000)), 100, 199, 5)}
    for each in tags.values():
        fill(source, each)
    before = {target: contents(source, each) for target, each in tags.items()}
    for target in tags:
        cluster.named[target].call("CLIENT", "PAUSE", 600_000, "WRITE")
    with source.raw() as client:
        assert client.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", 0, 99, "NODE", cluster.ids["B"], "SLOTSRANGE", 100, 199,
                           "NODE", cluster.ids["C"]).value == b"OK"
    names = {target: next(job["name"] for job in jobs(source) if job["target_node"].decode() == cluster.ids[target]) for target in tags}
    for target, name in names.items():
        wait_until(f"{target} takes part", lambda target=target, name=name: job_of(cluster.named[target], name))
    for slots, target, error in [((50, 60), "C", "ERR Some of the slots are being migrated already"),
                                 ((99, 100), "B", "ERR Some of the slots are being migrated already")]:
        reply = migrate(cluster, "A", target, slots)
        assert (reply.is_error, reply.value.decode()) == (True, error)
    # A node that imports is not at the other end of another one.
    assert migrate(cluster, "B", "C", (6000, 6001)).value == b"ERR This node is importing slots. Try again when that is over"
    third = start(cluster, "A", "B", (200, 299))
    wait_state(source, third, "failed")
    assert job_of(source, third)["message"] == \
        b"the target answered: ERR This node is taking part in another migration. Try again when that is over"
    for target in tags:
        cluster.named[target].call("CLIENT", "UNPAUSE")
    for target, name in names.items():
        wait_state(source, name, "success")
        assert contents(cluster.named[target], tags[target]) == before[target]
    wait_owner(cluster, (0, 99), "B")
    wait_owner(cluster, (100, 199), "C")
    assert owner(cluster, 200) == "A"
    wait_until("the source has deleted them", lambda: source.call("DBSIZE") == 0)


def test_flushdb_of_the_target_ends_it(pair):
    """Its clients do not see the copies, and FLUSHDB takes them: the import must not come to an end without them."""
    name = stalled(pair)
    with pair.named["B"].raw() as client:
        client.send("FLUSHDB")
        pair.named["B"].call("CLIENT", "UNPAUSE")
        assert client.read().value == b"OK"
    wait_state(pair.named["A"], name, "failed")
    wait_state(pair.named["B"], name, "failed")
    works(pair)


def test_setslot_of_its_slots_is_refused(pair):
    name = stalled(pair)
    slot = slot_of(TAGS[0])
    for node, state, peer in (("A", "MIGRATING", "C"), ("B", "IMPORTING", "A")):
        with pair.named[node].raw() as client:
            reply = client.call("CLUSTER", "SETSLOT", slot, state, pair.ids[peer])
            assert reply.value.decode() == f"ERR Slot {slot} is part of an atomic migration, see CLUSTER GETSLOTMIGRATIONS"
            assert client.call("CLUSTER", "SETSLOT", 5000 if node == "A" else 4000, state, pair.ids[peer]).value == b"OK"
    pair.named["B"].call("CLIENT", "UNPAUSE")
    wait_state(pair.named["A"], name, "success")
    assert contents(pair.named["B"], TAGS) == pair.before
