"""Clients over TLS: who is let in, with which protocols, and that bytes go through however many they are."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
import redis

from harness.resp import Closed, RawClient, encode
from harness.waiting import PATIENCE, wait_until

REFUSED = (ssl.SSLError, OSError, Closed)


def ping(server, context):
    """Whether a client with this context is served. With TLS 1.3 a refusal shows only when something is read."""
    try:
        with server.raw(tls=context) as client:
            return client.call("PING").value == b"PONG"
    except REFUSED:
        return False


@pytest.fixture
def start(servers, vigil, authority):
    def start(binary=vigil, **options):
        return servers.start(binary, options=authority.options(authority.server, **options),
                             tls=authority.context(authority.client))

    return start


@pytest.mark.sanitize
def test_clients_must_show_a_certificate_of_the_authority(start, authority, stranger):
    server = start()
    assert ping(server, authority.context(authority.client))
    assert not ping(server, authority.context())
    assert not ping(server, authority.context(stranger.client))
    assert not ping(server, authority.context(authority.client, trusted=stranger)), "we are who we say"
    server.wait_log(r"Error accepting a client connection: error:0A0000C7:SSL routines::peer did not return a certificate")
    server.wait_log(r"Error accepting a client connection: error:0A000086:SSL routines::certificate verify failed")
    server.wait_log(r"Error accepting a client connection: error:0A000418:SSL routines::tlsv1 alert unknown ca")
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        plain.sendall(b"PING\r\n")
        plain.settimeout(PATIENCE)
        try:
            assert b"PONG" not in plain.recv(100)
        except ConnectionResetError:
            pass
    server.wait_log(r"Error accepting a client connection: error:0A00010B:SSL routines::wrong version number")
    assert ping(server, authority.context(authority.client))


def test_optional_and_no_certificates(start, authority, stranger):
    server = start(tls_auth_clients="optional")
    assert ping(server, authority.context())
    assert not ping(server, authority.context(stranger.client))
    server.call("CONFIG", "SET", "tls-auth-clients", "no")
    assert ping(server, authority.context())
    assert ping(server, authority.context(stranger.client))
    server.call("CONFIG", "SET", "tls-auth-clients", "yes")
    assert not ping(server, authority.context())


def test_a_session_of_a_weaker_rule_is_not_resumed_under_a_stronger_one(start, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server = start(tls_auth_clients="no")
        context = authority.context()
        context.minimum_version = context.maximum_version = version

        def visit(session, context=context, server=server):
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain:
                with context.wrap_socket(plain, session=session) as stream:
                    stream.sendall(b"PING\r\n")
                    assert stream.recv(100) == b"+PONG\r\n"
                    return stream.session, stream.session_reused

        session, reused = visit(None)
        assert not reused
        session, reused = visit(session)
        assert reused
        server.call("CONFIG", "SET", "tls-auth-clients", "yes")
        with pytest.raises((ssl.SSLError, OSError, AssertionError)):
            visit(session)
        server.call("CONFIG", "SET", "tls-auth-clients", "no", "tls-session-caching", "no")
        session, reused = visit(session)
        assert not reused
        assert not visit(session)[1]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_protocols_and_ciphers(start, authority, version):
    names = {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}
    server = start(tls_ciphers="ECDHE-RSA-AES256-GCM-SHA384", tls_ciphersuites="TLS_CHACHA20_POLY1305_SHA256")
    context = authority.context(authority.client)
    context.minimum_version = context.maximum_version = version
    with server.raw(tls=context) as client:
        assert client.call("PING").value == b"PONG"
        assert client.socket.version() == names[version]
        assert client.socket.cipher()[0] == {"TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384",
                                             "TLSv1.3": "TLS_CHACHA20_POLY1305_SHA256"}[names[version]]
        other = next(name for name in names.values() if name != names[version])
        assert client.call("CONFIG", "SET", "tls-protocols", other.upper()).value == b"OK"
        assert client.call("PING").value == b"PONG", "connections keep what they have"
    assert not ping(server, context)
    server.wait_log("Error accepting a client connection: error:0A000102:SSL routines::unsupported protocol")


def test_dhe_with_and_without_parameters(start, authority, tmp_path):
    server = start(tls_protocols="TLSv1.2", tls_ciphers="DHE-RSA-AES128-GCM-SHA256", tls_prefer_server_ciphers="yes")
    context = authority.context(authority.client)
    assert ping(server, context)
    params = tmp_path / "dh.pem"
    subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", params],
                   check=True, stderr=subprocess.DEVNULL)
    server.call("CONFIG", "SET", "tls-dh-params-file", str(params))
    assert ping(server, context)


def test_redis_cli(start, authority):
    server = start()
    words = ["redis-cli", "--tls", "-p", str(server.port), "--cacert", authority.certificate]
    shown = ["--cert", authority.client.certificate, "--key", authority.client.key]
    assert subprocess.run([*words, *shown, "SET", "k", "v"], capture_output=True, check=True).stdout == b"OK\n"
    assert subprocess.run([*words, *shown, "-3", "GET", "k"], capture_output=True, check=True).stdout == b"v\n"
    refused = subprocess.run([*words, "PING"], capture_output=True, check=False)
    assert refused.returncode != 0 and refused.stdout == b""
    benchmark = subprocess.run(["redis-benchmark", *words[1:], *shown, "-t", "set,get", "-n", "2000", "-P", "16", "-q"],
                               capture_output=True, check=True, timeout=PATIENCE)
    assert b"GET:" in benchmark.stdout


@pytest.mark.parametrize("shows", [True, False])
def test_redis_py(start, authority, shows):
    server = start(tls_auth_clients="yes" if shows else "no")
    own = {"ssl_certfile": str(authority.client.certificate), "ssl_keyfile": str(authority.client.key)} if shows else {}
    client = redis.Redis("127.0.0.1", server.port, ssl=True, ssl_ca_certs=str(authority.certificate), socket_timeout=PATIENCE, **own)
    assert client.set("k", "v")
    with client.pipeline() as pipe:
        for number in range(1000):
            pipe.set(f"k{number}", number)
        assert all(pipe.execute())
    assert client.get("k999") == b"999"
    assert client.info("server")["tcp_port"] == server.port
    line = next(line for line in client.client_list() if line["cmd"] == "client|list")
    assert line["laddr"] == f"127.0.0.1:{server.port}" and line["addr"].startswith("127.0.0.1:") and line["flags"] == "N"
    client.close()
    if shows:
        with pytest.raises(redis.ConnectionError):
            redis.Redis("127.0.0.1", server.port, ssl=True, ssl_ca_certs=str(authority.certificate)).ping()


@pytest.mark.sanitize
def test_big_values_and_large_pipelines_both_ways(start):
    server = start(threads=2)
    big = bytes(range(256)) * 80_000  # 20 MB
    with server.raw() as client:
        assert client.call("SET", "big", big).value == b"OK"
        assert client.call("GET", "big").value == big
        commands = [("SET", f"k{number}", "x" * (number % 3000)) for number in range(3000)]
        assert all(reply.value == b"OK" for reply in client.pipeline(commands))
        replies = client.pipeline([("GET", words[1]) for words in commands])
        assert [reply.value for reply in replies] == [words[2].encode() for words in commands]


def test_replies_that_nobody_reads_for_a_while(start):
    """The socket fills up in the middle of records; all comes in the end, and the close after QUIT waits for it."""
    server = start()
    value = bytes(range(256)) * 4000
    with server.raw() as client:
        assert client.call("SET", "k", value).value == b"OK"
        client.send_bytes(encode(("GET", "k")) * 60 + encode(("QUIT",)))
        wait_until("replies pile up", lambda: int(server.info("clients")["client_recent_max_output_buffer"]) > len(value))
        replies = client.read_until_closed()
    assert replies == (b"$%d\r\n%s\r\n" % (len(value), value)) * 60 + b"+OK\r\n"


def test_bytes_in_every_cut(start, authority):
    """Records that arrive a byte at a time, and a pause in the middle of one."""
    server = start()
    with server.raw(tls=None) as plain:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        stream = authority.context(authority.client).wrap_bio(incoming, outgoing)

        def trickle():
            for byte in outgoing.read():
                plain.socket.sendall(bytes([byte]))

        def until_done(act):
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    trickle()
                    incoming.write(plain.socket.recv(65536))

        until_done(stream.do_handshake)
        trickle()
        stream.write(encode(("SET", "k", "v" * 1000)) + encode(("STRLEN", "k")))
        trickle()
        received = b""
        while not received.endswith(b":1000\r\n"):
            received += until_done(lambda: stream.read(1000))
        assert received == b"+OK\r\n:1000\r\n"
        stream.write(encode(("PING",)))
        record = outgoing.read()
        plain.socket.sendall(record[:-3])
        before = float(server.info("cpu")["used_cpu_user"]) + float(server.info("cpu")["used_cpu_sys"])
        plain.socket.settimeout(0.5)
        with pytest.raises(socket.timeout):
            plain.socket.recv(1)
        after = float(server.info("cpu")["used_cpu_user"]) + float(server.info("cpu")["used_cpu_sys"])
        assert after - before < 0.3, "half a record is nothing to be busy with"
        plain.socket.settimeout(PATIENCE)
        plain.socket.sendall(record[-3:])
        assert until_done(lambda: stream.read(1000)) == b"+PONG\r\n"


def test_many_handshakes_at_once_and_some_that_never_end(start):
    server = start(maxclients=100)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    done = []

    def visit():
        for _ in range(5):
            with server.raw() as client:
                done.append(client.call("PING").value)

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [b"PONG"] * 40
    refused = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(80)]
    wait_until("the limit counts handshakes too", lambda: any(_is_closed(each) for each in refused))
    for each in silent + refused:
        each.close()
    wait_until("room again", lambda: ping(server, server.tls))
    assert int(server.info("stats")["rejected_connections"]) >= 20


def _is_closed(plain):
    plain.settimeout(0.001)
    try:
        return plain.recv(1) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def test_a_silent_handshake_ends(start):
    server = start()
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        plain.settimeout(PATIENCE)
        assert plain.recv(1) == b""
    server.wait_log("Error accepting a client connection: handshake timed out")


def test_too_many_clients_hear_so(start):
    server = start(maxclients=2)
    with server.raw() as one, server.raw() as two:
        assert one.call("PING").value == two.call("PING").value == b"PONG"
        with pytest.raises(REFUSED):
            server.raw()


def test_blocking_and_kill(start):
    server = start()
    with server.raw() as blocked, server.raw() as other:
        identifier = blocked.call("CLIENT", "ID").value
        blocked.send("BLPOP", "l", "0")
        server.wait_info("clients", blocked_clients="1")
        assert other.call("RPUSH", "l", "x").value == 1
        assert blocked.read().plain() == [b"l", b"x"]
        assert other.call("CLIENT", "KILL", "ID", str(identifier)).value == 1
        with pytest.raises(Closed):
            blocked.call("PING")


def test_plain_and_tls_side_by_side(servers, vigil, authority, free_port):
    options = authority.options(authority.server, tls_port=free_port)
    server = servers.start(vigil, options=options)
    server.wait_log("Ready to accept connections tcp")
    server.wait_log("Ready to accept connections tls")
    assert server.call("SET", "k", "v") == b"OK"
    with RawClient(free_port, tls=authority.context(authority.client)) as client:
        assert client.call("GET", "k").value == b"v"
    info = server.info("server")
    assert info["listener0"] == f"name=tcp,bind=*,bind=-::*,port={server.port}"
    assert info["listener2"] == f"name=tls,bind=*,bind=-::*,port={free_port}"
    assert info["tcp_port"] == str(server.port)


def test_handshakes_take_places_from_plain_clients_too(servers, vigil, authority, free_port):
    server = servers.start(vigil, options=authority.options(authority.server, tls_port=free_port, maxclients=10))
    silent = [socket.create_connection(("127.0.0.1", free_port)) for _ in range(10)]

    def is_full():
        with RawClient(server.port) as client:
            return "max number of clients" in str(client.call("PING"))

    wait_until("no plain client is let in", is_full)
    for each in silent:
        each.close()
    wait_until("room again", lambda: not is_full())


def test_who_closes_only_its_own_side_is_answered(start, authority):
    """Without TLS's goodbye, which `shutdown()` of the socket below leaves out."""
    server = start()
    context = authority.context(authority.client)
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", server.port)) as below:
            inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = context.wrap_bio(inner, outer, server_hostname="127.0.0.1")
            below.settimeout(PATIENCE)

            def carry(step):  # until the step needs nothing more of the peer
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        if outer.pending:  # pylint: disable=cell-var-from-loop
                            below.sendall(outer.read())  # pylint: disable=cell-var-from-loop
                        got = below.recv(65536)  # pylint: disable=cell-var-from-loop
                        assert got, "closed without a reply"
                        inner.write(got)  # pylint: disable=cell-var-from-loop

            carry(session.do_handshake)
            session.write(b"PING\r\n")
            below.sendall(outer.read())
            below.shutdown(socket.SHUT_WR)
            assert carry(lambda: session.read(100)) == b"+PONG\r\n"  # pylint: disable=cell-var-from-loop


def test_killed_clients_leave_few_sockets(start):
    """Whose last bytes are still on their way, while they do not read."""
    server = start()
    server.call("SET", "big", "x" * 20_000_000)

    def descriptors():
        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    before = descriptors()
    kept = []
    for _ in range(40):
        client = server.raw()
        kept.append(client)
        identifier = client.call("CLIENT", "ID").value
        client.send("GET", "big")
        wait_until("it is answered", lambda number=identifier: "cmd=get" in server.call("CLIENT", "LIST", "ID", str(number)).decode())
        assert server.call("CLIENT", "KILL", "ID", str(identifier)) == 1
    wait_until("at most sixteen linger", lambda: descriptors() <= before + 17)
    for client in kept:
        client.close()
