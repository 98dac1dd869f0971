"""Sentinels that die in the middle of a failover, hang, are gone for good, or find their disk full."""

import signal

import pytest

from harness.sentinel import NAME, Sentinel, events, sentinel_binary
from harness.waiting import wait_until


@pytest.mark.parametrize("moment", ["crash-after-election", "crash-after-promotion"])
def test_a_leader_that_dies_is_followed_by_another(group, vigil, moment):
    three = group([vigil] * 3, [vigil] * 3, settings=[f"sentinel failover-timeout {NAME} 3000"])
    for sentinel in three.sentinels:
        assert sentinel.call("SENTINEL", "SIMULATE-FAILURE", moment) == "OK"
    three.master.kill()
    dead = wait_until("the leader dies", lambda: next((s for s in three.sentinels if not s.is_running()), None))
    assert dead.process.returncode == 99
    for sentinel in three.sentinels:  # the others would die of it, too; a restart forgets it
        if sentinel is not dead:
            sentinel.stop()
            sentinel.start()
    new = three.wait_switched(three.master)
    dead.start()
    wait_until("the one that died learns of it", lambda: dead.address() == new.port)
    for server in three.servers:
        if server not in (new, three.master):
            three.wait_follows(server, new)
    epochs = {s.fields("MASTER", NAME)["config-epoch"] for s in three.sentinels}
    assert len(epochs) == 1


def test_a_sentinel_that_was_stopped_waits_before_it_judges(group, vigil):
    three = group([vigil] * 2, [vigil] * 3)
    first = three.sentinels[0]
    first.call("SENTINEL", "DEBUG", "tilt-trigger", "500", "tilt-period", "2000")
    first.signal(signal.SIGSTOP)
    others = three.sentinels[1:]
    for other in others:
        other.wait_log(r"\+sdown sentinel")
    first.signal(signal.SIGCONT)
    first.wait_log(r"\+tilt #tilt mode entered")
    assert first.info("sentinel")["sentinel_tilt"] == "1"
    first.wait_log(r"-tilt #tilt mode exited")
    assert "+odown" not in events(first)
    for other in others:
        other.wait_log(r"-sdown sentinel")


def test_reset_forgets_who_is_gone_for_good(group, vigil):
    three = group([vigil] * 3, [vigil] * 3)
    first, second, gone = three.sentinels
    gone.stop()
    three.replicas[1].stop()
    for sentinel in (first, second):
        sentinel.wait_log(r"\+sdown sentinel")
        sentinel.wait_log(r"\+sdown slave")
    for sentinel in (first, second):
        assert sentinel.call("SENTINEL", "RESET", "my*") == 1
        wait_until("the others are found again", lambda s=sentinel: s.info("sentinel")["master0"].endswith(
            "status=ok,address=127.0.0.1:%d,slaves=1,sentinels=2" % three.master.port))
        for kind in ("known-sentinel", "known-replica"):  # no message depends on them, so the file may come later
            wait_until("the file has one", lambda s=sentinel, kind=kind: len(s.config_lines(f"sentinel {kind} {NAME} ")) == 1)
    assert first.call("SENTINEL", "CKQUORUM", NAME).startswith("OK 2 usable")


def test_masters_are_watched_and_left_while_it_runs(servers, vigil):
    master = servers.start(vigil, "M")
    sentinel = Sentinel(sentinel_binary(vigil), servers.directory / "sentinel", "")
    servers.servers.append(sentinel)
    sentinel.start()
    assert sentinel.call("SENTINEL", "MONITOR", "other", "127.0.0.1", str(master.port), "1") == "OK"
    assert sentinel.call("SENTINEL", "SET", "other", "down-after-milliseconds", "1234", "quorum", "2") == "OK"
    wait_until("it is looked at", lambda: sentinel.info("sentinel")["master0"].startswith("name=other,status=ok"))
    sentinel.kill()
    sentinel.start()
    fields = sentinel.fields("MASTER", "other")
    assert (fields["down-after-milliseconds"], fields["quorum"]) == ("1234", "2")
    assert sentinel.call("SENTINEL", "REMOVE", "other") == "OK"
    assert sentinel.config_lines("sentinel monitor") == []
    assert sentinel.info("sentinel")["sentinel_masters"] == "0"


def test_what_cannot_be_saved_is_not_told(group, vigil, tmp_path):
    """The directory of one Sentinel's file is gone: it gives no vote, and changes are answered with an error."""
    three = group([vigil] * 2, [vigil] * 3)
    first = three.sentinels[0]
    hidden = first.directory.with_name("hidden")
    first.directory.rename(hidden)
    try:
        with first.raw() as client:
            refused = client.call("SENTINEL", "FLUSHCONFIG")
            assert str(refused) == "-ERR Failed to save config file. Check server logs."
            vote = client.call("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", str(three.master.port), "7", "a" * 40)
            assert vote.plain() == [0, b"*", 0]
            assert client.call("PING").plain() == b"PONG"
    finally:
        hidden.rename(first.directory)
    with first.raw() as client:
        assert client.call("SENTINEL", "FLUSHCONFIG").plain() == b"OK"
        vote = client.call("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", str(three.master.port), "8", "a" * 40)
        assert vote.plain() == [0, b"a" * 40, 8]
    assert first.config_lines(f"sentinel leader-epoch {NAME} 8")
