"""A TCP proxy in front of a server, for links that break. One thread runs all its connections."""

import selectors
import socket
import threading
import time

CHUNK = 65536
MAX_HELD = 1 << 20  # bytes read and not yet passed on, per direction; then we stop reading, so the peers feel it


class _Pipe:
    """One direction of one connection."""

    def __init__(self, source, target, budget=None):
        self.source, self.target = source, target
        self.budget = budget  # bytes that may still pass; None: all
        self.held = []  # (due time, bytes)
        self.size = 0
        self.ended = False


class Proxy:
    """Listens on .port and connects to 127.0.0.1:target.

    cut(): resets all connections at once. refusing: new connections are closed at once. frozen: nothing passes, in either
    direction. delay: seconds that bytes take. rate: bytes per second and direction, None for no limit. All may be changed
    at any time. connections: how many have been accepted and passed on so far. cut_after: a connection accepted from now
    on ends once so many bytes of the server have been passed on."""

    def __init__(self, target):
        self.target = target
        self.refusing = False
        self.frozen = False
        self.delay = 0.0
        self.rate = None
        self.connections = 0
        self.cut_after = None
        self._cut = False
        self._pipes = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        self._cut = True

    def close(self):
        self._closing.set()
        self._thread.join()

    def _run(self):
        last = time.monotonic()
        while not self._closing.is_set():
            self._wait()
            now = time.monotonic()
            if self._cut:
                self._cut = False
                for pipe in list(self._pipes):
                    self._drop(pipe)
            self._accept()
            if not self.frozen:
                budget = None if self.rate is None else max(1, int(self.rate * (now - last)))
                for pipe in list(self._pipes):
                    if pipe in self._pipes:
                        self._pass_on(pipe, now, budget)
            last = now
        for pipe in list(self._pipes):
            self._drop(pipe)
        self._listener.close()

    def _wait(self):
        """Until something can be read, or the time of a held chunk may have come."""
        busy = self.frozen or self.rate is not None or any(pipe.held for pipe in self._pipes)
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            if not busy:
                for pipe in self._pipes:
                    if not pipe.ended:
                        selector.register(pipe.source, selectors.EVENT_READ)
            selector.select(0.002 if busy else 0.02)

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        if self.refusing:
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            client.close()
            return
        for each in (client, server):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pipes += [_Pipe(client, server), _Pipe(server, client, self.cut_after)]
        self.connections += 1

    def _pass_on(self, pipe, now, budget):
        try:
            while not pipe.ended and pipe.size < MAX_HELD:
                data = pipe.source.recv(CHUNK if budget is None else min(CHUNK, budget))
                if data:
                    pipe.held.append((now + self.delay, data))
                    pipe.size += len(data)
                else:
                    pipe.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self._drop(pipe)
            return
        allowance = min((each for each in (budget, pipe.budget) if each is not None), default=None)
        try:
            while pipe.held and pipe.held[0][0] <= now and (allowance is None or allowance > 0):
                due, data = pipe.held[0]
                sent = pipe.target.send(data if allowance is None else data[:allowance])
                pipe.size -= sent
                if allowance is not None:
                    allowance -= sent
                if pipe.budget is not None:
                    pipe.budget -= sent
                if sent == len(data):
                    pipe.held.pop(0)
                else:
                    pipe.held[0] = (due, data[sent:])
            if pipe.budget == 0:
                self._drop(pipe, reset=False)
            elif pipe.ended and not pipe.held:
                pipe.target.shutdown(socket.SHUT_WR)
                self._pipes.remove(pipe)
                if not any(other.source is pipe.target for other in self._pipes):
                    pipe.source.close()
                    pipe.target.close()
        except BlockingIOError:
            pass
        except OSError:
            self._drop(pipe)

    def _drop(self, pipe, reset=True):
        for each in (pipe.source, pipe.target):
            try:
                # Linger 0: the peer sees a reset, and bytes under way are lost, as when a cable is cut.
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                each.close()
            except OSError:
                pass
        self._pipes = [other for other in self._pipes
                       if other is not pipe and other.source is not pipe.target]
