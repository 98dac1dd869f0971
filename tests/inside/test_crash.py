"""What a crash, and a worker that hangs, leave in the log."""

import re
import signal
from pathlib import Path

import pytest

from harness.waiting import wait_until


def end_of(server):
    """The status of a server whose end by a signal is no failure."""
    status = server.wait_exit()
    server.process = None
    return status


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_crash_is_reported(servers, vigil, number):
    if vigil.is_sanitized:
        pytest.skip("the sanitizers report by themselves")
    server = servers.start(vigil)
    server.call("CLIENT", "SETNAME", "x")
    with server.raw() as client:
        client.call("CLIENT", "SETNAME", "somebody")
        server.signal(number)
        assert end_of(server) == -number
    log = server.log_text()
    parts = ["=== REDIS BUG REPORT START: Cut & paste starting from here ===", f"crashed by signal: {int(number)}, si_code: 0",
             "Killed by PID: ", "Crashed running the instruction at: 0x", "------ STACK TRACE ------", "EIP:", "Backtrace:",
             "------ REGISTERS ------", "------ INFO OUTPUT ------", "# Server", "redis_version:", "# Keyspace",
             "------ CLIENT LIST OUTPUT ------", "name=somebody",
             "=== REDIS BUG REPORT END. Make sure to include from START to END. ==="]
    places = [log.find(part) for part in parts]
    assert -1 not in places, f"{parts[places.index(-1)]!r} is missing from\n{log}"
    assert places == sorted(places)
    trace = log[places[6]:places[7]]
    assert len(re.findall(r"\[0x[0-9a-f]+\]", trace)) >= 3, trace


def test_the_report_names_the_command(servers, vigil):
    if vigil.is_sanitized:
        pytest.skip("the sanitizers report by themselves")
    server = servers.start(vigil, options={"enable-debug-command": "yes"})
    with server.raw() as client:
        client.call("SELECT", 3)
        client.send("DEBUG", "SEGFAULT")
        assert end_of(server) == -signal.SIGSEGV
    found = re.search(r"-- CURRENT CLIENT INFO ------\nid=\d+ addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ db=3\nargc: '2'\n"
                      r"argv\[0\]: 'DEBUG'\nargv\[1\]: 'SEGFAULT'\n\n------ INFO", server.log_text())
    assert found, server.log_text()


def test_crash_log_can_be_turned_off(servers, vigil):
    if vigil.is_sanitized:
        pytest.skip("the sanitizers report by themselves")
    server = servers.start(vigil, options={"crash-log-enabled": "no"})
    server.signal(signal.SIGSEGV)
    assert end_of(server) == -signal.SIGSEGV
    assert "BUG REPORT" not in server.log_text()
    server = servers.start(vigil)
    server.call("CONFIG", "SET", "crash-log-enabled", "no")
    server.signal(signal.SIGSEGV)
    assert end_of(server) == -signal.SIGSEGV
    assert "BUG REPORT" not in server.log_text()


def test_the_report_goes_to_the_log_file(servers, vigil):
    if vigil.is_sanitized:
        pytest.skip("the sanitizers report by themselves")
    server = servers.create(vigil)
    server.logfile = server.directory / "server.log"
    server.options["logfile"] = server.logfile
    server.start()
    server.signal(signal.SIGSEGV)
    assert end_of(server) == -signal.SIGSEGV
    assert "BUG REPORT END" in server.log_text()


@pytest.mark.parametrize("side", ["vigil", "redis"])
def test_an_alarm_from_outside_means_nothing_without_a_watchdog(servers, request, side):
    server = servers.start(request.getfixturevalue("vigil" if side == "vigil" else "oracle"))
    ignored = int(re.search(r"^SigIgn:\s*(\w+)$", Path(f"/proc/{server.process.pid}/status").read_text(), re.MULTILINE)[1], 16)
    assert ignored >> (signal.SIGALRM - 1) & 1
    server.signal(signal.SIGALRM)
    assert server.call("PING") == b"PONG"
    assert "WATCHDOG" not in server.log_text()


def test_the_watchdog_shows_where_a_worker_hangs(servers, vigil):
    server = servers.start(vigil, options={"enable-debug-command": "yes", "io-threads": "2"})
    server.call("DEBUG", "SLEEP", "0.3")
    assert "WATCHDOG" not in server.log_text()
    assert server.call("CONFIG", "GET", "watchdog-period") == [b"watchdog-period", b"0"]
    assert server.call("CONFIG", "GET", "watchdog*") == []
    server.call("CONFIG", "SET", "watchdog-period", "100")
    with server.raw() as sleeper:
        sleeper.send("DEBUG", "SLEEP", "1")
        found = server.wait_log(r"signal-handler \(\d+\) \n--- WATCHDOG TIMER EXPIRED ---\n(?:.*\n)*?--------$")
        assert len(re.findall(r"\[0x[0-9a-f]+\]", found.group(0))) >= 3, found.group(0)
        assert sleeper.read(timeout=30).value == b"OK"
    server.call("CONFIG", "SET", "watchdog-period", "0")
    mark = server.log_mark()
    server.call("DEBUG", "SLEEP", "0.5")
    assert "WATCHDOG" not in server.log_text()[mark:]
    wait_until("it goes on", lambda: server.call("PING") == b"PONG")
