"""Keyspace notifications: what a subscriber to all of them gets from each command, from Vigil and from redis-server.

Behind each command a message of the test's own marks the end of its events. Channels of one command are compared in their
order; what a command of several keys does in an order of its own is written as several commands."""

import pytest

from differential.runner import REPLY_TIMEOUT
from differential.script import split_words
from harness.resp import RawClient
from harness.waiting import wait_until

SCRIPTS = {
    "strings": """
        SET k 1 | SET k 2 | SET k 1 EX 100 | SET k 1 PX 100000 GET | SET k v KEEPTTL | SET none v XX | SET k v NX | SET n v NX GET
        GETSET k 3 | GETSET fresh 3 | SETNX k 1 | SETNX kn 1 | MSET k 1 z 2 k 3 | MSETNX q1 1 q2 2 | MSETNX q1 1 q3 2
        APPEND k x | APPEND k5 x | INCR c | INCR c | DECR c | INCRBY c 5 | DECRBY d 5 | INCRBYFLOAT c 1.5 | INCRBYFLOAT f 1.5
        SETRANGE k 3 abc | SETRANGE none 0 "" | SETRANGE nsr 0 a | GETDEL q1 | GETDEL none | GETEX q2 EX 10 | GETEX q2 PERSIST
        GETEX q2 | GETEX q2 PXAT 1 | GETEX none EX 10 | SETEX k 10 v | PSETEX k 10000 v | SETEX new 10 v | INCR k
        GET k | GET none | STRLEN none | GETRANGE none 0 1 | SUBSTR none 0 1 | MGET none c none2 | LCS none c | LCS none none2
        RPUSH l a | GET l | INCR l | APPEND l x""",
    "bits": """
        SETBIT b 1 1 | SETBIT b 1 1 | SETBIT b 1 0 | GETBIT none 1 | BITCOUNT none | BITPOS none 1 | BITOP AND bb b | BITOP OR bb b b2
        BITOP AND bb none | BITOP AND bb none | BITFIELD bf SET u8 0 1 | BITFIELD bf GET u8 0 | BITFIELD bf INCRBY u8 0 5
        BITFIELD none GET u8 0 | BITFIELD_RO none GET u8 0 | BITFIELD bf2 SET u8 0 0 | BITFIELD bf OVERFLOW FAIL INCRBY u8 0 255""",
    "keys": """
        SET k v | EXPIRE k 100 | EXPIRE k 10 GT | PEXPIRE k 100000 | EXPIREAT k 99999999999 | PEXPIREAT k 9999999999999 | PERSIST k
        PERSIST k | EXPIRE none 1 | EXPIRE k -1 | EXPIRE k 10 | SET k v | EXPIREAT k 1 | SET k v | RENAME k y | RENAME y y
        RENAME none y | SET z v EX 100 | RENAME z y | RENAMENX y x | SET y v | RENAMENX y x | COPY x x2 | COPY x x2 | COPY x x2 REPLACE
        COPY x x3 DB 2 | MOVE x 1 | MOVE none 1 | SET x v | MOVE x 1 | COPY x2 x DB 1 | DEL x2 nonesuch | DEL none | UNLINK x | UNLINK none
        SET a 1 | SET b 1 | DEL a b | EXISTS none | EXISTS none none | TYPE none | TTL none | PTTL none | EXPIRETIME none | PEXPIRETIME none
        OBJECT ENCODING none | OBJECT FREQ none | TOUCH none | TOUCH y | DBSIZE | RANDOMKEY | KEYS * | SCAN 0 | FLUSHDB | FLUSHALL
        SET k v | SWAPDB 0 1 | SELECT 1 | SET kk v | DEL kk | GET none | SELECT 0""",
    "lists": """
        RPUSH l a b c | LPUSH l z | RPUSHX none a | LPUSHX l y | RPUSHX l e | LPOP l | RPOP l | LPOP l 10 | LPOP l | LPOP none 3
        RPUSH l a b c d | LSET l 0 x | LINSERT l BEFORE b q | LINSERT l AFTER none q | LTRIM l 1 2 | LTRIM l 0 -1 | LTRIM l 5 6
        RPUSH l a a b | LREM l 0 a | LREM l 0 none | LREM l 0 b | RPUSH l a b | RPOPLPUSH l l2 | LMOVE l l2 LEFT RIGHT | RPOPLPUSH l2 l2
        LMOVE l2 l2 LEFT RIGHT | LMOVE none l2 LEFT RIGHT | LMPOP 1 l2 LEFT | LMPOP 2 none l2 LEFT COUNT 10 | RPUSH l a b
        BLPOP l 0 | BRPOP none l 0 | RPUSH l a b | BLMOVE l m LEFT LEFT 0 | BRPOPLPUSH l m 0 | BLMPOP 0 1 m LEFT COUNT 5
        LRANGE none 0 -1 | LLEN none | LINDEX none 0 | LPOS none a | SET s v | LPUSH s a | LMOVE m s LEFT LEFT""",
    "sort": """
        RPUSH l 3 1 2 | SORT l STORE fresh | SORT l STORE fresh | SORT l STORE l | SORT none STORE fresh | SORT none STORE fresh
        SET s v | SORT l STORE s""",
    "restore": r"""
        RESTORE s 0 "\x00\x05hello\x0a\x00cr\xdfve4 \x0a" | RESTORE s 0 "\x00\x05hello\x0a\x00cr\xdfve4 \x0a" REPLACE
        RESTORE l 0 "\x00\x05hello\x0a\x00cr\xdfve4 \x0a" REPLACE | RESTORE l 1 "\x00\x05hello\x0a\x00cr\xdfve4 \x0a" REPLACE ABSTTL""",
    "transactions": """
        MULTI | SET k 1 | INCR k | PUBLISH __key:mine hello | DEL k | GET k | EXEC | MULTI | SET k 1 | DISCARD | WATCH none | UNWATCH
        MULTI | RPUSH l a | LPOP l | EXEC""",
}
ALL = "KEAmn"


