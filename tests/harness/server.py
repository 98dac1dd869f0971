"""Servers as child processes, each with a port and a directory of its own, whose log is kept."""

import ctypes
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from harness.ports import Port
from harness.resp import RawClient
from harness.waiting import PATIENCE, wait_until

CRASH = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed")
CRASH_STATUS = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL)
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Binary:
    """A server program. side: "vigil" for the one under test, "redis" for the oracle."""

    side: str
    path: Path

    def require(self):
        if not os.access(self.path, os.X_OK):
            pytest.skip(f"{self.path} does not exist yet")
        return self

    @property
    def is_vigil(self):
        return self.path.resolve().name == "vigil-server"

    @property
    def is_sanitized(self):
        return "asan" in self.path.parts or "tsan" in self.path.parts


def vigil_binary():
    directory = ROOT / os.environ.get("VIGIL_BIN", "build/release/bin")
    own = directory / "vigil-server"
    # VIGIL_BIN=/usr/bin puts redis-server on both sides, to test the tests.
    return Binary("vigil", own if own.exists() or not (directory / "redis-server").exists() else directory / "redis-server")


def oracle_binary():
    return Binary("redis", Path(os.environ.get("VIGIL_ORACLE", "/usr/bin/redis-server")))


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no server outlives a killed test run


