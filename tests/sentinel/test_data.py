"""What becomes of data and of clients."""

import threading
import time

import redis
from redis.sentinel import Sentinel as SentinelClient

from harness.sentinel import NAME, events
from harness.waiting import wait_until


def test_a_master_that_comes_back_without_data_is_replaced(group, vigil):
    three = group([vigil] * 3, [vigil] * 3, down_after=2000)
    old = three.master
    for number in range(100):
        old.call("SET", f"key{number}", number)
    assert old.call("WAIT", "2", "10000") == 2
    old.kill()
    old.start()  # at once, and empty: without Vigil's replicas the data would be gone
    new = three.wait_switched(old)
    assert new.call("DBSIZE") == 100
    three.wait_follows(old, new)
    wait_until("the data is back", lambda: old.call("DBSIZE") == 100)


def test_a_refused_connection_is_evidence_where_that_is_asked_for(group, vigil):
    three = group([vigil] * 3, [vigil] * 3, down_after=30000,
                  settings=[f"sentinel refused-down-after-milliseconds {NAME} 300"])
    three.master.kill()
    three.wait_switched(three.master)
    wait_until("the leader's report says why", lambda: any(
        "its host refuses connections" in s.log_text() for s in three.sentinels))


def test_clients_follow_the_master(group, vigil, rounds):
    three = group([vigil] * 3, [vigil] * 3)
    client = SentinelClient([("127.0.0.1", s.port) for s in three.sentinels], socket_timeout=0.5)
    stop, acknowledged = threading.Event(), []

    def write():
        number = 0
        while not stop.is_set():
            try:
                client.master_for(NAME, socket_timeout=0.5).rpush("list", number)
                acknowledged.append(number)
            except (redis.RedisError, OSError):
                time.sleep(0.01)  # before it asks again where the master is
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        master = three.master
        for _ in range(rounds(20)):
            count = len(acknowledged)
            wait_until("writes go on", lambda c=count: len(acknowledged) > c + 20)
            assert three.sentinels[0].call("SENTINEL", "FAILOVER", NAME, "COORDINATED") == "OK"
            new = three.wait_switched(master)
            for server in three.servers:
                if server is not new:
                    three.wait_follows(server, new)
            wait_until("the failover ends", lambda: "failover-state" not in three.sentinels[0].fields("MASTER", NAME))
            master = new
        count = len(acknowledged)
        wait_until("writes go on", lambda: len(acknowledged) > count + 20)
    finally:
        stop.set()
        writer.join()
    present = {int(value) for value in master.redis().lrange("list", 0, -1)}
    assert set(acknowledged) <= present, "acknowledged writes are lost"


def test_twenty_failovers_in_a_row(group, vigil, rounds):
    three = group([vigil] * 3, [vigil] * 3, down_after=500, settings=[f"sentinel failover-timeout {NAME} 1000"])
    master = three.master
    for _ in range(max(2, rounds(20))):
        master.call("INCR", "count")
        assert master.call("WAIT", "2", "10000") == 2
        count = master.call("GET", "count")
        master.kill()
        new = three.wait_switched(master)
        assert new.call("GET", "count") == count
        master.start()
        three.wait_follows(master, new)
        for server in three.servers:
            if server is not new:
                three.wait_follows(server, new)
        master = new
    assert all("-failover-abort-no-good-slave" not in events(s) for s in three.sentinels)
