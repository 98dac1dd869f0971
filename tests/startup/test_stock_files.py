"""Configuration files as they come with Redis, unmodified; what must differ in a test is said on the command line."""

from pathlib import Path

import pytest

FILES = {"debian-7.0": Path("/etc/redis/redis.conf"), "redis-5.0": Path(__file__).parent / "redis-5.0.conf"}


@pytest.mark.parametrize("name", FILES)
def test_stock_file(servers, vigil, oracle, name):
    try:
        text = FILES[name].read_text()
    except OSError:
        pytest.skip(f"{FILES[name]} cannot be read by this user")
    settings = []
    for binary in (vigil, oracle):
        server = servers.create(binary, config_file=text, options={"daemonize": "no", "logfile": "", "supervised": "no"})
        server.options["pidfile"] = server.directory / "server.pid"
        del server.options["save"]
        server.start()
        assert server.call("SET", "k", "v") == b"OK"
        with server.raw() as client:
            flat = client.call("CONFIG", "GET", "*").plain()
        own = (b"port", b"dir", b"pidfile", b"logfile", b"io-threads")
        settings.append({key: value for key, value in zip(flat[::2], flat[1::2]) if key not in own})
    ours, theirs = settings
    assert {key: ours.get(key) for key in theirs} == theirs
