"""What a client sends before it closes, or before it closes its side alone, is run; and what is answered is sent. Beside
redis-server, which does the same."""

import socket
import ssl
import threading
import time

import pytest

from harness.certificates import Authority
from harness.resp import encode
from harness.waiting import wait_until

BOTH = pytest.mark.parametrize("side", ["vigil", "redis"])


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def last_words(server, data):
    """Sends it, closes this side, and returns all that is answered."""
    with connect(server) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while more := client.recv(1 << 16):
            answer += more
    return answer


def send_and_close(server, data):
    with connect(server) as client:
        client.sendall(data)


@BOTH
@pytest.mark.parametrize("fsync", ["no", "everysec", "always"])
def test_a_half_closed_client_is_answered(servers, binary, fsync):
    server = servers.start(binary, options={"appendonly": "yes", "appendfsync": fsync})
    for i in range(20):
        assert last_words(server, encode(("SET", f"k{i}", "v"))) == b"+OK\r\n"
    assert server.call("DBSIZE") == 20


@BOTH
@pytest.mark.parametrize("size", [6 * 10922 + 4, 1 << 20])
def test_a_half_closed_pipeline_is_answered_in_full(servers, binary, size):
    """65,536 bytes fill one read exactly."""
    server = servers.start(binary)
    data = b"PING\r\n" * (size // 6)
    assert last_words(server, data + b"\r\n" * ((size - len(data)) // 2)) == b"+PONG\r\n" * (size // 6)


@BOTH
@pytest.mark.parametrize("noise", [("SORT", "l", "ALPHA", "LIMIT", 0, 1), ("KEYS", "nomatch*")])
def test_writes_before_the_end_are_not_lost(servers, binary, side, noise):
    """Also where the lock that they need is busy, so that they wait."""
    options = {"enable-debug-command": "yes"} | ({"io-threads": "2"} if side == "vigil" else {})
    server = servers.start(binary, options=options)
    server.call("RPUSH", "l", *(f"element-{i}" for i in range(3000)))
    server.call("DEBUG", "POPULATE", 20000)
    over = threading.Event()

    def make_noise():
        with server.raw() as client:
            while not over.is_set():
                client.call(*noise)

    noisy = [threading.Thread(target=make_noise) for _ in range(2)]
    for thread in noisy:
        thread.start()
    try:
        for i in range(100):
            send_and_close(server, encode(("RPUSH", "l", i)) + encode(("SET", f"own:{i}", i)))
        wait_until("all have arrived", lambda: server.call("LLEN", "l") == 3100)
    finally:
        over.set()
        for thread in noisy:
            thread.join()
    wait_until("those behind them too", lambda: server.call("EXISTS", *(f"own:{i}" for i in range(100))) == 100)


@BOTH
def test_what_stands_behind_a_save_is_run(servers, binary):
    server = servers.start(binary)
    send_and_close(server, b"SAVE\r\n" + encode(("SET", "after", 1)))
    wait_until("it is there", lambda: server.call("EXISTS", "after") == 1)


@BOTH
def test_a_blocked_client_that_closes_has_gone(servers, binary):
    """Nothing is popped for it, and what it sent behind is not run."""
    server = servers.start(binary)
    with connect(server) as client:
        client.sendall(encode(("BLPOP", "queue", 0)) + encode(("SET", "behind", 1)))
        server.wait_info("clients", blocked_clients=1)
    server.wait_info("clients", blocked_clients=0)
    server.call("RPUSH", "queue", "a")
    assert server.call("LLEN", "queue") == 1
    assert server.call("EXISTS", "behind") == 0


@BOTH
def test_a_tls_client_that_says_goodbye_is_served(servers, binary, tmp_path):
    authority = Authority(tmp_path / "authority")
    options = authority.options(authority.issue("server"), tls_auth_clients="no")
    server = servers.start(binary, options=options, tls=authority.context())
    for i in range(10):
        with connect(server) as plain, authority.context().wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(encode(("SET", f"k{i}", "v")))
            try:
                client.unwrap()
            except (ssl.SSLError, OSError):
                pass  # the server need not say goodbye
    wait_until("all have arrived", lambda: server.call("DBSIZE") == 10)


@BOTH
def test_who_is_killed_writes_no_more(servers, binary, side):
    """CLIENT KILL as a fence: once it is answered, nothing of the client's comes any more."""
    server = servers.start(binary, options={"io-threads": "2"} if side == "vigil" else {})
    for _ in range(20):
        with connect(server) as victim, server.raw() as killer:
            victim.sendall(encode(("CLIENT", "ID")))
            number = int(victim.recv(64)[1:-2])
            victim.sendall(encode(("INCR", "n")) * 3000)
            victim.recv(16)
            killer.call("CLIENT", "KILL", "ID", number)
            seen = killer.call("GET", "n").value
            server.call("PING")
            assert killer.call("GET", "n").value == seen


@BOTH
def test_the_output_limit_holds_within_a_pipeline(servers, binary):
    server = servers.start(binary, options={"client-output-buffer-limit": "normal 10mb 0 0"})
    server.call("SET", "big", b"x" * 1_000_000)
    before = int(server.info("memory")["used_memory_peak"])
    with connect(server) as client:
        client.sendall(encode(("APPEND", "big", "y")) + encode(("GETRANGE", "big", 0, -1)) * 300)
        server.wait_info("clients", connected_clients=1)
    assert int(server.info("memory")["used_memory_peak"]) - before < 60_000_000


@BOTH
def test_who_waits_or_reads_slowly_is_not_idle(servers, binary):
    server = servers.start(binary, options={"timeout": "1"})
    server.call("SET", "big", b"x" * 20_000_000)
    with connect(server) as waits, connect(server) as reads:
        waits.sendall(encode(("WAIT", 1, 2500)))
        reads.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        reads.sendall(encode(("GET", "big")))
        total = 0
        while total < 20_000_000 and (got := reads.recv(400_000)):
            total += len(got)
            time.sleep(0.04)  # how slow it is
        assert total >= 20_000_000
        assert waits.recv(64) == b":0\r\n"
