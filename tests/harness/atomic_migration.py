"""CLUSTER MIGRATESLOTS between nodes of a hand-made cluster, and what must be there before and after."""

import binascii

from harness.cluster import nodes
from harness.server import vigil_binary
from harness.waiting import PATIENCE, wait_until

A_SLOTS = (0, 5460)


def slot_of(tag):
    return binascii.crc_hqx(tag.encode(), 0) % 16384


def take(names, first, last, count):
    taken = []
    for name in names:
        if first <= slot_of(name) <= last:
            taken.append(name)
            if len(taken) == count:
                break
    return taken


def layout(replicas=False):
    masters = {"A": (vigil_binary().require(), A_SLOTS), "B": (vigil_binary().require(), (5461, 10922)),
               "C": (vigil_binary().require(), (10923, 16383))}
    if replicas:
        masters |= {"RA": (vigil_binary().require(), "A"), "RB": (vigil_binary().require(), "B")}
    return masters


def jobs(node):
    reply = node.call("CLUSTER", "GETSLOTMIGRATIONS")
    return [dict(zip([name.decode() for name in job[::2]], job[1::2])) for job in reply]


def migrate_by_id(node, target_id, *ranges):
    words = [str(end) for one in ranges for end in one]
    with node.raw() as client:
        return client.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *words, "NODE", target_id)


def migrate(cluster, source, target, *ranges):
    return migrate_by_id(cluster.named[source], cluster.ids[target], *ranges)


def start(cluster, source, target, *ranges):
    reply = migrate(cluster, source, target, *ranges)
    assert reply.value == b"OK", reply
    return jobs(cluster.named[source])[0]["name"]


def job_of(node, name):
    return next((job for job in jobs(node) if job["name"] == name), None)


def wait_state(node, name, state, within=PATIENCE):
    def reached():
        job = job_of(node, name)
        assert job["state"].decode() == state or job["state"] not in (b"success", b"failed", b"canceled"), job
        return job["state"].decode() == state
    wait_until(f"{node}: the migration is {state}", reached, within)


def move(cluster, source, target, *ranges):
    """A whole migration; again where the target is not done yet with what it has of the slots from before."""
    node = cluster.named[source]

    def succeeds():
        name = start(cluster, source, target, *ranges)
        job = wait_until("it ends", lambda: (found := job_of(node, name))["state"] in (b"success", b"failed") and found)
        assert job["state"] == b"success" or any(why in job["message"] for why in (b"still keys", b"still held")), job
        return job["state"] == b"success"

    while not succeeds():
        pass


def fill(node, tags, keys=20):
    """Strings, numbers, lists short and long, with and without a time to live."""
    with node.raw() as client:
        for tag in tags:
            for number in range(keys):
                client.call("SET", f"{{{tag}}}s{number}", f"value {number}")
            client.call("SET", f"{{{tag}}}n", 12345)
            client.call("SET", f"{{{tag}}}big", "x" * 200_000)
            client.call("SET", f"{{{tag}}}ttl", "soon", "PX", 10_000_000)
            client.call("RPUSH", f"{{{tag}}}short", "a", "b", 3)
            client.call("PEXPIRE", f"{{{tag}}}short", 20_000_000)
            client.call("RPUSH", f"{{{tag}}}long", *range(3000))


def contents(node, tags, keys=20):
    """What a client sees of what fill() wrote."""
    seen = {}
    with node.raw() as client:
        for tag in tags:
            for name in [*(f"s{number}" for number in range(keys)), "n", "big", "ttl"]:
                seen[tag, name] = client.call("GET", f"{{{tag}}}{name}").plain()
            for name in ("short", "long"):
                seen[tag, name] = client.call("LRANGE", f"{{{tag}}}{name}", 0, -1).plain()
            for name in ("ttl", "short"):
                seen[tag, name, "expires"] = client.call("PEXPIRETIME", f"{{{tag}}}{name}").plain()
    return seen


def owner(cluster, slot):
    """Whom every node takes for the slot's owner, by name; None while they differ."""
    owners = set()
    for node in cluster.running():
        for ident, fields in nodes(node).items():
            for part in fields["slots"]:
                if part.startswith("["):
                    continue
                first, _, last = part.partition("-")
                if int(first) <= slot <= int(last or first):
                    owners.add(ident)
    names = [name for name, ident in cluster.ids.items() if ident in owners]
    return names[0] if len(owners) == 1 and names else None


def wait_owner(cluster, slots, name):
    for slot in slots:
        wait_until(f"all say that {name} owns slot {slot}", lambda slot=slot: owner(cluster, slot) == name)


def stalled(cluster):
    """A migration whose keys do not get on at the target, for as long as that pauses its clients."""
    cluster.named["B"].call("CLIENT", "PAUSE", 600_000, "WRITE")
    name = start(cluster, "A", "B", (0, 99))
    wait_until("the target takes part", lambda: job_of(cluster.named["B"], name))
    return name


def works(cluster, source="A"):
    """After whatever happened: everything is where it was, and a migration succeeds."""
    node = cluster.named[source]
    assert contents(node, cluster.tags) == cluster.before

    def succeeds():
        reply = migrate(cluster, source, "B", (0, 99))
        if reply.is_error:
            return False
        name = jobs(node)[0]["name"]
        return wait_until("it ends", lambda: job_of(node, name)["state"] in (b"success", b"failed")
                          and job_of(node, name)["state"]) == b"success"

    wait_until("a migration succeeds", succeeds)
    assert contents(cluster.named["B"], cluster.tags) == cluster.before
    wait_owner(cluster, (0, 99), "B")
