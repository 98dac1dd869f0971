"""What a node answers about slots that it does not serve, or not alone: the same conversations with nodes of both kinds, and
the same replies."""

import re

import pytest

from harness.cluster import HandMadeCluster, cluster_info, role_of, state
from harness.resp import encode
from harness.waiting import wait_until

# Slots of the keys used below: num 2765, {num}x the same, key 12539, foo 12182, bar 5061, hello 866.
A_SLOTS, B_SLOTS = (0, 8191), (8192, 16383)


class Trio(HandMadeCluster):
    """A and B are masters of half the slots each, R is A's replica; all of one kind."""

    def __init__(self, servers, binary, b_slots=B_SLOTS, **options):
        super().__init__(servers, {"A": (binary, A_SLOTS), "B": (binary, b_slots), "R": (binary, "A")}, **options)
        self.clients = {}

    def wait_state(self, expected, among="ABR"):
        for name in among:
            wait_until(f"{name} says {expected}", lambda name=name: state(self.named[name]) == expected)

    def client(self, name):
        """One connection for each name; its first letter says to whom."""
        if name not in self.clients:
            self.clients[name] = self.named[name[0]].raw(timeout=20)
        return self.clients[name]

    def masked(self, text):
        for name, node in self.named.items():
            text = text.replace(self.ids[name], f"<id of {name}>").replace(f"127.0.0.1:{node.port}", f"<{name}>")
        return text

    def converse(self, script):
        """The script's lines, `WHO> words`, each with its reply."""
        lines = []
        for line in filter(None, map(str.strip, script.splitlines())):
            who, _, words = line.partition("> ")
            words = [self.ids[word[3:]] if re.fullmatch("id-[ABR]", word) else word for word in words.split()]
            words = [str(self.named[word[5:]].port) if re.fullmatch("port-[ABR]", word) else word for word in words]
            lines.append(f"{line}\n    {self.masked(str(self.client(who).call(*words)))}")
        return lines

    def close(self):
        for client in self.clients.values():
            client.close()


@pytest.fixture
def pair(servers, vigil, oracle):
    """make(**options): a trio of each kind; they are closed at the end."""
    made = []

    def make(**options):
        made.extend(Trio(servers, binary, **options) for binary in (vigil, oracle))
        return made

    yield make
    for trio in made:
        trio.close()


def alike(trios, script):
    ours, theirs = (trio.converse(script) for trio in trios)
    differences = [f"{mine}\n    redis-server:{other.partition(chr(10))[2]}" for mine, other in zip(ours, theirs) if mine != other]
    assert not differences, "\n".join(differences)
    return ours


