"""nodes.conf: what a node remembers over a restart, files of either kind, damage, and two nodes with one file."""

import pytest

from harness.cluster import HandMadeCluster, my_id, nodes, role_of
from harness.ports import Port
from harness.server import Ended
from harness.waiting import wait_until

LAYOUT = {"A": (0, 5460), "B": (5461, 10922), "C": (10923, 16383), "R": "A"}


def make(servers, binary, **options):
    return HandMadeCluster(servers, {name: (binary, what) for name, what in LAYOUT.items()}, **options)


def shape(node):
    """What the node knows, without times."""
    return {name: ([flag for flag in fields["flags"] if not flag.startswith("fail")], fields["master"], fields["epoch"], fields["slots"])
            for name, fields in nodes(node).items()}


def test_all_nodes_restart_at_once(servers, vigil):
    cluster = make(servers, vigil, appendonly="yes")
    cluster.named["A"].call("SET", "num", 1)
    wait_until("the replica has it", lambda: cluster.named["R"].call("DBSIZE") == 1)
    cluster.named["B"].call("CLUSTER", "SETSLOT", 0, "IMPORTING", cluster.ids["A"])
    cluster.named["A"].call("CLUSTER", "SETSLOT", 0, "MIGRATING", cluster.ids["B"])
    before = {name: shape(node) for name, node in cluster.named.items()}
    for node in cluster.nodes:
        node.kill()
    for node in cluster.nodes:
        node.start()
    assert {name: shape(node) for name, node in cluster.named.items()} == before
    cluster.wait_ok()
    cluster.named["R"].wait_info("replication", master_link_status="up")
    assert cluster.named["A"].call("GET", "num") == b"1"


def test_a_node_that_is_restarted_with_another_port_is_found(servers, vigil):
    cluster = make(servers, vigil)
    moved = cluster.named["B"]
    moved.shutdown()
    new = Port()
    moved.port = new.number
    moved.start()
    for node in cluster.nodes:
        wait_until(f"{node} knows", lambda node=node: nodes(node)[cluster.ids["B"]]["address"].endswith(f":{moved.port}"))
    cluster.wait_ok()
    with cluster.named["A"].raw() as client:
        assert str(client.call("GET", "key1")) == f"-MOVED 9189 127.0.0.1:{moved.port}"
    new.release()


@pytest.mark.parametrize("side", ["oracle", "vigil"])
def test_a_node_that_is_restarted_with_another_address_is_found(servers, request, side):
    cluster = make(servers, request.getfixturevalue(side))
    moved = cluster.named["B"]
    moved.kill()
    moved.options |= {"bind": "127.0.0.1 127.0.0.2", "bind-source-addr": "127.0.0.2"}
    moved.start()
    for name in "AC":
        node = cluster.named[name]
        wait_until(f"{node} knows", lambda node=node: nodes(node)[cluster.ids["B"]]["address"] == f"127.0.0.2:{moved.port}")
    cluster.wait_ok()
    with cluster.named["A"].raw() as client:
        wait_until("clients are told it", lambda: str(client.call("GET", "key1")) == f"-MOVED 9189 127.0.0.2:{moved.port}")


@pytest.mark.parametrize("first,then", [("oracle", "vigil"), ("vigil", "oracle")])
def test_the_file_of_the_other_kind_is_taken(servers, request, first, then):
    """A node is replaced in its place: same directory, same file, same data."""
    cluster = make(servers, request.getfixturevalue(first), appendonly="yes")
    cluster.named["A"].call("SET", "num", 1)
    wait_until("the replica has it", lambda: cluster.named["R"].call("DBSIZE") == 1)
    before = {name: shape(node) for name, node in cluster.named.items()}
    for node in cluster.nodes:
        node.shutdown()
    for node in cluster.nodes:
        node.binary = request.getfixturevalue(then)
        node.start()
    assert {name: shape(node) for name, node in cluster.named.items()} == before
    cluster.wait_ok()
    cluster.named["R"].wait_info("replication", master_link_status="up")
    assert cluster.named["A"].call("GET", "num") == b"1"
    assert role_of(cluster.named["R"]) == "slave"


