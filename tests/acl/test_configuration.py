"""Users of the configuration file and of an ACL file: fatal texts, loading, saving, rewriting; files that go between ours
and redis-server 7.0."""

import re
import subprocess

import pytest

from harness.ports import Port

HASH_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

FATAL = [  # configuration file's text; users.acl is the ACL file of the next list
    "user\n",
    "user bob on >x ~* +@all\nuser bob off\n",
    "user bob foo\n",
    "user bob on foo\n",
    "user bob +foo\n",
    "user bob on (~x +foo)\n",
    "user bob on -@foo\n",
    "user bob on ~x ~* ~y\n",
    "user bob #abc\n",
    "user \"a b\" on\n",
    "aclfile users.acl\n",
    "aclfile users.acl\nuser bob on\n",
    "acl-pubsub-default foo\n",
    "acllog-max-len -1\n",
]
BAD_FILES = [
    "# a comment\nuser a on\n",
    "foo\n",
    "user\n",
    "USER a on\n",
    "usera on\n",
    "user a foo\nuser b +foo\nuser c foo bar +x -@y ~* ~x\n",
    "user a on\nuser a off\n",
    "user default on\nuser default off\n",
    "user \"a b\" on\n",
    "user a \"on\n",
    "user a on >p#x #comment\n",
    "user  a on\n",
    "user a\ton\n",
    "user a on (+get) ~x ~* ~y\n",
    "user a on (+foo)\n",
]
GOOD_FILES = [
    "",
    "\n\n",
    "user a",
    "  user b on  \r\n\n",
    "user a  on\n",
    "user a on ( +get ) (~x +set)\n",
    "user default off\n",
    "user default on >x ~* +@all -debug\nuser bob on nopass %R~a %W~b &c +@read -get +config|get\n",
    "user bob on #" + HASH_OF_X + " skip-sanitize-payload allkeys allchannels allcommands\n",
]


def run_to_its_end(binary, directory, config, acl=None):
    """Exit status and what is said about the failure."""
    directory.mkdir()
    (directory / "redis.conf").write_text(config)
    if acl is not None:
        (directory / "users.acl").write_bytes(acl.encode())
    port = Port()
    result = subprocess.run([str(binary.path), "redis.conf", "--port", str(port.number)], cwd=directory, capture_output=True,
                            text=True, timeout=45, check=False)
    port.release()
    said = []
    for line in (result.stdout + result.stderr).splitlines():
        logged = re.match(r"^\d+:(\w) .*?\.\d\d\d ([*#.-]) (.*)$", line)
        if logged is None and re.search(r"^(Error|>>>|argument|Reading|Bad)", line):
            said.append(line)
        elif logged and re.search(r"ACL|users defined", logged.group(3)):
            said.append(logged.group(3))
    return result.returncode, said


@pytest.mark.parametrize("config", FATAL)
def test_fatal_configuration(tmp_path, vigil, oracle, config):
    ours = run_to_its_end(vigil, tmp_path / "ours", config)
    theirs = run_to_its_end(oracle, tmp_path / "theirs", config)
    assert ours == theirs
    assert ours[0] == 1 and ours[1]


@pytest.mark.parametrize("acl", BAD_FILES)
def test_fatal_files(tmp_path, vigil, oracle, acl):
    ours = run_to_its_end(vigil, tmp_path / "ours", "aclfile users.acl\n", acl)
    theirs = run_to_its_end(oracle, tmp_path / "theirs", "aclfile users.acl\n", acl)
    assert ours == theirs
    assert ours[0] == 1 and ours[1]


def test_a_parenthesis_that_stays_open(tmp_path, vigil):
    """redis-server 7.0 crashes on the second, and tells of something else for the first."""
    status, said = run_to_its_end(vigil, tmp_path / "config", "user bob on (+get\n")
    assert status == 1
    assert said[-1] == "Error in user declaration '(+get': Unmatched parenthesis in selector definition."
    status, said = run_to_its_end(vigil, tmp_path / "file", "aclfile users.acl\n", "user bob on (+get\n")
    assert status == 1
    assert "users.acl:1: Unmatched parenthesis in selector definition. WARNING: ACL errors detected" in said[0]