SLOTS_AND_WRONG_NODES = """
    A> SET num 1
    A> GET num
    A> SET foo 1
    A> GET foo
    A> GET {foo}{num}
    A> GET foo{num}bar
    A> GET {}num
    A> GET foo{}{num}
    A> MGET num foo
    A> MGET foo num
    A> MGET foo {foo}x
    A> MSET {num}a 1 {num}b 2
    A> MSET {num}a 1 {foo}b 2
    A> DEL num foo
    A> DEL {num}a {num}b
    A> RENAME num foo
    A> RENAME num {num}2
    A> RENAME {num}2 num
    A> LPUSH foo a
    A> BLPOP foo 1
    A> BLPOP num foo 1
    A> OBJECT ENCODING foo
    A> EXISTS num {num}a
    A> TYPE foo
    A> PING
    A> DBSIZE
    A> SELECT 0
    A> SELECT 1
    A> MOVE num 1
    A> SWAPDB 0 1
    A> COPY num {num}3 DB 1
    A> COPY num {num}3
    A> WATCH foo
    A> WATCH num foo
    A> MULTI
    A> SET num 2
    A> SET foo 2
    A> EXEC
    A> MULTI
    A> SET num 2
    A> GET bar
    A> EXEC
    A> MULTI
    A> GET num
    A> GET {num}a
    A> EXEC
    A> MULTI
    A> PING
    A> EXEC
    A> SPUBLISH foo hello
    A> SPUBLISH num hello
    A> SSUBSCRIBE foo
    A> SSUBSCRIBE num foo
    A> PUBLISH foo hello
    B> GET num
    B> GET foo
    R> GET num
    R> SET num 1
    R> GET foo
    A> CLUSTER KEYSLOT num
    A> CLUSTER KEYSLOT {num}x
    A> CLUSTER KEYSLOT
    A> CLUSTER COUNTKEYSINSLOT 2765
    A> CLUSTER COUNTKEYSINSLOT 16384
    A> CLUSTER COUNTKEYSINSLOT -1
    A> CLUSTER COUNTKEYSINSLOT x
    A> CLUSTER GETKEYSINSLOT 5061 10
    A> CLUSTER GETKEYSINSLOT 16384 10
    A> CLUSTER GETKEYSINSLOT 5061 -1
    A> CLUSTER GETKEYSINSLOT 5061 x
    A> ASKING
    A> READONLY
    A> READWRITE
    A> CLUSTER ADDSLOTS 0
    A> CLUSTER ADDSLOTS 16384
    A> CLUSTER ADDSLOTS x
    A> CLUSTER ADDSLOTSRANGE 5 4
    A> CLUSTER ADDSLOTSRANGE 5
    A> CLUSTER DELSLOTS 99999
    A> CLUSTER SETSLOT 1 NONSENSE
    A> CLUSTER SETSLOT 1 MIGRATING nobody
    A> CLUSTER SETSLOT 9000 MIGRATING id-B
    A> CLUSTER SETSLOT 1 IMPORTING id-B
    A> CLUSTER SETSLOT 1 MIGRATING id-R
    A> CLUSTER SETSLOT 1 NODE nobody
    A> CLUSTER SETSLOT 2765 NODE id-B
    R> CLUSTER SETSLOT 1 STABLE
    A> CLUSTER FAILOVER
    R> CLUSTER FAILOVER NONSENSE
    A> CLUSTER FORGET id-A
    A> CLUSTER FORGET nobody
    R> CLUSTER FORGET id-A
    A> CLUSTER REPLICATE id-A
    A> CLUSTER REPLICATE id-B
    R> CLUSTER REPLICATE nobody
    R> CLUSTER REPLICATE id-R
    A> CLUSTER REPLICAS id-R
    A> CLUSTER REPLICAS nobody
    A> CLUSTER COUNT-FAILURE-REPORTS id-B
    A> CLUSTER COUNT-FAILURE-REPORTS nobody
    A> CLUSTER RESET
    A> CLUSTER RESET NONSENSE
    A> CLUSTER FLUSHSLOTS
    A> CLUSTER SET-CONFIG-EPOCH 9
    A> CLUSTER SET-CONFIG-EPOCH -1
    A> CLUSTER MEET nowhere 1
    A> CLUSTER MEET 127.0.0.1 0
    A> CLUSTER MEET 127.0.0.1 70000
    A> CLUSTER MEET 127.0.0.1 60000
    A> CLUSTER NONSENSE
    A> REPLICAOF 127.0.0.1 1
"""


def test_slots_and_wrong_nodes(pair):
    alike(pair(), SLOTS_AND_WRONG_NODES)


