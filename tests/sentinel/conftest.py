import pytest

from harness.sentinel import Group


@pytest.fixture
def group(servers):
    """group(server_binaries, sentinel_binaries, ...): started, and acquainted with each other."""
    return lambda *arguments, **details: Group(servers, *arguments, **details).start()
