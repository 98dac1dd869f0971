"""FAILOVER: a master hands its role to a replica; nothing acknowledged is lost, and nobody needs a full resync."""

import threading

import pytest
import redis

from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_online, wait_same_offset
from harness.waiting import wait_until

FAST = {"repl-diskless-sync-delay": "0"}


def linked(servers, binaries, **options):
    master, *replicas = (servers.start(binary, options={**FAST, **options}) for binary in binaries)
    for replica in replicas:
        replicate(replica, master.port)
    for replica in replicas:
        wait_link(replica)
    return master, *replicas


def failover_state(server):
    return server.info("replication")["master_failover_state"]


class Counter:
    """Increments a key on whichever server is the master, and remembers the greatest answer."""

    def __init__(self, *servers):
        self.servers = servers
        self.acknowledged = 0
        self.refused = 0
        self._ended = False
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        clients = [redis.Redis("127.0.0.1", server.port, socket_timeout=30) for server in self.servers]
        at = 0
        while not self._ended:
            try:
                self.acknowledged = max(self.acknowledged, clients[at].incr("counter"))
            except redis.exceptions.ReadOnlyError:
                self.refused += 1
                at = (at + 1) % len(clients)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        self._thread.join(60)
        assert not self._thread.is_alive()


def hand_over(old, new):
    wait_online(old, new)
    assert old.call("FAILOVER", "TO", "127.0.0.1", new.port) == b"OK"
    wait_until("the roles have changed", lambda: (new.info("replication")["role"], old.info("replication")["role"],
                                                  failover_state(old)) == ("master", "slave", "no-failover"))
    wait_link(old)


@pytest.mark.timeout(1800)  # for the long form
def test_failover_under_load(servers, sides, rounds):
    master, replica = linked(servers, sides)
    with Counter(master, replica) as counter:
        old, new = master, replica
        for _ in range(rounds(50)):
            before = counter.acknowledged
            wait_until("some writes", lambda: counter.acknowledged > before + 100)  # pylint: disable=cell-var-from-loop
            hand_over(old, new)
            old, new = new, old
    assert counter.refused
    assert_in_sync(old, new)
    assert int(old.call("GET", "counter")) == counter.acknowledged
    assert sync_counts(master)[0] == 1 and sync_counts(replica)[0] == 0


class Messages:
    """Publishes to each of these servers."""

    def __init__(self, *servers):
        self.sent = 0
        self._ended = False
        self._threads = [threading.Thread(target=self._run, args=(server,)) for server in servers]

    def _run(self, server):
        with server.raw() as client:
            while not self._ended:
                assert client.call("PUBLISH", "channel", "message").kind == ":"
                self.sent += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.timeout(1800)  # for the long form
def test_failover_under_messages(servers, vigil, rounds):
    """What is published enters the stream, and must not while the role changes hands."""
    old, new = master, replica = linked(servers, [vigil] * 2)
    with Messages(master, replica) as messages:
        for _ in range(rounds(50)):
            before = messages.sent
            wait_until("some messages", lambda: messages.sent > before + 100)  # pylint: disable=cell-var-from-loop
            hand_over(old, new)
            old, new = new, old
    assert sync_counts(master)[0] == 1 and sync_counts(replica)[0] == 0


def test_sibling_follows_without_a_full_resync(servers, three_sides):
    master, target, sibling = linked(servers, three_sides)
    master.call("SET", "k", "v")
    hand_over(master, target)
    wait_link(sibling)  # of its old master, which is a replica now
    replicate(sibling, target.port)
    wait_link(sibling)
    target.call("SET", "k", "w")
    assert_in_sync(target, master, sibling)
    assert sync_counts(target)[0] == 0


def test_any_replica_that_has_everything(servers, vigil):
    master, first, second = linked(servers, [vigil] * 3)
    assert master.call("FAILOVER", "TIMEOUT", "60000") == b"OK"
    wait_until("one is promoted", lambda: sorted(s.info("replication")["role"] for s in (first, second)) == ["master", "slave"])
    wait_link(master)


@pytest.mark.parametrize("replica", ["vigil", "redis"])
def test_a_replica_that_lags(servers, vigil, oracle, replica):
    master = servers.start(vigil, options=FAST)
    target = servers.start({"vigil": vigil, "redis": oracle}[replica], options=FAST)
    proxy = servers.proxy(master)
    replicate(target, proxy.port)
    wait_link(target)
    wait_same_offset(master, target)
    proxy.frozen = True
    master.call("SET", "k", "v")
    assert master.call("FAILOVER", "TO", "127.0.0.1", target.port, "TIMEOUT", "200") == b"OK"
    with master.raw() as client:
        client.send("SET", "k", "w")  # waits
        wait_until("it is given up", lambda: failover_state(master) == "no-failover")
        assert client.read().value == b"OK"
    master.wait_log(r"FAILOVER to \S+ aborted: Replica never caught up before timeout")
    assert master.info("replication")["role"] == "master"

    assert master.call("FAILOVER") == b"OK"
    assert failover_state(master) == "waiting-for-sync"
    with master.raw() as client:
        assert str(client.call("FAILOVER")) == "-ERR FAILOVER already in progress."
        assert str(client.call("REPLICAOF", "127.0.0.1", "1")) == "-ERR REPLICAOF not allowed while failing over."
        assert str(client.call("FAILOVER", "ABORT")) == "+OK"
    assert failover_state(master) == "no-failover"
    assert master.call("SET", "k", "x") == b"OK"

    # By force it takes over although it lacks something, which is lost.
    assert master.call("FAILOVER", "TO", "127.0.0.1", target.port, "FORCE", "TIMEOUT", "200") == b"OK"
    wait_until("it is the master", lambda: target.info("replication")["role"] == "master")
    proxy.frozen = False
    wait_link(master)
    assert_in_sync(target, master)
    assert target.call("GET", "k") is None


