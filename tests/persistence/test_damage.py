"""Files that are cut short or changed."""

import re

import pytest

from harness.dump import full_dump

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
