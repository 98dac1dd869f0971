"""What a master sends as one unit, a transaction or a command of many arguments, comes in pieces: the replica looks at each
byte once, and shows nothing of it before it is whole."""

import threading

import pytest

from harness.lying_master import ID, LyingMaster
from harness.replication import replicate
from harness.resp import encode
from harness.waiting import wait_until

PIECE = 1000
COMMANDS = 150_000
EMPTY = b"REDIS0010\xff" + bytes(8)
FULL = f"+FULLRESYNC {ID} 1000\r\n$18\r\n".encode() + EMPTY
UNITS = {
    "a transaction": encode(["MULTI"]) + b"".join(encode(["RPUSH", "list", "v" * 80, str(n)]) for n in range(COMMANDS)) + encode(["EXEC"]),
    "one command": encode(["RPUSH", "list", *("v" * 40 for _ in range(2 * COMMANDS))]),
}


@pytest.mark.parametrize("unit", UNITS)
def test_in_many_pieces(servers, vigil, unit):
    data = encode(["SELECT", "0"]) + encode(["SET", "before", "x"]) + UNITS[unit]
    almost = len(data) - 5
    hurry = threading.Event()

    def answer(link):
        link.send(FULL)
        for at in range(0, almost, PIECE):
            link.send(data[at:min(at + PIECE, almost)])
        hurry.wait(60)
        link.send(data[almost:])
        link.wait_closed()

    master = LyingMaster(answer)
    replica = servers.start(vigil)
    try:
        replicate(replica, master.port)
        received = 1000 + almost
        wait_until("all but the end has come", lambda: int(replica.info("replication")["slave_read_repl_offset"]) == received)
        assert replica.call("GET", "before") == b"x"
        assert replica.call("LLEN", "list") == 0
        hurry.set()
        wait_until("it is applied", lambda: replica.call("LLEN", "list") == 2 * COMMANDS)
        assert int(replica.info("replication")["slave_repl_offset"]) == 1000 + len(data)
        assert master.links == 1
    finally:
        hurry.set()
        master.close()
