"""CONFIG SET of the TLS options against redis-server 7.0: replies and log lines, certificates read again while clients come
and go, and what a start says."""

import re
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from harness.certificates import encrypted_key
from harness.ports import Port
from harness.resp import Closed, RawClient
from harness.waiting import PATIENCE, wait_until

LINE = re.compile(r"^\d+:\w .*?\d\d:\d\d:\d\d\.\d{3} . ", re.MULTILINE)


def steps(folder, port, taken):
    """CONFIG SETs, each with what it is there for."""
    server, key, ca = f"{folder}/server.crt", f"{folder}/server.key", f"{folder}/ca.crt"
    return [
        ("tls-port", port), ("tls-cert-file", "/nonexistent"), ("tls-cert-file", server, "tls-key-file", key),
        ("tls-port", port), ("tls-ca-cert-file", ca, "tls-port", port),
        ("tls-cert-file", "/nonexistent"), ("tls-cert-file", f"{folder}/client.crt"), ("tls-key-file", ca),
        ("tls-key-file", f"{folder}/server.encrypted.key"),
        ("tls-key-file", f"{folder}/server.encrypted.key", "tls-key-file-pass", "bad"),
        ("tls-key-file", f"{folder}/server.encrypted.key", "tls-key-file-pass", "secret"), ("tls-key-file-pass", ""),
        ("tls-ca-cert-file", "/nonexistent"), ("tls-ca-cert-file", ""), ("tls-ca-cert-dir", "/nonexistent"),
        ("tls-protocols", "foo bar"), ("tls-protocols", "TLSv1.2 tlsv1.3"), ("tls-protocols", ""),
        ("tls-ciphers", "nonsense"), ("tls-ciphers", "DEFAULT"), ("tls-ciphersuites", "nonsense"),
        ("tls-dh-params-file", "/nonexistent"), ("tls-dh-params-file", ca),
        ("tls-client-cert-file", f"{folder}/client.crt", "tls-client-key-file", f"{folder}/client.key"),
        ("tls-client-cert-file", server), ("tls-auth-clients", "maybe"), ("tls-auth-clients", "optional"),
        ("tls-session-cache-size", "-1"), ("tls-session-cache-size", "100"), ("tls-session-cache-timeout", "x"),
        ("tls-session-caching", "no"), ("tls-prefer-server-ciphers", "yes"), ("tls-replication", "yes"),
        ("tls-port", "99999"), ("tls-port", taken), ("tls-port", port), ("tls-port", "0"), ("tls-replication", "no"),
    ]


def logged(text):
    """The log lines of one step. redis-server applies a refused tls-port once more, in vain, which says nothing new."""
    lines = [LINE.sub("", line) for line in text.splitlines()]
    again = next((at for at, line in enumerate(lines) if line.startswith("Failed applying restored")), 0)
    return lines[:again - 1] if again else lines


def transcript(server, folder):
    """Replies and log lines of all steps, with what is particular to the run taken out."""
    port, taken = Port(), Port()
    lines = []
    with socket.create_server(("0.0.0.0", taken.number)), server.raw() as client:
        for step in steps(folder, str(port.number), str(taken.number)):
            mark = server.log_mark()
            lines.append(f"> {' '.join(step)}\n{client.call('CONFIG', 'SET', *step)}")
            lines += logged(server.log_text()[mark:])
        lines += sorted(f"{name} {value}" for name, value in zip(*[iter(client.call("CONFIG", "GET", "tls-*").plain())] * 2)
                        if name != b"tls-cluster")
    text = "\n".join(lines).replace(str(port.number), "PORT").replace(str(taken.number), "TAKEN")
    port.release()
    taken.release()
    return text.replace("server TCP listening socket *:", "server TCP listening socket 0.0.0.0:")


def test_replies_and_log_lines_are_those_of_redis(servers, vigil, oracle, authority):
    encrypted_key(authority.server, "secret")
    ours, theirs = (transcript(servers.start(binary), authority.folder) for binary in (vigil, oracle))
    assert ours == theirs


def served_name(port, authority):
    """The common name of the certificate that the server shows."""
    context = authority.context(authority.client)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain, context.wrap_socket(plain) as stream:
        stream.sendall(b"PING\r\n")
        assert stream.recv(100) == b"+PONG\r\n"
        return dict(pair for part in stream.getpeercert()["subject"] for pair in part)["commonName"]