MOVING = """
    A> MSET {num}1 a {num}2 b
    B> CLUSTER SETSLOT 2765 IMPORTING id-A
    A> CLUSTER SETSLOT 2765 MIGRATING id-B
    A> GET {num}1
    A> GET {num}9
    A> SET {num}9 x
    A> MGET {num}1 {num}2
    A> MGET {num}1 {num}9
    A> MGET {num}8 {num}9
    A> DEL {num}1 {num}9
    A> RENAME {num}1 {num}9
    A> MULTI
    A> GET {num}1
    A> GET {num}2
    A> EXEC
    B> GET {num}1
    B> SET {num}9 x
    B> ASKING
    B> GET {num}9
    B> ASKING
    B> SET {num}9 x
    B> GET {num}9
    B> ASKING
    B> GET {num}9
    B> ASKING
    B> MGET {num}8 {num}9
    B> ASKING
    B> MGET {num}9
    B> ASKING
    B> MULTI
    B> GET {num}9
    B> EXEC
    B> ASKING
    B> PING
    B> GET {num}9
    B> MGET {num}1 key
    B> ASKING
    B> MGET {num}1 key
    B> ASKING
    B> LPUSH {num}list a
    B> ASKING
    B> BLPOP {num}list 1
    A> MIGRATE 127.0.0.1 port-B {num}1 0 5000
    A> GET {num}1
    B> ASKING
    B> GET {num}1
    A> SPUBLISH num hello
    B> SPUBLISH num hello
    A> CLUSTER SETSLOT 2765 NODE id-B
    A> MIGRATE 127.0.0.1 port-B  0 5000 KEYS {num}2 {num}7
    A> MIGRATE 127.0.0.1 port-B {num}2 0 5000
    A> MIGRATE 127.0.0.1 port-B {num}2 0 5000
    A> CLUSTER COUNTKEYSINSLOT 2765
    B> CLUSTER COUNTKEYSINSLOT 2765
    B> CLUSTER SETSLOT 2765 NODE id-B
    A> CLUSTER SETSLOT 2765 NODE id-B
    A> GET {num}1
    B> GET {num}1
    B> GET {num}2
    A> CLUSTER SETSLOT 2766 MIGRATING id-B
    A> GET {num}1
    A> CLUSTER SETSLOT 2766 STABLE
"""


def test_a_slot_on_its_way(pair):
    shown = "\n".join(alike(pair(), MOVING))
    assert "-ASK 2765 <B>" in shown and "-TRYAGAIN" in shown and "-MOVED 2765 <A>" in shown and "-MOVED 2765 <B>" in shown


TRANSACTIONS_OF_A_MOVING_SLOT = """
    A> MSET {num}1 a {num}2 b {num}3 c
    B> CLUSTER SETSLOT 2765 IMPORTING id-A
    A> CLUSTER SETSLOT 2765 MIGRATING id-B
    A> MULTI
    A> SET {num}1 new
    A> SET {num}9 new
    A> GET {num}1
    A> EXEC
    A> GET {num}1
    A> MULTI
    A> SET {num}9 new
    A> EXEC
    A> MULTI
    A> MGET {num}1 {num}9
    A> EXEC
    A> MULTI
    A> MGET {num}8 {num}9
    A> DISCARD
    A> WATCH {num}1
    A> MULTI
    A> GET {num}1
    A> GET {num}2
    A> EXEC
    A> MULTI
    A> SET {num}1 new
    A> PING
    A2> MIGRATE 127.0.0.1 port-B {num}1 0 5000
    A> EXEC
    A> PING
    A> MULTI
    A> GET {num}2
    A> GET {num}3
    A2> MIGRATE 127.0.0.1 port-B {num}2 0 5000
    A> EXEC
    A> GET {num}3
    B> MULTI
    B> GET {num}1
    B> EXEC
    B> ASKING
    B> MULTI
    B> GET {num}1
    B> EXEC
    B> ASKING
    B> MULTI
    B> SET {num}1 new
    B> SET {num}9 new
    B> EXEC
    B> MULTI
    B> ASKING
    B> GET {num}1
    B> EXEC
    B> ASKING
    B> MULTI
    B> ASKING
    B> MGET {num}1 {num}8
    B> EXEC
    B> ASKING
    B> GET {num}1
    B> ASKING
    B> MULTI
    B> SET {num}20 1
    B> GET {num}20
    B> EXEC
    B> ASKING
    B> MGET {num}21 {num}21
    B> ASKING
    B> DEL {num}21 {num}21
    B> ASKING
    B> MGET {num}21 {num}22
    B> ASKING
    B> SPUBLISH {num} x
    B> SPUBLISH {num} x
    B> ASKING
    B> NOSUCHCOMMAND
    B> GET {num}1
"""


def test_transactions_of_a_slot_on_its_way(pair):
    """A command whose key has left is refused when it would be queued, which ends the transaction; EXEC looks once more."""
    shown = "\n".join(alike(pair(), TRANSACTIONS_OF_A_MOVING_SLOT))
    assert "-EXECABORT" in shown and "-ASK 2765 <B>" in shown and "-TRYAGAIN" in shown


