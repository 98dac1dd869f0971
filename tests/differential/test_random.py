"""Random sequences of commands, compared reply by reply. A failing sequence is shrunk and printed by Hypothesis."""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differential.runner import reset, unordered

LONG = os.environ.get("VIGIL_ACCEPT") == "1"
EXAMPLES = 600 if LONG else 60

keys = st.sampled_from(["k1", "k2", "k3", "l1", "l2", "n1"])
values = st.one_of(st.sampled_from(["", "a", "b", "abc", "10", "-1", "0", "9223372036854775807", "007", "1.5", " 1", "x" * 70]),
                   st.binary(max_size=20), st.integers(-200, 40000).map(str))
indexes = st.one_of(st.integers(-12, 12), st.sampled_from([-1000, 1000])).map(str)
counts = st.one_of(st.integers(0, 6), st.just(-1)).map(str)
sides = st.sampled_from(["LEFT", "RIGHT", "left", "right"])
floats = st.sampled_from(["1.5", "-0.25", "3", "1e3", "0.1", "inf", "abc"])
# Deadlines are years away and absolute, so that both servers agree on them to the millisecond.
deadlines = st.integers(33177117420000, 33177117429999).map(str)
conditions = st.sampled_from([[], ["NX"], ["XX"], ["GT"], ["LT"], ["XX", "GT"]])


def command(*parts):
    """A strategy of commands: each part is a word, a strategy of words, or a strategy of lists of words."""
    strategies = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    return st.tuples(*strategies).map(
        lambda words: [item for word in words for item in (word if isinstance(word, list) else [word])])


some_keys = st.lists(keys, min_size=1, max_size=3)
some_values = st.lists(values, min_size=1, max_size=6)
pairs = st.lists(st.tuples(keys, values).map(list), min_size=1, max_size=3).map(lambda items: sum(items, []))
set_options = st.sampled_from([[], ["NX"], ["XX"], ["GET"], ["KEEPTTL"], ["NX", "GET"], ["PXAT", "33177117421234"], ["EX", "0"]])
lpos_options = st.sampled_from([[], ["COUNT", "0"], ["RANK", "-1"], ["RANK", "2", "COUNT", "2"], ["MAXLEN", "3"]])

# Where weights are equal ALPHA leaves the order open, so it comes with LIMIT only where it orders everything.
sort_options = st.sampled_from([[], ["ALPHA"], ["DESC", "ALPHA"], ["BY", "nosort"], ["LIMIT", "1", "2"], ["BY", "k*"], ["GET", "#", "GET", "n*"],
                                ["BY", "nosort", "DESC", "LIMIT", "1", "3"], ["ALPHA", "LIMIT", "0", "3", "GET", "?*"]])

string_commands = st.one_of(
    command("SET", keys, values, set_options), command("GET", keys), command("APPEND", keys, values), command("STRLEN", keys),
    command("INCR", keys), command("DECR", keys), command("INCRBY", keys, indexes), command("DECRBY", keys, indexes),
    command("INCRBYFLOAT", keys, floats), command("SETRANGE", keys, indexes, values), command("GETRANGE", keys, indexes, indexes),
    command("MSET", pairs), command("MSETNX", pairs), command("MGET", some_keys), command("GETSET", keys, values),
    command("GETDEL", keys), command("GETEX", keys, st.sampled_from([[], ["PERSIST"], ["PXAT", "33177117425555"]])),
    command("SETNX", keys, values), command("LCS", keys, keys, st.sampled_from([[], ["LEN"], ["IDX"]])))
list_commands = st.one_of(
    command("LPUSH", keys, some_values), command("RPUSH", keys, some_values), command("LPUSHX", keys, some_values),
    command("RPUSHX", keys, values), command("LPOP", keys), command("RPOP", keys), command("LPOP", keys, counts),
    command("RPOP", keys, counts), command("LLEN", keys), command("LRANGE", keys, indexes, indexes),
    command("LINDEX", keys, indexes), command("LSET", keys, indexes, values), command("LTRIM", keys, indexes, indexes),
    command("LREM", keys, counts, values), command("LINSERT", keys, st.sampled_from(["BEFORE", "AFTER"]), values, values),
    command("LPOS", keys, values, lpos_options), command("LMOVE", keys, keys, sides, sides), command("RPOPLPUSH", keys, keys),
    command("LMPOP", "2", keys, keys, sides), command("LMPOP", "1", keys, sides, "COUNT", st.integers(1, 5).map(str)))
key_commands = st.one_of(
    command("DEL", some_keys), command("UNLINK", some_keys), command("EXISTS", some_keys), command("TOUCH", some_keys),
    command("TYPE", keys), command("DUMP", keys), command("SORT", keys, sort_options), command("SORT_RO", keys, sort_options),
    command("SORT", keys, sort_options, "STORE", keys), command("RENAME", keys, keys), command("RENAMENX", keys, keys),
    command("COPY", keys, keys, st.sampled_from([[], ["REPLACE"], ["DB", "1"], ["DB", "1", "REPLACE"]])), command("MOVE", keys, "1"),
    command("PEXPIREAT", keys, deadlines, conditions), command("PEXPIRETIME", keys), command("EXPIRETIME", keys),
    command("PERSIST", keys), command("DBSIZE"), command("SELECT", st.sampled_from(["0", "1"])), command("SWAPDB", "0", "1"),
    command("EXPIRE", keys, "-1"), command("KEYS", st.sampled_from(["*", "k*", "?1", "[kl]2"])))
transactions = st.one_of(command("MULTI"), command("EXEC"), command("DISCARD"), command("WATCH", keys), command("UNWATCH"))
sequences = st.lists(st.one_of(string_commands, list_commands, list_commands, key_commands, transactions), min_size=1, max_size=60)


def comparable(words, reply):
    """KEYS has no order, also not inside of EXEC."""
    return unordered(reply) if words[0] in ("KEYS", "EXEC") else str(reply)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(sequence=sequences)
def test_same_replies_and_same_data(live_pair, sequence):
    for server in live_pair:
        reset(server)
    clients = [server.raw() for server in live_pair]
    try:
        tail = [["EXEC"]] + [[name, key, *rest] for db in "01" for key in ("k1", "k2", "k3", "l1", "l2", "n1")
                             for name, *rest in (["GET"], ["LRANGE", "0", "-1"], ["PEXPIRETIME"])] + [["DBSIZE"]]
        for position, words in enumerate(sequence + tail):
            ours, theirs = (comparable(words, client.call(*words)) for client in clients)
            assert ours == theirs, f"command {position}: {words}\n expected {theirs}\n got      {ours}"
    finally:
        for client in clients:
            client.close()