def test_certificates_are_read_again_under_load(servers, vigil, authority, tmp_path):
    """The files change in their place, as a renewal does it; CONFIG SET to the same name takes them up."""
    live = tmp_path / "live"
    live.mkdir()

    def renew(identity):
        shutil.copy(identity.certificate, live / "server.crt")
        shutil.copy(identity.key, live / "server.key")

    renew(authority.server)
    options = {**authority.options(authority.server), "tls-cert-file": live / "server.crt", "tls-key-file": live / "server.key"}
    server = servers.start(vigil, options=options, tls=authority.context(authority.client))
    stop, served, errors = threading.Event(), [0] * 4, []

    def load(number):
        with server.raw() as lasting:
            while not stop.is_set():
                try:
                    assert lasting.call("INCR", "lasting").kind == ":"
                    with server.raw() as client:
                        assert client.call("INCR", "new").kind == ":"
                    served[number] += 1
                except (OSError, Closed, AssertionError) as error:
                    errors.append(error)
                    return

    threads = [threading.Thread(target=load, args=(number,)) for number in range(len(served))]
    for thread in threads:
        thread.start()
    try:
        for identity in (authority.other_server, authority.server, authority.other_server):
            before = sum(served)
            renew(identity)
            server.call("CONFIG", "SET", "tls-cert-file", str(live / "server.crt"))
            assert served_name(server.port, authority) == identity.name
            (live / "server.crt").write_text("broken")
            with server.raw() as client:
                reply = client.call("CONFIG", "SET", "tls-cert-file", str(live / "server.crt"))
                assert reply.is_error and b"Unable to update TLS configuration" in reply.value
            assert served_name(server.port, authority) == identity.name
            wait_until("load goes on", lambda: sum(served) > before + 40 or errors)  # pylint: disable=cell-var-from-loop
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors


def test_a_new_authority_ends_the_sessions_of_the_old_one(servers, vigil, authority, stranger):
    server = servers.start(vigil, options=authority.options(authority.server), tls=authority.context(authority.client))
    context = authority.context(authority.client)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", server.port)) as plain, context.wrap_socket(plain) as stream:
        session = stream.session
    server.call("CONFIG", "SET", "tls-ca-cert-file", str(stranger.certificate))
    with pytest.raises((ssl.SSLError, OSError)):
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            with context.wrap_socket(plain, session=session) as stream:
                stream.sendall(b"PING\r\n")
                if not stream.recv(100):
                    raise OSError("closed")


def test_the_port_moves_and_the_bind_too(servers, vigil, authority, free_port):
    server = servers.start(vigil, options=authority.options(authority.server))
    context = authority.context(authority.client)
    server.call("CONFIG", "SET", "tls-port", str(free_port))
    assert served_name(free_port, authority) == "server"
    with RawClient(free_port, tls=context) as client:
        assert client.call("CONFIG", "SET", "port", "0").value == b"OK"
        assert client.call("PING").value == b"PONG"
        with pytest.raises(ConnectionRefusedError):
            RawClient(server.port)
        assert b"tcp_port:%d\r\n" % free_port in client.call("INFO", "server").value
        assert client.call("CONFIG", "SET", "bind", "127.0.0.2").value == b"OK"
        with pytest.raises(ConnectionRefusedError):
            RawClient(free_port, tls=context)
        with RawClient(free_port, host="127.0.0.2", tls=context) as other:
            assert other.call("PING").value == b"PONG"
        assert client.call("CONFIG", "SET", "port", str(server.port), "bind", "127.0.0.1").value == b"OK"
        with RawClient(server.port) as plain:
            assert plain.call("CONFIG", "SET", "tls-port", "0").value == b"OK"
        with pytest.raises(ConnectionRefusedError):
            RawClient(free_port, tls=context)


def test_rewritten(servers, vigil, authority, free_port):
    text = "".join(f'{name} "{value}"\n' for name, value in authority.options(authority.server, tls_port=free_port).items())
    server = servers.start(vigil, config_file=text)
    server.call("CONFIG", "SET", "tls-protocols", "TLSv1.2 TLSv1.3", "tls-auth-clients", "optional", "tls-replication", "yes")
    server.call("CONFIG", "REWRITE")
    written = server.config_path.read_text()
    assert 'tls-protocols "TLSv1.2 TLSv1.3"\n' in written and "tls-auth-clients optional\n" in written
    assert "tls-replication yes\n" in written and f"tls-port {free_port}\n" in written
    server.stop()
    server.start()
    assert served_name(free_port, authority) == "server"


STARTS = [
    {"tls-replication": "yes", "tls-port": "0"},
    {"tls-port": "PORT"},
    {"tls-port": "PORT", "tls-cert-file": "nope", "tls-key-file": "nope", "tls-auth-clients": "no"},
    {"tls-port": "PORT", "tls-cert-file": "server.crt", "tls-key-file": "server.key"},
    {"tls-port": "PORT", "tls-cert-file": "server.crt", "tls-key-file": "server.key", "tls-ca-cert-file": "ca.crt",
     "tls-protocols": "abc"},
    {"tls-port": "PORT", "tls-cert-file": "server.crt", "tls-key-file": "client.key", "tls-auth-clients": "no"},
    {},
]


@pytest.mark.parametrize("number", range(len(STARTS)))
def test_a_start_that_fails_says_why_as_redis_does(vigil, oracle, authority, free_port, number):
    line = [word for name, value in STARTS[number].items() for word in (f"--{name}", value.replace("PORT", str(free_port)))]
    outcomes = []
    for binary in (vigil, oracle):
        run = subprocess.run([binary.path, "--port", "0", "--save", "", *line], cwd=authority.folder, capture_output=True,
                             timeout=PATIENCE, text=True, check=False)
        warnings = [LINE.sub("", text) for text in run.stdout.splitlines() if " # " in text]
        outcomes.append((run.returncode, [text for text in warnings if re.search("(?i)tls|cert|key|listen", text)]))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == 1