def test_a_client_that_follows_ask_sees_every_key(pair):
    """One slot moves key by key while a client reads; it is sent to the right place each time."""
    for trio in pair():
        keys = [f"{{num}}{i}" for i in range(40)]
        for key in keys:
            trio.client("A").call("SET", key, key)
        trio.client("B").call("CLUSTER", "SETSLOT", 2765, "IMPORTING", trio.ids["A"])
        trio.client("A").call("CLUSTER", "SETSLOT", 2765, "MIGRATING", trio.ids["B"])
        for moved, key in enumerate(keys):
            assert str(trio.client("A").call("MIGRATE", "127.0.0.1", trio.named["B"].port, key, 0, 5000)) == "+OK"
            for other in keys[:: 7]:
                reply = trio.client("A").call("GET", other)
                assert reply.is_error == (keys.index(other) <= moved), (moved, other, reply)
                if reply.is_error:
                    assert trio.masked(str(reply)) == "-ASK 2765 <B>"
                    assert str(trio.client("B").call("ASKING")) == "+OK"
                    reply = trio.client("B").call("GET", other)
                assert reply.value == other.encode()


REPLICA_READS = """
    R> GET num
    R> READONLY
    R> GET num
    R> MGET {num}a {num}b
    R> SET num 2
    R> GET foo
    R> MULTI
    R> GET num
    R> GET {num}a
    R> EXEC
    R> MULTI
    R> SET num 3
    R> EXEC
    R> MULTI
    R> GET num
    R> EXEC
    R> SSUBSCRIBE foo
    R> READWRITE
    R> GET num
    R2> GET num
"""


def test_reads_from_a_replica(pair):
    trios = pair()
    for trio in trios:
        trio.client("A").call("MSET", "num", 1, "{num}a", 2, "{num}b", 3)
        wait_until("the replica has it", lambda trio=trio: trio.named["R"].call("DBSIZE") == 3)
    alike(trios, REPLICA_READS)


def test_sharded_messages_reach_the_shard(pair):
    for trio in pair():
        for name in "AR":
            client = trio.client(name)
            client.call("SSUBSCRIBE", "num")
        assert trio.client("A2").call("SPUBLISH", "num", "hello").value == 1
        for name in "AR":
            assert trio.client(name).read(timeout=20).plain() == [b"smessage", b"num", b"hello"], name
        trio.client("B").call("SUBSCRIBE", "news")
        assert trio.client("A2").call("PUBLISH", "news", "x").value == 0  # it counts its own subscribers
        assert trio.client("B").read(timeout=20).plain() == [b"message", b"news", b"x"]


def test_a_subscriber_of_a_slot_that_leaves_is_told(pair):
    for trio in pair():
        subscriber = trio.client("A")
        subscriber.call("SSUBSCRIBE", "num")
        trio.client("B").call("CLUSTER", "SETSLOT", 2765, "IMPORTING", trio.ids["A"])
        trio.client("A2").call("CLUSTER", "SETSLOT", 2765, "MIGRATING", trio.ids["B"])
        trio.client("B").call("CLUSTER", "SETSLOT", 2765, "NODE", trio.ids["B"])
        assert subscriber.read(timeout=20).plain() == [b"sunsubscribe", b"num", 0], trio.named["A"]


DOWN = """
    A> GET num
    A> SET num 1
    A> GET foo
    A> MGET num foo
    A> PING
    A> DBSIZE
    A> CLUSTER KEYSLOT foo
    A> SPUBLISH num hello
    A> MULTI
    A> GET num
    A> EXEC
    R> GET num
"""


