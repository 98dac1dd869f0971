"""What the replication tests say often."""

from harness.dump import assert_same_data
from harness.waiting import wait_until


def replicate(replica, port):
    replica.call("REPLICAOF", "127.0.0.1", str(port))


def wait_link(replica):
    replica.wait_info("replication", master_link_status="up")


def wait_online(master, replica):
    """Until the master knows that the replica has its link: only then does it count for FAILOVER and WAIT."""
    wait_until(f"{replica} is online at {master}", lambda: any(
        f",port={replica.port},state=online," in value for value in master.info("replication").values()))


def wait_same_offset(master, *replicas):
    """Until each replica has applied all that its master (or its master's master) has written."""
    for replica in replicas:
        def caught_up(replica=replica):
            link = replica.info("replication")
            return link["master_link_status"] == "up" and \
                link["slave_repl_offset"] == master.info("replication")["master_repl_offset"]

        wait_until(f"{replica} catches up with {master}", caught_up)


def assert_in_sync(master, *replicas):
    wait_same_offset(master, *replicas)
    for replica in replicas:
        assert_same_data(master, replica)


def sync_counts(master):
    """(full resyncs, partial resyncs accepted) that the master has served."""
    stats = master.info("stats")
    return int(stats["sync_full"]), int(stats["sync_partial_ok"])