def with_file(servers, binary, text, **options):
    server = servers.create(binary, options={"aclfile": "users.acl", **options})
    (server.directory / "users.acl").write_text(text)
    return server.start()


@pytest.mark.parametrize("acl", GOOD_FILES)
def test_files_that_load(servers, vigil, oracle, acl):
    lists = []
    for binary in (vigil, oracle):
        server = with_file(servers, binary, acl)
        with server.raw() as client:
            client.call("AUTH", "default", "x")
            # In which order 7.0 shows the exceptions to a category depends on the seed of its table of commands.
            reply = client.call("ACL", "LIST")
            lists.append(str(reply) if reply.is_error else [sorted(line.split()) for line in reply.plain()])
    assert lists[0] == lists[1]


USERS = [
    ("alice", "on", ">one", ">two", "~cache:*", "%R~log:*", "&news.*", "+@read", "+set", "-get"),
    ("bob", "on", "nopass", "allkeys", "allchannels", "+@all", "-@dangerous", "+config|get"),
    ("carol", "off", "+select|0", "(~a +get)", "(%W~b &c +@write)", "skip-sanitize-payload"),
    ("dave", "reset", "on", ">x", "+client", "-client|kill"),
]
QUESTIONS = [
    "alice get cache:1", "alice set cache:1 x", "alice set log:1 x", "alice mget cache:1 log:1", "alice mget cache:1 x",
    "alice config get x", "bob config get x", "bob config set x y", "bob keys x", "bob set a b", "carol select 0", "carol select 1",
    "carol get a", "carol get b", "carol set b x", "dave client id", "dave client kill x", "dave get x",
]


def dry_runs(server):
    return [str(server.call("ACL", "DRYRUN", *question.split())) for question in QUESTIONS]


@pytest.mark.parametrize("order", ["vigil-redis", "redis-vigil", "vigil-vigil"])
def test_a_file_that_one_saves_the_other_loads(servers, vigil, oracle, order):
    writer_binary, reader_binary = [vigil if side == "vigil" else oracle for side in order.split("-")]
    writer = with_file(servers, writer_binary, "")
    for user in USERS:
        writer.call("ACL", "SETUSER", *user)
    assert writer.call("ACL", "SAVE") == b"OK"
    text = (writer.directory / "users.acl").read_text()
    assert [line.split()[1] for line in text.splitlines()] == ["alice", "bob", "carol", "dave", "default"]
    reader = with_file(servers, reader_binary, text)
    assert dry_runs(reader) == dry_runs(writer)
    for name in ("alice", "bob", "carol", "dave"):
        mine, yours = (server.call("ACL", "GETUSER", name) for server in (reader, writer))
        assert mine[:4] + mine[6:10] == yours[:4] + yours[6:10]  # all but the commands, which have several spellings
    with reader.raw() as client:
        assert client.call("AUTH", "alice", "two").value == b"OK"


