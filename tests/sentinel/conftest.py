import pytest

from harness.certificates import Authority
from harness.sentinel import Group


@pytest.fixture
def group(servers):
    """group(server_binaries, sentinel_binaries, ...): started, and acquainted with each other."""
    return lambda *arguments, **details: Group(servers, *arguments, **details).start()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("tls") / "authority")
    made.server = made.issue("server")
    made.client = made.issue("client")
    return made
