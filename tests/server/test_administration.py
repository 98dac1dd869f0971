"""CLIENT, CONFIG, INFO, COMMAND, SHUTDOWN and DEBUG against redis-server 7.0, and what only a running server shows."""

import re
import signal
import subprocess

import pytest

from harness.resp import RawClient
from harness.server import ROOT
from harness.waiting import wait_until

SAME = """CLIENT KILL TYPE foo|CLIENT KILL ID 0|CLIENT KILL ID x|CLIENT KILL ID|CLIENT KILL a b c|CLIENT KILL USER foo
CLIENT KILL SKIPME foo|CLIENT KILL 1.1.1.1:1|CLIENT KILL ADDR 1:1 LADDR|CLIENT PAUSE x|CLIENT PAUSE -1|CLIENT PAUSE 1 foo
CLIENT PAUSE 1 WRITE x|CLIENT UNBLOCK x|CLIENT UNBLOCK 1 x|CLIENT UNBLOCK -3|CLIENT UNBLOCK 1 x y|CLIENT LIST TYPE foo
CLIENT LIST ID x|CLIENT LIST ID 0|CLIENT LIST ID -1|CLIENT LIST ID|CLIENT LIST TYPE|CLIENT LIST TYPE normal x
CLIENT LIST FOO bar|CLIENT LIST ID 999|CLIENT REPLY x|CLIENT NO-EVICT x|CLIENT NO-EVICT on|CLIENT GETNAME|CLIENT SETNAME a
CLIENT GETNAME|CLIENT GETREDIR|CLIENT TRACKINGINFO|CLIENT LIST TYPE master|CLIENT|CLIENT FOO|CONFIG GET|CONFIG SET a
CONFIG SET port|CONFIG SET foo bar|CONFIG SET hz 5 timeout|CONFIG REWRITE|CONFIG SET port 99999|CONFIG SET hz 10 hz 11
CONFIG RESETSTAT x|CONFIG GET foo|CONFIG GET hz|CONFIG SET hz 20|CONFIG FOO|CONFIG RESETSTAT
SHUTDOWN foo|SHUTDOWN ABORT|SHUTDOWN SAVE NOSAVE|SHUTDOWN ABORT NOW|DEBUG|DEBUG SLEEP|DEBUG FOO|DEBUG SLEEP 0|CONFIG HELP
DEBUG SET-ACTIVE-EXPIRE 1|TIME x|COMMAND FOO|COMMAND COUNT x|COMMAND LIST x|COMMAND GETKEYS|COMMAND GETKEYS x y|COMMAND HELP
COMMAND GETKEYS SET a b|COMMAND GETKEYSANDFLAGS GET a|INFO foo|INFO cluster|CONFIG SET repl-backlog-size 1|CONFIG GET repl-backlog-size|MODULE|MODULE FOO|MODULE HELP|MODULE LIST|MODULE LIST x|MODULE LOAD|CONFIG SET dir /tmp"""


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_are_those_of_redis(servers, vigil, oracle, protocol):
    answers = []
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"enable-debug-command": "yes"})
        with server.raw() as client:
            client.call("HELLO", str(protocol))
            answers.append([(line, str(client.call(*line.split()))) for line in SAME.replace("\n", "|").split("|")])
    for ours, theirs in zip(*answers):
        assert ours == theirs


def test_options_that_are_set_to_nothing(servers, vigil, oracle):
    answers = [[str(server.raw().call("CONFIG", "SET", option, "")) for option in ("client-output-buffer-limit", "shutdown-on-sigterm")]
               for server in map(servers.start, (vigil, oracle))]
    assert answers[0] == answers[1]


def fields(text):
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def test_info_counts_commands_and_errors(servers, vigil):
    server = servers.start(vigil)
    with server.raw() as client:
        for _ in range(10):
            client.call("SET", "k", "v")
        client.call("LPUSH", "k", "x")
        client.call("SET", "k")
        client.call("NOSUCHCOMMAND")
        client.call("MULTI")
        client.call("GET", "k")
        client.call("EXEC")
        info = fields(client.call("INFO", "everything").value.decode())
        assert re.fullmatch(r"calls=10,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0", info["cmdstat_set"])
        assert info["cmdstat_lpush"].endswith("rejected_calls=0,failed_calls=1")
        assert info["cmdstat_get"].startswith("calls=1,")
        assert info["cmdstat_exec"].startswith("calls=1,")
        assert info["errorstat_WRONGTYPE"] == "count=1"
        assert info["errorstat_ERR"] == "count=2"
        assert info["total_error_replies"] == "3"
        client.call("CONFIG", "RESETSTAT")
        info = fields(client.call("INFO", "everything").value.decode())
        assert "cmdstat_set" not in info and "errorstat_ERR" not in info
        assert info["total_error_replies"] == "0"


