"""A replica with several workers, which run long pieces of their master's stream together."""

import random
import signal

import pytest

from harness.replication import assert_in_sync, replicate, wait_link

KEYS = 200


def commands(seed, count):
    """What a busy master takes: mostly commands on one key, among them some on several, and transactions."""
    dice = random.Random(seed)

    def key(kind):
        return f"{kind}{dice.randrange(KEYS)}"

    for number in range(count):
        kind = dice.randrange(100)
        if kind < 30:
            yield ["SET", key("s"), number]
        elif kind < 50:
            yield ["RPUSH", key("l"), number]
        elif kind < 60:
            yield ["LPOP", key("l")]
        elif kind < 75:
            yield ["INCR", key("n")]
        elif kind < 82:
            yield ["APPEND", key("a"), number]
        elif kind < 87:
            yield ["DEL", key("s")]
        elif kind < 90:
            yield ["SET", key("e"), number, "PX", dice.randrange(1, 20)]
        elif kind < 92:
            yield ["MSET", key("s"), number, key("s"), number]
        elif kind < 94:
            yield ["LMOVE", key("l"), key("l"), "LEFT", "RIGHT"]
        elif kind < 95:
            yield ["RENAME", *dice.choice([(key("s"), key("s")), (key("l"), key("l"))])]
        elif kind < 97:
            yield from (["MULTI"], ["INCR", key("n")], ["INCR", key("n")], ["EXEC"])
        elif kind < 98:
            yield ["SELECT", dice.randrange(3)]
        else:
            yield ["PUBLISH", "channel", number]


def write(server, seed, count):
    """All of it in one pipeline."""
    with server.raw() as client:
        client.pipeline(list(commands(seed, count)))


@pytest.mark.parametrize("watched", [False, True], ids=["unseen", "watched"])
def test_everything_arrives_in_order(servers, sides, watched):
    """Also while somebody hears of each command, when they run one after the other."""
    options = [{"threads": "4"} if binary.is_vigil else {} for binary in sides]
    master, replica = (servers.start(binary, options=each) for binary, each in zip(sides, options))
    replicate(replica, master.port)
    wait_link(replica)
    with replica.raw() as seer:
        if watched:
            seer.call("MONITOR")
        replica.hang()  # so that much has come when it goes on
        for seed in range(3):
            write(master, seed, 4000)
        replica.signal(signal.SIGCONT)
        assert_in_sync(master, replica)
