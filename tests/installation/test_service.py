"""Installation as an operator does it: `cmake --install`, install_server's questions, the init script, the replication
tutorial over three such services, and their removal. Everything that a service writes outside of its own folders goes
into a mount namespace of the test's own, so that the machine stays as it was."""

import os
import re
import shutil
import subprocess

import pytest

from harness.ports import Port
from harness.server import ROOT
from harness.waiting import wait_until

# Where init scripts, their links and pid files stand.
PRIVATE = ["/etc/init.d", "/etc/systemd/system", "/var/run", *(f"/etc/rc{level}.d" for level in "0123456S")]


class Host:
    """A shell in a mount namespace with folders of its own where services are installed."""

    def __init__(self):
        mounts = "".join(f"[ ! -d {path} ] || mount -t tmpfs none {path}; " for path in PRIVATE)
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", f"{mounts} echo ready; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            pytest.skip("needs the right to make a mount namespace")

    def run(self, *command, stdin="", check=True, **environment):
        done = subprocess.run(["nsenter", "--target", str(self.holder.pid), "--mount", *map(str, command)], input=stdin,
                              capture_output=True, text=True, check=False, timeout=120, env=os.environ | environment)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(10)


@pytest.fixture(name="machine")
def machine_fixture():
    if os.geteuid() != 0:
        pytest.skip("services are installed by root")
    host = Host()
    yield host
    host.close()


@pytest.fixture(name="prefix")
def prefix_fixture(vigil, tmp_path):
    if not vigil.is_vigil:
        pytest.skip("installs Vigil")
    build = vigil.path.parent.parent
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "redis"], check=True, capture_output=True)
    return tmp_path / "redis"


class Service:
    def __init__(self, machine, prefix, directory):
        self.machine, self.prefix = machine, prefix
        self.port = Port()
        self.number = self.port.number
        self.script = f"/etc/init.d/redis_{self.number}"
        self.config = directory / f"{self.number}.conf"
        self.log = directory / f"redis_{self.number}.log"
        self.data = directory / str(self.number)

    def install(self):
        answers = [self.number, self.config, self.log, self.data, self.prefix / "bin/redis-server", ""]
        return self.machine.run(self.prefix / "share/vigil/install_server", "--init", "sysv",
                                stdin="".join(f"{answer}\n" for answer in answers)).stdout

    def call(self, word, check=True):
        return self.machine.run(self.script, word, check=check)

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.number), *words], capture_output=True, text=True,
                              check=True).stdout.replace("\r", "").rstrip("\n")

    def edit(self, **changes):
        text = self.config.read_text()
        for name, value in changes.items():
            text, count = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", text)
            if not count:
                text += f"{name} {value}\n"
        self.config.write_text(text)

    def close(self):
        self.machine.run("sh", "-c", f"[ ! -x {self.script} ] || {self.script} stop", check=False)
        self.port.release()


@pytest.fixture(name="services")
def services_fixture(machine, prefix, tmp_path):
    made = [Service(machine, prefix, tmp_path) for _ in range(3)]
    yield made
    for service in made:
        service.close()


def answers(service):
    wait_until("the service answers", lambda: service.cli("ping") == "PONG")


def test_installed_files(prefix):
    for name in ("redis-server", "vigil-sentinel", "redis-sentinel"):
        assert (prefix / "bin" / name).resolve() == (prefix / "bin/vigil-server").resolve()
    for name in ("vigil-server.service", "vigil-server@.service", "vigil-sentinel.service"):
        unit = (prefix / "lib/systemd/system" / name).read_text()
        assert f"ExecStart={prefix}/bin/vigil-server " in unit and "@" not in unit.replace("vigil-server@", "").replace(
            "@system-service", ""), unit
    if shutil.which("systemd-analyze"):
        checked = subprocess.run(["systemd-analyze", "verify", prefix / "lib/systemd/system/vigil-server.service"],
                                 capture_output=True, text=True, check=False)
        assert "vigil-server.service:" not in checked.stderr, checked.stderr


