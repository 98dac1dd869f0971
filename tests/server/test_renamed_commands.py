"""rename-command: by which names a command is called, shown and permitted, on both servers."""

import re

import pytest

from harness.replication import replicate, wait_link

RENAMED = """rename-command GET fetch
rename-command FLUSHALL ""
rename-command CONFIG "Setup"
rename-command DEL remove
rename-command EXEC run
"""
CALLS = """GET k|FETCH k|fetch k x|FLUSHALL|FLUSHALL x|CONFIG GET hz|SETUP GET hz|setup foo|DEL k|SET k v|REMOVE k k2
COMMAND INFO get|COMMAND INFO fetch|COMMAND INFO flushall|COMMAND INFO config|COMMAND LIST FILTERBY PATTERN get
COMMAND LIST FILTERBY PATTERN fetch|COMMAND LIST FILTERBY PATTERN flushall|COMMAND LIST FILTERBY PATTERN config*
COMMAND DOCS flushall|COMMAND GETKEYS GET a|COMMAND GETKEYS FETCH a|COMMAND GETKEYS FLUSHALL
MULTI|FETCH k|EXEC|RUN|MULTI|GET k|RUN|ACL SETUSER a on nopass ~* +get +flushall +config|get|ACL SETUSER a +fetch
ACL SETUSER a +setup|ACL DRYRUN a fetch k|ACL DRYRUN a get k|ACL DRYRUN a setup get x|ACL DRYRUN a flushall
ACL CAT dangerous"""


def replies(server):
    with server.raw() as client:
        answers = []
        for line in CALLS.replace("\n", "|").split("|"):
            reply = client.call(*line.split())
            if isinstance(reply.value, list) and "LIST" in line:
                answers.append((line, sorted(map(str, reply.value))))
            elif "GETUSER" in line:  # redis-server shows the rules in the order of its hash table, another one at each start
                answers.append((line, sorted(re.findall(r"[^ \"]+", str(reply)))))
            else:
                answers.append((line, str(reply)))
        return answers


def test_names(servers, vigil, oracle):
    ours, theirs = (replies(servers.start(binary, config_file=RENAMED)) for binary in (vigil, oracle))
    for mine, other in zip(ours, theirs):
        if mine[0] == "ACL CAT dangerous":
            continue  # commands that do not exist yet; the removed ones are the point
        assert mine == other
    assert "flushall" in dict(ours)["ACL CAT dangerous"] and "flushall" in dict(theirs)["ACL CAT dangerous"]


def test_removed_commands_are_counted_nowhere(servers, vigil):
    counts = []
    for text in ("", RENAMED):
        with servers.start(vigil, config_file=text).raw() as client:
            counts.append((client.call("COMMAND", "COUNT").value, len(client.call("COMMAND").value),
                           len(client.call("COMMAND", "DOCS").value) // 2))
    assert counts[1] == tuple(count - 1 for count in counts[0])


@pytest.mark.parametrize("line", ["rename-command nosuch other", "rename-command GET SET", "rename-command GET"])
def test_what_cannot_be_renamed(servers, vigil, oracle, line):
    texts = []
    for binary in (vigil, oracle):
        server = servers.create(binary, config_file=line + "\n").spawn()
        assert server.wait_exit() == 1
        texts.append(server.log_text())
    message = texts[1].rstrip().splitlines()[-1]
    assert message in texts[0]


@pytest.mark.parametrize("cluster", ["no", "yes"])
def test_every_command_can_be_renamed(servers, vigil, cluster):
    if not vigil.is_vigil:
        pytest.skip("of our own table of names")
    options = {"cluster-enabled": cluster}
    names = [name.decode() for name in servers.start(vigil, options=options).call("COMMAND", "LIST") if b"|" not in name]
    assert {"get", "save", "bgrewriteaof", "wait", "migrate", "cluster", "config", "debug"} <= set(names)
    server = servers.start(vigil, config_file="".join(f"rename-command {name} x-{name}\n" for name in names), options=options)
    with server.raw() as client:
        assert str(client.call("PING")).startswith("-ERR unknown command")
        assert str(client.call("X-PING")) == "+PONG"


def test_effects_are_logged_under_their_own_names(servers, vigil):
    options = {"appendonly": "yes", "lazyfree-lazy-expire": "no"}
    server = servers.start(vigil, config_file=RENAMED, options=options)
    replica = servers.start(vigil, config_file=RENAMED)
    replicate(replica, server.port)
    wait_link(replica)
    with server.raw() as client:
        client.call("SET", "k", "v")
        client.call("SET", "gone", "v")
        client.call("PEXPIRE", "gone", "-1")  # is logged as a DEL
        client.call("REMOVE", "k")
        client.call("SET", "stays", "v")
        assert client.call("WAIT", "1", "10000").value == 1
    assert replica.call("DBSIZE") == 1
    server.shutdown()
    server.start()
    assert server.call("DBSIZE") == 1