def test_saving_and_loading_again(servers, vigil):
    server = with_file(servers, vigil, "user bob on nopass +@all\n")
    server.call("ACL", "SETUSER", "eve", "on", ">x", "(~a +get)")
    before = server.call("ACL", "LIST")
    assert server.call("ACL", "SAVE") == b"OK"
    server.call("ACL", "DELUSER", "eve")
    server.call("ACL", "SETUSER", "bob", "off")
    assert server.call("ACL", "LOAD") == b"OK"
    assert server.call("ACL", "LIST") == before
    server.kill()
    server.start()
    assert server.call("ACL", "LIST") == before
    path = server.directory / "users.acl"
    path.write_text("user bob foo\nuser eve +bar\n")
    with server.raw() as client:
        answer = str(client.call("ACL", "LOAD"))
    assert answer == ("-ERR users.acl:1: Syntax error. users.acl:2: Error in applying operation '+bar': Unknown command or "
                      "category name in ACL. WARNING: ACL errors detected, no change to the previously active ACL rules was "
                      "performed")
    assert server.call("ACL", "LIST") == before
    path.unlink()
    with server.raw() as client:
        assert str(client.call("ACL", "LOAD")) == ("-ERR Error loading ACLs, opening file 'users.acl': No such file or "
                                                   "directory")
    # In a transaction too.
    with server.raw() as client:
        for words in (("MULTI",), ("ACL", "SAVE"), ("ACL", "LOAD"), ("ACL", "WHOAMI")):
            client.call(*words)
        assert client.call("EXEC").plain() == [b"OK", b"OK", b"default"]
    assert server.call("ACL", "LIST") == before


def test_a_file_that_cannot_be_written(servers, vigil):
    server = with_file(servers, vigil, "", dir=".")
    (server.directory / "users.acl.tmp").mkdir()
    with server.raw() as client:
        assert str(client.call("ACL", "SAVE")) == ("-ERR There was an error trying to save the ACLs. Please check the server "
                                                   "logs for more information")
    server.wait_log("Writing ACL file for ACL SAVE: ")


def test_the_file_without_a_default_user_opens_it(servers, vigil, oracle):
    lists = []
    for binary in (vigil, oracle):
        server = with_file(servers, binary, "user bob on nopass +@all\n", requirepass="secret")
        lists.append((server.call("ACL", "LIST"), server.call("CONFIG", "GET", "requirepass")))
    assert lists[0] == lists[1]


CONFIG = """# users
user bob on >x ~a* +@all
# and the rest
user default on nopass ~* &* +@all -debug
user eve ~x
requirepass foo
"""


def test_config_rewrite_writes_users(servers, vigil, oracle):
    texts = []
    for binary in (vigil, oracle):
        server = servers.start(binary, config_file=CONFIG)
        server.call("ACL", "SETUSER", "zoe", "on", ">a", "(~x +get)")
        server.call("ACL", "DELUSER", "bob")
        assert server.call("CONFIG", "REWRITE") == b"OK"
        text = server.config_path.read_text()
        texts.append([line for line in text.splitlines() if re.match("user|# |requirepass", line) and "Generated" not in line])
        before = server.call("ACL", "LIST")
        server.kill()
        server.start()
        assert server.call("ACL", "LIST") == before
    assert texts[0] == texts[1]
    assert any(line.startswith("user zoe on #") for line in texts[0])


def test_config_rewrite_leaves_the_users_of_a_file_alone(servers, vigil):
    server = servers.create(vigil, config_file="aclfile users.acl\n")
    (server.directory / "users.acl").write_text("user bob on nopass +@all\n")
    server.start()
    assert server.call("CONFIG", "REWRITE") == b"OK"
    assert "\nuser " not in server.config_path.read_text()
    assert (server.directory / "users.acl").read_text() == "user bob on nopass +@all\n"


def test_disabled_users_are_told_of(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary, config_file="user bob ~x\n")
        server.wait_log(r"\* The user 'bob' is disabled \(there is no 'on' modifier in the user description\)\. Make sure this "
                        r"is not a configuration error\.")


def test_renamed_commands_keep_their_names_in_rules(servers, vigil, oracle):
    answers = []
    for binary in (vigil, oracle):
        server = servers.start(binary, config_file="rename-command GET FETCH\n")
        with server.raw() as client:
            server.call("ACL", "SETUSER", "u", "on", "nopass", "+get", "allkeys")
            client.call("AUTH", "u", "x")
            answers.append([str(client.call(*words)) for words in (("FETCH", "k"), ("GET", "k"), ("SET", "k", "v"))] +
                           [server.call("ACL", "LIST")])
    assert answers[0] == answers[1]