def damaged(text):
    lines = text.splitlines(keepends=True)
    mine = next(i for i, line in enumerate(lines) if "myself" in line)

    def with_line(line):
        return "".join(lines[:mine] + [line] + lines[mine + 1:])

    words = lines[mine].split()
    return {
        "cut in a line": text[:text.index("myself") + 3],
        "an id that is none": with_line(lines[mine].replace(words[0], words[0][:-1] + "?")),
        "no node is this one": with_line(lines[mine].replace("myself,", "")),
        "an unknown flag": with_line(lines[mine].replace("myself,", "myself,strange,")),
        "a port that is no number": with_line(lines[mine].replace("@", "x@")),
        "a slot too far": with_line(lines[mine].rstrip() + " 16384\n"),
        "two owners of a slot": with_line(lines[mine].rstrip() + " 6000\n"),
        "an epoch is missing": text[:text.index("vars")] + "vars currentEpoch\n",
        "binary": "\x00\xff" * 100,
    }


def test_a_damaged_file_is_refused(servers, vigil):
    cluster = make(servers, vigil)
    node = cluster.named["A"]
    node.shutdown()
    path = node.directory / "nodes.conf"
    good = path.read_text()
    for what, text in damaged(good).items():
        path.write_text(text, encoding="latin-1")
        mark = node.log_mark()
        with pytest.raises(Ended):
            node.start()
        assert "corrupted cluster config file" in node.log_text()[mark:], what
        assert path.read_text(encoding="latin-1") == text, f"{what}: the file is left as it was"
    path.write_text(good)
    node.start()
    cluster.wait_ok()


@pytest.mark.parametrize("first,then", [("vigil", "vigil"), ("vigil", "oracle"), ("oracle", "vigil")])
def test_one_file_is_of_one_node(servers, request, first, then):
    node = servers.start(request.getfixturevalue(first), options={"cluster-enabled": "yes"})
    node.call("CLUSTER", "ADDSLOTS", 1)  # the file is another one since
    node.call("CLUSTER", "SAVECONFIG")
    second = servers.create(request.getfixturevalue(then), options={"cluster-enabled": "yes", "cluster-config-file": str(node.directory / "nodes.conf")})
    with pytest.raises(Ended, match="is already used by a different Redis Cluster node"):
        second.start()
    mine = my_id(node)
    node.kill()
    second.start()
    assert my_id(second) == mine


def test_a_folder_that_is_not_there_is_no_other_node(servers, vigil, oracle):
    for binary in (vigil, oracle):
        node = servers.create(binary, options={"cluster-enabled": "yes", "cluster-config-file": "/no/such/folder/nodes.conf"})
        with pytest.raises(Ended, match=r"Can't open /no/such/folder/nodes\.conf\S* in order to acquire a lock: No such file"):
            node.start()


def test_an_empty_file_makes_a_new_node(servers, vigil):
    node = servers.create(vigil, options={"cluster-enabled": "yes"})
    (node.directory / "nodes.conf").write_text("")
    node.start()
    assert my_id(node) in (node.directory / "nodes.conf").read_text()


def test_keys_of_slots_that_are_not_ours(servers, vigil, oracle):
    """A data set that was there before the cluster: slots without an owner become ours."""
    for binary in (vigil, oracle):
        node = servers.create(binary, options={"appendonly": "yes"})
        node.start()
        node.call("SET", "num", 1)
        node.shutdown()
        node.options["cluster-enabled"] = "yes"
        node.start()
        assert nodes(node)[my_id(node)]["slots"] == ["2765"], node


def test_no_client_is_served_while_the_file_cannot_be_written(servers, vigil):
    """Others take the slots of a node over that says nothing: it must not go on as if they had not."""
    node = servers.start(vigil, options={"cluster-enabled": "yes", "cluster-config-file": "nodes.conf"})
    node.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    wait_until("it serves", lambda: node.raw().call("SET", "k", "v").plain() == b"OK")
    file = node.directory / "nodes.conf"
    file.rename(node.directory / "away")
    file.mkdir()  # no file can be renamed to it
    with node.raw() as operator, node.raw() as client:
        operator.send("CLUSTER", "SAVECONFIG")
        wait_until("it refuses", lambda: str(client.call("SET", "k", "w")).startswith("-CLUSTERDOWN"))
        node.wait_log("The cluster configuration file cannot be written: until it can, no client is served")
        file.rmdir()
        assert operator.read().plain() == b"OK"
        wait_until("it serves again", lambda: client.call("SET", "k", "w").plain() == b"OK")
