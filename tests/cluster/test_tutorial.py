"""The cluster tutorial, step by step, with Debian's redis.conf on six ports; and slots given unevenly, a master and its only
replica dying, and the master's return."""

import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from harness.cluster import HandMadeCluster, my_id, nodes, redis_cli, role_of, state
from harness.server import Binary
from harness.stock import stock_config
from harness.waiting import PATIENCE, wait_until


class Tutor:
    """One of the six directories: redis.conf, edited as the tutorial says, and redis-server started in it."""

    def __init__(self, servers, number):
        self.server = servers.create(Binary("vigil", servers.redis_server), f"redis600{number}", config_file="")
        port, folder = self.server.port, self.server.directory
        self.server.logfile = folder / "server.log"
        self.pidfile = folder / "server.pid"
        text = re.sub(r"(?m)^bind .*$", "", stock_config("redis.conf"))
        for name, value in {"protected-mode": "no", "port": port, "daemonize": "yes", "appendonly": "yes", "dir": folder,
                            "logfile": self.server.logfile, "pidfile": self.pidfile}.items():
            text, count = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", text)
            assert count == 1, name
        for name, value in {"cluster-enabled": "yes", "cluster-config-file": f"nodes-{port}.conf", "cluster-node-timeout": "15000"}.items():
            text, count = re.subn(rf"(?m)^# {name} .*$", f"{name} {value}", text, count=1)
            assert count == 1, name
        self.server.config_path.write_text(text)
        self.server.command_line = lambda: [str(servers.redis_server), "redis.conf"]
        self.server.start_daemon(self.pidfile)


class Terminal:
    """A program on a terminal of its own: what is typed, and what is seen."""

    def __init__(self, *command):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "dumb"},
                                        start_new_session=True)
        os.close(slave)
        self.seen = ""

    def wait(self, pattern):
        """What was shown up to the pattern and with it."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} is not shown: {self.seen!r}"
            self.seen += os.read(self.master, 65536).decode().replace("\r", "")
        shown, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return shown

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.master)


def test_tutorial(servers, vigil):
    servers.redis_server = vigil.path.parent / "redis-server"
    tutors = [Tutor(servers, number) for number in range(1, 7)]
    ports = [tutor.server.port for tutor in tutors]
    shown = subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout
    for port in ports:
        assert re.search(rf"redis-server \*:{port} \[cluster\]", shown)

    create = Terminal("redis-cli", "--cluster", "create", *(f"127.0.0.1:{port}" for port in ports), "--cluster-replicas", "1")
    proposal = create.wait(r"type 'yes' to accept\): ")
    for number, master in enumerate(ports[:3]):
        assert re.search(rf"M: [0-9a-f]{{40}} 127\.0\.0\.1:{master}\n", proposal), number
    for replica in ports[3:]:
        assert re.search(rf"S: [0-9a-f]{{40}} 127\.0\.0\.1:{replica}\n", proposal)
    create.type("yes")
    create.wait(r"\[OK\] All 16384 slots covered\.")
    create.close()

    names = {port: f"600{number}" for number, port in enumerate(ports, 1)}

    def slots():
        listed = tutors[0].server.call("CLUSTER", "SLOTS")
        assert all(re.fullmatch(rb"[0-9a-f]{40}", node[2]) and node[0] == b"127.0.0.1" for row in listed for node in row[2:])
        return [(row[0], row[1], names[row[2][1]], len(row[2:])) for row in listed]

    wait_until("cluster slots shows all", lambda: slots() == [(0, 5460, "6001", 2), (5461, 10922, "6002", 2), (10923, 16383, "6003", 2)])
    wait_until("the cluster is up", lambda: all(state(tutor.server) == "ok" for tutor in tutors))

    def typed(terminal, prompt, line):
        terminal.type(line)
        return terminal.wait(rf"127\.0\.0\.1:{prompt}> $").split("\n", 1)[1]

    first, second = ports[:2]
    one = Terminal("redis-cli", "-p", str(first), "-c")
    one.wait(rf"127\.0\.0\.1:{first}> $")
    assert typed(one, first, "set num 1").startswith("OK\n")
    assert typed(one, first, "keys *").startswith('1) "num"\n')
    two = Terminal("redis-cli", "-p", str(second), "-c")
    two.wait(rf"127\.0\.0\.1:{second}> $")
    assert re.match(r"\(empty ", typed(two, second, "keys *"))
    assert typed(two, first, "get num").startswith(f'-> Redirected to slot [2765] located at 127.0.0.1:{first}\n"1"\n')
    assert typed(one, second, "set key1 11111").startswith(f"-> Redirected to slot [9189] located at 127.0.0.1:{second}\nOK\n")
    one.close()
    two.close()


@pytest.fixture
def uneven(servers, vigil):
    """A 0-2000, B 2001-7000, C 7001-16383, and a replica each: A1, B1, C1."""
    return HandMadeCluster(servers, {"A": (vigil, (0, 2000)), "B": (vigil, (2001, 7000)), "C": (vigil, (7001, 16383)),
                                     "A1": (vigil, "A"), "B1": (vigil, "B"), "C1": (vigil, "C")})


def test_uneven_slots_survive_one_death_and_heal_after_two(uneven):
    b, b1 = uneven.named["B"], uneven.named["B1"]
    assert "[OK] All 16384 slots covered." in redis_cli("--cluster", "check", f"127.0.0.1:{uneven.nodes[0].port}")
    with b.raw() as client:
        for i in range(50):
            assert not client.call("SET", f"{{bar}}{i}", i).is_error  # slot 5061
    wait_until("B1 has all", lambda: b1.call("DBSIZE") == 50)

    b.kill()
    wait_until("B1 takes over", lambda: role_of(b1) == "master")
    uneven.wait_ok()
    assert nodes(b1)[my_id(b1)]["slots"] == ["2001-7000"]
    assert b1.call("GET", "{bar}7") == b"7"
    b1.signal(signal.SIGKILL)
    b1.process.wait()
    uneven.wait_fail()
    for node in uneven.running():
        with node.raw() as client:
            assert client.call("SET", "num", 1).value.startswith((b"CLUSTERDOWN", b"MOVED")), node

    b1.start()  # without a disk it comes back empty, but it serves
    uneven.wait_ok()
    b.start()
    b.wait_info("replication", role="slave", master_link_status="up")
    assert "[OK] All 16384 slots covered." in redis_cli("--cluster", "check", f"127.0.0.1:{uneven.nodes[0].port}")
