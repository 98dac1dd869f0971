"""RDB and AOF files written by one server and read, and appended to, by the other."""

import pytest

from harness.data import fill
from harness.dump import difference, full_dump
from harness.load import WriteLoad
from harness.waiting import wait_until


def moved_on(servers, binary, old, **options):
    """A server of this binary on the files that `old`, stopped, has left."""
    return servers.start(binary, old.directory.name, options={**old.options, **options})


def assert_holds(server, dump):
    problem = difference(dump, full_dump(server))
    assert not problem, f"{server} loaded something else:\n{problem}"


def rewrite_aof(server):
    server.call("BGREWRITEAOF")
    wait_until("the rewrite ends", lambda: all(server.info("persistence")[name] == "0" for name in (
        "aof_rewrite_in_progress", "aof_rewrite_scheduled")))
    assert server.info("persistence")["aof_last_bgrewrite_status"] == "ok"


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("how", ["SAVE", "BGSAVE", "SHUTDOWN"])
def test_rdb(servers, writer_reader, how, compression):
    writer = servers.start(writer_reader[0], options={"rdbcompression": compression})
    fill(writer)
    wait_until("the short-lived key is gone", lambda: writer.call("EXISTS", "gone") == 0)
    dump = full_dump(writer)
    if how == "BGSAVE":
        assert writer.call("BGSAVE") == b"Background saving started"
        wait_until("the save ends", lambda: writer.info("persistence")["rdb_bgsave_in_progress"] == "0")
        assert writer.info("persistence")["rdb_last_bgsave_status"] == "ok"
    elif how == "SAVE":
        assert writer.call("SAVE") == b"OK"
    writer.shutdown("SAVE" if how == "SHUTDOWN" else "NOSAVE")
    assert (writer.directory / "dump.rdb").read_bytes()[:9] in (b"REDIS0010", b"REDIS0009")
    assert_holds(moved_on(servers, writer_reader[1], writer), dump)


def test_rdb_without_checksum_and_with_another_name(servers, writer_reader):
    writer = servers.start(writer_reader[0], options={"rdbchecksum": "no", "dbfilename": "other.rdb"})
    fill(writer, big=False)
    writer.call("SAVE")
    dump = full_dump(writer)
    writer.shutdown("NOSAVE")
    assert (writer.directory / "other.rdb").read_bytes()[-8:] == bytes(8)
    assert_holds(moved_on(servers, writer_reader[1], writer), dump)


def test_bgsave_under_load_is_one_moment(servers, writer_reader):
    """Two counters that every transaction raises together are equal in the file."""
    writer = servers.start(writer_reader[0])
    fill(writer)
    with WriteLoad(writer.port) as load, writer.raw() as client:
        wait_until("some load", lambda: load.done > 200)
        saved = False
        for number in range(100000):
            if number == 20:
                client.call("BGSAVE")
            client.pipeline([("MULTI",), ("INCR", "first"), ("INCR", "second"), ("EXEC",)])
            if number > 20 and number % 20 == 0 and writer.info("persistence")["rdb_bgsave_in_progress"] == "0":
                saved = True
                break
        assert saved
    writer.shutdown("NOSAVE")
    reader = moved_on(servers, writer_reader[1], writer)
    first, second = int(reader.call("GET", "first")), int(reader.call("GET", "second"))
    assert first == second >= 20


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("rewritten", [False, True], ids=["incremental", "rewritten"])
def test_aof(servers, writer_reader, preamble, rewritten):
    writer = servers.start(writer_reader[0], options={"appendonly": "yes", "aof-use-rdb-preamble": preamble})
    fill(writer)
    if rewritten:
        rewrite_aof(writer)
        writer.call("RPUSH", "after", "the", "rewrite")
    wait_until("the short-lived key is gone", lambda: writer.call("EXISTS", "gone") == 0)
    dump = full_dump(writer)
    writer.shutdown()
    assert_holds(moved_on(servers, writer_reader[1], writer), dump)


@pytest.mark.sanitize
@pytest.mark.parametrize("stamps", ["yes", "no"])
def test_aof_appended_by_the_other_and_back(servers, writer_reader, stamps):
    options = {"appendonly": "yes", "aof-timestamp-enabled": stamps}
    first = servers.start(writer_reader[0], options=options)
    for round_, binary in enumerate([writer_reader[1], writer_reader[0], writer_reader[1]]):
        with WriteLoad(first.port, seed=round_, keys=50) as load:
            wait_until("some load", lambda: load.done > 1000)  # pylint: disable=cell-var-from-loop
        assert not load.errors
        if round_ == 1:
            rewrite_aof(first)
            first.call("SET", "after-rewrite", "1")
        dump = full_dump(first)
        first.shutdown()
        first = moved_on(servers, binary, first)
        assert_holds(first, dump)


