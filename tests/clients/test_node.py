"""The client libraries that people use, from npm, in programs as people write them (tests/clients/node), and redis-py."""

import threading

import pytest
import redis

from harness.certificates import Authority
from harness.node import Program

# What the libraries can: ioredis speaks RESP2 only; valkey-glide knows no Unix sockets, and subscribes in RESP3 only; the
# caches of node-redis and valkey-glide need RESP3.
EVERY = [("ioredis", 2), ("redis", 2), ("redis", 3), ("glide", 2), ("glide", 3)]
OVER_UNIX_SOCKETS = [("ioredis", 2), ("redis", 2), ("redis", 3)]
SUBSCRIBING = [("ioredis", 2), ("redis", 2), ("redis", 3), ("glide", 3)]
CACHING = [("ioredis", 2), ("redis", 3), ("glide", 3)]
USER = ["ACL", "SETUSER", "app", "on", ">secret word", "~*", "&*", "+@all"]
MANY_THREADS = {"io-threads": "4"}


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("clients") / "authority")
    made.server = made.issue("server", names=["IP:127.0.0.1", "DNS:localhost"])
    made.client = made.issue("client")
    return made


@pytest.fixture(params=["vigil", "redis"])
def binary(request):
    return request.getfixturevalue("vigil" if request.param == "vigil" else "oracle")


@pytest.fixture
def way(request, node_folder):
    """Starts a program with a library and a protocol."""
    library, protocol = request.param

    def run(name, **config):
        return Program(node_folder, library, name, protocol=protocol, host="127.0.0.1", **config)

    run.library, run.protocol = library, protocol
    return run


def ways(choice):
    return pytest.mark.parametrize("way", choice, indirect=True, ids=lambda way: f"{way[0]}-RESP{way[1]}")


def fields(line):
    return dict(word.split("=", 1) for word in line.strip().split(" "))


def session(way, **config):
    with way("session", **config) as program:
        info = fields(program.result()["info"])
    assert info["resp"] == str(way.protocol)
    return info


def refused(way, **config):
    with way("refused", **config) as program:
        return program.result()["error"]


@ways(EVERY)
def test_password(servers, binary, way):
    server = servers.start(binary, config_file='requirepass "secret word"\n')
    assert session(way, port=server.port, password="secret word")["user"] == "default"
    error = refused(way, port=server.port, password="wrong")
    assert error and ("WRONGPASS" in error or "invalid" in error.lower() or "AuthenticationFailed" in error), error


@ways(EVERY)
def test_user(servers, binary, way):
    server = servers.start(binary)
    server.call(*USER)
    server.call("ACL", "SETUSER", "default", "off")
    assert session(way, port=server.port, user="app", password="secret word")["user"] == "app"


@ways(EVERY)
def test_tls(servers, binary, way, authority):
    client = authority.client
    with_certificate = way.library != "glide"  # it shows none
    options = authority.options(authority.server, tls_auth_clients="yes" if with_certificate else "no")
    server = servers.start(binary, tls=authority.context(client), options=options)
    files = {"ca": str(authority.certificate)}
    if with_certificate:
        assert refused(way, port=server.port, tls=files)
        files |= {"cert": str(client.certificate), "key": str(client.key)}
    assert session(way, port=server.port, tls=files)["user"] == "default"
    assert refused(way, port=server.port)


@ways(OVER_UNIX_SOCKETS)
def test_unix_socket(servers, binary, way, tmp_path):
    path = str(tmp_path / "s")
    servers.start(binary, options={"unixsocket": path})
    assert session(way, unix=path)["addr"].startswith(path)


def publish(server, channel, count):
    """Numbers from 0, many at once."""
    client = server.redis()
    for start in range(0, count, 100):
        pipeline = client.pipeline(transaction=False)
        for number in range(start, min(start + 100, count)):
            pipeline.publish(channel, number)
        pipeline.execute()


@ways(SUBSCRIBING)
def test_no_message_is_lost_or_reordered(servers, vigil, way, rounds):
    server = servers.start(vigil, options=MANY_THREADS)
    count = rounds(30000)
    channels = [f"channel:{number}" for number in range(4)]
    with way("pubsub", port=server.port, what={"channels": channels[:2], "patterns": ["channel:[23]"]}) as one, \
            way("pubsub", port=server.port, what={"channels": channels, "patterns": []}) as two:
        for program in (one, two):
            program.wait_ready()
        publishers = [threading.Thread(target=publish, args=(server, channel, count)) for channel in channels]
        for publisher in publishers:
            publisher.start()
        for publisher in publishers:
            publisher.join()
        for program in (one, two):
            program.tell(dict.fromkeys(channels, count))
            assert program.result() == {"next": dict.fromkeys(channels, count), "wrong": None}


