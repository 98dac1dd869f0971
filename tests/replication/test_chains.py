"""Chains of four servers of both kinds in every place: each is master, middle and end in turn, handed over under load, links
cut and nodes restarted. After every step all hold the same data, and after the first full resyncs none comes again."""

import pytest

from harness.load import WriteLoad
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_online, wait_same_offset
from harness.server import oracle_binary, vigil_binary
from harness.waiting import wait_until

OPTIONS = {"repl-diskless-sync-delay": "0", "repl-backlog-size": "32mb"}


def offset(server):
    return int(server.info("replication")["master_repl_offset"])


class Chain:
    """servers[0] is the master; each of the others follows the one before it."""

    def __init__(self, servers):
        self.servers = servers
        for upper, lower in zip(servers, servers[1:]):
            replicate(lower, upper.port)
            wait_link(lower)
        self.full_syncs = self.count_full_syncs()
        assert self.full_syncs == len(servers) - 1

    def count_full_syncs(self):
        return sum(sync_counts(server)[0] for server in self.servers)

    def under_load(self, act=lambda: None):
        """Writes on the master before, while and after something is done."""
        with WriteLoad(self.servers[0].port) as load:
            wait_until("some load", lambda: load.done > 300)
            act()
            before = load.done
            wait_until("more load", lambda: load.done > before + 300)

    def check(self):
        wait_same_offset(*self.servers)
        assert_in_sync(*self.servers)
        assert self.count_full_syncs() == self.full_syncs, "a full resync where a partial one was possible"

    def hand_over(self):
        """The second becomes the master, the old one goes to the end."""
        old, new, *rest = self.servers
        with WriteLoad(old.port) as load:
            wait_until("some load", lambda: load.done > 300)
            wait_online(old, new)
            assert old.call("FAILOVER", "TO", "127.0.0.1", new.port) == b"OK"
            wait_until("the roles have changed", lambda: (old.info("replication")["role"], new.info("replication")["role"],
                                                          old.info("replication")["master_failover_state"]) ==
                       ("slave", "master", "no-failover"))
            assert all("READONLY" in error or "EXECABORT" in error for error in load.errors), load.errors[:3]
        wait_link(old)
        wait_same_offset(new, old)
        for upper, lower in zip([new, *rest], rest):
            wait_link(lower)
            wait_same_offset(upper, lower)
        # Away from the new master first: a PING from there that the end of the chain lacks would cost a full resync.
        replicate(old, 1)
        wait_until("the end of the chain has as much", lambda: offset(self.servers[-1]) >= offset(old))
        replicate(old, self.servers[-1].port)
        wait_link(old)
        self.servers = [new, *rest, old]


def kinds(text):
    return [(vigil_binary() if kind == "v" else oracle_binary()).require() for kind in text]


@pytest.mark.timeout(1800)  # for the long form
@pytest.mark.parametrize("text", ["vrvr", "rvrv", "vvrr", "rrvv", "vrrv", "rvvr"])
def test_each_in_every_place(servers, text, rounds):
    chain = Chain([servers.start(binary, options=OPTIONS) for binary in kinds(text)])
    for _ in range(rounds(20)):
        for _ in range(4):
            chain.under_load()
            chain.check()
            chain.hand_over()
            chain.check()


@pytest.mark.timeout(1800)  # for the long form
@pytest.mark.parametrize("text", ["vrvr", "rvrv"])
def test_cut_links(servers, text, rounds):
    nodes = [servers.start(binary, options=OPTIONS) for binary in kinds(text)]
    proxies = [servers.proxy(node) for node in nodes[:-1]]
    chain = Chain.__new__(Chain)
    chain.servers = nodes
    for proxy, lower in zip(proxies, nodes[1:]):
        replicate(lower, proxy.port)
        wait_link(lower)
    chain.full_syncs = chain.count_full_syncs()
    for _ in range(rounds(20)):
        for proxy, lower in zip(proxies, nodes[1:]):
            connections = proxy.connections

            def cut(proxy=proxy, lower=lower, connections=connections):
                proxy.cut()
                wait_until("it comes back", lambda: proxy.connections > connections)
                wait_link(lower)

            chain.under_load(cut)
        for lower in nodes[1:]:
            wait_link(lower)
        chain.check()
