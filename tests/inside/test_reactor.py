"""The reactor that the process waits with: what is asked for, and what happens where the machine refuses io_uring."""

import ctypes
import struct

from harness import server as server_module

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
IO_URING_SETUP = 425


def refuse_io_uring():
    """A seccomp filter as containers have it: io_uring_setup is not permitted, all else is."""
    load, equal, give = 0x20, 0x15, 0x06  # BPF: A = the call's number; if A == k; return k
    allow, not_permitted = 0x7FFF0000, 0x00050001
    steps = [(load, 0, 0, 0), (equal, 0, 1, IO_URING_SETUP), (give, 0, 0, not_permitted), (give, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def serves(server):
    value = "v" * 1000
    with server.raw() as client:
        replies = client.pipeline([("SET", f"k{i}", value) for i in range(500)] + [("GET", f"k{i}") for i in range(500)])
    assert [reply.value for reply in replies] == [b"OK"] * 500 + [value.encode()] * 500


def test_io_uring_is_used_when_asked_for(servers, vigil):
    server = servers.start(vigil, options={"reactor": "io_uring"})
    refused = "io_uring is not to be had here" in server.log_text()
    assert server.info("server")["multiplexing_api"] == ("epoll" if refused else "io_uring")
    serves(server)


def test_epoll_stands_in_where_io_uring_is_refused(servers, vigil, monkeypatch):
    die_with_parent = server_module._die_with_parent

    def confined():
        die_with_parent()
        refuse_io_uring()

    monkeypatch.setattr(server_module, "_die_with_parent", confined)
    server = servers.start(vigil, options={"reactor": "io_uring"})
    server.wait_log(r"# io_uring is not to be had here: Operation not permitted\. Using epoll instead\.")
    assert server.info("server")["multiplexing_api"] == "epoll"
    serves(server)
