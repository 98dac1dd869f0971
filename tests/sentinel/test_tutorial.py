"""The Sentinel tutorial, step by step, with Debian's sentinel.conf: daemons, log lines, INFO."""

import re
import subprocess

from harness.sentinel import Sentinel, sentinel_binary
from harness.stock import stock_config
from harness.waiting import wait_until


def edited(text, **changes):
    for name, value in changes.items():
        text, count = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", text)
        assert count == 1, name
    return text


def comments_of(sentinel):
    return [line.strip() for line in sentinel.config_path.read_text().splitlines() if line.startswith("#")]


def host(servers, binary, number, master):
    """A Sentinel on a host of its own: a stock file, edited as the tutorial says."""
    sentinel = Sentinel(sentinel_binary(binary), servers.directory / f"host{number}", "")
    servers.servers.append(sentinel)
    data = sentinel.directory / "data"
    data.mkdir()
    sentinel.logfile = sentinel.directory / "sentinel.log"
    sentinel.pidfile = sentinel.directory / "sentinel.pid"
    text = edited(stock_config("sentinel.conf"), **{
        "protected-mode": "no", "port": sentinel.port, "daemonize": "yes", "logfile": f'"{sentinel.logfile}"',
        "pidfile": sentinel.pidfile, "dir": f'"{data}"', "sentinel monitor": f"mymaster 127.0.0.1 {master.port} 2",
        "sentinel down-after-milliseconds": "mymaster 2000", "sentinel failover-timeout": "mymaster 180000"})
    sentinel.config_path.write_text(text)
    return sentinel


def redis_cli(server, *words):
    return subprocess.run(["redis-cli", "-p", str(server.port), *words], capture_output=True, text=True,
                          check=True).stdout.replace("\r", "").rstrip("\n").split("\n")


def test_tutorial(servers, vigil):
    master = servers.start(vigil, "M", options={"repl-diskless-sync-delay": "0"})
    replicas = [servers.start(vigil, name, options={"replicaof": f"127.0.0.1 {master.port}",
                                                    "repl-diskless-sync-delay": "0"}) for name in ("S1", "S2")]
    for replica in replicas:
        replica.wait_info("replication", master_link_status="up")
    sentinels = [host(servers, vigil, number, master) for number in range(3)]
    comments = comments_of(sentinels[0])
    for sentinel in sentinels:
        sentinel.start_daemon(sentinel.pidfile)
    expected = ["# Sentinel", "sentinel_masters:1", "sentinel_tilt:0", "sentinel_tilt_since_seconds:-1",
                "sentinel_running_scripts:0", "sentinel_scripts_queue_length:0", "sentinel_simulate_failure_flags:0",
                f"master0:name=mymaster,status=ok,address=127.0.0.1:{master.port},slaves=2,sentinels=3"]
    for sentinel in sentinels:
        wait_until("info sentinel shows all", lambda s=sentinel: redis_cli(s, "info", "sentinel") == expected)

    master.kill()

    new_port = wait_until("all agree", lambda: (lambda ports: len(ports) == 1 and ports - {master.port})(
        {s.address() for s in sentinels})).pop()
    new = next(r for r in replicas if r.port == new_port)
    other = next(r for r in replicas if r.port != new_port)
    for line in (r"\+sdown master mymaster 127\.0\.0\.1 \d+$", r"\+odown master mymaster 127\.0\.0\.1 \d+ #quorum [23]/2$",
                 r"\+new-epoch 1$", r"\+try-failover master mymaster", r"\+vote-for-leader [0-9a-f]{40} 1$",
                 r"\+elected-leader master mymaster", r"\+selected-slave slave 127\.0\.0\.1:\d+ 127\.0\.0\.1 \d+ @ mymaster",
                 r"\+promoted-slave slave", r"\+slave-reconf-sent slave", r"\+failover-end master mymaster",
                 rf"\+switch-master mymaster 127\.0\.0\.1 {master.port} 127\.0\.0\.1 {new_port}$"):
        form = rf"(?m)^\d+:X \d\d [A-Z][a-z]{{2}} \d{{4}} \d\d:\d\d:\d\d\.\d{{3}} [#*] {line}"
        wait_until(f"a log has {line}", lambda f=form: re.search(f, "\n".join(s.log_text() for s in sentinels)))
    new.wait_info("replication", role="master", connected_slaves=1)
    other.wait_info("replication", role="slave", master_port=new_port, master_link_status="up")
    for sentinel in sentinels:
        assert f"address=127.0.0.1:{new_port}" in redis_cli(sentinel, "info", "sentinel")[-1]

    master.start()

    master.wait_info("replication", role="slave", master_port=new_port, master_link_status="up")
    assert [line for line in comments_of(sentinels[0]) if line in comments] == comments, "comments and their order stay"
    assert f"sentinel monitor mymaster 127.0.0.1 {new_port} 2" in sentinels[0].config_path.read_text()
