"""A raw RESP2/RESP3 client that keeps the exact type of every reply, and shows replies as one line of text."""

import socket
import ssl
from typing import Any, NamedTuple

REPLY_TIMEOUT = 60


class Reply(NamedTuple):
    """kind: the reply's first byte on the wire, as text. value: bytes for strings, int for ':', bool for '#', a list of
    Reply for arrays, sets, pushes and (flat: key, value, key, …) maps; None for the nulls of RESP2 ('$', '*') and '_'."""

    kind: str
    value: Any

    def __str__(self):
        if self.value is None:
            return "_" if self.kind == "_" else self.kind + "nil"
        if self.kind in "*%~>":
            brackets = {"*": "[]", "%": "%{}", "~": "~()", ">": ">[]"}[self.kind]
            return brackets[:-1] + ", ".join(map(str, self.value)) + brackets[-1]
        if self.kind == "$":
            return '"' + escape(self.value) + '"'
        if self.kind == "#":
            return "#t" if self.value else "#f"
        if isinstance(self.value, bytes):
            return self.kind + escape(self.value)
        return self.kind + str(self.value)

    @property
    def is_error(self):
        return self.kind in "-!"

    def plain(self):
        """The reply as simple Python values, for tests that do not care about types."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def escape(data):
    return data.decode("latin-1").encode("unicode_escape").decode().replace('"', '\\"')


class Closed(Exception):
    """The server has closed the connection."""


def encode(words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if isinstance(word, (int, float)):
            word = str(word)
        if isinstance(word, str):
            word = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class RawClient:
    def __init__(self, port, host="127.0.0.1", timeout=REPLY_TIMEOUT, unix=None, tls=None):
        """tls: the ssl.SSLContext to speak TLS with."""
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(unix)
        else:
            self.socket = socket.create_connection((host, port), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.socket = tls.wrap_socket(self.socket)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def call(self, *words):
        """Sends one command and returns its reply."""
        self.send(*words)
        return self.read()

    def pipeline(self, commands):
        """Sends all the commands at once and returns their replies."""
        self.socket.sendall(b"".join(map(encode, commands)))
        return [self.read() for _ in commands]

    def send(self, *words):
        self.socket.sendall(encode(words))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def read(self, timeout=None):
        if timeout is not None:
            self.socket.settimeout(timeout)
        return self._parse()

    def read_until_closed(self):
        """All bytes up to the server's close, and what was buffered before."""
        parts = [self._buffer]
        self._buffer = b""
        while parts[-1] or len(parts) == 1:
            try:
                parts.append(self.socket.recv(65536))
            except ConnectionResetError:
                break
        return b"".join(parts)

    def end(self):
        """Closes, and returns once the server has done so too (over TLS at once)."""
        if not isinstance(self.socket, ssl.SSLSocket):
            self.socket.shutdown(socket.SHUT_WR)
            self.read_until_closed()
        self.close()

    def _fill(self):
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError as error:
            raise Closed() from error
        if not more:
            raise Closed()
        self._buffer += more

    def read_line(self):
        while b"\r\n" not in self._buffer:
            self._fill()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def read_bytes(self, count):
        if len(self._buffer) < count:
            parts, have = [self._buffer], len(self._buffer)
            while have < count:
                self._buffer = b""
                self._fill()
                parts.append(self._buffer)
                have += len(self._buffer)
            self._buffer = b"".join(parts)
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _bulk(self, count):
        data = self.read_bytes(count + 2)
        assert data.endswith(b"\r\n"), f"a bulk string of {count} bytes is followed by {data[-2:]!r}"
        return data[:-2]

    def _parse(self):
        line = self.read_line()
        kind, rest = chr(line[0]), line[1:]
        if kind in "+-,(":
            return Reply(kind, rest)
        if kind == ":":
            return Reply(kind, int(rest))
        if kind == "#":
            return Reply(kind, {b"t": True, b"f": False}[rest])
        if kind == "_":
            assert rest == b"", f"null with {rest!r}"
            return Reply(kind, None)
        if kind in "$=!":
            return Reply(kind, None if rest == b"-1" else self._bulk(int(rest)))
        if kind in "*~>%":
            if rest == b"-1":
                return Reply(kind, None)
            count = int(rest) * (2 if kind == "%" else 1)
            return Reply(kind, [self._parse() for _ in range(count)])
        raise AssertionError(f"no RESP type: {line!r}")