class Daemon:
    """A process that is not our child, known by its pid; has the part of Popen's interface that Server uses."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            state = "Z"
        if state == "Z":
            self.returncode = 0  # not known; a daemon's parent is init
        return self.returncode

    def wait(self, timeout=PATIENCE):
        wait_until(f"process {self.pid} ends", lambda: self.poll() is not None, timeout)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Ended(AssertionError):
    """The server ended before it was ready."""


class Server:
    """One server. It may be stopped and started again: port, directory and log stay the same."""

    def __init__(self, binary, directory, *, options=None, config_file=None, arguments=(), port=None, tls=None):
        """options: configuration given on the command line, as a dict (a list as value gives the option several times).
        config_file: the text of a configuration file, given as the first argument.
        tls: an ssl.SSLContext; the server then listens for TLS alone, and we speak to it with that context."""
        self.meant_to_abort = False  # a test that makes it end by a signal says so
        self.binary = binary
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._port = None if port else Port()
        self.port = port or self._port.number
        self.tls = tls
        self.credentials = ()  # what we AUTH with
        self.options = {"save": "", **(options or {})}
        self.config_path = None
        if config_file is not None:
            self.config_path = self.directory / "redis.conf"
            self.config_path.write_text(config_file)
        self.arguments = list(arguments)
        self.log_path = self.directory / "stdout.log"
        self.logfile = None  # where the log is if the configuration sends it to a file
        self.process = None
        self._clients = []

    def command_line(self):
        line = [str(self.binary.path)]
        if self.config_path:
            line.append(str(self.config_path))
        line += ["--port", "0", "--tls-port", str(self.port)] if self.tls else ["--port", str(self.port)]
        line += ["--dir", str(self.directory)]
        if self.binary.is_vigil and "VIGIL_REACTOR" in os.environ:
            line += ["--reactor", os.environ["VIGIL_REACTOR"]]
        for name, values in self.options.items():
            for value in values if isinstance(values, list) else [values]:
                line += [f"--{name}", str(value)]
        return line + self.arguments

    # --- life

    def spawn(self):
        assert self.process is None or self.process.poll() is not None, "the server is running"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command_line(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.directory, preexec_fn=_die_with_parent)
        return self

    def start(self):
        self.spawn()
        self.wait_ready()
        return self

    def start_daemon(self, pidfile):
        """For a configuration with `daemonize yes`: the launching process ends with 0, the server is who wrote pidfile."""
        self.spawn()
        status = self.process.wait(PATIENCE)
        if status != 0:
            raise Ended(f"{self} ended with status {status}:\n{self.log_tail()}")
        self.process = Daemon(int(wait_until(f"{self} writes {pidfile}", lambda: Path(pidfile).read_text().strip())))
        self.wait_ready()
        return self

    def wait_ready(self, timeout=PATIENCE):
        def answers():
            if self.process.poll() is not None:
                return True
            with self.raw(timeout=5) as client:
                reply = client.call("PING")
                client.end()  # a test that counts clients does not find this one
                return not reply.value.startswith(b"LOADING")

        wait_until(f"{self} answers", answers, timeout)
        if self.process.poll() is not None:
            raise Ended(f"{self} ended with status {self.process.returncode}:\n{self.log_tail()}")

    def wait_exit(self, timeout=PATIENCE):
        wait_until(f"{self} ends", lambda: self.process.poll() is not None, timeout)
        return self.process.returncode

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._drop_clients()

    def signal(self, number):
        self.process.send_signal(number)

    def hang(self):
        """SIGSTOP: all of its threads stand still when this returns."""
        self.signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        wait_until(f"{self} stands still", lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir()))

    def shutdown(self, *words):
        """SHUTDOWN with these words, and the exit status."""
        with self.raw() as client:
            client.send("SHUTDOWN", *words)
            status = self.wait_exit()
        self._drop_clients()
        return status

    def stop(self):
        """Ends the process, gently first."""
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(20)
            except (subprocess.TimeoutExpired, AssertionError):
                self.process.kill()
                self.process.wait()
        self._drop_clients()

    def close(self):
        """Ends the process for good. Quickly; under a sanitizer gently, so that leaks are reported."""
        if self.is_running():
            self.process.send_signal(signal.SIGCONT)
            if self.binary.is_sanitized:
                self.stop()
            else:
                self.process.kill()
                self.process.wait()
        self._drop_clients()
        if self._port:
            self._port.release()

    def crash(self):
        """What a crash or a sanitizer has left in the log, or None."""
        match = CRASH.search(self.log_text())
        if self.process is not None and self.process.poll() in CRASH_STATUS and not self.meant_to_abort:
            return f"{self} ended by signal {-self.process.returncode}; its log:\n{self.log_tail(60)}"
        return f"{self}:\n{self.log_text()[match.start():][:6000]}" if match else None

    def _drop_clients(self):
        for client in self._clients:
            client.connection_pool.disconnect()

    # --- talking to it

    def raw(self, **options):
        client = RawClient(self.port, **{"tls": self.tls, **options})
        if self.credentials:
            assert not client.call("AUTH", *self.credentials).is_error
        return client

    def redis(self, **options):
        client = redis.Redis("127.0.0.1", self.port, socket_timeout=PATIENCE, **options)
        self._clients.append(client)
        return client

    def call(self, *words):
        """One command over a connection of its own; the reply as plain Python values."""
        with self.raw() as client:
            reply = client.call(*words)
        assert not reply.is_error, f"{self}: {words}: {reply}"
        return reply.plain()

    def info(self, section=None):
        with self.raw() as client:
            reply = client.call("INFO", *([section] if section else []))
        fields = (line.split(":", 1) for line in reply.value.decode().split("\r\n") if line and not line.startswith("#"))
        return dict(fields)

    def wait_info(self, section, **expected):
        def matches():
            fields = self.info(section)
            return all(fields.get(name) == str(value) for name, value in expected.items())

        wait_until(f"{self}: INFO {section} says {expected}", matches)

    # --- its log

    def log_text(self):
        path = self.logfile or self.log_path
        return path.read_text(errors="replace") if path.exists() else ""

    def log_tail(self, lines=25):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_mark(self):
        """A place in the log, to look only at what comes after it."""
        return len(self.log_text())

    def wait_log(self, pattern, since=0):
        """Waits for a line that matches the regular expression, and returns the match."""
        try:
            return wait_until(f"{self} logs {pattern!r}",
                              lambda: re.search(pattern, self.log_text()[since:], re.MULTILINE), interval=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log's end:\n{self.log_tail()}") from None

    def __str__(self):
        return f"{self.binary.path.name}:{self.port}"
