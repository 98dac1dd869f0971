import pytest

from harness.server import Server


@pytest.fixture(scope="session")
def pair(vigil, oracle, tmp_path_factory):
    """(ours, the oracle), for all blocks of one worker process."""
    directory = tmp_path_factory.mktemp("pair")
    both = [Server(binary, directory / binary.side, options={"maxmemory-policy": "noeviction"}).start()
            for binary in (vigil, oracle)]
    yield both
    for server in both:
        server.close()


@pytest.fixture
def live_pair(pair):
    """The pair, started again if the test before left one of them dead."""
    for server in pair:
        if not server.is_running():
            server.start()
    return pair
