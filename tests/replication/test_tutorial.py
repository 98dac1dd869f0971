"""The replication tutorial, step by step: stock configuration files, daemons, log lines, INFO, READONLY, a replica that comes
back. Three directories stand for the three hosts."""

import re
import subprocess

from harness.stock import stock_config
from harness.waiting import wait_until

FIELDS = ["role", "connected_slaves", "slave0", "slave1", "master_replid", "master_replid2", "master_repl_offset",
          "second_repl_offset", "repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset",
          "repl_backlog_histlen"]
LINE = r"^\d+:M \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} \* "


def edited(text, **changes):
    """A configuration file with these directives changed where they stand, or added at its end."""
    for name, value in changes.items():
        name = name.replace("_", "-")
        text, count = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", text)
        if not count:
            text += f"\n{name} {value}\n"
    return text


def host(servers, binary, name, **changes):
    server = servers.create(binary, name)
    data = server.directory / "data"
    data.mkdir()
    server.logfile = server.directory / "redis_6379.log"
    server.pidfile = server.directory / "redis_6379.pid"
    server.config_path = server.directory / "redis.conf"
    server.config_path.write_text(edited(
        stock_config("redis.conf"), bind="0.0.0.0", port=server.port, daemonize="yes", supervised="no", pidfile=server.pidfile,
        logfile=server.logfile, dir=data, appendonly="yes", repl_diskless_sync="no", **changes))
    server.command_line = lambda: [str(binary.path), str(server.config_path)]
    return server


def redis_cli(server, *words):
    return subprocess.run(["redis-cli", "-p", str(server.port), *words], capture_output=True, text=True,
                          check=True).stdout.replace("\r", "").rstrip("\n")


def test_tutorial(servers, vigil):
    master = host(servers, vigil, "M")
    replicas = [host(servers, vigil, name, replicaof=f"127.0.0.1 {master.port}") for name in ("S1", "S2")]
    for server in (master, *replicas):
        server.start_daemon(server.pidfile)
    master.wait_info("replication", connected_slaves=2)
    for replica in replicas:
        replica.wait_info("replication", master_link_status="up")

    for replica in replicas:
        name = re.escape(f"127.0.0.1:{replica.port}")
        master.wait_log(LINE + f"Replica {name} asks for synchronization$")
        master.wait_log(LINE + f"Full resync requested by replica {name}$")
        master.wait_log(LINE + f"Synchronization with replica {name} succeeded$")
    for text in ("Starting BGSAVE for SYNC with target: disk$", "Background saving started", "Background saving terminated with success$"):
        master.wait_log(LINE + text)

    def all_online():
        info = redis_cli(master, "info", "replication")
        return info if info.count("state=online") == 2 else None

    lines = wait_until("both replicas are online", all_online).split("\n")
    assert lines[0] == "# Replication"
    fields = dict(line.split(":", 1) for line in lines[1:])
    names = list(fields)
    assert [name for name in names if name in FIELDS] == FIELDS, names
    assert fields["role"] == "master" and fields["connected_slaves"] == "2"
    ports = set()
    for name in ("slave0", "slave1"):
        match = re.fullmatch(r"ip=127\.0\.0\.1,port=(\d+),state=online,offset=\d+,lag=\d+", fields[name])
        assert match, fields[name]
        ports.add(int(match.group(1)))
    assert ports == {replica.port for replica in replicas}
    assert re.fullmatch("[0-9a-f]{40}", fields["master_replid"])
    assert fields["master_replid2"] == "0" * 40
    assert fields["second_repl_offset"] == "-1"
    assert (fields["repl_backlog_active"], fields["repl_backlog_size"]) == ("1", "1048576")
    assert fields["repl_backlog_first_byte_offset"] == "1"
    assert fields["repl_backlog_histlen"] == fields["master_repl_offset"]

    assert redis_cli(master, "set", "num", "1") == "OK"
    for replica in replicas:
        wait_until("the key arrives", lambda replica=replica: redis_cli(replica, "get", "num") == "1")
        assert redis_cli(replica, "set", "num", "2") == "READONLY You can't write against a read only replica."

    replicas[0].stop()
    master.wait_info("replication", connected_slaves=1)
    assert redis_cli(master, "set", "while", "away") == "OK"
    replicas[0].start_daemon(replicas[0].pidfile)
    wait_until("the key arrives", lambda: redis_cli(replicas[0], "get", "while") == "away")
    replicas[1].kill()
    replicas[1].pidfile.unlink()
    assert redis_cli(master, "set", "after", "kill") == "OK"
    replicas[1].start_daemon(replicas[1].pidfile)
    wait_until("the key arrives", lambda: redis_cli(replicas[1], "get", "after") == "kill")
    master.wait_info("replication", connected_slaves=2)
