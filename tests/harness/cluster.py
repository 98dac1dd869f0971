"""Clusters of servers, made as their users make them: with redis-cli --cluster create."""

import subprocess

from harness.waiting import wait_until

FAST = {"cluster-enabled": "yes", "cluster-node-timeout": "2000", "enable-debug-command": "yes", "repl-diskless-sync-delay": "0"}


def redis_cli(*words, port=None, check=True, stdin=None, timeout=120):
    where = ["-p", str(port)] if port else []
    done = subprocess.run(["redis-cli", *where, *map(str, words)], capture_output=True, text=True, input=stdin,
                          timeout=timeout)
    assert not check or done.returncode == 0, f"redis-cli {words}: {done.stdout}\n{done.stderr}"
    return done.stdout


def text(server, *words):
    reply = server.call(*words)
    return reply.decode() if isinstance(reply, bytes) else reply


def cluster_info(server):
    return dict(line.split(":", 1) for line in text(server, "CLUSTER", "INFO").split("\r\n") if line)


def state(server):
    return cluster_info(server)["cluster_state"]


def nodes(server):
    """{id: fields} of CLUSTER NODES."""
    found = {}
    for line in text(server, "CLUSTER", "NODES").splitlines():
        words = line.split()
        found[words[0]] = {"address": words[1].split("@")[0], "flags": words[2].split(","), "master": words[3],
                           "epoch": int(words[6]), "link": words[7], "slots": words[8:]}
    return found


def my_id(server):
    return text(server, "CLUSTER", "MYID")


def role_of(server):
    return server.info("replication")["role"]


def knows_all(node, ids):
    shown = nodes(node)
    return set(shown) == set(ids) and not any("handshake" in fields["flags"] for fields in shown.values())


class Cluster:
    """`binaries`: one per node; the first half (by `replicas`) become masters."""

    def __init__(self, servers, binaries, replicas=1, **options):
        self.nodes = [servers.create(binary, options={**FAST, **options}) for binary in binaries]
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait_ready()
        self.output = redis_cli("--cluster", "create", *(f"127.0.0.1:{node.port}" for node in self.nodes),
                                "--cluster-replicas", replicas, "--cluster-yes")
        self.wait_ok()
        self.masters = [node for node in self.nodes if nodes(node)[my_id(node)]["slots"]]
        for node in self.nodes:
            if node not in self.masters:
                node.wait_info("replication", master_link_status="up")

    def running(self):
        return [node for node in self.nodes if node.is_running()]

    def wait_ok(self, among=None):
        for node in among or self.running():
            wait_until(f"{node} says that the cluster is up", lambda node=node: state(node) == "ok")

    def wait_fail(self, among=None):
        for node in among or self.running():
            wait_until(f"{node} says that the cluster is down", lambda node=node: state(node) == "fail")

    def replica_of(self, master):
        mine = my_id(master)

        def known():
            ports = [fields["address"].rpartition(":")[2] for fields in nodes(master).values() if fields["master"] == mine]
            return next((node for node in self.nodes if str(node.port) in ports), None)

        return wait_until(f"{master} knows its replica", known)

    def master_of_slot(self, key):
        """As a client finds out: whoever serves the key."""
        for node in self.running():
            with node.raw(timeout=2) as client:
                if not client.call("GET", key).is_error:
                    return node
        return None

    def check(self):
        return redis_cli("--cluster", "check", f"127.0.0.1:{self.running()[0].port}", check=False)


class HandMadeCluster(Cluster):
    """`layout`: for each node by name its binary, and the first and last slot that it gets, or the name of its master, or
    None. As Cluster without redis-cli, and faster."""

    def __init__(self, servers, layout, own_options=None, tls=None, **options):  # pylint: disable=super-init-not-called
        self.named = {name: servers.create(binary, f"{name}-{len(servers.servers)}", tls=tls,
                                           options={**FAST, **options, **(own_options or {}).get(name, {})})
                      for name, (binary, _) in layout.items()}
        self.nodes = list(self.named.values())
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait_ready()
        self.ids = {name: my_id(node) for name, node in self.named.items()}
        self.masters = []
        for epoch, (name, (_, what)) in enumerate(layout.items(), 1):
            node = self.named[name]
            node.call("CLUSTER", "SET-CONFIG-EPOCH", epoch)
            if isinstance(what, tuple):
                node.call("CLUSTER", "ADDSLOTSRANGE", *what)
                self.masters.append(node)
        for node in self.nodes[1:]:
            self.nodes[0].call("CLUSTER", "MEET", "127.0.0.1", node.port, self.bus_port(node))
        for node in self.nodes:
            wait_until(f"{node} knows all", lambda node=node: knows_all(node, self.ids.values()))
        followed = {name: what for name, (_, what) in layout.items() if isinstance(what, str)}
        for name, master in followed.items():
            self.named[name].call("CLUSTER", "REPLICATE", self.ids[master])
        for node in self.nodes:
            wait_until(f"{node} knows who follows whom", lambda node=node: all(
                nodes(node)[self.ids[name]]["master"] == self.ids[master] for name, master in followed.items()))
        for name in followed:
            self.named[name].wait_info("replication", master_link_status="up")
        if sum(last - first + 1 for first, last in (what for _, what in layout.values() if isinstance(what, tuple))) == 16384:
            self.wait_ok()

    @staticmethod
    def bus_port(node):
        return int(node.options.get("cluster-port", node.port + 10000))
