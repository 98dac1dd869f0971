"""Everything a server holds, as a Python value that can be compared with another server's."""

TTL_TOLERANCE_MS = 3000


def _value(client, kind, key):
    readers = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"hash": lambda: client.hgetall(key),
        b"set": lambda: sorted(client.smembers(key)),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
    }
    return readers[kind]()


def full_dump(server):
    """{(database, key): (type, value, expire time in ms or None)} of all databases. Keys that expire while we look are left
    out."""
    result = {}
    databases = int(server.call("CONFIG", "GET", "databases")[1])
    for database in range(databases):
        client = server.redis(db=database)
        for key in client.scan_iter(count=1000):
            kind = client.type(key)
            if kind == b"none":
                continue
            at = client.execute_command("PEXPIRETIME", key)
            if at == -2:
                continue
            result[database, key] = (kind, _value(client, kind, key), None if at == -1 else at)
        client.close()
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
