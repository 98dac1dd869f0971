"""What the oracle's own tables say about its commands and options, asked of ours."""

import pytest

# The commands of 7.0 whose data types or subsystems Vigil has; each later type adds its own here.
STRINGS = """append decr decrby get getdel getex getrange getset incr incrby incrbyfloat lcs mget mset msetnx psetex set setex
    setnx setrange strlen substr""".split()
LISTS = """blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim
    rpop rpoplpush rpush rpushx""".split()
KEYS = """copy dbsize del exists expire expireat expiretime flushall flushdb keys move object persist pexpire pexpireat
    pexpiretime pttl randomkey rename renamenx scan select swapdb touch ttl type unlink""".split()
OTHERS = """auth bgrewriteaof bgsave client command config discard echo exec hello info lastsave multi ping psync quit
    replconf replicaof reset role save shutdown slaveof time unwatch wait watch""".split()
PUBSUB = "publish psubscribe pubsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe".split()
ALL = STRINGS + LISTS + KEYS + OTHERS + PUBSUB
# Too few words for these do something else than answer, or end the server.
NOT_WITHOUT_WORDS = {"shutdown", "save", "bgsave", "bgrewriteaof", "psync", "flushall", "flushdb", "quit"}
MANY = ["a"] * 20


def info_of(server, name):
    with server.raw() as client:
        reply = client.call("COMMAND", "INFO", name).value[0]
    assert reply.value is not None, f"COMMAND INFO {name} knows no such command"
    name, arity, flags, first, last, step, categories = [item.plain() for item in reply.value[:7]]
    return {"name": name, "arity": arity, "flags": sorted(flags), "keys": (first, last, step), "categories": sorted(categories)}


@pytest.mark.parametrize("name", ALL)
def test_command_info(live_pair, name):
    ours, theirs = (info_of(server, name) for server in live_pair)
    assert ours == theirs


@pytest.mark.parametrize("name", ALL)
def test_wrong_number_of_arguments(live_pair, name):
    arity = info_of(live_pair[1], name)["arity"]
    calls = []
    if abs(arity) > 1 and name not in NOT_WITHOUT_WORDS:
        calls += [[name], [name.upper()] + ["x"] * (abs(arity) - 2)]
    if arity > 0:
        calls.append([name] + ["x"] * arity)
    for words in calls:
        answers = []
        for server in live_pair:
            with server.raw() as client:
                answers.append(str(client.call(*words)))
        assert answers[0] == answers[1], words


@pytest.mark.parametrize("kind", ["string", "list"])
@pytest.mark.parametrize("name", STRINGS + LISTS)
def test_wrong_type(live_pair, name, kind):
    """The command with plausible words on keys of either type: same answer, and the key is the same afterwards."""
    words = {
        "append": "k x", "decrby": "k 1", "getrange": "k 0 -1", "getset": "k x", "incrby": "k 1", "incrbyfloat": "k 1",
        "lcs": "k k", "mset": "k v", "msetnx": "k v", "psetex": "k 100000 v", "set": "k v", "setex": "k 100 v", "setnx": "k v",
        "setrange": "k 1 x", "substr": "k 0 1", "blmove": "k k LEFT RIGHT 0.01", "blmpop": "0.01 1 k LEFT", "blpop": "k 0.01",
        "brpop": "k 0.01", "brpoplpush": "k k 0.01", "lindex": "k 0", "linsert": "k BEFORE a b", "lmove": "k k LEFT RIGHT",
        "lmpop": "1 k LEFT", "lpos": "k a", "lpush": "k a", "lpushx": "k a", "lrange": "k 0 -1", "lrem": "k 0 a", "lset": "k 0 a",
        "ltrim": "k 0 0", "rpoplpush": "k k", "rpush": "k a", "rpushx": "k a",
    }.get(name, "k").split()
    answers = []
    for server in live_pair:
        with server.raw() as client:
            client.call("FLUSHALL")
            client.call(*(["SET", "k", "string"] if kind == "string" else ["RPUSH", "k", "a", "b"]))
            answer = str(client.call(name, *words))
            answers.append((answer, str(client.call("GET", "k")), str(client.call("LRANGE", "k", "0", "-1"))))
    assert answers[0] == answers[1]


def config_of(server):
    flat = server.call("CONFIG", "GET", "*")
    return {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}


def test_every_option_is_known_with_its_default(live_pair):
    """Options that the tests themselves set, that name files, or whose default follows the machine are compared by name."""
    ours, theirs = (config_of(server) for server in live_pair)
    assert not sorted(set(theirs) - set(ours)), "options that CONFIG GET does not know"
    own = {"port", "dir", "save", "maxmemory-policy", "io-threads", "logfile", "pidfile", "bind", "proc-title-template"}
    different = {name: (ours[name], value) for name, value in theirs.items() if name not in own and ours[name] != value}
    assert not different, "option: (our default, Redis's)"