def caches_under_load(server, way, writes):
    """Two programs read through their caches what is written meanwhile: their results, and how many reads the server saw."""
    keys = [f"key:{number}" for number in range(50)]
    values = dict.fromkeys(keys, 0)
    writer = server.redis()
    for key in keys:
        writer.set(key, 0)
    writer.config_resetstat()
    with way("tracking", port=server.port, keys=keys) as one, way("tracking", port=server.port, keys=keys) as two:
        for program in (one, two):
            program.wait_ready()
        for number in range(writes):
            key = keys[number * 7 % len(keys)]
            values[key] = writer.incr(key)
        seen = writer.info("commandstats")["cmdstat_get"]["calls"]
        for program in (one, two):
            program.tell(values)
        return [program.result() for program in (one, two)], seen


@ways(CACHING)
def test_no_cache_keeps_what_is_old(servers, vigil, way, rounds):
    server = servers.start(vigil, options=MANY_THREADS)
    # On a slow machine valkey-glide 2.5.2 now and then puts a reply into its cache after the invalidation that came behind
    # it, also with redis-server (seen in one of five runs): it gets a second and a third chance.
    for last in (False, False, True) if way.library == "glide" else (True,):
        results, seen = caches_under_load(server, way, rounds(20000))
        assert [result["back"] for result in results] == [None] * 2
        if all(result["stale"] is None for result in results):
            break
        assert not last, results
    assert seen < sum(result["reads"] for result in results), "the caches served nothing by themselves"


@ways(EVERY)
def test_monitor(servers, binary, way):
    server = servers.start(binary)
    with way("monitor", port=server.port) as program:
        program.wait_ready()
        client = server.redis()
        for number in range(500):
            client.set(f"k{number}", "a b")
        program.tell(500)
        lines = [line for line in program.result()["lines"] if line[0].upper() == "SET"]
    assert lines == [["SET", f"k{number}", "a b"] for number in range(500)]


# --- redis-py ------------------------------------------------------------------------------------------------------


def assert_usable(client):
    assert client.set("text", "ünïcödé \r\n")
    assert client.get("text").decode() == "ünïcödé \r\n"
    pipeline = client.pipeline(transaction=False)
    for _ in range(1000):
        pipeline.incr("counter")
    assert pipeline.execute() == list(range(1, 1001))
    with client.pipeline() as transaction:
        transaction.set("a", 1).incr("a").get("a")
        assert transaction.execute() == [True, 2, b"2"]
    with pytest.raises(redis.ResponseError, match="value is not an integer"):
        client.incr("text")


def test_redis_py_with_a_user(servers, binary):
    server = servers.start(binary)
    server.call(*USER)
    server.call("ACL", "SETUSER", "default", ">other")
    client = server.redis(username="app", password="secret word")
    assert_usable(client)
    assert client.client_info()["user"] == "app"
    assert server.redis(password="other").ping()
    with pytest.raises(redis.RedisError, match="WRONGPASS"):
        server.redis(password="wrong").ping()


def test_redis_py_over_a_unix_socket(servers, binary, tmp_path):
    path = str(tmp_path / "s")
    server = servers.start(binary, options={"unixsocket": path})
    assert_usable(redis.Redis(unix_socket_path=path))
    assert server.redis().ping()


def test_redis_py_over_tls(servers, binary, authority):
    options = authority.options(authority.server)
    server = servers.start(binary, tls=authority.context(authority.client), options=options)
    client = server.redis(ssl=True, ssl_ca_certs=str(authority.certificate), ssl_certfile=str(authority.client.certificate),
                          ssl_keyfile=str(authority.client.key), ssl_check_hostname=True)
    assert_usable(client)


def test_redis_py_hears_all_messages_in_their_order(servers, vigil, rounds):
    server = servers.start(vigil, options=MANY_THREADS)
    count = rounds(20000)
    channels = ["channel:0", "channel:1"]
    listener = server.redis().pubsub()
    listener.subscribe(*channels)
    for _ in channels:
        assert listener.get_message(timeout=30)["type"] == "subscribe"
    publishers = [threading.Thread(target=publish, args=(server, channel, count)) for channel in channels]
    for publisher in publishers:
        publisher.start()
    heard = {channel: [] for channel in channels}
    while any(len(numbers) < count for numbers in heard.values()):
        message = listener.get_message(timeout=30)
        assert message is not None, {channel: len(numbers) for channel, numbers in heard.items()}
        heard[message["channel"].decode()].append(int(message["data"]))
    for publisher in publishers:
        publisher.join()
    assert all(numbers == list(range(count)) for numbers in heard.values())


def test_redis_py_monitor(servers, binary):
    server = servers.start(binary)
    with server.redis().monitor() as watcher:
        client = server.redis()
        client.set("k", "a b")
        line = next(line for line in watcher.listen() if line["command"].startswith("SET"))
    assert (line["command"], line["db"], line["client_type"]) == ("SET k a b", 0, "tcp")