def test_without_full_coverage(pair):
    """Half of the slots have no owner: everything is refused, or by option only what has no owner."""
    trios = pair(b_slots=None)
    assert all("CLUSTERDOWN" in line for line in alike(trios, DOWN)[:3])
    for option, words, shows in (("cluster-allow-pubsubshard-when-down no", ["SPUBLISH", "num", "x"], "CLUSTERDOWN"),
                                 ("cluster-allow-reads-when-down yes", ["GET", "num"], "nil")):
        alike(trios, f"A> CONFIG SET {option}\nR> CONFIG SET {option}")
        for trio in trios:  # ours takes a moment to reach all workers
            wait_until(option, lambda trio=trio, words=words, shows=shows: shows in str(trio.client("A").call(*words)))
            wait_until(option, lambda trio=trio, words=words: "MOVED" in str(trio.client("R").call("GET", "num")) or words[0] != "GET")
        alike(trios, f"{DOWN}R> READONLY\nR> GET num\nR> READWRITE")
    for trio in trios:
        for node in trio.nodes:
            node.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
        trio.wait_state("ok")
    shown = alike(trios, DOWN)
    assert "+OK" in shown[1] and "-CLUSTERDOWN Hash slot not served" in shown[2]
    ours = next(trio for trio in trios if trio.nodes[0].binary.is_vigil)
    for node in ours.nodes:
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "yes")
    ours.wait_state("fail")  # a redis-server waits for something else to happen


def test_a_failed_master_without_replica(pair):
    trios = pair()
    for trio in trios:
        trio.client("A").call("SET", "num", 1)
        trio.named["B"].kill()
    for trio in trios:
        # Of two masters a majority is two: nothing is served, and nobody can be marked as failed.
        trio.wait_state("fail", "AR")
        assert cluster_info(trio.named["A"])["cluster_slots_pfail"] == "8192"
    alike(trios, "A> GET num\nA> SET num 1\nA> GET foo\nA> SPUBLISH num x")
    for trio in trios:
        trio.named["B"].start()
        trio.wait_state("ok")
        assert role_of(trio.named["B"]) == "master"
    alike(trios, "A> GET num\nA> GET foo")


def test_blocked_client_is_sent_away_when_its_slot_leaves(pair):
    for trio in pair():
        blocked = trio.client("A")
        blocked.send("BLPOP", "{num}list", 0)
        wait_until("it waits", lambda trio=trio: trio.named["A"].info("clients")["blocked_clients"] == "1")
        trio.client("B").call("CLUSTER", "SETSLOT", 2765, "IMPORTING", trio.ids["A"])
        trio.client("A2").call("CLUSTER", "SETSLOT", 2765, "MIGRATING", trio.ids["B"])
        trio.client("B").call("CLUSTER", "SETSLOT", 2765, "NODE", trio.ids["B"])
        assert trio.masked(str(blocked.read(timeout=20))) == "-MOVED 2765 <B>"


def test_redirections_in_a_pipeline_keep_their_order(pair):
    trios = pair()
    words = [w for i in range(50) for w in (["SET", f"{{num}}{i}", i], ["GET", f"{{foo}}{i}"], ["GET", f"{{num}}{i}"])]
    seen = []
    for trio in trios:
        client = trio.client("A")
        client.send_bytes(b"".join(map(encode, words)))
        seen.append([trio.masked(str(client.read())) for _ in words])
    assert seen[0] == seen[1]


def test_sort_reads_no_other_keys(pair):
    alike(pair(), """
        A> RPUSH {num}l 3 1 2
        A> SORT {num}l BY {num}w_*
        A> SORT {num}l GET {num}w_*
        A> SORT {num}l BY nosort GET #
        A> SORT_RO {num}l BY {num}w_*
        A> SORT {num}none BY *
        A> SORT {num}l BY nosort
        A> SORT {num}l LIMIT 0 1
    """)


def test_what_is_refused_by_name(pair):
    alike(pair(), """
        A> FAILOVER
        A> CLUSTER MEET 127.0.0.1 x
        A> CLUSTER MEET 127.0.0.1 7000 x
        A> CLUSTER MEET 127.0.0.1 99999
    """)


def test_info_shows_the_links_of_the_bus(pair):
    for trio in pair():
        node = trio.named["A"]
        wait_until("a link in each direction", lambda node=node: node.info("clients")["cluster_connections"] == "4")
        wait_until("and their memory", lambda node=node: int(node.info("memory")["mem_cluster_links"]) > 0)