def test_a_replica_that_comes_back(servers, vigil, oracle):
    """Without TIMEOUT the failover ends when a replica that lost its link is back: redis-server would refuse it until
    somebody sends FAILOVER ABORT."""
    for binary in (vigil, oracle):
        master, target = servers.start(vigil, options=FAST), servers.start(binary, options=FAST)
        proxy = servers.proxy(master)
        replicate(target, proxy.port)
        wait_link(target)
        wait_same_offset(master, target)
        proxy.refusing = True
        proxy.cut()
        wait_until("it is gone", lambda master=master: master.info("replication")["connected_slaves"] == "0")
        master.call("SET", "k", "v")
        with master.raw() as client:
            assert str(client.call("FAILOVER")) == "-ERR FAILOVER requires connected replicas."
        proxy.refusing = False
        wait_link(target)
        wait_same_offset(master, target)
        proxy.frozen = True
        master.call("SET", "k", "w")
        assert master.call("FAILOVER", "TO", "127.0.0.1", target.port) == b"OK"
        assert failover_state(master) == "waiting-for-sync"
        proxy.cut()
        wait_until("it is gone", lambda master=master: master.info("replication")["connected_slaves"] == "0")
        proxy.frozen = False
        wait_until("it has taken over", lambda target=target: target.info("replication")["role"] == "master")
        wait_link(master)
        assert target.call("GET", "k") == b"w"
        assert sync_counts(master)[0] == 1 and sync_counts(target)[0] == 0


def test_a_target_that_refuses(servers, vigil):
    """The target has turned to another master meanwhile: the role is taken back."""
    master, target = linked(servers, [vigil] * 2)
    other = servers.start(vigil, options=FAST)
    master.call("SET", "k", "v")
    wait_same_offset(master, target)
    proxy_free = servers.proxy(master)
    replicate(target, proxy_free.port)
    wait_link(target)
    wait_same_offset(master, target)
    proxy_free.frozen = True  # what the target does now the master does not hear
    target.call("REPLICAOF", "127.0.0.1", other.port)
    wait_link(target)
    assert master.call("FAILOVER", "TO", "127.0.0.1", target.port, "FORCE", "TIMEOUT", "100") == b"OK"
    wait_until("it is over", lambda: failover_state(master) == "no-failover")
    master.wait_log(r"FAILOVER to \S+ aborted: Failover target rejected psync request: -ERR PSYNC FAILOVER replid must match my replid.")
    assert master.info("replication")["role"] == "master"
    assert master.call("SET", "k", "w") == b"OK"


def test_an_answer_that_was_lost_is_given_again(servers, vigil):
    """Who asks the new master once more to take over, since the link broke before the answer, becomes its replica."""
    master, target = linked(servers, [vigil] * 2)
    master.call("SET", "k", "v")
    hand_over(master, target)
    info = target.info("replication")
    with target.raw() as client:
        answer = client.call("PSYNC", info["master_replid2"], info["second_repl_offset"], "FAILOVER")
    assert str(answer) == "+CONTINUE"


ERRORS = ["FAILOVER", "FAILOVER ABORT", "FAILOVER TO", "FAILOVER TO a", "FAILOVER TO a x", "FAILOVER TIMEOUT 0",
          "FAILOVER TIMEOUT x", "FAILOVER TO a 1", "FAILOVER TO a 1 TO b 2", "FAILOVER ABORT ABORT", "FAILOVER FORCE",
          "FAILOVER TO 127.0.0.1 1", "FAILOVER FORCE TIMEOUT 10", "FAILOVER TO 127.0.0.1 1 FORCE"]


@pytest.mark.parametrize("with_replica", [False, True])
def test_errors(servers, vigil, oracle, with_replica):
    answers = []
    for binary in (vigil, oracle):
        server = servers.start(binary, options=FAST)
        with server.raw() as client:
            if with_replica:
                replica = servers.start(vigil, options=FAST)
                replicate(replica, server.port)
                wait_link(replica)
                wait_until("online", lambda server=server: "state=online" in str(server.info("replication")))
                with replica.raw() as other:
                    of_replica = str(other.call("FAILOVER"))
                    assert of_replica == "-ERR FAILOVER is not valid when server is a replica."
            words = ERRORS[1:] if with_replica else ERRORS
            answers.append([str(client.call(*line.split())) for line in words])
    assert answers[0] == answers[1]