def test_a_pause_holds_back_writes_and_ends(servers, vigil):
    server = servers.start(vigil, options={"io-threads": "2"})
    with server.raw() as pauser, server.raw() as writer:
        assert pauser.call("CLIENT", "PAUSE", "60000", "WRITE").value == b"OK"
        assert writer.call("GET", "k").value is None
        writer.send("SET", "k", "v")
        assert pauser.call("GET", "k").value is None
        assert pauser.call("CLIENT", "UNPAUSE").value == b"OK"
        assert writer.read().value == b"OK"
        assert pauser.call("CLIENT", "PAUSE", "100").value == b"OK"
        writer.send("SET", "k", "w")
        assert writer.read(timeout=10).value == b"OK"


def test_the_port_and_the_addresses_can_be_moved(servers, vigil):
    server = servers.start(vigil, options={"bind": "127.0.0.1"})
    with server.raw() as client:
        assert client.call("CONFIG", "SET", "bind", "127.0.0.1 -::1").value == b"OK"
        old = server.port
        taken = servers.start(vigil)
        assert b"Unable to listen on this port" in client.call("CONFIG", "SET", "port", str(taken.port)).value
        with RawClient(old) as again:
            assert again.call("PING").value == b"PONG"
        assert client.call("CONFIG", "SET", "port", "0").value == b"OK"
        with pytest.raises(OSError):
            RawClient(old)
        assert client.call("CONFIG", "SET", "port", str(old)).value == b"OK"
        with RawClient(old) as again:
            assert again.call("PING").value == b"PONG"


def test_renamed_commands(servers, vigil):
    server = servers.start(vigil, config_file='rename-command GET fetch\nrename-command FLUSHALL ""\n')
    with server.raw() as client:
        assert client.call("FETCH", "k").value is None
        assert client.call("GET", "k").is_error
        assert client.call("FLUSHALL").is_error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_server(servers, vigil, number):
    server = servers.start(vigil)
    server.signal(number)
    assert server.wait_exit() == 0
    log = server.log_text()
    assert f"Received {number.name} scheduling shutdown..." in log
    assert "User requested shutdown..." in log
    assert "Redis is now ready to exit, bye bye..." in log


def test_debug_sleep_stops_all_workers(servers, vigil):
    server = servers.start(vigil, options={"enable-debug-command": "local", "io-threads": "2"})
    with server.raw() as sleeper, server.raw() as other:
        other.call("SET", "k", "v")
        sleeper.send("DEBUG", "SLEEP", "0.5")
        sleeper.read(timeout=10)
        assert other.call("GET", "k").value == b"v"
    guarded = servers.start(vigil)
    with guarded.raw() as client:
        assert client.call("DEBUG", "SLEEP", "0").value.startswith(b"ERR DEBUG command not allowed")


def test_the_page_of_options_is_up_to_date(vigil):
    page = subprocess.run([str(vigil.path), "--options-page"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert (ROOT / "docs" / "OPTIONS.md").read_text() == page, "run: vigil-server --options-page > docs/OPTIONS.md"


def test_idle_clients_rates_and_peak(servers, vigil):
    server = servers.start(vigil)
    for _ in range(2000):
        server.call("PING")
    wait_until("the rate shows", lambda: int(server.info("stats")["instantaneous_ops_per_sec"]) > 0)
    memory = server.info("memory")
    assert int(memory["used_memory_peak"]) >= int(memory["used_memory"])
    assert int(memory["used_memory_rss"]) > 0


@pytest.mark.parametrize("side", ["vigil", "oracle"])
def test_what_counts_as_a_change(side, request, servers):
    server = servers.start(request.getfixturevalue(side))

    def changes(*commands):
        server.call("SAVE")
        for command in commands:
            server.call(*command.split())
        return int(server.info("persistence")["rdb_changes_since_last_save"])

    assert changes(*[f"SET e{number} v PX 1" for number in range(10)]) == 10
    wait_until("all have expired", lambda: int(server.info("stats")["expired_keys"]) == 10)
    assert int(server.info("persistence")["rdb_changes_since_last_save"]) == 10, "expiry is no change"
    assert changes("SET k v", "MOVE k 1") == 2
    assert changes("SET k v", "RENAME k l") == 2
    assert changes("BITFIELD b SET u8 0 0 SET u8 8 0") == 2, "it grows"
    assert changes("BITFIELD b SET u8 0 1 GET u8 8 INCRBY u8 8 2") == 2
    assert changes("BITFIELD b SET u8 0 1 INCRBY u8 8 2") == 1


def test_a_working_directory_that_has_gone(servers, vigil, oracle):
    for binary in (vigil, oracle):
        server = servers.start(binary, options={"enable-protected-configs": "yes"})
        gone = server.directory / "gone"
        gone.mkdir()
        assert server.call("CONFIG", "SET", "dir", str(gone)) == b"OK"
        gone.rmdir()
        assert server.call("CONFIG", "GET", "dir") == [b"dir", b""]
        assert server.call("CONFIG", "SET", "dir", str(server.directory)) == b"OK"
        assert server.call("CONFIG", "GET", "dir") == [b"dir", str(server.directory).encode()]
