import pytest

from differential.runner import reset
from harness.server import Server


@pytest.fixture(scope="session")
def pair(vigil, oracle, tmp_path_factory):
    """(ours, the oracle), for all tests of one worker process."""
    directory = tmp_path_factory.mktemp("pair")
    both = [Server(binary, directory / binary.side).start() for binary in (vigil, oracle)]
    yield both
    for server in both:
        server.close()


@pytest.fixture
def live_pair(pair):
    """The pair, empty, and started again if a test before has left one of them dead, paused or locked."""
    for server in pair:
        reset(server)
    yield pair
    for server in pair:
        crash = server.crash()
        if crash:
            server.kill()
            server.log_path.unlink()
            pytest.fail(crash, pytrace=False)
