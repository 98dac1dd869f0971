"""A few runs of random_commands.py, of fixed seeds; many of them in the long form."""

import os

import pytest

from differential.random_commands import Side, difference, run
from harness.server import Server

LONG = os.environ.get("VIGIL_ACCEPT") == "1"
SEEDS_OF_A_TEST = 10
TESTS = 60 if LONG else 3
LENGTH = 100


@pytest.fixture(scope="module", name="sides")
def _sides(vigil, oracle, tmp_path_factory):
    """Servers of its own, for a replica and a subscriber see everything on them."""
    directory = tmp_path_factory.mktemp("random")
    servers = [Server(binary, directory / binary.side, options={"enable-debug-command": "yes"}).start() for binary in (vigil, oracle)]
    sides = [Side(server.port) for server in servers]
    yield sides
    for side in sides:
        side.close()
    crashes = [crash for crash in (server.crash() for server in servers) if crash]
    for server in servers:
        server.close()
    assert not crashes, "\n".join(crashes)


@pytest.mark.parametrize("first", range(0, TESTS * SEEDS_OF_A_TEST, SEEDS_OF_A_TEST))
def test_same_outcome(sides, first):
    reports = [run(sides, seed, LENGTH) for seed in range(first, first + SEEDS_OF_A_TEST)]
    assert not any(reports), "\n".join(filter(None, reports))


@pytest.mark.parametrize("lines", ["SWAPDB 5 5", "SET a 1|BITOP NOT b a", "SET a x|BITCOUNT a -1 -2 BOGUS"])
def test_found_before(sides, lines):
    assert difference(sides, [line.encode().split() for line in lines.split("|")], protocol=2) is None
