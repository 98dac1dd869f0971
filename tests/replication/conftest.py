import pytest

from harness.server import oracle_binary, vigil_binary

PAIRS = ["vigil-vigil", "vigil-redis", "redis-vigil"]


def binaries(names):
    return [(vigil_binary() if name == "vigil" else oracle_binary()).require() for name in names.split("-")]


@pytest.fixture(params=PAIRS)
def sides(request):
    """(the master's binary, the replica's binary)."""
    return binaries(request.param)


@pytest.fixture(params=["vigil-vigil-vigil", "vigil-redis-vigil", "redis-vigil-redis"])
def three_sides(request):
    return binaries(request.param)
