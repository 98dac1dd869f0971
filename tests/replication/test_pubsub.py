"""Messages pass from masters to replicas, and change nothing there."""

from harness.replication import assert_in_sync, replicate, wait_link, wait_same_offset


def subscribed(server, *words):
    client = server.raw()
    client.call(*words)
    return client


def test_messages_reach_replicas(servers, sides):
    master, replica = (servers.start(binary) for binary in sides)
    replicate(replica, master.port)
    wait_link(replica)
    with subscribed(replica, "SUBSCRIBE", "ch") as channel, subscribed(replica, "PSUBSCRIBE", "c*") as pattern, \
            subscribed(replica, "SSUBSCRIBE", "ch") as shard, master.raw() as publisher:
        assert publisher.call("PUBLISH", "ch", "one").value == 0  # nobody listens on the master itself
        publisher.call("SET", "k", "v")
        assert publisher.call("SPUBLISH", "ch", "two").value == 0
        for words in (("MULTI",), ("SELECT", "3"), ("SET", "k", "w"), ("PUBLISH", "ch", "three"), ("INCR", "n"), ("EXEC",)):
            publisher.call(*words)
        publisher.call("PUBLISH", "ch", "x" * 100_000)
        assert str(channel.read()) == '["message", "ch", "one"]'
        assert str(channel.read()) == '["message", "ch", "three"]'
        assert channel.read().plain()[2] == b"x" * 100_000
        assert str(pattern.read()) == '["pmessage", "c*", "ch", "one"]'
        assert str(shard.read()) == '["smessage", "ch", "two"]'
    assert_in_sync(master, replica)


def test_messages_reach_replicas_of_replicas(servers, three_sides):
    first, second, third = (servers.start(binary) for binary in three_sides)
    replicate(second, first.port)
    wait_link(second)
    replicate(third, second.port)
    wait_link(third)
    with subscribed(second, "SUBSCRIBE", "ch") as near, subscribed(third, "SUBSCRIBE", "ch") as far:
        # Some may pass before the last link is in step; what comes after the first comes in order.
        for number in range(200):
            first.call("PUBLISH", "ch", str(number))
        assert [near.read().plain()[2] for _ in range(200)] == [str(n).encode() for n in range(200)]
        assert [far.read().plain()[2] for _ in range(200)] == [str(n).encode() for n in range(200)]
    wait_same_offset(first, second, third)


def test_a_replica_publishes_to_its_own_clients_only(servers, sides):
    master, replica = (servers.start(binary) for binary in sides)
    replicate(replica, master.port)
    wait_link(replica)
    with subscribed(master, "SUBSCRIBE", "ch") as above, subscribed(replica, "SUBSCRIBE", "ch") as below:
        assert replica.call("PUBLISH", "ch", "local") == 1
        assert str(below.read()) == '["message", "ch", "local"]'
        assert master.call("PUBLISH", "ch", "global") == 1
        assert str(above.read()) == '["message", "ch", "global"]'
        assert str(below.read()) == '["message", "ch", "global"]'
    assert_in_sync(master, replica)


def test_events_of_a_replica(servers, sides):
    """A replica tells of what its master's stream does, in its own configuration's terms."""
    master, replica = (servers.start(binary) for binary in sides)
    replicate(replica, master.port)
    wait_link(replica)
    replica.call("CONFIG", "SET", "notify-keyspace-events", "KEA")
    with subscribed(replica, "PSUBSCRIBE", "__key*") as listener:
        master.call("SET", "k", "v", "PX", "50")
        events = [listener.read().plain()[2:] for _ in range(6)]
    assert events == [[b"__keyspace@0__:k", b"set"], [b"__keyevent@0__:set", b"k"],
                      [b"__keyspace@0__:k", b"expire"], [b"__keyevent@0__:expire", b"k"],
                      [b"__keyspace@0__:k", b"del"], [b"__keyevent@0__:del", b"k"]]


def test_without_replicas_messages_leave_no_trace_in_the_log(servers, vigil):
    server = servers.start(vigil, options={"appendonly": "yes", "appendfsync": "always"})
    before = server.info("replication")["master_repl_offset"]
    with subscribed(server, "SUBSCRIBE", "ch") as listener:
        for number in range(10):
            assert server.call("PUBLISH", "ch", str(number)) == 1
            assert listener.read().plain()[2] == str(number).encode()
    assert server.info("replication")["master_repl_offset"] == before
