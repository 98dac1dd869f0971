"""Write load from threads, that remembers what was acknowledged."""

import random
import threading

from harness.resp import Closed, RawClient, encode


class WriteLoad:
    """One thread that writes in small pipelines until stop(), over strings, counters, lists, expiry, transactions and two
    databases. It reconnects when the connection breaks. done: commands acknowledged so far."""

    def __init__(self, port, seed=1, keys=300, pipeline=20, tls=None):
        self.port, self.keys, self.pipeline, self.tls = port, keys, pipeline, tls
        self.done = 0
        self.errors = []
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def _commands(self):
        pick = self._random
        n = pick.randrange(self.keys)
        value = "v" * pick.choice((1, 10, 100, 1000)) + str(pick.random())
        return pick.choice((
            [("SET", f"s{n}", value)],
            [("SET", f"s{n}", value, "EX", 10000 + n)],
            [("APPEND", f"a{n}", "x")],
            [("INCR", f"c{n}")],
            [("INCRBYFLOAT", f"f{n}", "0.5")],
            [("RPUSH", f"l{n}", value, "y")],
            [("LPUSH", f"l{n}", pick.randrange(10 ** 9))],
            [("LTRIM", f"l{n}", 0, 50)],
            [("LMOVE", f"l{n}", f"l{(n + 1) % self.keys}", "LEFT", "RIGHT")],
            [("PEXPIRE", f"s{n}", 10 ** 8)],
            [("PERSIST", f"s{n}")],
            [("DEL", f"s{n}", f"l{(n + 7) % self.keys}")],
            [("GETEX", f"s{n}", "EX", 5000)],
            [("RENAME", f"c{n}", f"c{(n + 1) % self.keys}")],
            [("MULTI",), ("INCR", f"c{n}"), ("RPUSH", f"l{n}", "multi"), ("EXEC",)],
            [("SELECT", 1), ("SET", f"other{n}", value), ("SELECT", 0)],
        ))

    def _run(self):
        client = None
        while not self._stop.is_set():
            try:
                client = client or RawClient(self.port, tls=self.tls)
                batch = [command for _ in range(self.pipeline) for command in self._commands()]
                client.send_bytes(b"".join(map(encode, batch)))
                for command in batch:
                    reply = client.read()
                    if reply.is_error and not reply.value.startswith(b"ERR no such key"):
                        self.errors.append(f"{command}: {reply}")
                self.done += len(batch)
            except (OSError, Closed):
                if client:
                    client.close()
                client = None
                self._stop.wait(0.02)
        if client:
            client.close()
