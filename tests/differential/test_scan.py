"""SCAN's guarantee: what is there from the first call to the last is returned, whatever else comes and goes."""

import random

import pytest


def scan_all(client, between=lambda: None, count=10):
    cursor, seen = b"0", []
    while True:
        reply = client.call("SCAN", cursor, "COUNT", count)
        cursor, keys = reply.value[0].value, [item.value for item in reply.value[1].value]
        seen += keys
        if cursor == b"0":
            return seen
        between()


@pytest.mark.parametrize("what", ["growth", "shrinking", "both"])
@pytest.mark.parametrize("side", [0, 1], ids=["vigil", "redis"])
def test_nothing_that_stays_is_missed(live_pair, side, what):
    server, pick = live_pair[side], random.Random(7)
    with server.raw() as client:
        client.call("FLUSHALL")
        staying = {b"stay%d" % i for i in range(500)}
        for start in range(0, 4000, 500):
            client.call("MSET", *[word for i in range(start, start + 500) for word in (f"go{i}", i)])
        client.call("MSET", *[word for key in staying for word in (key, 1)])
        state = {"next": 0}

        def between():
            n = state["next"] = state["next"] + 1
            if what in ("growth", "both"):
                client.call("MSET", *[word for i in range(20) for word in (f"new{n}-{i}", i)])
            if what in ("shrinking", "both"):
                client.call("DEL", *[f"go{pick.randrange(4000)}" for _ in range(60)], *[f"new{n - 1}-{i}" for i in range(20)])

        seen = scan_all(client, between)
        missed = staying - set(seen)
        assert not missed
        assert all(seen.count(key) <= 50 for key in list(staying)[:20])


@pytest.mark.parametrize("side", [0, 1], ids=["vigil", "redis"])
def test_a_full_scan_of_a_quiet_database_returns_each_key_once(live_pair, side):
    with live_pair[side].raw() as client:
        client.call("FLUSHALL")
        client.call("MSET", *[word for i in range(3000) for word in (f"key{i}", i)])
        seen = scan_all(client, count=100)
    assert len(seen) == len(set(seen)) == 3000
