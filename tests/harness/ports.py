"""Ports for servers, unique on this machine even among several test runs at the same time: a port is ours while we hold the
lock on its file. They lie below the ephemeral range, so no outgoing connection takes one."""

import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 10000, 19999  # a cluster bus is at port + 10000: above all of these, and still below 32768
_DIRECTORY = os.path.join(tempfile.gettempdir(), "vigil-test-ports")


def _is_free(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if family == socket.AF_INET:
                    return False
                if error.errno == 98:  # taken; any other error means there is no IPv6 here
                    return False
    return True


class Port:
    """A port that is reserved until release()."""

    def __init__(self):
        os.makedirs(_DIRECTORY, exist_ok=True)
        for _ in range(10000):
            number = random.SystemRandom().randint(FIRST, LAST)
            lock = os.open(os.path.join(_DIRECTORY, str(number)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_free(number):
                    self.number, self._lock = number, lock
                    return
            except BlockingIOError:
                pass
            os.close(lock)
        raise RuntimeError("no free port")

    def release(self):
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
