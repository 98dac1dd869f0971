"""Replication over TLS, ours and redis-server 7.0 mixed."""

import pytest

from harness.certificates import encrypted_key
from harness.data import fill
from harness.load import WriteLoad
from harness.replication import assert_in_sync, replicate, sync_counts, wait_link, wait_same_offset
from harness.server import oracle_binary, vigil_binary
from harness.waiting import wait_until

OPTIONS = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1", "repl-backlog-size": "16mb"}


@pytest.fixture(params=["vigil-vigil", "vigil-redis", "redis-vigil"])
def sides(request):
    return [(vigil_binary() if name == "vigil" else oracle_binary()).require() for name in request.param.split("-")]


@pytest.fixture
def start(servers, authority):
    def start(binary, tls=None, **more):
        options = authority.options(authority.server, tls_replication="yes") | OPTIONS
        return servers.start(binary, options=options | {name.replace("_", "-"): value for name, value in more.items()},
                             tls=tls or authority.context(authority.client))

    return start


@pytest.mark.sanitize
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_full_resync_and_stream(start, sides, diskless):
    master, replica = (start(binary, repl_diskless_sync=diskless) for binary in sides)
    fill(master)
    with WriteLoad(master.port, tls=master.tls) as load:
        replicate(replica, master.port)
        wait_link(replica)
        done = load.done
        wait_until("load goes on", lambda: load.done > done + 500)
    assert not load.errors
    assert_in_sync(master, replica)
    with master.raw() as client:
        assert client.call("SET", "after", b"z" * 3_000_000).value == b"OK"
        assert client.call("WAIT", "1", "60000").value == 1
        role = client.call("ROLE").plain()
    assert role[2][0][1] == str(replica.port).encode(), "the TLS port is what the replica names"
    assert_in_sync(master, replica)


def test_cut_links_go_on_without_a_full_resync(start, servers, sides):
    master, replica = (start(binary) for binary in sides)
    proxy = servers.proxy(master)
    fill(master, big=False)
    replicate(replica, proxy.port)
    wait_link(replica)
    with WriteLoad(master.port, tls=master.tls) as load:
        for _ in range(3):
            before, connections = load.done, proxy.connections
            proxy.cut()
            wait_until("a new link", lambda: proxy.connections > connections)  # pylint: disable=cell-var-from-loop
            wait_link(replica)
            wait_until("load goes on", lambda: load.done > before + 200)  # pylint: disable=cell-var-from-loop
    assert_in_sync(master, replica)
    assert sync_counts(master)[0] == 1


@pytest.mark.sanitize
def test_under_appendonly_with_two_workers(start, sides):
    master, replica = (start(binary, appendonly="yes", appendfsync="always", io_threads="2") for binary in sides)
    replicate(replica, master.port)
    wait_link(replica)
    loads = [WriteLoad(master.port, seed=seed, tls=master.tls) for seed in range(3)]
    for load in loads:
        load.__enter__()
    wait_until("load", lambda: all(load.done > 400 for load in loads))
    for load in loads:
        load.stop()
        assert not load.errors
    assert_in_sync(master, replica)
    replica.stop()
    replica.start()
    replicate(replica, master.port)
    wait_same_offset(master, replica)
    assert_in_sync(master, replica)


def test_a_slow_replica_gets_everything(start, servers, sides):
    """Behind a slow link records leave in parts, and more is written meanwhile."""
    master, replica = (start(binary, repl_backlog_size="64mb") for binary in sides)
    proxy = servers.proxy(master)
    replicate(replica, proxy.port)
    wait_link(replica)
    proxy.rate = 2_000_000
    with master.raw() as client:
        for number in range(40):
            assert client.call("SET", f"big{number}", bytes([number]) * 300_000).value == b"OK"
    proxy.rate = None
    assert_in_sync(master, replica)


def test_a_replica_that_distrusts_its_master_says_so(start, stranger, authority):
    master = start(vigil_binary().require())
    replica = start(vigil_binary().require(), tls_ca_cert_file=stranger.certificate, tls_auth_clients="no")
    replicate(replica, master.port)
    replica.wait_log("Error condition on socket for SYNC: error:0A000086:SSL routines::certificate verify failed")
    assert replica.info("replication")["master_link_status"] == "down"
    replica.call("CONFIG", "SET", "tls-ca-cert-file", str(authority.certificate))
    wait_link(replica)


@pytest.mark.parametrize("password", ["", "secret"])
def test_the_client_certificate_is_the_one_shown(start, stranger, authority, password):
    """A replica whose own certificate the master does not trust, with one for connections that it does."""
    stranger.server = stranger.issue("server")
    master = start(vigil_binary().require())
    replica = start(vigil_binary().require(), tls_cert_file=stranger.server.certificate, tls_key_file=stranger.server.key,
                    tls_auth_clients="no", tls=stranger.context())
    replicate(replica, master.port)
    replica.wait_log("Error condition on socket for SYNC|Connection with master lost|Failed to read response")
    key = encrypted_key(authority.client, password) if password else authority.client.key
    replica.call("CONFIG", "SET", "tls-client-key-file-pass", password, "tls-client-cert-file",
                 str(authority.client.certificate), "tls-client-key-file", str(key))
    wait_link(replica)


def test_chained_and_turned_on_while_running(start, servers, authority):
    """A plain replica of a plain port becomes one over TLS; a sub-replica follows it."""
    binary = vigil_binary().require()
    master, replica = start(binary), start(binary)
    for server in (master, replica):
        server.call("CONFIG", "SET", "tls-replication", "no")
    fill(master, big=False)
    replicate(replica, master.port)
    replica.wait_log("Connecting to MASTER")
    assert replica.info("replication")["master_link_status"] == "down"
    replica.call("CONFIG", "SET", "tls-replication", "yes")
    wait_link(replica)
    last = start(binary)
    replicate(last, replica.port)
    wait_link(last)
    assert master.call("SET", "k", "v") == b"OK"
    assert_in_sync(master, replica, last)
