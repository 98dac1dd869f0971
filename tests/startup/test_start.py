"""How the server starts: command line, configuration file, what it says and how it fails."""

import contextlib
import re
import signal
import subprocess

import pytest

from harness.resp import Closed, RawClient
from harness.waiting import wait_until

FATAL = [  # (arguments, configuration file's text or None)
    (["--port", "abc"], None),
    (["--nosuchoption", "1"], None),
    (["--maxmemory"], None),
    (["--maxmemory", "12xb"], None),
    (["--save", "abc"], None),
    (["--appendfsync", "sometimes"], None),
    (["--appendonly", "maybe"], None),
    (["--replicaof", "onlyhost"], None),
    (["--replicaof", "127.0.0.1 99999"], None),
    (["--port", "70000"], None),
    (["--port", "-1"], None),
    (["--databases", "0"], None),
    (["--dir", "/no/such/directory"], None),
    (["--include", "/no/such/file.conf"], None),
    (["--timeout", "-1"], None),
    (["--logfile", "/no/such/directory/log", "--daemonize", "yes"], None),
    (["--logfile", "/"], None),
    (["--client-output-buffer-limit", "normal 1"], None),
    (["--client-output-buffer-limit", "bogus 0 0 0"], None),
    (["--appenddirname", "a/b"], None),
    (["--dbfilename", "a/b"], None),
    (["--daemonize", "yes", "--rename-command", "NOSUCH", "x"], None),
    (["--daemonize", "yes", "--cluster-enabled", "yes", "--replicaof", "127.0.0.1 1"], None),
    ([], "# comment\nrename-command GET first\nrename-command get second\n"),
    ([], "rename-command GET SET\n"),
    ([], "port 1\n\n# comment\nnosuch x\n"),
    ([], "port 'unbalanced\n"),
    ([], "port \"un\"balanced\n"),
    ([], "maxclients 1 2\n"),
    ([], "save 900\n"),
    ([], "maxmemory-policy none\n"),
]


def run_to_its_end(binary, directory, arguments, config):
    directory.mkdir()
    words = [str(binary.path)]
    if config is not None:
        path = directory / "redis.conf"
        path.write_text(config)
        words.append(str(path))
    result = subprocess.run(words + arguments, cwd=directory, capture_output=True, text=True, timeout=45, check=False)
    text = (result.stdout + result.stderr).replace(str(directory), "<dir>")
    text = re.sub(r"\(Redis [0-9.]+\)", "(Redis <version>)", text)
    # Vigil adds where the line stands: "(in <file>)".
    fatal = [line for line in text.splitlines()
             if not re.match(r"^\d+:\w |^\(in .*\)$", line) and line.strip()]
    logged = [re.sub(r"^\d+:(\w) .*\d\d\d ([*#.-]) ", r"\1 \2 ", line) for line in text.splitlines()
              if re.match(r"^\d+:\w ", line) and re.search("[Ff]atal|[Cc]an't", line)]
    return result.returncode, fatal, logged


@pytest.mark.parametrize("arguments, config", FATAL, ids=lambda value: str(value)[:50])
def test_fatal_configuration_errors(tmp_path, vigil, oracle, arguments, config):
    ours = run_to_its_end(vigil, tmp_path / "ours", arguments, config)
    theirs = run_to_its_end(oracle, tmp_path / "theirs", arguments, config)
    assert theirs[0] == 1 and (theirs[1] or theirs[2]), theirs
    assert ours == theirs


