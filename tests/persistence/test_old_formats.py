"""Files in the forms of older versions of Redis. They are made by hand here; redis-server 7.0, which reads them all, says what
they hold."""

import struct

import pytest

from harness.dump import difference, full_dump
from harness.rdb_bytes import (LIST, LIST_ZIPLIST, MIXED, PACKED_NODE, PLAIN_NODE, QUICKLIST, QUICKLIST_2, STRING, integer, length,
                               listpack, lzf, text, ziplist)
from harness.resp import encode

EOF_CODE, SELECT_DB, EXPIRE_SECONDS, EXPIRE_MS, RESIZE, AUX, IDLE, FREQ = b"\xff", b"\xfe", b"\xfd", b"\xfc", b"\xfb", b"\xfa", b"\xf8", b"\xf9"
BODIES = {
    "strings": STRING + text(b"k") + text(b"value") + STRING + text(b"n8") + integer(-5) + STRING + text(b"n16") + integer(1000)
    + STRING + text(b"n32") + integer(-100000) + STRING + integer(7) + text(b"x" * 20000) + STRING + text(b"lzf") + lzf(b"abc", 8),
    "wide-lengths": STRING + b"\x80" + struct.pack(">I", 3) + b"key" + b"\x81" + struct.pack(">Q", 5) + b"value",
    "list": LIST + text(b"l") + length(4) + text(b"a") + integer(1) + integer(70000) + lzf(b"zzz", 5),
    "ziplist": LIST_ZIPLIST + text(b"l") + text(ziplist(*MIXED)),
    "quicklist": QUICKLIST + text(b"l") + length(3) + text(ziplist(b"a", 1)) + text(ziplist(*MIXED)) + text(ziplist(b"z")),
    "quicklist-2": QUICKLIST_2 + text(b"l") + length(3) + PACKED_NODE + text(listpack(b"a", b"b")) + PLAIN_NODE + text(b"p" * 9000)
    + PACKED_NODE + text(listpack(b"z")),
    "expiry": EXPIRE_SECONDS + struct.pack("<i", 2000000000) + STRING + text(b"s") + text(b"v") + EXPIRE_MS
    + struct.pack("<q", 33177117420123) + LIST + text(b"l") + length(1) + text(b"a") + EXPIRE_MS + struct.pack("<q", 1000) + STRING
    + text(b"gone") + text(b"v"),
    "databases": STRING + text(b"zero") + text(b"v") + SELECT_DB + length(5) + STRING + text(b"five") + text(b"v"),
    "idle-and-frequency": IDLE + length(1000) + STRING + text(b"a") + text(b"v") + FREQ + b"\x05" + STRING + text(b"b") + text(b"v"),
    "aux-and-sizes": AUX + text(b"redis-ver") + text(b"5.0.0") + AUX + text(b"ctime") + integer(1600000000) + AUX + text(b"unknown")
    + text(b"thing") + RESIZE + length(1) + length(0) + STRING + text(b"k") + text(b"v"),
}


@pytest.mark.parametrize("version", [1, 2, 3, 5, 6, 7, 8, 9, 10])
@pytest.mark.parametrize("name", BODIES)
def test_old_rdb(servers, vigil, oracle, name, version):
    data = b"REDIS%04d" % version + SELECT_DB + length(0) + BODIES[name] + EOF_CODE
    if version >= 5:
        data += bytes(8)  # no checksum
    dumps = []
    for binary in (vigil, oracle):
        server = servers.create(binary)
        (server.directory / "dump.rdb").write_bytes(data)
        dumps.append(full_dump(server.start()))
    problem = difference(*dumps)
    assert not problem and dumps[1], problem


@pytest.mark.parametrize("preamble", [False, True], ids=["resp", "rdb-preamble"])
def test_aof_of_one_file(servers, vigil, oracle, preamble):
    """An appendonly.aof from before 7.0 becomes the base file of the directory."""
    commands = [["SELECT", 3], ["SET", "k", "v"], ["RPUSH", "l", "a", "b"], ["MULTI"], ["INCR", "n"], ["INCR", "n"], ["EXEC"]]
    data = b"".join(map(encode, commands))
    if preamble:
        data = b"REDIS0009" + SELECT_DB + length(0) + BODIES["strings"] + EOF_CODE + bytes(8) + data
    dumps = []
    for binary in (vigil, oracle):
        server = servers.create(binary, options={"appendonly": "yes"})
        (server.directory / "appendonly.aof").write_bytes(data)
        server.start()
        server.call("SET", "after", "the upgrade")
        server.shutdown()
        assert not (server.directory / "appendonly.aof").exists()
        assert (server.directory / "appendonlydir" / "appendonly.aof").exists()
        dumps.append(full_dump(server.start()))
    problem = difference(*dumps)
    assert not problem and (3, b"k") in dumps[1], problem
