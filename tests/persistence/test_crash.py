"""kill -9 under load: nothing that was acknowledged is lost, and what is loaded is a prefix."""

import random
import threading
import time

import pytest

from harness.resp import Closed, RawClient
from harness.waiting import wait_until

WRITERS = 3
OPTIONS = {"appendonly": "yes", "auto-aof-rewrite-min-size": "200kb", "auto-aof-rewrite-percentage": "50"}


class Writer(threading.Thread):
    """Raises one counter and appends the same numbers to one list, in pipelines, until the connection breaks."""

    def __init__(self, port, name, start):
        super().__init__(daemon=True)
        self.port, self.key = port, name
        self.sent = self.acknowledged = start
        self.problem = None
        self.start()

    def run(self):
        try:
            with RawClient(self.port) as client:
                while True:
                    batch = list(range(self.sent + 1, self.sent + 9))
                    self.sent = batch[-1]
                    replies = client.pipeline([words for number in batch for words in (
                        ("SET", f"{self.key}:string", number), ("RPUSH", f"{self.key}:list", number),
                        ("LTRIM", f"{self.key}:list", "-500", "-1"))])
                    bad = [reply for reply in replies if reply.is_error]
                    if bad:
                        self.problem = str(bad[0])
                        return
                    self.acknowledged = batch[-1]
        except (OSError, Closed, AssertionError):
            return


def check(server, writer, may_lose):
    value = int(server.call("GET", f"{writer.key}:string") or 0)
    items = [int(item) for item in server.call("LRANGE", f"{writer.key}:list", "0", "-1")]
    assert items == list(range(items[0], items[-1] + 1)) if items else value == 0, f"{writer.key}: the list has holes"
    assert items[-1:] in ([value], [value - 1], []), f"{writer.key}: {value} in the string, {items[-1]} at the list's end"
    assert value <= writer.sent, f"{writer.key}: {value} was never sent"
    if not may_lose:
        assert value >= writer.acknowledged, f"{writer.key}: {writer.acknowledged} was acknowledged, {value} is there"
        assert items[-1] >= writer.acknowledged
    return value


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_kill_9_at_random_moments(servers, vigil, rounds, fsync):
    server = servers.create(vigil, options={**OPTIONS, "appendfsync": fsync})
    pick = random.Random(20)
    values = [0] * WRITERS
    for round_ in range(rounds(200)):
        server.start()
        writers = [Writer(server.port, f"w{number}", values[number]) for number in range(WRITERS)]
        wait_until("all write", lambda: all(writer.acknowledged > values[int(writer.key[1:])] or not writer.is_alive()
                                            for writer in writers))  # pylint: disable=cell-var-from-loop
        if round_ % 4 == 3:
            with server.raw() as client:
                client.call("BGREWRITEAOF")  # an automatic one may be under way
        time.sleep(pick.uniform(0, 0.15))  # not a wait for anything: the moment of the crash is drawn
        server.kill()
        for writer in writers:
            writer.join(60)
            assert writer.problem is None, writer.problem
        server.start()
        for number, writer in enumerate(writers):
            values[number] = check(server, writer, may_lose=fsync != "always" and not vigil.is_vigil)
            # The next round goes on where the data ends, so that the list stays without holes.
            server.call("SET", f"{writer.key}:string", str(values[number]))
            items = server.call("LRANGE", f"{writer.key}:list", "-1", "-1")
            if items and int(items[0]) < values[number]:
                server.call("RPUSH", f"{writer.key}:list", str(values[number]))
        server.kill() if round_ % 2 else server.shutdown()


def test_kill_9_in_the_first_moments(servers, vigil, rounds):
    """Crashes while files are being created: the server always comes up again, with what was acknowledged."""
    server = servers.create(vigil, options={"appendonly": "yes", "appendfsync": "always"})
    pick = random.Random(3)
    for round_ in range(rounds(100)):
        server.spawn()
        time.sleep(pick.uniform(0, 0.05))  # the moment of the crash is drawn
        server.kill()
        server.start()
        assert int(server.call("GET", "round") or 0) == round_
        server.call("SET", "round", str(round_ + 1))
        server.kill()


def test_kill_9_during_bgsave_leaves_the_old_file(servers, vigil):
    server = servers.start(vigil)
    server.call("SET", "saved", "1")
    server.call("SAVE")
    with server.raw() as client:
        client.pipeline([("SET", f"k{number}", "x" * 500) for number in range(20000)])
    server.call("BGSAVE")
    server.kill()
    server.start()
    assert server.call("GET", "saved") == b"1"
    assert server.call("DBSIZE") in (1, 20001)
