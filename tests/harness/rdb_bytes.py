"""Pieces of RDB files in the forms of older versions of Redis, and payloads of DUMP, made by hand."""

import struct

STRING, LIST, LIST_ZIPLIST, QUICKLIST, QUICKLIST_2 = b"\x00", b"\x01", b"\x0a", b"\x0e", b"\x12"
PLAIN_NODE, PACKED_NODE = b"\x01", b"\x02"


def length(number):
    if number < 64:
        return bytes([number])
    if number < 16384:
        return struct.pack(">H", number | 0x4000)
    if number < 1 << 32:
        return b"\x80" + struct.pack(">I", number)
    return b"\x81" + struct.pack(">Q", number)


def text(data):
    return length(len(data)) + data


def integer(number):
    """A string that looks like an integer, in its encoding of 8, 16 or 32 bits."""
    for code, form, limit in ((b"\xc0", "<b", 7), (b"\xc1", "<h", 15), (b"\xc2", "<i", 31)):
        if -(1 << limit) <= number < 1 << limit:
            return code + struct.pack(form, number)
    return text(str(number).encode())


def lzf(literal, repeated):
    """`literal` (up to 32 bytes) and then its last byte `repeated` (3 to 8) more times, compressed."""
    packed = bytes([len(literal) - 1]) + literal + bytes([(repeated - 2) << 5, 0])
    return b"\xc3" + length(len(packed)) + length(len(literal) + repeated) + packed


def ziplist(*entries):
    body, previous = b"", 0
    for entry in entries:
        head = bytes([previous]) if previous < 254 else b"\xfe" + struct.pack("<I", previous)
        if isinstance(entry, int):
            if 0 <= entry <= 12:
                data = bytes([0xf1 + entry])
            elif -128 <= entry < 128:
                data = b"\xfe" + struct.pack("<b", entry)
            elif -(1 << 15) <= entry < 1 << 15:
                data = b"\xc0" + struct.pack("<h", entry)
            elif -(1 << 23) <= entry < 1 << 23:
                data = b"\xf0" + struct.pack("<i", entry)[:3]
            elif -(1 << 31) <= entry < 1 << 31:
                data = b"\xd0" + struct.pack("<i", entry)
            else:
                data = b"\xe0" + struct.pack("<q", entry)
        elif len(entry) < 64:
            data = bytes([len(entry)]) + entry
        elif len(entry) < 16384:
            data = struct.pack(">H", len(entry) | 0x4000) + entry
        else:
            data = b"\x80" + struct.pack(">I", len(entry)) + entry
        last = 10 + len(body)
        body += head + data
        previous = len(head + data)
    return struct.pack("<IIH", 11 + len(body), last, len(entries)) + body + b"\xff"


def listpack(*entries):
    body = b"".join(bytes([0x80 | len(entry)]) + entry + bytes([len(entry) + 1]) for entry in entries)
    return struct.pack("<IH", 7 + len(body), len(entries)) + body + b"\xff"


MIXED = (b"", b"a", b"b" * 63, b"c" * 64, b"d" * 300, b"e" * 16384, 0, 12, 13, -1, 127, -128, 128, -32768, 32768, -8388608, 8388608,
         -2147483648, 2147483648, -9223372036854775808, b"after")


def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def sealed(value, version=10):
    """A payload for RESTORE: type and value with the footer of that RDB version."""
    covered = value + struct.pack("<H", version)
    return covered + struct.pack("<Q", crc64(covered))
