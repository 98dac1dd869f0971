"""Servers on the hosts of a harness.network.Network."""

from harness.resp import RawClient
from harness.sentinel import Sentinel
from harness.server import Server


class OnHost:
    """A server that lives on a host of the network; we talk to it as if we sat at that host."""

    host = None

    def command_line(self):
        return self.host.command(super().command_line())

    def raw(self, **options):
        with self.host.inside():
            return RawClient(self.port, **options)

    def __str__(self):
        return f"{self.host}:{self.port}"


class HostServer(OnHost, Server):
    pass


class HostSentinel(OnHost, Sentinel):
    pass
