"""Runs one block on one server and keeps every reply; compares the replies of two servers."""

import re
import socket

from harness.resp import Closed, RawClient, Reply, escape
from harness.waiting import wait_until

REPLY_TIMEOUT = 20  # long for one reply, short enough that a missing one does not cost a test's whole time


class Run:
    def __init__(self, server, protocol):
        self.server, self.protocol = server, protocol
        self.clients = {}
        self.blocking = set()  # clients that have sent what blocks them

    def client(self, number):
        if number not in self.clients:
            client = RawClient(self.server.port, timeout=REPLY_TIMEOUT)
            if self.protocol == 3:
                client.call("HELLO", "3")
            self.clients[number] = client
        return self.clients[number]

    def close(self):
        for client in self.clients.values():
            client.close()

    def _blocked(self):
        return int(self.server.info("clients").get("blocked_clients", -1))

    def _until(self, step):
        def as_expected():
            reply = self.client(step.client).call(*step.words)
            return str(reply) == step.expected

        wait_until(step.text, as_expected, timeout=30)

    def do(self, step):
        """The outcome of a step: a Reply, or text that begins with '!' for what is none, or None."""
        try:
            if step.action == "raw":
                with RawClient(self.server.port, timeout=REPLY_TIMEOUT) as client:
                    client.send_bytes(b"".join(step.words))
                    return "raw: " + escape(client.read_until_closed())
            if step.action == "await":
                return self._until(step)
            client = self.client(step.client)
            if step.action == "close":
                before = self._blocked() if step.client in self.blocking else 0
                client.close()
                del self.clients[step.client]
                if before > 0:  # what another client does next comes behind its end
                    wait_until(f"{step.text}: the client has gone", lambda: self._blocked() < before, timeout=10)
            elif step.action == "mute":
                client.send(*step.words)
            elif step.action == "block":
                before = self._blocked()
                client.send(*step.words)
                wait_until(f"{step.text}: the client blocks", lambda: self._blocked() > before, timeout=10)
                self.blocking.add(step.client)
            elif step.action == "read":
                self.blocking.discard(step.client)
                return client.read()
            else:
                return client.call(*step.words)
        except Closed:
            return "!closed"
        except socket.timeout:
            if step.client in self.clients:
                self.clients.pop(step.client).close()
            return f"!no reply within {REPLY_TIMEOUT} s"
        except (AssertionError, OSError) as error:
            return f"!{error}"
        return None


def reset(server):
    """Empty databases on a server that answers; one that does not is started again."""
    if server.is_running():
        try:
            with RawClient(server.port, timeout=REPLY_TIMEOUT) as client:
                client.call("CLIENT", "UNPAUSE")
                if client.call("FLUSHALL").value == b"OK":
                    return
        except (Closed, OSError, AssertionError):
            pass
        server.kill()
    server.start()


def unordered(reply):
    """The reply as text, its arrays in one order, however deep."""
    if not isinstance(reply, Reply) or not isinstance(reply.value, list):
        return str(reply)
    items = [unordered(item) for item in reply.value]
    if reply.kind == "%":
        items = [f"{items[i]}={items[i + 1]}" for i in range(0, len(items), 2)]
    return f"{reply.kind}{sorted(items)}"


def _shape(reply):
    if not isinstance(reply, Reply):
        return reply
    return reply.kind, len(reply.value) if isinstance(reply.value, list) else reply.value is None


def _fields(reply):
    text = reply.value.decode("latin-1") if isinstance(reply, Reply) and isinstance(reply.value, bytes) else str(reply)
    return set(re.findall(r"(?:^|[\s,:])([a-z][a-z0-9_-]*)[:=]", text))


def mismatch(step, ours, theirs, rule):
    """None if the outcomes agree by the rule, else what is wrong."""
    if rule == "skip" or (rule == "ours" and str(ours) == step.argument):
        return None
    if rule == "ours":
        return f"{step.text}\n      expected {step.argument}\n      got      {ours}"
    if rule == "about":
        numbers = [reply.value for reply in (ours, theirs) if isinstance(reply, Reply) and reply.kind == ":"]
        same = len(numbers) == 2 and abs(numbers[0] - numbers[1]) <= int(step.argument)
    elif rule == "fields":
        missing = _fields(theirs) - _fields(ours)
        if missing:
            return f"{step.text}\n      lacks the fields {sorted(missing)}"
        same = True
    else:
        view = {"exact": str, "sorted": unordered, "type": _shape, "kind": lambda reply: str(reply)[:1]}[rule]
        same = view(ours) == view(theirs)
    if same:
        return None
    return f"{step.text}\n      expected {theirs}\n      got      {ours}"


def compare(block, protocol, ours, theirs):
    """Runs the block on both servers, step by step; returns the list of what differs."""
    problems = []
    runs = [Run(ours, protocol), Run(theirs, protocol)]
    try:
        for step in block.steps:
            outcomes = [run.do(step) for run in runs]
            # With the oracle on both sides there is nothing that 7.2 does otherwise.
            rule = "exact" if step.rule == "ours" and not ours.binary.is_vigil else step.rule
            problem = mismatch(step, *outcomes, rule)
            if problem is None and rule != "skip" and isinstance(outcomes[1], str) and outcomes[1][0] == "!" and \
                    outcomes[1] != "!closed":
                problem = f"{step.text}\n      the oracle itself: {outcomes[1]}"
            if problem:
                problems.append(f"  line {step.number}: {problem}")
    finally:
        for run in runs:
            run.close()
    return problems
