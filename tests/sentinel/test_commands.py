"""SENTINEL's replies beside those of redis-sentinel 7.0, call by call."""

import re

import pytest

from harness.sentinel import Sentinel, sentinel_binary

CALLS = """
sentinel debug
sentinel debug foo 1
sentinel debug info-period x
sentinel debug info-period
sentinel debug info-period 0
sentinel debug info-period 5000 ping-period 500
sentinel debug
sentinel config get *
sentinel config get announce*
sentinel config get a b
sentinel config set foo bar
sentinel config set resolve-hostnames maybe
sentinel config set announce-port 99999
sentinel config set announce-port
sentinel config set announce-ip 1.2.3.4
sentinel config get announce-ip
sentinel config foo bar
sentinel set mymaster down-after-milliseconds x
sentinel set mymaster down-after-milliseconds 0
sentinel set mymaster quorum 0
sentinel set mymaster quorum 1
sentinel set mymaster auth-pass secret
sentinel set mymaster auth-user joe
sentinel set mymaster rename-command CONFIG GUESS
sentinel set mymaster notification-script /bin/true
sentinel set mymaster client-reconfig-script /bin/true
sentinel set mymaster parallel-syncs 3 failover-timeout 1000
sentinel set mymaster parallel-syncs 4 failover-timeout -1
sentinel set mymaster quorum
sentinel set mymaster foo bar
sentinel set nope a b
sentinel monitor a 127.0.0.1 6379 0
sentinel monitor a 127.0.0.1 6379 x
sentinel monitor a 127.0.0.1 99999 1
sentinel monitor a 127.0.0.1 x 1
sentinel monitor a localhost 6379 1
sentinel monitor mymaster 127.0.0.1 6379 1
sentinel masters
sentinel monitor other 127.0.0.1 1 1
sentinel get-master-addr-by-name other
sentinel remove other
sentinel remove other
sentinel reset nope
sentinel reset MY*
sentinel simulate-failure foo
sentinel simulate-failure help
sentinel is-master-down-by-addr 127.0.0.1 x 0 *
sentinel is-master-down-by-addr 127.0.0.1 2 x *
sentinel is-master-down-by-addr 127.0.0.1 2 0 *
sentinel is-master-down-by-addr 127.0.0.1 2 7 abc
sentinel is-master-down-by-addr 127.0.0.1 2 6 abd
sentinel is-master-down-by-addr 127.0.0.1 2 7 abd
sentinel is-master-down-by-addr 127.0.0.1 2 8 abd
sentinel is-master-down-by-addr 127.0.0.1 1 9 abd
sentinel ckquorum mymaster
sentinel set mymaster quorum 2
sentinel ckquorum mymaster
sentinel ckquorum nope
sentinel get-master-addr-by-name mymaster
sentinel get-master-addr-by-name nope
sentinel master mymaster
sentinel master nope
sentinel failover mymaster
sentinel failover nope
sentinel replicas mymaster
sentinel slaves nope
sentinel sentinels mymaster
sentinel sentinels nope
sentinel info-cache nope
sentinel info-cache mymaster
sentinel pending-scripts
sentinel flushconfig
sentinel foo
sentinel
role
publish a b
publish __sentinel__:hello x
get a
config get port
select 1
multi
shutdown foo
info sentinel
info replication
ping
ping a
"""

# What differs from one process or moment to the next.
VOLATILE = re.compile(rb"[0-9a-f]{40}")
CHANGING = {b"last-ping-sent", b"last-ok-ping-reply", b"last-ping-reply", b"s-down-time", b"role-reported-time", b"flags",
            b"link-pending-commands", b"runid", b"o-down-time"}


def comparable(reply):
    value = reply.plain()
    if isinstance(value, list):
        return [reply.kind, steady(value)]
    return [reply.kind, VOLATILE.sub(b"<id>", value) if isinstance(value, bytes) else value]


def steady(value):
    out = []
    previous = None
    for item in value:
        if isinstance(item, list):
            out.append(steady(item))
        else:
            out.append("…" if previous in CHANGING else item)
        previous = item if not isinstance(item, list) else None
    return out


@pytest.fixture(scope="module")
def pair(tmp_path_factory, vigil, oracle):
    both = []
    for binary in (vigil, oracle):
        sentinel = Sentinel(sentinel_binary(binary).require(), tmp_path_factory.mktemp(binary.side),
                            "sentinel monitor mymaster 127.0.0.1 2 2\nsentinel down-after-milliseconds mymaster 3600000\n")
        both.append(sentinel.start())
    yield both
    for sentinel in both:
        sentinel.close()


def test_replies(pair):
    ours, theirs = pair
    with ours.raw() as our_client, theirs.raw() as their_client:
        for line in CALLS.strip().splitlines():
            words = line.split()
            assert comparable(our_client.call(*words)) == comparable(their_client.call(*words)), line