def test_appendonly_switched_on_while_running(servers, vigil):
    server = servers.start(vigil)
    fill(server)
    with WriteLoad(server.port) as load:
        server.call("CONFIG", "SET", "appendonly", "yes")
        done = load.done
        wait_until("some load", lambda: load.done > done + 500)
    wait_until("the first base is written", lambda: server.info("persistence")["aof_rewrite_in_progress"] == "0"
               and server.info("persistence")["aof_rewrite_scheduled"] == "0")
    dump = full_dump(server)
    server.shutdown()
    assert_holds(moved_on(servers, vigil, server, appendonly="yes"), dump)


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_rewrite_while_appendonly_is_off(servers, writer_reader, preamble):
    """In a folder in which there never was an AOF."""
    server = servers.start(writer_reader[0], options={"aof-use-rdb-preamble": preamble})
    fill(server)
    dump = full_dump(server)
    rewrite_aof(server)
    server.shutdown("NOSAVE")
    assert_holds(moved_on(servers, writer_reader[1], server, appendonly="yes"), dump)


def test_no_write_waits_for_the_next_one(servers, vigil, rounds):
    """One client that writes when it has its answer: whatever holds the file for a moment must look for what came then."""
    server = servers.start(vigil, options={"appendonly": "yes"})
    with WriteLoad(server.port, pipeline=1) as load:
        for _ in range(rounds(100)):
            server.call("CONFIG", "SET", "appendonly", "no")
            server.call("CONFIG", "SET", "appendonly", "yes")
            wait_until("the base is written", lambda: all(server.info("persistence")[name] == "0" for name in (
                "aof_rewrite_in_progress", "aof_rewrite_scheduled")))
            done = load.done
            wait_until("writes go on", lambda: load.done > done + 100)  # pylint: disable=cell-var-from-loop


@pytest.mark.parametrize("fsync", ["always", "everysec", "no"])
def test_rewrite_under_load(servers, vigil, oracle, fsync):
    server = servers.start(vigil, options={"appendonly": "yes", "appendfsync": fsync})
    fill(server)
    with WriteLoad(server.port) as load:
        for _ in range(3):
            done = load.done
            rewrite_aof(server)
            wait_until("load goes on", lambda: load.done > done + 300)  # pylint: disable=cell-var-from-loop
    assert not load.errors
    dump = full_dump(server)
    server.shutdown()
    for binary in (oracle, vigil):
        server = moved_on(servers, binary, server)
        assert_holds(server, dump)
        server.shutdown()


def test_automatic_rewrite(servers, vigil):
    server = servers.start(vigil, options={"appendonly": "yes", "auto-aof-rewrite-min-size": "64kb",
                                           "auto-aof-rewrite-percentage": "100"})
    with server.raw() as client:
        for number in range(300):
            client.call("SET", "k", str(number) * 500)
    wait_until("a rewrite has happened", lambda: int(server.info("persistence")["aof_rewrites"]) >= 1)
    wait_until("it is over", lambda: server.info("persistence")["aof_rewrite_in_progress"] == "0")
    assert server.call("GET", "k") == b"299" * 500


def test_save_points(servers, vigil):
    server = servers.start(vigil, options={"save": "1 3"})
    before = server.call("LASTSAVE")
    server.call("SET", "a", "1")
    assert server.info("persistence")["rdb_changes_since_last_save"] == "1"
    server.call("MSET", "b", "1", "c", "1")
    wait_until("the save point has saved", lambda: server.info("persistence")["rdb_changes_since_last_save"] == "0")
    assert server.call("LASTSAVE") >= before
    server.kill()
    server.start()
    assert server.call("DBSIZE") == 3


def test_replies_while_saving(servers, vigil, oracle):
    answers = []
    for binary in (vigil, oracle):
        server = servers.start(binary)
        with server.raw() as client:
            mine = [str(client.call("BGREWRITEAOF"))]
            wait_until("it ends", lambda: server.info("persistence")["aof_rewrite_in_progress"] == "0")  # pylint: disable=cell-var-from-loop
            mine.append(str(client.call("BGSAVE")))
            wait_until("it ends", lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0")  # pylint: disable=cell-var-from-loop
            mine.append(str(client.call("BGSAVE", "SCHEDULE")))
            client.call("MULTI")
            client.call("SAVE")
            client.call("BGREWRITEAOF")
            mine.append(str(client.call("EXEC")))
            answers.append(mine)
    assert answers[0] == answers[1]


def test_a_type_that_is_not_there_yet_is_refused_by_name(servers, vigil, oracle):
    if not vigil.is_vigil:
        pytest.skip("redis-server has all its types")
    for options in ({}, {"appendonly": "yes"}, {"appendonly": "yes", "aof-use-rdb-preamble": "no"}):
        writer = servers.start(oracle, options=options)
        writer.call("SET", "plain", "1")
        writer.call("XADD", "the-stream", "*", "a", "1")
        writer.shutdown("SAVE")
        reader = servers.create(vigil, writer.directory.name, options=writer.options).spawn()
        assert reader.wait_exit() == 1
        line = next(line for line in reader.log_text().splitlines() if "the-stream" in line)
        assert "stream" in line.replace("the-stream", "").lower() or "xadd" in line.lower()
