"""Sends the same random commands to two servers and compares whatever a client, a subscriber, a replica or an operator could see.

    random_commands.py --ours PORT --theirs PORT [--seed N] [--runs N] [--length N]

A run is named by its seed. One that differs is shrunk to the fewest commands that still differ, and printed."""

import argparse
import random
import re
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from differential.grammar import KEYS, Grammar
from differential.runner import unordered
from harness.resp import RawClient, escape

TIMEOUT = 20
MARK = b"__key-mark"


class Stream:
    """What the server sends its replicas. An old-fashioned SYNC, whose replica need not acknowledge."""

    def __init__(self, server_port):
        self.client = RawClient(server_port, timeout=TIMEOUT)
        self.client.send("SYNC")
        line = b""
        while not line:  # newlines say only that the server is alive
            line = self.client.read_line() if self._has_line() else b""
        self.client.read_bytes(int(line[1:]))

    def _has_line(self):
        while not self.client._buffer:  # pylint: disable=protected-access
            self.client._fill()  # pylint: disable=protected-access
        if self.client._buffer.startswith(b"\n"):  # pylint: disable=protected-access
            self.client.read_bytes(1)
            return False
        return True

    def until_mark(self):
        seen = []
        while True:
            words = self.client.read().plain()
            if words[:2] == [b"PUBLISH", MARK]:
                return seen
            if words[0].upper() == b"PEXPIREAT":
                del words[3:]  # conditions, which have been decided
            if words not in ([b"PING"], [b"ping"]):
                seen.append(" ".join(escape(word) or '""' for word in words))


# What 7.2 answers otherwise than the oracle's 7.0, and we with it: (the oracle's, ours), the former as a pattern.
SEVEN_TWO = [
    ("-ERR timeout is negative", "-ERR timeout is out of range"),
    (".*", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"),
    ('"quicklist"', '"listpack"'),
]


class Side:
    """One server, seen from everywhere."""

    def __init__(self, port):
        self.port = port
        self.client, self.dumped, self.last = None, b"", 0
        self.watcher = RawClient(port, timeout=TIMEOUT)
        self.subscriber = RawClient(port, timeout=TIMEOUT)
        for name, value in (("notify-keyspace-events", "KEA"), ("repl-diskless-sync-delay", "0"), ("save", "")):
            self.watcher.call("CONFIG", "SET", name, value)
        self.watcher.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self.subscriber.call("PSUBSCRIBE", "__key*")
        self.stream = Stream(port)

    def begin(self, protocol):
        """An empty data set and a fresh client."""
        if self.client:
            self.client.close()
        self.client = RawClient(self.port, timeout=TIMEOUT)
        if protocol == 3:
            self.client.call("HELLO", "3")
        self.watcher.call("FLUSHALL")
        self._seen()
        self.dumped, self.last = b"", self._changes()

    def close(self):
        for client in (self.client, self.watcher, self.subscriber, self.stream.client):
            if client:
                client.close()

    def _seen(self):
        self.watcher.call("PUBLISH", MARK, "")
        return {"events": self._events(), "stream": self.stream.until_mark()}

    def _events(self):
        seen = []
        while True:
            words = self.subscriber.read().plain()
            if words[2] == MARK:
                return seen
            seen.append(b" ".join(words[2:]).decode("latin-1"))

    def _changes(self):
        text = self.watcher.call("INFO", "persistence").value
        return int(re.search(rb"rdb_changes_since_last_save:(\d+)", text).group(1))

    def outcome(self, words):
        """Everything that the command has brought about, by name."""
        words = [self.dumped if word == b"DUMPED" else word for word in words]
        reply = self.client.call(*words)
        if words[0] == b"DUMP" and reply.kind == "$" and reply.value:
            self.dumped = reply.value
        if words[0] == b"RANDOMKEY":
            reply = reply.kind
        changes = self._changes()
        seen = {"reply": unordered(reply) if words[0] in (b"KEYS", b"EXEC", b"SCAN", b"SORT", b"SORT_RO") else str(reply),
                "changes": changes - self.last}
        self.last = changes
        return seen | self._seen()

    def data(self):
        """The data set as commands show it."""
        seen = {}
        for db in "01":
            self.watcher.call("SELECT", db)
            self.watcher.call("EXISTS", *KEYS)  # what has expired goes, which redis-server's digest counts
            for key in KEYS:
                for words in (("OBJECT", "ENCODING", key), ("DUMP", key), ("PEXPIRETIME", key)):
                    seen[" ".join((db, *words))] = str(self.watcher.call(*words))
        self.watcher.call("SELECT", "0")
        seen["digest"] = str(self.watcher.call("DEBUG", "DIGEST"))
        return seen


_MOMENT = re.compile(r"\b(\d{13,16})\b")


def _agree(ours, theirs):
    """Whether the outcomes are one, apart from when the commands ran: milliseconds since 1970 may differ by half a minute."""
    if ours == theirs:
        return True
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_agree, ours, theirs))
    ours, theirs = str(ours), str(theirs)
    if any(re.fullmatch(re.escape(ours).replace(re.escape(new), old), theirs) for old, new in SEVEN_TWO if new in ours):
        return True
    parts = list(zip(_MOMENT.split(ours), _MOMENT.split(theirs)))
    return len(parts) > 1 and all(a == b if i % 2 == 0 else abs(int(a) - int(b)) < 30000 for i, (a, b) in enumerate(parts))


