"""A disk that fills up."""

import os

import pytest

from harness.disk import fill_up
from harness.waiting import wait_until

SIZE = 6 << 20


@pytest.fixture
def small_disk(make_disk):
    return make_disk(SIZE)


def write_until_refused(client, start):
    """Writes numbered values until one is refused; returns (the last acknowledged number, the refusal)."""
    number = start
    while number < start + 5000:
        reply = client.call("RPUSH", "numbers", f"{number + 1}".rjust(2000))
        if reply.is_error:
            return number, str(reply)
        number += 1
    raise AssertionError("the disk never filled up")


def test_appendfsync_always(servers, vigil, small_disk):
    """Writes stop with MISCONF, reads go on, nothing acknowledged is lost, and it heals when the disk has room again."""
    if not vigil.is_vigil:
        pytest.skip("redis-server ends itself in this case")
    server = servers.create(vigil, options={"appendonly": "yes", "appendfsync": "always"})
    server.options["dir"] = str(small_disk)
    server.start()
    with server.raw() as client:
        client.call("SET", "k", "v")
        fill_up(small_disk)
        acknowledged, refusal = write_until_refused(client, 0)
        assert refusal.startswith("-MISCONF Errors writing to the AOF file: No space left on device"), refusal
        assert client.call("GET", "k").value == b"v"
        assert server.info("persistence")["aof_last_write_status"] == "err"
        (small_disk / "filler").unlink()
        wait_until("writes are taken again", lambda: not client.call("SET", "healed", "1").is_error)
        assert server.info("persistence")["aof_last_write_status"] == "ok"
        items = [int(item) for item in client.call("LRANGE", "numbers", "0", "-1").plain()]
    assert items[:acknowledged] == list(range(1, acknowledged + 1))
    server.kill()
    server.start()
    assert [int(item) for item in server.call("LRANGE", "numbers", "0", "-1")][:acknowledged] == items[:acknowledged]
    assert server.call("GET", "healed") == b"1"


def test_appendfsync_everysec(servers, vigil, small_disk):
    server = servers.create(vigil, options={"appendonly": "yes", "appendfsync": "everysec"})
    server.options["dir"] = str(small_disk)
    server.start()
    with server.raw() as client, server.raw() as during_failure:
        client.call("SET", "k", "v")
        during_failure.call("MULTI")
        during_failure.call("SET", "k", "w")
        fill_up(small_disk)
        _, refusal = write_until_refused(client, 0)
        assert refusal.startswith("-MISCONF Errors writing to the AOF file: No space left on device"), refusal
        assert client.call("GET", "k").value == b"v"
        assert str(during_failure.call("EXEC")).startswith("-EXECABORT Transaction discarded because of: MISCONF Errors")
        assert during_failure.call("GET", "k").value == b"v", "the transaction is over"
        (small_disk / "filler").unlink()
        wait_until("writes are taken again", lambda: not client.call("SET", "healed", "1").is_error)
    server.shutdown()
    server.start()
    assert server.call("GET", "healed") == b"1"


def test_reads_beside_a_write_that_is_not_safe(servers, vigil, small_disk):
    """With everysec what others read is answered, also of keys whose last write did not get to the disk; the writer itself
    is told, and then reads on."""
    if not vigil.is_vigil:
        pytest.skip("redis-server says OK to a write that its AOF does not hold")
    server = servers.create(vigil, options={"appendonly": "yes", "appendfsync": "everysec"})
    server.options["dir"] = str(small_disk)
    server.start()
    with server.raw() as writer, server.raw() as reader:
        fill_up(small_disk)
        acknowledged, refusal = write_until_refused(writer, 0)
        assert refusal.startswith("-MISCONF"), refusal
        for client in (reader, writer, reader):
            assert client.call("LLEN", "numbers").value >= acknowledged
            assert client.call("EXISTS", *[f"k{i}" for i in range(200)]).value == 0  # in every shard
        refusal = str(reader.call("SET", "k", "v"))
        assert refusal.startswith("-MISCONF"), refusal
        with server.raw() as blocked:
            blocked.send("BLPOP", "numbers", "1")
            assert str(blocked.read()).startswith("-MISCONF"), "a pop that is not safe is not handed out"
        (small_disk / "filler").unlink()
        wait_until("writes are taken again", lambda: not reader.call("SET", "healed", "1").is_error)


def test_bgsave(servers, vigil, small_disk):
    server = servers.create(vigil, options={"save": "3600 1000000"})
    server.options["dir"] = str(small_disk)
    server.start()
    with server.raw() as client:
        client.call("SET", "big", os.urandom(SIZE // 2))
        fill_up(small_disk)
        client.call("BGSAVE")
        wait_until("the save fails", lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err")
        refusal = str(client.call("SET", "k", "v"))
        assert refusal == "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " \
            "Commands that may modify the data set are disabled, because this instance is configured to report errors during " \
            "writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details " \
            "about the RDB error."
        assert not list(small_disk.glob("temp-*.rdb")), "the file of the failed save is removed"
        (small_disk / "filler").unlink()
        client.call("BGSAVE")
        wait_until("the save works", lambda: server.info("persistence")["rdb_last_bgsave_status"] == "ok")
        assert str(client.call("SET", "k", "v")) == "+OK"
