"""Fixtures for the process tests."""

import os
import shutil

import pytest

from harness.disk import mount, unmount
from harness.node import install
from harness.proxy import Proxy
from harness.server import Server, oracle_binary, vigil_binary

LONG = os.environ.get("VIGIL_ACCEPT") == "1"


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason="long form, for `make accept`")
    for item in items:
        if "accept" in item.keywords and not LONG:
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    nursery = getattr(item, "servers_of_test", None)
    if report.failed and nursery and call.when == "call":
        for server in nursery.servers:
            report.sections.append((f"log of {server}", server.log_tail(40)))


class Nursery:
    """Starts servers and proxies, and ends them when the test is over."""

    def __init__(self, directory):
        self.directory = directory
        self.servers = []
        self.proxies = []

    def create(self, binary, name=None, **details):
        """A server that has not been started."""
        server = Server(binary.require(), self.directory / (name or f"server{len(self.servers)}"), **details)
        self.servers.append(server)
        return server

    def start(self, binary, name=None, **details):
        return self.create(binary, name, **details).start()

    def proxy(self, server):
        proxy = Proxy(server.port)
        self.proxies.append(proxy)
        return proxy

    def close(self):
        for server in self.servers:
            server.close()
        for proxy in self.proxies:
            proxy.close()
        crashes = [crash for crash in (server.crash() for server in self.servers if server.process) if crash]
        assert not crashes, "\n".join(crashes)


@pytest.fixture
def servers(request, tmp_path):
    nursery = Nursery(tmp_path)
    request.node.servers_of_test = nursery
    yield nursery
    try:
        nursery.close()
    finally:
        shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def make_disk(tmp_path):
    """make_disk(size): a folder whose disk holds so many bytes."""
    places = []

    def make(size):
        places.append(mount(tmp_path / f"disk{len(places)}", size))
        return places[-1]

    yield make
    for place in places:
        unmount(place)


@pytest.fixture(scope="session")
def vigil():
    return vigil_binary().require()


@pytest.fixture(scope="session")
def oracle():
    return oracle_binary().require()


@pytest.fixture(scope="session")
def rounds():
    """rounds(n): n in `make accept`, a tenth of it (at least one) in `make test`."""
    return lambda count: count if LONG else max(1, count // 10)


@pytest.fixture(scope="session")
def node_folder():
    """Where the programs in Node.js are, with the client libraries that they use."""
    try:
        return install()
    except RuntimeError as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture
def binary(request, side):
    """Of a test that is parametrized with side: "vigil", or anything else for Debian's redis-server."""
    return request.getfixturevalue("vigil" if side == "vigil" else "oracle")
