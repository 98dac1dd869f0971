"""Files that are cut short or changed."""

import re

import pytest

from harness.dump import full_dump
from harness.resp import encode

REPAIR = r"Bad file format reading the append only file .*: make a backup of your AOF file, then use " \
    r"\./redis-check-aof --fix <filename.*>"


def with_aof(servers, binary, writes=200, **options):
    server = servers.start(binary, options={"appendonly": "yes", **options})
    with server.raw() as client:
        client.pipeline([("SET", f"k{number}", f"value{number}") for number in range(writes)])
    server.shutdown()
    return server, incremental(server)


def incremental(server):
    return max((server.directory / "appendonlydir").glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))


def restart(servers, binary, old, **options):
    return servers.create(binary, old.directory.name, options={**old.options, **options})


def test_cut_tail_is_loaded_up_to_the_last_whole_command(servers, writer_reader):
    server, path = with_aof(servers, writer_reader[0])
    data = path.read_bytes()
    last = data.rfind(b"*3\r\n$3\r\nSET\r\n$4\r\nk199")
    path.write_bytes(data[:last + 30])
    reader = restart(servers, writer_reader[1], server).start()
    reader.wait_log(r"AOF .*loaded anyway because aof-load-truncated is enabled")
    assert reader.call("DBSIZE") == 199
    reader.call("SET", "after", "the cut")
    dump = full_dump(reader)
    reader.shutdown()
    again = restart(servers, writer_reader[0], reader).start()
    assert full_dump(again) == dump


def test_cut_tail_is_refused_if_so_configured(servers, vigil):
    server, path = with_aof(servers, vigil)
    data = path.read_bytes()
    path.write_bytes(data[:data.rfind(b"k199") + 8])
    reader = restart(servers, vigil, server, **{"aof-load-truncated": "no"}).spawn()
    assert reader.wait_exit() == 1
    assert "Unexpected end of file reading the append only file" in reader.log_text()


@pytest.mark.sanitize
def test_damaged_middle_is_refused_with_the_way_to_repair(servers, writer_reader):
    server, path = with_aof(servers, writer_reader[0])
    data = bytearray(path.read_bytes())
    place = data.find(b"*3\r\n$3\r\nSET\r\n$4\r\nk100")
    data[place] = ord("!")
    path.write_bytes(data)
    reader = restart(servers, writer_reader[1], server).spawn()
    assert reader.wait_exit() == 1
    log = reader.log_text()
    assert re.search(REPAIR, log), log
    if reader.binary.is_vigil:
        assert str(place) in log, "the offset of the damage"


@pytest.mark.parametrize("unit", ["cut", "whole"])
def test_a_transaction_that_is_cut_is_not_loaded(servers, writer_reader, unit):
    server = servers.start(writer_reader[0], options={"appendonly": "yes"})
    with server.raw() as client:
        client.pipeline([("SET", "before", "1"), ("MULTI",), ("SET", "a", "1"), ("SET", "b", "1"), ("EXEC",)])
    server.shutdown()
    path = incremental(server)
    data = path.read_bytes()
    if unit == "cut":
        path.write_bytes(data[:data.rfind(b"*1\r\n$4\r\nEXEC")])
    reader = restart(servers, writer_reader[1], server).start()
    assert reader.call("EXISTS", "before", "a", "b") == (1 if unit == "cut" else 3)


@pytest.mark.sanitize
def test_a_length_that_swallows_what_was_durable_is_refused(servers, vigil):
    server = servers.start(vigil, options={"appendonly": "yes", "appendfsync": "always"})
    with server.raw() as client:
        for number in range(40):
            client.call("SET", f"k{number}", number)  # each with a mark behind it
    server.kill()
    path = incremental(server)
    damaged = path.read_bytes().replace(b"$3\r\nk20\r\n", b"$90000\r\nk20\r\n")
    path.write_bytes(damaged)
    reader = restart(servers, vigil, server).spawn()
    assert reader.wait_exit() == 1
    assert re.search(REPAIR, reader.log_text()), reader.log_text()
    assert path.read_bytes() == damaged, "nothing is cut"


@pytest.mark.sanitize
@pytest.mark.parametrize("truncated", ["yes", "no"])
def test_damage_in_what_was_not_durable_yet_is_cut_off_and_kept(servers, vigil, truncated):
    """As a power cut may leave it: pages of the end of the file reached the disk out of order."""
    server = servers.start(vigil, options={"appendonly": "yes", "appendfsync": "no", "aof-load-truncated": truncated})
    path = incremental(server)
    with server.raw() as client:
        client.call("SET", "before", "it")
        cut = path.stat().st_size
        client.pipeline([("SET", f"k{number}", number) for number in range(40)])  # one batch, one checksum
    server.kill()
    whole = path.read_bytes()
    place = whole.index(b"*3\r\n$3\r\nSET\r\n$3\r\nk20\r\n")
    damaged = whole[:place] + bytes(10) + whole[place + 10:]
    path.write_bytes(damaged)
    reader = restart(servers, vigil, server).spawn()
    if truncated == "no":
        assert reader.wait_exit() == 1
        assert re.search(REPAIR, reader.log_text()), reader.log_text()
        assert path.read_bytes() == damaged, "nothing is cut"
        return
    reader.wait_ready()
    assert list(reader.call("KEYS", "*")) == [b"before"]
    kept = path.with_name(f"{path.name}.cut-at-{cut}")
    assert kept.read_bytes() == damaged[cut:]
    reader.wait_log(rf"is damaged at offset {place} .*What is cut off is kept in .*{kept.name}")