def test_tutorial_with_services(services):
    master, *replicas = services
    for service in services:
        output = service.install()
        assert "Welcome to the redis service installer" in output and "Installation successful!" in output
        answers(service)
        assert re.fullmatch(r"Redis is running \(\d+\)\n", service.call("status").stdout)
    for service in services:
        service.edit(bind="0.0.0.0", daemonize="yes", appendonly="yes")
        service.edit(**{"protected-mode": "no", "repl-diskless-sync": "no"})
    for replica in replicas:
        replica.edit(replicaof=f"127.0.0.1 {master.number}")
    for service in services:
        lines = service.call("restart").stdout.splitlines()
        assert lines[0] == "Stopping ..." and lines[-2:] == ["Redis stopped", "Starting Redis server..."], lines
    wait_until("both replicas are online", lambda: master.cli("info", "replication").count("state=online") == 2)
    log = master.log.read_text()
    for replica in replicas:
        for text in ("Replica {} asks for synchronization", "Full resync requested by replica {}",
                     "Synchronization with replica {} succeeded"):
            wait_until(text, lambda text=text, replica=replica: text.format(f"127.0.0.1:{replica.number}") in
                       master.log.read_text())
    assert "Starting BGSAVE for SYNC with target: disk" in log
    assert master.cli("set", "key", "value") == "OK"
    for replica in replicas:
        wait_until("the key arrives", lambda replica=replica: replica.cli("get", "key") == "value")
        assert replica.cli("set", "key", "other").startswith("READONLY")

    # A replica that goes down and comes back.
    assert replicas[0].call("stop").stdout.splitlines()[-1] == "Redis stopped"
    status = replicas[0].call("status", check=False)
    assert (status.returncode, status.stdout) == (3, "Redis is not running\n")
    assert master.cli("set", "while", "away") == "OK"
    assert replicas[0].call("start").stdout == "Starting Redis server...\n"
    wait_until("the key arrives", lambda: replicas[0].cli("get", "while") == "away")


def test_init_script_and_removal(services, machine):
    service = services[0]
    service.install()
    answers(service)
    assert "already running" in service.call("start").stdout
    assert service.call("bogus", check=False).returncode == 2
    assert service.cli("set", "k", "v") == "OK"
    # A server that was killed leaves its pid file; the number may belong to somebody else by now.
    pidfile = f"/var/run/redis_{service.number}.pid"
    pid = int(machine.run("cat", pidfile).stdout)
    os.kill(pid, 9)
    wait_until("it is gone", lambda: not os.path.exists(f"/proc/{pid}"))
    machine.run("sh", "-c", f"echo {machine.holder.pid} > {pidfile}")
    assert service.call("status", check=False).returncode == 3
    assert service.call("start").stdout == "Starting Redis server...\n"
    answers(service)
    config = service.config.read_text()

    installer = service.prefix / "share/vigil/install_server"
    removed = machine.run(installer, "--remove", service.number).stdout
    assert f"Removed the service redis_{service.number}" in removed
    assert machine.run("test", "-e", service.script, check=False).returncode == 1
    assert service.config.read_text() == config and (service.data / "dump.rdb").exists()
    again = machine.run(installer, "--remove", service.number, check=False)
    assert again.returncode == 1 and "there is no service" in again.stderr


@pytest.mark.parametrize("setting, problem", [
    ({"REDIS_PORT": "0"}, "is no port"), ({"REDIS_PORT": "12x"}, "is no port"), ({"REDIS_PORT": "70000"}, "is no port"),
    ({"REDIS_EXECUTABLE": "/nowhere"}, "is no executable file"), ({"REDIS_DATA_DIR": "relative"}, "absolute path"),
    ({"REDIS_LOG_FILE": "/tmp/a b"}, "cannot stand")])
