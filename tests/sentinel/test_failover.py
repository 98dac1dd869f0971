"""The master dies, hangs, comes back: Sentinels of both makes, over servers of both makes, agree on another one."""

import signal

import pytest

from harness.sentinel import NAME, events
from harness.waiting import wait_until

MAKES = {
    "ours": ("vvv", "vvv"),
    "ours over Redis": ("vvv", "rrr"),
    "one real Sentinel of three": ("vvr", "vvv"),
    "two real Sentinels of three": ("vrr", "vvv"),
    "two real Sentinels of three, over Redis and ours": ("rrv", "vrr"),
}


@pytest.fixture(params=MAKES.values(), ids=MAKES.keys())
def mixed(request, group, vigil, oracle):
    def binaries(letters):
        return [vigil if letter == "v" else oracle for letter in letters]

    sentinels, servers = request.param
    return group(binaries(servers), binaries(sentinels))


def test_a_master_that_is_killed(mixed):
    old = mixed.master
    old.call("SET", "key", "value")
    assert old.call("WAIT", "2", "10000") == 2
    old.kill()
    new = mixed.wait_switched(old)
    assert new.call("GET", "key") == b"value"
    other = next(s for s in mixed.replicas if s is not new)
    mixed.wait_follows(other, new)
    old.start()
    mixed.wait_follows(old, new)
    epochs = {sentinel.fields("MASTER", NAME)["config-epoch"] for sentinel in mixed.sentinels}
    assert len(epochs) == 1


def test_a_master_that_hangs(mixed):
    old = mixed.master
    old.signal(signal.SIGSTOP)
    new = mixed.wait_switched(old)
    old.signal(signal.SIGCONT)
    mixed.wait_follows(old, new)


def test_the_events_of_a_failover(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    three.master.kill()
    new = three.wait_switched(three.master)
    leader = wait_until("one Sentinel led", lambda: next(s for s in three.sentinels if "+failover-end" in events(s)))
    told = [e for e in events(leader) if e not in ("+slave", "+sentinel", "+monitor")]
    told = told[told.index("+odown"):]
    # On a slow machine an election may be lost first.
    lost = ["+new-epoch", "+try-failover", "+vote-for-leader", "-failover-abort-not-elected"]
    while told[1:5] == lost:
        del told[1:5]
    assert told[:told.index("+switch-master") + 1] == [
        "+odown", "+new-epoch", "+try-failover", "+vote-for-leader", "+elected-leader", "+failover-state-select-slave",
        "+selected-slave", "+failover-state-send-slaveof-noone", "+failover-state-wait-promotion",
        *[e for e in told if e == "+role-change"], "+promoted-slave", "+failover-state-reconf-slaves",
        "+slave-reconf-sent", "+slave-reconf-inprog", "+slave-reconf-done", "+failover-end", "+switch-master"]
    leader.wait_log(rf"\+switch-master {NAME} 127.0.0.1 {three.master.port} 127.0.0.1 {new.port}$")


def test_subscribers_hear_of_the_new_master(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    subscription = three.sentinels[0].redis(decode_responses=True).pubsub(ignore_subscribe_messages=True)
    subscription.psubscribe("*")
    subscription.get_message(timeout=5)
    three.master.kill()
    new = three.wait_switched(three.master)
    heard = {}

    def switched():
        message = subscription.get_message(timeout=1)
        if message:
            heard.setdefault(message["channel"], message["data"])
        return "+switch-master" in heard

    wait_until("+switch-master is heard", switched)
    assert heard["+switch-master"] == f"{NAME} 127.0.0.1 {three.master.port} 127.0.0.1 {new.port}"


def test_a_replica_or_a_sentinel_that_fails_is_only_subjectively_down(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    three.replicas[0].kill()
    three.sentinels[2].kill()
    first = three.sentinels[0]
    first.wait_log(rf"\+sdown slave 127.0.0.1:{three.replicas[0].port}")
    first.wait_log(r"\+sdown sentinel [0-9a-f]{40} 127.0.0.1")
    assert "+odown" not in events(first)
    assert first.call("SENTINEL", "CKQUORUM", NAME).startswith("OK 2 usable Sentinels.")


def test_sentinels_that_restart_know_what_they_knew(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    three.master.kill()
    new = three.wait_switched(three.master)
    before = [s.fields("MASTER", NAME)["config-epoch"] for s in three.sentinels]
    for sentinel in three.sentinels:
        sentinel.kill()
    for sentinel in three.sentinels:
        assert sentinel.config_lines(f"sentinel monitor {NAME} 127.0.0.1 {new.port} 2")
        assert len(sentinel.config_lines(f"sentinel known-sentinel {NAME} ")) == 2
        assert len(sentinel.config_lines(f"sentinel known-replica {NAME} ")) == 2
        sentinel.start()
    assert [s.fields("MASTER", NAME)["config-epoch"] for s in three.sentinels] == before
    assert {s.address() for s in three.sentinels} == {new.port}
    three.master.start()
    three.wait_follows(three.master, new)


def test_failover_on_request_and_its_refusals(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    first = three.sentinels[0]
    assert first.call("SENTINEL", "FAILOVER", NAME) == "OK"
    new = three.wait_switched(three.master)
    three.wait_follows(three.master, new)
    report = first.call("SENTINEL", "FAILOVER-REPORT", NAME)
    report = dict(zip(report[::2], report[1::2]))
    assert report["cause"] == "asked for by a user"
    assert report["new-master"] == f"127.0.0.1:{new.port}"


def test_a_coordinated_failover_loses_nothing_and_copies_nothing(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    old, first = three.master, three.sentinels[0]
    old.call("SET", "key", "value")
    syncs = [int(s.info("stats")["sync_full"]) for s in three.servers]
    assert first.call("SENTINEL", "FAILOVER", NAME, "COORDINATED") == "OK"
    new = three.wait_switched(old)
    for server in three.servers:
        if server is not new:
            three.wait_follows(server, new)
    assert new.call("GET", "key") == b"value"
    assert [int(s.info("stats")["sync_full"]) for s in three.servers] == syncs