def difference(sides, commands, protocol):
    """None, or (how many commands it took, what differs)."""
    for side in sides:
        side.begin(protocol)
    bits_unchanged = False  # the oracle makes a string raw also for a SETBIT that changes no bit; here that is no write
    for position, words in enumerate(commands, 1):
        seen = [side.outcome(words) for side in sides]
        bits_unchanged |= words[0] in (b"SETBIT", b"BITFIELD") and seen[1]["changes"] == 0
        views = [seen] + ([[side.data() for side in sides]] if position % 20 == 0 or position == len(commands) else [])
        for ours, theirs in views:
            for name, value in theirs.items():
                if bits_unchanged and "OBJECT ENCODING" in name and value == '"raw"':
                    continue
                if not _agree(ours[name], value):
                    return position, f"{name}\n  expected {value}\n  got      {ours[name]}"
    return None


def shrink(sides, commands, protocol):
    """The commands without those that the difference does not need, and the difference."""
    position, problem = difference(sides, commands, protocol) or (None, None)
    if problem is None:
        return [], "it does not happen again"
    commands = commands[:position]
    size = max(1, len(commands) // 2)
    while size:
        start = 0
        while start < len(commands):
            fewer = commands[:start] + commands[start + size:]
            found = difference(sides, fewer, protocol) if fewer else None
            if found:
                commands, problem = fewer[:found[0]], found[1]
            else:
                start += size
        size //= 2
    return commands, problem


def shown(words):
    return " ".join(escape(word) if re.fullmatch(rb"[!-~]+", word) else f'"{escape(word)}"' for word in words)


def run(sides, seed, length):
    """None if both servers do the same in the run of this seed, else a report."""
    grammar = Grammar(random.Random(seed))
    commands = [grammar.command() for _ in range(length)]
    protocol = 2 + seed % 2
    if difference(sides, commands, protocol) is None:
        return None
    commands, problem = shrink(sides, commands, protocol)
    return "\n".join([f"seed {seed}, RESP{protocol}:", *("  " + shown(words) for words in commands), problem])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=int, required=True)
    parser.add_argument("--theirs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--length", type=int, default=100)
    arguments = parser.parse_args()
    sides = [Side(arguments.ours), Side(arguments.theirs)]
    reports = 0
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        report = run(sides, seed, arguments.length)
        if report:
            reports += 1
            print(report, flush=True)
    return 1 if reports else 0


if __name__ == "__main__":
    sys.exit(main())
