"""Clients that find the master through Sentinels, under load while it changes: they go on, and nothing that was acknowledged
is lost. (redis-py's are in test_data.py.)"""

import pytest

from harness.node import Program
from harness.sentinel import NAME
from harness.waiting import wait_until

KEYS = [f"list{number}" for number in range(4)]


def written(server):
    with server.raw() as client:
        return sum(client.call("LLEN", key).value for key in KEYS)


def wait_growth(server, by=200):
    """Writes go on at that server."""
    before = written(server)
    wait_until(f"{server} gets writes", lambda: written(server) > before + by)


# valkey-glide knows no Sentinels.
@pytest.mark.parametrize("library,protocol", [("ioredis", 2), ("redis", 2), ("redis", 3)])
def test_writes_go_on_with_the_new_master(group, vigil, node_folder, library, protocol):
    three = group([vigil] * 3, [vigil] * 3)
    sentinels = [{"host": "127.0.0.1", "port": sentinel.port} for sentinel in three.sentinels]
    with Program(node_folder, library, "writing", protocol=protocol, sentinels=sentinels, group=NAME, keys=KEYS) as program:
        program.wait_ready()
        wait_growth(three.master)
        assert three.sentinels[0].call("SENTINEL", "FAILOVER", NAME, "COORDINATED") == "OK"
        second = three.wait_switched(three.master)
        wait_growth(second)
        for server in three.servers:
            if server is not second:
                three.wait_follows(server, second)
        wait_until("the failover ends", lambda: "failover-state" not in three.sentinels[0].fields("MASTER", NAME))
        second.kill()
        third = three.wait_switched(second)
        wait_growth(third)
        program.tell("stop")
        result = program.result()
    present = {int(item) for key in KEYS for item in third.call("LRANGE", key, 0, -1)}
    lost = set(result["acknowledged"]) - present
    assert not lost, f"{len(lost)} acknowledged writes are lost, of {len(result['acknowledged'])}; errors: {result['errors']}"
    assert result["longestGapMs"] < 30000
