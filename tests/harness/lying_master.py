"""A master made by hand: answers a replica's handshake like a real one, and PSYNC as a test wants."""

import socket
import threading

from harness.resp import encode

ID = "a1" * 20


class Link:
    """One replica's connection, once it has sent PSYNC. asked: the arguments of PSYNC."""

    def __init__(self, connection, asked):
        self.asked = asked
        self._connection = connection

    def send(self, data):
        self._connection.sendall(data)

    def send_bytewise(self, data):
        for byte in data:
            self._connection.sendall(bytes([byte]))

    def send_commands(self, *commands):
        self.send(b"".join(encode(words) for words in commands))

    def wait_closed(self):
        """Reads what the replica says until it closes; a replica that does not, ends the test by the time limit."""
        try:
            while self._connection.recv(65536):
                pass
        except OSError:
            pass


class LyingMaster:
    """answer(link) is called for every PSYNC, on a thread of its own, and the connection closed afterwards. .port"""

    def __init__(self, answer):
        self.links = 0
        self._answer = answer
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as lines:
                asked = self._handshake(connection, lines)
                if asked is not None:
                    self.links += 1
                    self._answer(Link(connection, asked))
        except OSError:
            pass  # the replica, or the test, has gone

    @staticmethod
    def _handshake(connection, lines):
        """Up to PSYNC, whose arguments are returned; None if the replica leaves before."""
        while command := _command(lines):
            name = command[0].upper()
            if name == b"PSYNC":
                return [word.decode() for word in command[1:]]
            connection.sendall(b"+PONG\r\n" if name == b"PING" else b"+OK\r\n")
        return None


def _command(lines):
    head = lines.readline()
    if not head.startswith(b"*"):
        return None
    words = []
    for _ in range(int(head[1:])):
        words.append(lines.read(int(lines.readline()[1:]) + 2)[:-2])
    return words
