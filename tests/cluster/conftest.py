"""Fixtures of the cluster's tests."""

import pytest

from harness.atomic_migration import contents, fill, layout, take
from harness.cluster import HandMadeCluster


@pytest.fixture
def pair(servers):
    """Two masters with a replica each, and a third master; five tags in A's slots 0 to 99, and what they hold."""
    cluster = HandMadeCluster(servers, layout(replicas=True))
    cluster.tags = take((f"t{n}" for n in range(10000)), 0, 99, 5)
    fill(cluster.named["A"], cluster.tags)
    cluster.before = contents(cluster.named["A"], cluster.tags)
    return cluster
