import pytest

from harness.certificates import Authority
from harness.ports import Port


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """An authority with the identities server, client and other-server."""
    made = Authority(tmp_path_factory.mktemp("tls") / "authority")
    made.server = made.issue("server")
    made.client = made.issue("client")
    made.other_server = made.issue("other-server")
    return made


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """Another authority, with the identity client, which nobody trusts."""
    made = Authority(tmp_path_factory.mktemp("tls") / "stranger", "stranger")
    made.client = made.issue("client")
    return made


@pytest.fixture
def free_port():
    port = Port()
    yield port.number
    port.release()
