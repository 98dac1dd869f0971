"""Names in place of addresses, TLS, and a Sentinel that moves."""

from harness.ports import Port
from harness.sentinel import NAME, Group, Sentinel, sentinel_binary
from harness.waiting import wait_until


def test_host_names(servers, vigil):
    names = "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\nsentinel announce-ip localhost\n"
    three = Group(servers, [vigil] * 3, [vigil] * 3, extra=names, server_options={"replica-announce-ip": "localhost"})
    for sentinel in three.sentinels:
        text = sentinel.config_path.read_text().replace(f"{NAME} 127.0.0.1", f"{NAME} localhost")
        sentinel.config_path.write_text(text)
    three.start()
    first = three.sentinels[0]
    assert first.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[0] == "localhost"
    three.master.kill()
    new = three.wait_switched(three.master)
    assert first.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME) == ["localhost", str(new.port)]
    other = next(s for s in three.replicas if s is not new)
    other.wait_info("replication", role="slave", master_host="localhost", master_port=new.port, master_link_status="up")
    assert first.config_lines(f"sentinel monitor {NAME} localhost {new.port} 2")


def test_tls(servers, vigil, authority):
    options = authority.options(authority.server, tls_replication="yes")
    context = authority.context(authority.client)
    lines = "\n".join(f"{name} {value}" for name, value in options.items()) + "\n"
    master = servers.start(vigil, "M", options={**options, "repl-diskless-sync-delay": "0"}, tls=context)
    replica = servers.start(vigil, "S", options={**options, "repl-diskless-sync-delay": "0",
                                                 "replicaof": f"127.0.0.1 {master.port}"}, tls=context)
    sentinels = []
    for number in range(3):
        sentinel = Sentinel(sentinel_binary(vigil), servers.directory / f"sentinel{number}", "", tls=context)
        sentinel.config_path.write_text(
            f"port 0\ntls-port {sentinel.port}\ndir {sentinel.directory}\n{lines}"
            f"sentinel monitor {NAME} 127.0.0.1 {master.port} 2\nsentinel down-after-milliseconds {NAME} 1000\n")
        servers.servers.append(sentinel)
        sentinels.append(sentinel.start())
    for sentinel in sentinels:
        wait_until("all are known", lambda s=sentinel: s.info("sentinel")["master0"].endswith("slaves=1,sentinels=3"))
        wait_until("the replica is looked at", lambda s=sentinel: s.list("REPLICAS", NAME)[0]["master-link-status"] == "ok")
    master.kill()
    for sentinel in sentinels:
        wait_until("the replica is the master", lambda s=sentinel: s.address() == replica.port)
    replica.wait_info("replication", role="master")


def test_a_sentinel_is_its_id_not_its_address(group, vigil):
    three = group([vigil] * 2, [vigil] * 3)
    first, _, moving = three.sentinels
    identity = moving.call("SENTINEL", "MYID")
    moving.stop()
    there = Port()
    try:
        text = moving.config_path.read_text().replace(f"port {moving.port}\n", f"port {there.number}\n")
        moving.config_path.write_text(text)
        moving.port = there.number
        moving.start()
        first.wait_log(rf"\+sentinel-address-switch master {NAME} 127.0.0.1 \d+ ip 127.0.0.1 port {there.number} for {identity}")
        known = [s for s in first.list("SENTINELS", NAME) if s["runid"] == identity]
        assert [s["port"] for s in known] == [str(there.number)]
        assert first.fields("MASTER", NAME)["num-other-sentinels"] == "2"
    finally:
        moving.close()
        there.release()
