import pytest

from harness.server import oracle_binary, vigil_binary


@pytest.fixture(params=["vigil-vigil", "vigil-redis", "redis-vigil"])
def writer_reader(request):
    """(the binary that writes files, the binary that reads them)."""
    return [(vigil_binary() if side == "vigil" else oracle_binary()).require() for side in request.param.split("-")]
