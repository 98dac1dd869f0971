"""What tools read of a server, beside redis-server 7.0: COMMAND, COMMAND DOCS, the fields of INFO and CLIENT LIST, ACL CAT, and
the error texts of every command that exists."""

import re

import pytest

from harness.replication import replicate, wait_link
from harness.resp import Closed
from harness.waiting import wait_until


@pytest.fixture
def both(servers, vigil, oracle):
    options = {"enable-debug-command": "yes", "repl-diskless-sync-delay": "0"}
    return servers.start(vigil, options=options), servers.start(oracle, options=options)


def commands(server):
    """By full name: the reply of COMMAND, without the subcommands."""
    found = {}

    def add(entry):
        *details, subcommands = entry
        found[details[0].decode()] = details
        for subcommand in subcommands:
            add(subcommand)

    for entry in server.call("COMMAND"):
        add(entry)
    return found


def shared(both):
    ours, theirs = map(commands, both)
    return ours, theirs, sorted(set(ours) & set(theirs))


def normal(value):
    """Without the order of what has none: flags, categories, tips."""
    if isinstance(value, list) and all(isinstance(item, bytes) for item in value):
        return sorted(value)
    return [normal(item) for item in value] if isinstance(value, list) else value


def test_command(both):
    ours, theirs, names = shared(both)
    different = {name: (normal(ours[name]), normal(theirs[name])) for name in names if normal(ours[name]) != normal(theirs[name])}
    assert not different, "\n".join(f"{name}\n  {a}\n  {b}" for name, (a, b) in different.items())


def test_docs(both):
    """Texts were reworded in 7.2 and history grows: what clients use is the rest."""
    def docs(server):
        flat = server.call("COMMAND", "DOCS")
        return {name.decode(): tree(details) for name, details in zip(flat[::2], flat[1::2])}

    def tree(flat):
        details = {key.decode(): value for key, value in zip(flat[::2], flat[1::2])}
        inner = details.pop("subcommands", [])
        details["subcommands"] = {name.decode(): tree(value) for name, value in zip(inner[::2], inner[1::2])}
        return details

    ours, theirs = map(docs, both)
    problems = []

    def compare(name, mine, other):
        for field in ("since", "group"):
            if mine.get(field) != other.get(field):
                problems.append(f"{name} {field}: {mine.get(field)} {other.get(field)}")
        if set(mine) - {"subcommands"} - {"history"} < set(other) - {"subcommands", "history"}:
            problems.append(f"{name}: without {set(other) - set(mine)}")
        for subcommand in set(mine["subcommands"]) & set(other["subcommands"]):
            compare(subcommand, mine["subcommands"][subcommand], other["subcommands"][subcommand])

    for name in set(ours) & set(theirs):
        compare(name, ours[name], theirs[name])
    assert not problems, "\n".join(sorted(problems))


def fields(server, section):
    """Names of the fields by section, numbers in them taken for one."""
    found, part = {}, None
    for line in server.call("INFO", section).decode().splitlines():
        if line.startswith("# "):
            part = found.setdefault(line[2:], set())
        elif line:
            part.add(re.sub(r"\d+$", "0", line.split(":", 1)[0]))
    return found


@pytest.mark.parametrize("role", ["alone", "master", "replica", "appendonly", "busy"])
def test_info_fields(servers, both, vigil, oracle, role):
    for server in both:
        server.call("SET", "k", "v")
        if role == "appendonly":
            server.call("CONFIG", "SET", "appendonly", "yes")
            server.wait_info("persistence", aof_rewrite_in_progress=0, aof_enabled=1)
    if role in ("master", "replica"):
        others = [servers.start(oracle, options={"repl-diskless-sync-delay": "0"}) for _ in both]
        for server, other in zip(both, others):
            replica, master = (other, server) if role == "master" else (server, other)
            replicate(replica, master.port)
            wait_link(replica)
    ours, theirs = (fields(server, "everything") for server in both)
    assert list(theirs) == [section for section in ours if section in theirs]
    for section, names in theirs.items():
        if section in ("Commandstats", "Latencystats"):
            continue
        assert names <= ours[section], section
    assert set(fields(both[0], "default")) == set(fields(both[1], "default"))