def test_bad_answers(services, machine, setting, problem):
    service = services[0]
    environment = {"REDIS_PORT": str(service.number), "REDIS_CONFIG_FILE": str(service.config),
                   "REDIS_LOG_FILE": str(service.log), "REDIS_DATA_DIR": str(service.data),
                   "REDIS_EXECUTABLE": str(service.prefix / "bin/redis-server")} | setting
    done = machine.run(service.prefix / "share/vigil/install_server", "--init", "sysv", check=False, **environment)
    assert done.returncode == 1 and problem in done.stderr, done.stderr
    assert not service.config.exists() and machine.run("test", "-e", service.script, check=False).returncode == 1


def test_systemd_service_file(services, machine):
    service = services[0]
    environment = {"REDIS_PORT": str(service.number), "REDIS_CONFIG_FILE": str(service.config),
                   "REDIS_LOG_FILE": str(service.log), "REDIS_DATA_DIR": str(service.data),
                   "REDIS_EXECUTABLE": str(service.prefix / "bin/redis-server")}
    # systemd does not run this machine: a stand-in notes what it is asked.
    asked = service.config.parent / "asked"
    stand_in = service.config.parent / "bin"
    stand_in.mkdir()
    (stand_in / "systemctl").write_text(f'#!/bin/sh\necho "$*" >> {asked}\n')
    (stand_in / "systemctl").chmod(0o755)
    environment["PATH"] = f"{stand_in}:{os.environ['PATH']}"
    machine.run(service.prefix / "share/vigil/install_server", "--init", "systemd", **environment)
    name = f"redis_{service.number}.service"
    unit = machine.run("cat", f"/etc/systemd/system/{name}").stdout
    assert f"ExecStart={service.prefix}/bin/redis-server {service.config} --supervised systemd --daemonize no\n" in unit
    assert re.search(rf"(?m)^port {service.number}$", service.config.read_text())
    assert asked.read_text().splitlines() == ["daemon-reload", f"enable {name}", f"start {name}"]
    machine.run(service.prefix / "share/vigil/install_server", "--remove", str(service.number), **environment)
    assert machine.run("test", "-e", f"/etc/systemd/system/{name}", check=False).returncode == 1


def test_stock_configuration_names_every_option(servers, vigil):
    """vigil.conf starts the server, sets nothing but defaults, and speaks of every option that CONFIG knows."""
    text = (ROOT / "dist/vigil.conf").read_text()
    server = servers.create(vigil, config_file=text, options={})
    plain = servers.start(vigil, "plain")
    server.start()
    given = {"port", "dir", "pidfile", "bind", "save", "logfile", "io-threads"}
    with server.raw() as client, plain.raw() as other:
        flat = client.call("CONFIG", "GET", "*").plain()
        defaults = other.call("CONFIG", "GET", "*").plain()
    values = dict(zip(flat[::2], flat[1::2]))
    expected = dict(zip(defaults[::2], defaults[1::2]))
    differing = {name.decode() for name in values if values[name] != expected[name]} - given
    assert not differing
    page = (ROOT / "docs/OPTIONS.md").read_text()
    aliases = {alias for names in re.findall(r"(?m)^\| `[^`]+` \(([^)]*)\)", page) for alias in re.findall(r"`([^`]+)`", names)}
    missing = [name.decode() for name in values
               if name.decode() not in aliases and not re.search(rf"(?m)(^|[\s,]){re.escape(name.decode())}\b", text)
               and not name.startswith(b"active-defrag-")]
    assert not missing


def test_a_service_whose_configuration_says_otherwise(services):
    service = services[0]
    service.install()
    answers(service)
    service.edit(**{"daemonize": "no", "pidfile": "/nonexistent/x.pid", "proc-title-template": '"cache {port}"'})
    service.call("restart")
    answers(service)
    assert re.fullmatch(r"Redis is running \(\d+\)\n", service.call("status").stdout)
    assert "already running" in service.call("start").stdout
    assert service.call("stop").stdout.splitlines()[-1] == "Redis stopped"
    assert service.call("status", check=False).returncode == 3