class Listener:
    """A client that is subscribed to everything, and one that sends commands."""

    def __init__(self, server, protocol, pattern="__key*"):
        self.subscriber = RawClient(server.port, timeout=REPLY_TIMEOUT)
        self.client = RawClient(server.port, timeout=REPLY_TIMEOUT)
        if protocol == 3:
            self.subscriber.call("HELLO", "3")
        self.subscriber.call("PSUBSCRIBE", pattern)
        self.server = server

    def events(self):
        """All events so far."""
        self.server.call("PUBLISH", "__key-mark", "")
        seen = []
        while True:
            reply = self.subscriber.read()
            words = reply.plain()
            if words[2] == b"__key-mark":
                return seen
            seen.append(str(reply))

    def outcome(self, line):
        reply = str(self.client.call(*split_words(line)))
        return (reply if not line.startswith(("KEYS", "SCAN", "RANDOMKEY")) else ""), self.events()

    def close(self):
        self.subscriber.close()
        self.client.close()


def notify(server, classes):
    server.call("CONFIG", "SET", "notify-keyspace-events", classes)


@pytest.fixture
def listeners(live_pair):
    made = []

    def make(classes, protocol=2):
        for server in live_pair:
            notify(server, classes)
            made.append(Listener(server, protocol))
        return made[-2:]

    yield make
    for listener in made:
        listener.close()
    for server in live_pair:
        if server.is_running():
            notify(server, "")


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("protocol", [2, 3])
def test_same_events(listeners, name, protocol):
    ours, theirs = listeners(ALL, protocol)
    problems = []
    for line in filter(None, (part.strip() for part in SCRIPTS[name].replace("\n", "|").split("|"))):
        got, expected = ours.outcome(line), theirs.outcome(line)
        if got != expected:
            problems.append(f"{line}\n  expected {expected}\n  got      {got}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("classes", ["K$", "E$", "KEg", "Kl", "El", "KEx", "KEm", "Kn", "KE", "A", "g$lshzxetd", "KA"])
def test_classes(listeners, classes):
    ours, theirs = listeners(classes)
    for line in ("SET k v", "SET k v EX 100", "DEL k", "RPUSH l a", "LPOP l", "GET none", "EXPIRE k 1"):
        assert ours.outcome(line) == theirs.outcome(line), line


@pytest.mark.parametrize("classes", ["", "KEA", "AKE", "KEg$", "Kn", "EmA", "KEd", "x", "g$lshzxetdKE", "g$lshzxetdmKE", "gx", "nm", "KEg$lshzxet",
                                     "EK", "KK", "y", "KEA ", "k"])
def test_option(live_pair, classes):
    answers = []
    for server in live_pair:
        with server.raw() as client:
            answers.append((str(client.call("CONFIG", "SET", "notify-keyspace-events", classes)),
                            str(client.call("CONFIG", "GET", "notify-keyspace-events"))))
            client.call("CONFIG", "SET", "notify-keyspace-events", "")
    assert answers[0] == answers[1]


def test_served_clients(listeners, live_pair):
    """The pusher's events come before those of whom it serves."""
    sides = listeners(ALL)
    outcomes = []
    for server, side in zip(live_pair, sides):
        seen = []
        for call, push in ((("BLPOP", "l", "0"), "RPUSH l a b"), (("BLMOVE", "m", "n", "LEFT", "RIGHT", "0"), "RPUSH m x"),
                           (("BLMPOP", "0", "2", "o", "p", "RIGHT", "COUNT", "5"), "LPUSH p 1 2 3")):
            with server.raw() as blocked:
                blocked.send(*call)
                wait_until("it blocks", lambda: server.info("clients")["blocked_clients"] == "1")
                seen.append((side.outcome(push), str(blocked.read())))
        outcomes.append(seen)
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("way", ["active", "lazy"])
def test_expired(listeners, live_pair, way):
    sides = listeners("KExm")
    for server, side in zip(live_pair, sides):
        with server.raw() as client:
            client.call("SET", "k", "v", "PX", "30")
            if way == "lazy":
                # Whoever deletes it, the key is gone for this client, and a read of what is no more is a miss.
                wait_until("it expires", lambda: client.call("GET", "k").value is None)
        events = []
        wait_until("the event", lambda: events.extend(side.events()) or any("expired" in event for event in events))
        assert [event for event in events if "expired" in event] == [
            '["pmessage", "__key*", "__keyspace@0__:k", "expired"]', '["pmessage", "__key*", "__keyevent@0__:expired", "k"]']
        if way == "lazy":
            assert ["keymiss" in event for event in events] == [False, False, True, True]


def test_a_moment_to_expire_at_that_has_passed(listeners):
    outcomes = []
    for side in listeners("KEA"):
        seen = []
        for line in ("SET k v PXAT 1", "SET k w EXAT 1 GET", "SET k v"):
            reply, events = side.outcome(line)
            if "AT" in line:  # it goes by itself, if nobody asks for it before
                wait_until("it expires", lambda: "expired" in str(events) or  # pylint: disable=cell-var-from-loop
                           events.extend(side.outcome("GET k")[1]))  # pylint: disable=cell-var-from-loop
            seen.append((reply, events))
        outcomes.append(seen)
    assert outcomes[0] == outcomes[1]


def test_channels_of_one_key_and_one_event(live_pair):
    outcomes = []
    for server in live_pair:
        notify(server, "KEA")
        with server.raw() as key, server.raw() as event, server.raw() as client:
            key.call("SUBSCRIBE", "__keyspace@3__:k")
            event.call("SUBSCRIBE", "__keyevent@3__:set")
            for words in (("SELECT", "3"), ("SET", "k", "v"), ("SET", "other", "v"), ("DEL", "k"), ("SET", "bin\0\r\n", "v")):
                client.call(*words)
            outcomes.append([str(key.read()) for _ in range(2)] + [str(event.read()) for _ in range(3)])
        notify(server, "")
    assert outcomes[0] == outcomes[1]
