"""The process around the server: supervisor, title, standing with the kernel, system log, and where it listens from."""

import os
import re
import resource
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness.waiting import wait_until

BOTH = pytest.mark.parametrize("side", ["vigil", "redis"])


class Notifications:
    """Stands for systemd."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(30)

    def next(self):
        return self.socket.recv(4096).decode()


@pytest.fixture
def notifications(tmp_path, monkeypatch):
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    there = Notifications(path)
    yield there
    there.socket.close()


@BOTH
@pytest.mark.parametrize("how", ["systemd", "auto"])
def test_systemd_is_told(servers, binary, notifications, how):
    server = servers.create(binary, options={"supervised": how, "save": "3600 1", "daemonize": "yes"})
    server.start()  # does not daemonize: the process that was started is the server
    told = [notifications.next() for _ in range(3)]
    assert told == ["STATUS=Redis is loading...\n", "STATUS=Ready to accept connections\n", "READY=1\n"]
    assert server.info("server")["process_supervised"] == "systemd"
    assert "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec" in server.log_text()
    if binary.is_vigil:  # Debian's redis-server says it at a lower level
        assert ("Systemd supervision detected." in server.log_text()) == (how == "auto")
    server.shutdown()
    assert [notifications.next() for _ in range(2)] == ["STOPPING=1\n", "STATUS=Saving the final RDB snapshot\n"]


@BOTH
def test_systemd_is_told_of_a_replicas_first_sync(servers, binary, notifications, monkeypatch, oracle):
    monkeypatch.delenv("NOTIFY_SOCKET")
    master = servers.start(oracle, options={"repl-diskless-sync-delay": "0"})
    monkeypatch.setenv("NOTIFY_SOCKET", str(Path(notifications.socket.getsockname())))
    servers.start(binary, options={"supervised": "systemd", "replicaof": f"127.0.0.1 {master.port}"})
    told = [notifications.next() for _ in range(4)]
    assert told[1:] == [
        "STATUS=Ready to accept connections in read-only mode. Waiting for MASTER <-> REPLICA sync\n", "READY=1\n",
        "STATUS=MASTER <-> REPLICA sync: Finished with success. Ready to accept connections in read-write mode.\n"]


@BOTH
def test_supervision_that_cannot_be(servers, binary, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("UPSTART_JOB", raising=False)
    server = servers.start(binary, options={"supervised": "systemd"})
    server.wait_log("# systemd supervision error: NOTIFY_SOCKET not found!")
    assert server.info("server")["process_supervised"] == "no"
    server = servers.start(binary, options={"supervised": "upstart"})
    server.wait_log("# upstart supervision requested, but UPSTART_JOB not found!")
    server = servers.start(binary, options={"supervised": "auto"})
    assert server.info("server")["process_supervised"] == "no"


@BOTH
def test_upstart_sees_the_process_stop(servers, binary, monkeypatch):
    monkeypatch.setenv("UPSTART_JOB", "redis")
    server = servers.create(binary, options={"supervised": "upstart"})
    server.spawn()
    status = Path(f"/proc/{server.process.pid}/stat")
    wait_until("it stops itself", lambda: status.read_text().rpartition(")")[2].split()[0] == "T")
    server.process.send_signal(18)  # SIGCONT
    server.wait_ready()
    assert server.info("server")["process_supervised"] == "upstart"
    server.wait_log(r"\* supervised by upstart, will stop to signal readiness\.")


def title(server):
    return Path(f"/proc/{server.process.pid}/cmdline").read_bytes().rstrip(b"\0").decode()


@BOTH
def test_title(servers, binary):
    server = servers.start(binary, config_file="", options={"bind": "127.0.0.1"})
    path = str(binary.path)
    assert title(server) == f"{path} 127.0.0.1:{server.port}"
    server.call("CONFIG", "SET", "proc-title-template", "{title} on {port} {tls-port} {config-file} {server-mode}{unixsocket}.")
    assert title(server) == f"{path} on {server.port} 0 {server.config_path} ."
    with server.raw() as client:
        reply = client.call("CONFIG", "SET", "proc-title-template", "{title} {nosuch}")
        assert reply.is_error and b"proc-title-template" in reply.value
    unchanged = servers.start(binary, options={"set-proc-title": "no"})
    assert "--port" in title(unchanged)


def oom_score(server):
    return int(Path(f"/proc/{server.process.pid}/oom_score_adj").read_text())


@BOTH
def test_oom_score(servers, binary, oracle):
    here = int(Path("/proc/self/oom_score_adj").read_text())
    server = servers.start(binary)
    assert oom_score(server) == here
    server.call("CONFIG", "SET", "oom-score-adj", "relative", "oom-score-adj-values", "10 20 30")
    assert server.call("CONFIG", "GET", "oom-score-adj")[1] == b"yes"
    assert oom_score(server) == here + 10
    server.call("CONFIG", "SET", "oom-score-adj", "absolute")
    assert oom_score(server) == 10
    master = servers.start(oracle)
    server.call("REPLICAOF", "127.0.0.1", master.port)
    wait_until("a replica's score", lambda: oom_score(server) == 20)
    server.call("REPLICAOF", "NO", "ONE")
    wait_until("a master's score", lambda: oom_score(server) == 10)
    server.call("CONFIG", "SET", "oom-score-adj", "no")
    assert oom_score(server) == here
    at_start = servers.start(binary, options={"oom-score-adj": "absolute", "oom-score-adj-values": "7 8 9"})
    assert oom_score(at_start) == 7


def test_processors(servers, vigil):
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        pytest.skip("one processor only")
    server = servers.start(vigil, options={"server-cpulist": str(mine[0]), "bio_cpulist": f"{mine[1]}-{mine[1]}:1",
                                           "io-threads": "2"})
    allowed = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        allowed[name] = re.search(r"Cpus_allowed_list:\s*(\S+)", (task / "status").read_text()).group(1)
    workers = {cpus for name, cpus in allowed.items() if re.match(r"vigil-(w\d|control)", name)}
    tasks = {cpus for name, cpus in allowed.items() if name.startswith("vigil-task")}
    assert workers == {str(mine[0])} and tasks == {str(mine[1])}


@pytest.fixture
def system_log():
    """What arrives at /dev/log."""
    if os.path.exists("/dev/log") or os.geteuid() != 0:
        pytest.skip("the system's log is somebody else's")
    there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    there.bind("/dev/log")
    there.settimeout(30)
    yield there
    there.close()
    os.unlink("/dev/log")


@BOTH
def test_system_log(servers, binary, system_log):
    server = servers.start(binary, options={"syslog-enabled": "yes", "syslog-ident": "my-redis", "syslog-facility": "local3"})
    lines = []
    while not lines or "Ready to accept connections" not in lines[-1]:
        lines.append(system_log.recv(4096).decode())
    pattern = r"<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d my-redis\[%d\]: (.*)" % server.process.pid
    # redis-server opens the system's log only after its first lines.
    first = next(number for number, line in enumerate(lines) if "Running mode" in line)
    found = [re.fullmatch(pattern, line) for line in lines[first:]]
    assert all(found), lines
    local3, notice = 19 << 3, 5
    assert found[-1].group(1) == str(local3 | notice)
    assert any("Server initialized" in match.group(2) for match in found)


@BOTH
def test_too_few_open_files(servers, binary, monkeypatch):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    server = servers.create(binary, options={"maxclients": "5000"})
    command = server.command_line()
    shell = ["/bin/sh", "-c", "ulimit -n 256; exec setpriv --inh-caps=-all --bounding-set=-all \"$@\"", "sh"]
    if shutil.which("setpriv") is None or hard < 256:
        pytest.skip("no setpriv")
    monkeypatch.setattr(server, "command_line", lambda: shell + command)
    server.start()
    wanted = 5000 + 32
    server.wait_log(rf"# You requested maxclients of 5000 requiring at least {wanted} max file descriptors\.")
    server.wait_log(rf"# Server can't set maximum open files to {wanted} because of OS error: Operation not permitted\.")
    server.wait_log(r"# Current maximum open files is 256\. maxclients has been reduced to 224 to compensate for low ulimit\. "
                    r"If you need higher maxclients increase 'ulimit -n'\.")
    assert server.call("CONFIG", "GET", "maxclients")[1] == b"224"
    with server.raw() as client:
        reply = client.call("CONFIG", "SET", "maxclients", "3000")
        assert reply.value == (b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not "
                               b"able to handle the specified number of clients, try with 224")
        assert client.call("CONFIG", "GET", "maxclients").plain()[1] == b"224"
        assert client.call("CONFIG", "SET", "maxclients", "100").value == b"OK"


@BOTH
def test_a_replica_connects_from_the_address_that_it_is_told(servers, binary, oracle):
    master = servers.start(oracle, options={"bind": "127.0.0.1", "protected-mode": "no"})
    servers.start(binary, options={"bind-source-addr": "127.0.0.9", "replicaof": f"127.0.0.1 {master.port}"})
    wait_until("the replica connects", lambda: b" addr=127.0.0.9:" in master.call("CLIENT", "LIST"))


def test_sockets_are_marked(servers, vigil):
    if os.geteuid() != 0 or shutil.which("ss") is None:
        pytest.skip("needs root and ss")
    server = servers.start(vigil, options={"socket-mark-id": "77"})

    def listening():
        return subprocess.run(["ss", "-Htlne", f"sport = :{server.port}"], capture_output=True, text=True, check=True).stdout

    text = wait_until("ss shows it", listening)
    assert "fwmark:0x4d" in text, text


def test_locale(servers, vigil):
    server = servers.start(vigil)
    with server.raw() as client:
        assert client.call("CONFIG", "SET", "locale-collate", "C").value == b"OK"
        reply = client.call("CONFIG", "SET", "locale-collate", "no_SUCH")
        assert reply.value == (b"ERR CONFIG SET failed (possibly related to argument 'locale-collate') - Invalid locale name")
    bad = servers.create(vigil, options={"locale-collate": "no_SUCH"})
    bad.spawn()
    assert bad.wait_exit() == 1
    assert "# Failed to configure LOCALE for invalid locale name." in bad.log_text()


@BOTH
def test_renamed_commands_survive_a_rewrite(servers, binary):
    server = servers.create(binary, config_file='# mine\nrename-command GET fetch\nrename-command FLUSHALL ""\n')
    server.start()
    server.call("CONFIG", "SET", "timeout", "77")
    server.call("CONFIG", "REWRITE")
    text = server.config_path.read_text()
    assert text.startswith('# mine\nrename-command GET fetch\nrename-command FLUSHALL ""\n') and "\ntimeout 77\n" in text