@pytest.mark.parametrize("kind", ["normal", "pubsub", "replica", "master"])
def test_client_list_fields(servers, both, oracle, kind):
    lines = []
    for server in both:
        with server.raw() as client:
            client.call("PING")
            if kind == "pubsub":
                client.call("SUBSCRIBE", "c")
            if kind == "replica":
                replica = servers.start(oracle)
                replicate(replica, server.port)
                wait_link(replica)
            if kind == "master":
                master = servers.start(oracle, options={"repl-diskless-sync-delay": "0"})
                replicate(server, master.port)
                wait_link(server)
            def listed(server=server):
                text = server.call("CLIENT", "LIST", "TYPE", kind).decode().splitlines()
                # What was just sent may be on its way still, and so may the end of the connection that asked whether the server is up.
                settled = len(text) == (2 if kind == "normal" else 1) and all(" events=r " in line for line in text)
                return settled and text

            text = wait_until("the clients of this test alone, and nothing waits to be written", listed)
            lines.append(dict(field.split("=", 1) for field in text[0].split(" ")))
    ours, theirs = lines
    assert [name for name in ours if name in theirs] == list(theirs)
    assert set(ours) - set(theirs) == {"lib-name", "lib-ver"}
    for name in ("flags", "db", "sub", "psub", "ssub", "multi", "redir", "resp", "user", "name", "events", "cmd"):
        if kind != "normal" or name != "cmd":
            assert ours[name] == theirs[name], name


def test_acl_categories(both):
    ours, theirs, names = shared(both)
    categories = both[1].call("ACL", "CAT")
    assert both[0].call("ACL", "CAT") == categories
    for category in categories:
        mine, other = (set(server.call("ACL", "CAT", category)) for server in both)
        known = {name.encode() for name in names}
        assert mine & known == other & known, category


# What a reply would not be the same for, or what would end the test.
NOT_CALLED = {"shutdown", "debug", "monitor", "sync", "psync", "replconf", "replicaof", "slaveof", "failover", "quit", "reset", "subscribe",
              "psubscribe", "ssubscribe", "hello", "auth", "restore-asking", "client|kill", "client|reply", "client|pause", "migrate",
              "config|rewrite", "bgrewriteaof", "bgsave", "save", "lastsave", "time", "memory|malloc-stats", "memory|stats",
              "memory|doctor", "latency|doctor", "info", "lolwut", "acl|genpass", "client|id", "client|list", "client|info", "randomkey",
              "command", "command|list", "command|docs", "command|info", "command|count", "acl|log", "slowlog|get", "latency|histogram",
              "config|resetstat", "config|set", "acl|save", "acl|load", "role", "swapdb", "flushall", "flushdb", "wait", "object|freq",
              "acl|cat", "acl|help", "config|help", "memory|usage", "acl|list", "acl|getuser", "config|get", "client|getredir"}
WORDS = ["wrong", "x", "-1", "99999999999999999999", "1.5", "0", "", "NX", "AND"]


def calls(names, details):
    """Every command with arguments of every kind, most of which are wrong."""
    for name in names:
        arity = details[name][1]
        words = name.upper().split("|")
        least = abs(arity) - len(words)
        for count in range(0, max(least, 0) + 3):
            for word in WORDS:
                # The key is of another type, of the right one, and absent; the rest are words.
                for key in ("string", "list", "absent"):
                    if count == 0 and (word, key) != (WORDS[0], "string"):
                        continue
                    yield words + ([key] + [word] * (count - 1) if count else [])


def asked(server, lines):
    answers = []
    client = server.raw()
    for words in lines:
        client.send("DEL", "string", "list", "absent")
        client.send("RPUSH", "list", "a", "b", "c")
        client.send("SET", "string", "text")
        client.send(*words)
        try:
            for _ in range(3):
                client.read()
            reply = client.read()
        except Closed:
            client = server.raw()
            reply = "closed"
        if words[0] in ("MULTI", "EXEC", "DISCARD") or str(reply) == "+QUEUED":
            client.close()
            client = server.raw()
        answers.append(str(reply))
    client.close()
    return answers


def test_error_texts(both):
    ours, theirs, names = shared(both)
    called = [name for name in names if name not in NOT_CALLED and "help" not in name
              and not any(flag in (b"blocking",) for flag in theirs[name][2])]
    lines = list(calls(called, theirs))
    mine, other = (asked(server, lines) for server in both)
    different = [f"{' '.join(map(repr, words))}\n  {a}\n  {b}" for words, a, b in zip(lines, mine, other)
                 if a != b and (a.startswith("-") or b.startswith("-"))]
    assert not different, f"{len(different)} of {len(lines)}\n" + "\n".join(different[:60])
