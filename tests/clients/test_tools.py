"""Redis's own tools against our server."""

import subprocess

import pytest

from harness.data import fill
from harness.dump import full_dump
from harness.resp import encode

PATIENCE = 120


@pytest.fixture
def server(servers, vigil):
    return servers.start(vigil, options={"repl-diskless-sync-delay": "0"})


def cli(server, *words, stdin=None):
    result = subprocess.run(["redis-cli", "-p", str(server.port), *words], input=stdin, capture_output=True, timeout=PATIENCE,
                            check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.decode(errors="replace")


def test_redis_cli(server):
    assert cli(server, "set", "k", "a b") == "OK\n"
    assert cli(server, "--no-raw", "get", "k") == '"a b"\n'
    assert cli(server, "--no-raw", "rpush", "l", "1", "2") == "(integer) 2\n"
    assert cli(server, "--no-raw", "lrange", "l", "0", "-1") == '1) "1"\n2) "2"\n'
    assert cli(server, "-3", "--no-raw", "get", "none") == "(nil)\n"
    assert cli(server, "--no-raw", "nosuch") == "(error) ERR unknown command 'nosuch', with args beginning with: \n"
    assert cli(server, "-n", "3", "dbsize") == "0\n"
    assert cli(server, "-x", "set", "from-stdin", stdin=b"text") == "OK\n"
    assert cli(server, "get", "from-stdin") == "text\n"
    assert cli(server, "-r", "3", "incr", "n") == "1\n2\n3\n"
    assert cli(server, stdin=b"multi\nset a 1\nincr a\nexec\n") == "OK\nQUEUED\nQUEUED\nOK\n2\n"
    assert sorted(cli(server, "--scan").split()) == ["a", "from-stdin", "k", "l", "n"]
    assert sorted(cli(server, "--scan", "--pattern", "f*").split()) == ["from-stdin"]


def test_mass_insertion(server):
    data = b"".join(encode(["SET", f"k{number}", number]) for number in range(5000))
    assert "errors: 0, replies: 5000" in cli(server, "--pipe", stdin=data)
    assert server.call("DBSIZE") == 5000


def test_remote_rdb(servers, server, oracle):
    """redis-cli --rdb takes a full resync as a replica would; redis-server loads what it got."""
    fill(server, big=False)
    path = servers.directory / "remote" / "dump.rdb"
    path.parent.mkdir()
    cli(server, "--rdb", str(path))
    dump = full_dump(server)
    assert full_dump(servers.start(oracle, "remote")) == dump


@pytest.mark.parametrize("pipeline", ["1", "16"])
def test_redis_benchmark(server, pipeline):
    result = subprocess.run(["redis-benchmark", "-p", str(server.port), "-t", "ping,set,get,incr,lpush,rpush,lpop,rpop,mset",
                             "-n", "3000", "-c", "20", "-P", pipeline, "-r", "1000", "--csv"],
                            capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "rror" not in result.stdout + result.stderr, result.stdout + result.stderr
    assert int(server.call("STRLEN", "counter:__rand_int__") == 0)


def test_redis_py(server):
    client = server.redis(decode_responses=True)
    assert client.set("k", "v", ex=100, nx=True) is True
    assert client.set("k", "v", nx=True) is None
    assert 90 < client.ttl("k") <= 100
    with client.pipeline(transaction=True) as pipe:
        assert pipe.incr("n").rpush("l", "a", "b").lrange("l", 0, -1).execute() == [1, 2, ["a", "b"]]
    assert client.transaction(lambda pipe: pipe.multi() or pipe.incr("n"), "n") == [2]
    assert client.blpop(["none", "l"], 5) == ("l", "a")
    assert client.lmpop(2, "none", "l", direction="LEFT") == ["l", ["b"]]
    assert client.info("replication")["role"] == "master"
    assert client.config_get("maxmemory") == {"maxmemory": "0"}
    assert client.client_list()[0]["cmd"] == "client|list" or client.client_list()
    assert {key for key in client.scan_iter()} == {"k", "n"}
    assert client.object("encoding", "n") == "int"
    assert client.command_count() > 80
    assert "get" in client.command()