def two_increments(servers, binary):
    """A rewrite that failed: the base is old, and a second incremental file goes on where the first one ends."""
    server = servers.start(binary, options={"appendonly": "yes", "appendfsync": "always"})
    folder = server.directory / "appendonlydir"
    with server.raw() as client:
        for number in range(5):
            client.call("SET", f"a{number}", number)  # each with a mark behind it
        (folder / "appendonly.aof.2.base.rdb").mkdir()
        client.call("BGREWRITEAOF")
        server.wait_info("persistence", aof_last_bgrewrite_status="err")
        client.pipeline([("SET", f"b{number}", number) for number in range(5)])
    server.kill()
    (folder / "appendonly.aof.2.base.rdb").rmdir()
    return server, folder / "appendonly.aof.1.incr.aof"


def test_a_cut_file_before_the_last_is_refused(servers, writer_reader):
    server, path = two_increments(servers, writer_reader[0])
    data = path.read_bytes()
    path.write_bytes(data[:data.index(b"a3") + 1])
    reader = restart(servers, writer_reader[1], server).spawn()
    assert reader.wait_exit() == 1
    assert re.search("Fatal error: the truncated file.* is not the last file", reader.log_text())


def test_a_hole_between_two_files_is_told_and_begins_a_new_history(servers, vigil):
    server, path = two_increments(servers, vigil)
    data = path.read_bytes()
    before = re.search(rb"history=([0-9a-f]{40})", data).group(1).decode()
    path.write_bytes(data[:data.index(b"*3\r\n$3\r\nSET\r\n$2\r\na3")])
    reader = restart(servers, vigil, server).start()
    reader.wait_log("ends at offset .* and the next one begins at .* lost")
    link = reader.info("replication")
    assert before not in (link["master_replid"], link["master_replid2"])


@pytest.mark.parametrize("words", [("REPLICAOF", "NO", "ONE"), ("PSYNC", "?", "-1"), ("RESET",), ("CLIENT", "INFO"), ("SHUTDOWN",),
                                   ("CLIENT", "TRACKING", "ON"), ("CONFIG", "SET", "maxmemory", "1")])
@pytest.mark.sanitize
def test_commands_that_no_log_holds_are_not_run(servers, vigil, words):
    server, path = with_aof(servers, vigil, writes=3)
    path.write_bytes(path.read_bytes() + encode(words) + encode(("SET", "behind", "it")))
    reader = restart(servers, vigil, server).start()
    assert reader.call("DBSIZE") == 4
    assert reader.call("CONFIG", "GET", "maxmemory")[1] == b"0"


def test_a_database_that_is_not_there_is_refused(servers, vigil):
    server, path = with_aof(servers, vigil, writes=3)
    path.write_bytes(path.read_bytes() + encode(("SELECT", "9")) + encode(("SET", "nine", "1")))
    reader = restart(servers, vigil, server, databases="4").spawn()
    assert reader.wait_exit() == 1
    assert "selects the database 9, and there are only 4" in reader.log_text()


def test_missing_incremental_file(servers, writer_reader):
    server, path = with_aof(servers, writer_reader[0])
    path.unlink()
    reader = restart(servers, writer_reader[1], server).spawn()
    assert reader.wait_exit() == 1
    assert re.search("(Fatal error|The AOF file).*" + re.escape(path.name), reader.log_text(), re.IGNORECASE)


@pytest.mark.parametrize("line", ["file x\n", "nonsense\n", "file a.aof seq abc type i\n", "file ../a.aof seq 1 type i\n",
                                  "file a.aof seq 1 type z\n"])
def test_a_manifest_that_makes_no_sense(servers, vigil, line):
    server, _ = with_aof(servers, vigil, writes=3)
    (server.directory / "appendonlydir" / "appendonly.aof.manifest").write_text(line)
    reader = restart(servers, vigil, server).spawn()
    assert reader.wait_exit() == 1
    assert "manifest" in reader.log_text()


def with_rdb(servers, binary):
    server = servers.start(binary)
    with server.raw() as client:
        client.pipeline([("SET", f"k{number}", f"value{number}" * 3) for number in range(300)])
        client.pipeline([("RPUSH", "list", *range(200))])
    server.shutdown("SAVE")
    return server, server.directory / "dump.rdb"


def test_rdb_with_a_wrong_checksum(servers, writer_reader):
    server, path = with_rdb(servers, writer_reader[0])
    data = bytearray(path.read_bytes())
    data[data.find(b"value150") + 1] ^= 1
    path.write_bytes(data)
    reader = restart(servers, writer_reader[1], server).spawn()
    assert reader.wait_exit() == 1
    assert "Wrong RDB checksum" in reader.log_text()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_rdb_that_is_cut(servers, vigil, share):
    server, path = with_rdb(servers, vigil)
    data = path.read_bytes()
    path.write_bytes(data[:int(len(data) * share)])
    reader = restart(servers, vigil, server).spawn()
    assert reader.wait_exit() == 1
    assert re.search("Short read|[Uu]nexpected end|Fatal error loading the DB", reader.log_text())


@pytest.mark.parametrize("data", [b"", b"R", b"NOTRDB0010", b"REDIS9999\xff", b"REDISabcd\xff"],
                         ids=["empty", "one-byte", "signature", "version", "letters"])
def test_rdb_that_is_none(servers, vigil, data):
    server = servers.create(vigil)
    (server.directory / "dump.rdb").write_bytes(data)
    server.spawn()
    assert server.wait_exit() == 1
    assert re.search("#", server.log_text())
