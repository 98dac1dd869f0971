"""Everything a server holds, as a Python value that can be compared with another server's."""

TTL_TOLERANCE_MS = 3000


READERS = {
    b"string": ("GET",),
    b"list": ("LRANGE", "0", "-1"),
    b"hash": ("HGETALL",),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
}


def _normal(kind, value):
    """Sets and hashes have no order."""
    if kind == b"set":
        return sorted(value)
    if kind == b"hash":
        return sorted(zip(value[::2], value[1::2]))
    return value


def full_dump(server):
    """{(database, key): (type, value, expire time in ms or None)} of all databases. Keys that expire while we look are left
    out."""
    result = {}
    databases = int(server.call("CONFIG", "GET", "databases")[1])
    with server.raw() as client:
        for database in range(databases):
            client.call("SELECT", database)
            cursor = b"0"
            while True:
                reply = client.call("SCAN", cursor, "COUNT", 1000)
                cursor, keys = reply.value[0].value, reply.value[1].plain()
                facts = client.pipeline([words for key in keys for words in (("TYPE", key), ("PEXPIRETIME", key))])
                kinds, times = [fact.value for fact in facts[::2]], [fact.value for fact in facts[1::2]]
                there = [(key, kind, time) for key, kind, time in zip(keys, kinds, times) if kind != b"none" and time != -2]
                values = client.pipeline([(READERS[kind][0], key, *READERS[kind][1:]) for key, kind, _ in there])
                for (key, kind, time), value in zip(there, values):
                    assert not value.is_error, f"{server}: {key}: {value}"
                    result[database, key] = (kind, _normal(kind, value.plain()), None if time == -1 else time)
                if cursor == b"0":
                    break
    return result


def difference(left, right, limit=10):
    """What differs between two dumps, as text; empty if nothing does."""
    lines = []
    for place in sorted(set(left) | set(right)):
        a, b = left.get(place), right.get(place)
        if a is None or b is None:
            lines.append(f"db{place[0]} {place[1]!r}: {'missing on the left' if a is None else 'missing on the right'}")
        elif a[:2] != b[:2]:
            lines.append(f"db{place[0]} {place[1]!r}: {shorten(a)} / {shorten(b)}")
        elif (a[2] is None) != (b[2] is None) or (a[2] is not None and abs(a[2] - b[2]) > TTL_TOLERANCE_MS):
            lines.append(f"db{place[0]} {place[1]!r}: expires {a[2]} / {b[2]}")
    more = f"\n… and {len(lines) - limit} more" if len(lines) > limit else ""
    return "\n".join(lines[:limit]) + more


def shorten(value):
    text = repr(value)
    return text if len(text) < 160 else text[:160] + "…"


def assert_same_data(left, right):
    problem = difference(full_dump(left), full_dump(right))
    assert not problem, f"{left} and {right} differ:\n{problem}"
