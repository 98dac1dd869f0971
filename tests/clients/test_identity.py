"""What the server says that it is."""

import re


def test_info_server(servers, vigil):
    server = servers.start(vigil)
    info = server.info("server")
    assert info["tcp_port"] == str(server.port)
    assert info["redis_mode"] == "standalone"
    assert re.fullmatch("[0-9a-f]{40}", info["run_id"])
    assert info["process_id"] == str(server.process.pid)
    if vigil.is_vigil:
        assert (info["redis_version"], info["server_name"]) == ("7.2.4", "vigil")
        assert re.fullmatch(r"\d+\.\d+\.\d+", info["vigil_version"])


def test_links_under_redis_names(vigil):
    assert (vigil.path.parent / "redis-server").exists()


def test_statistics_count_what_happened(servers, vigil):
    server = servers.start(vigil)
    before = server.info("stats")
    with server.raw() as client:
        for number in range(10):
            client.call("SET", f"k{number}", "v")
            client.call("GET", f"k{number}")
            client.call("GET", "none")
    after = server.info("stats")
    assert int(after["total_commands_processed"]) - int(before["total_commands_processed"]) >= 30
    assert int(after["keyspace_hits"]) - int(before["keyspace_hits"]) == 10
    assert int(after["keyspace_misses"]) - int(before["keyspace_misses"]) == 10
    assert int(after["total_connections_received"]) > int(before["total_connections_received"])
    assert server.info("keyspace")["db0"].startswith("keys=10,expires=0,avg_ttl=")
    server.call("CONFIG", "RESETSTAT")
    assert int(server.info("stats")["keyspace_hits"]) == 0
    assert int(server.info("memory")["used_memory"]) > 0