def test_a_configuration_file_that_does_not_exist(tmp_path, vigil):
    result = subprocess.run([str(vigil.path), str(tmp_path / "none.conf")], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert re.search(r"Fatal error, can't open config file '.*none\.conf': No such file or directory", result.stdout + result.stderr)


CONFIG = """# a comment
maxmemory 1GB
  maxclients   500
TIMEOUT 7
requirepass "with \\"quotes\\" and \\x41"
logfile ''
save 900 1
save 300 10
client-output-buffer-limit replica 512mb 128mb 60
include %s
rename-command KEYS ""
slave-priority 42
tcp-keepalive 100
proto-max-bulk-len 1mb
"""
INCLUDED = "hz 50\ntcp-keepalive 200\n"
ASKED = ["maxmemory", "maxclients", "timeout", "requirepass", "save", "client-output-buffer-limit", "replica-priority", "hz",
         "tcp-keepalive", "proto-max-bulk-len", "databases", "loglevel", "replicaof", "slave-priority", "repl-backlog-size"]


@pytest.mark.parametrize("arguments", [
    [], ["--maxmemory", "100mb"], ["--save", ""],
    ["--loglevel", "verbose", "--databases", "4"], ["--repl-backlog-size", "100k", "--hz", "20"], ["--tcp-keepalive", "1"],
], ids=" ".join)
def test_configuration_means_the_same_to_both(servers, vigil, oracle, arguments):
    answers = []
    for binary in (vigil, oracle):
        server = servers.create(binary, arguments=arguments)
        del server.options["save"]
        extra = server.directory / "extra.conf"
        extra.write_text(INCLUDED)
        server.config_path = server.directory / "redis.conf"
        server.config_path.write_text(CONFIG % extra)
        server.start()
        with server.raw() as client:
            assert str(client.call("PING")) == "-NOAUTH Authentication required."
            client.call("AUTH", 'with "quotes" and A')
            answers.append([(name, client.call("CONFIG", "GET", name).plain()) for name in ASKED]
                           + [str(client.call("KEYS", "*"))])
    assert answers[0] == answers[1]


def test_configuration_from_standard_input(servers, vigil):
    server = servers.create(vigil)
    process = subprocess.Popen([str(vigil.path), "-", "--port", str(server.port)], cwd=server.directory, stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    server.process = process
    process.stdin.write(b"maxmemory 77mb\n")
    process.stdin.close()
    server.wait_ready()
    assert server.call("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"%d" % (77 << 20)]


@pytest.mark.parametrize("side", ["vigil", "oracle"])
def test_options_are_a_configuration(side, request, servers):
    text = servers.start(request.getfixturevalue(side)).log_text()
    assert "Configuration loaded" in text and "no config file specified" not in text


def test_a_taken_port(servers, vigil, oracle):
    first = servers.start(oracle)
    second = servers.create(vigil)
    second.options["port"] = first.port
    second.spawn()
    assert second.wait_exit() == 1
    log = second.log_text()
    assert re.search(r"# Warning: Could not create server TCP listening socket .*:%d: bind: Address already in use" % first.port,
                     log), log
    assert re.search(r"# Failed listening on port %d" % first.port, log), log


def test_lines_at_start(servers, vigil):
    server = servers.start(vigil)
    stamp = r"^\d+:%s \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [#*] "
    for role, text in (("C", r".* is starting "), ("C", r".* version=.*, bits=64, .*pid=\d+, just started$"),
                       ("M", "Server initialized$"), ("M", "Ready to accept connections")):
        server.wait_log(stamp % role + text)


def test_warnings_about_the_machine_are_those_of_redis(servers, vigil, oracle):
    """Overcommitted memory, huge pages, the limit on a socket's backlog: whichever this machine gives reason for."""
    warnings = []
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"tcp-backlog": "1000000"})
        server.wait_log("Ready to accept connections")
        warnings.append(re.findall(r"# (WARNING[: ].*)", server.log_text()))
    assert warnings[0] == warnings[1]
    assert any("tcp-backlog" in warning or "TCP backlog" in warning for warning in warnings[0])


def test_logfile_pidfile_and_daemon(servers, vigil):
    server = servers.create(vigil)
    pidfile = server.directory / "server.pid"
    server.logfile = server.directory / "server.log"
    server.options.update({"daemonize": "yes", "pidfile": pidfile, "logfile": server.logfile})
    server.start_daemon(pidfile)
    assert server.info("server")["process_id"] == pidfile.read_text().strip()
    server.wait_log("Ready to accept connections")
    server.shutdown("NOSAVE")
    wait_until("the pidfile is removed", lambda: not pidfile.exists())


def test_unix_socket_and_addresses(servers, vigil):
    server = servers.create(vigil, options={"unixsocket": "test.sock", "unixsocketperm": "700", "bind": "127.0.0.1 -::1"})
    server.start()
    path = server.directory / "test.sock"
    assert path.stat().st_mode & 0o777 == 0o700
    with RawClient(0, unix=str(path)) as client:
        assert client.call("PING").value == b"PONG"
        assert b" addr=" + str(path).encode() + b":0 " in client.call("CLIENT", "INFO").value.replace(
            b"test.sock", str(path).encode()) or b"flags=U" in client.call("CLIENT", "INFO").value


def test_maxclients(servers, vigil):
    server = servers.start(vigil, options={"maxclients": "5"})
    clients = [server.raw()]
    # Who has asked whether the server is ready may not be gone yet.
    wait_until("it is alone", lambda: b"connected_clients:1\r\n" in clients[0].call("INFO", "clients").value)
    clients += [server.raw() for _ in range(4)]
    assert all(client.call("PING").value == b"PONG" for client in clients)
    with server.raw() as extra:
        assert str(extra.read()) == "-ERR max number of clients reached"
        assert extra.read_until_closed() == b""
    clients[0].close()
    wait_until("a place is free", lambda: server.call("PING") == b"PONG")
    assert int(clients[1].call("INFO", "stats").value.split(b"rejected_connections:")[1].split()[0]) >= 1


@pytest.mark.parametrize("side", ["vigil", "redis"])
def test_maxclients_holds_for_clients_that_come_all_at_once(servers, vigil, oracle, side):
    server = servers.start({"vigil": vigil, "redis": oracle}[side], options={"maxclients": "12"})
    with contextlib.ExitStack() as stack:
        server.signal(signal.SIGSTOP)
        clients = [stack.enter_context(server.raw()) for _ in range(300)]
        server.signal(signal.SIGCONT)

        def answer(client):
            try:
                return str(client.call("PING"))
            except (OSError, Closed):
                return "closed"

        answers = [answer(client) for client in clients]
        assert answers.count("+PONG") in (11, 12)  # the one that has waited for the server may still be there


def test_idle_clients_are_closed_after_timeout(servers, vigil):
    server = servers.start(vigil, options={"timeout": "1"})
    with server.raw() as client:
        client.call("PING")
        assert client.read_until_closed() == b""


@pytest.mark.parametrize("side", ["vigil", "redis"])
def test_config_rewrite_keeps_an_empty_text_that_overrides_an_include(servers, vigil, oracle, side, tmp_path):
    (tmp_path / "inc.conf").write_text("aclfile nonexistent.acl\n")
    server = servers.create({"vigil": vigil, "redis": oracle}[side], config_file=f'include {tmp_path}/inc.conf\naclfile ""\nlogfile ""\n')
    server.start()
    server.call("CONFIG", "REWRITE")
    text = server.config_path.read_text()
    assert 'aclfile ""' in text and 'logfile ""' in text


def test_config_rewrite_keeps_the_file_and_adds_the_changes(servers, vigil):
    server = servers.create(vigil, config_file="# my comment\nmaxclients 300\n\ntimeout 5\n")
    server.start()
    server.call("CONFIG", "SET", "timeout", "9")
    server.call("CONFIG", "SET", "maxmemory", "50mb")
    server.call("CONFIG", "REWRITE")
    text = server.config_path.read_text()
    assert "# my comment" in text and "maxclients 300" in text
    assert re.search(r"^timeout 9$", text, re.MULTILINE) and re.search(r"^maxmemory (50mb|52428800)$", text, re.MULTILINE)
    server.stop()
    server.start()
    assert server.call("CONFIG", "GET", "timeout") == [b"timeout", b"9"]
    assert server.call("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"52428800"]


def test_version(vigil):
    result = subprocess.run([str(vigil.path), "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0
    assert re.search(r"v=\d+\.\d+\.\d+", result.stdout)


SAVE_LINES = [  # (configuration file, included file, arguments)
    ("save 900 1\nsave 300 10\n", "", ["--save", "7", "7", "--save", "8", "8"]),
    ("save 900 1\ninclude inc.conf\nsave 300 10\nsave 60 100\n", "", []),
    ("include inc.conf\nsave 900 1\n", "", ["--save", "7", "7"]),
    ("save 900 1\ninclude inc.conf\n", "save 5 5\n", []),
    ("save 900 1\ninclude inc.conf\n", "save 5 5\nsave 6 6\n", ["--save", "7", "7", "--save", "8", "8"]),
    ("include inc.conf\ninclude no*such\n", "save 5 5\n", ["--save", ""]),
]


@pytest.mark.parametrize("config, included, arguments", SAVE_LINES)
def test_save_lines_add_up_until_an_included_file_has_ended(servers, vigil, oracle, config, included, arguments):
    found = []
    for binary in (vigil, oracle):
        server = servers.create(binary, config_file=config, arguments=arguments)
        del server.options["save"]
        (server.directory / "inc.conf").write_text(included)
        server.config_path.write_text(config.replace("inc.conf", str(server.directory / "inc.conf")))
        server.start()
        found.append(server.call("CONFIG", "GET", "save"))
    assert found[0] == found[1]
