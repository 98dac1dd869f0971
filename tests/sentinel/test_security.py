"""Passwords and ACL users: of the servers, and among Sentinels."""

from harness.sentinel import NAME, Group
from harness.waiting import wait_until


def test_a_password_for_all_servers(group, vigil):
    three = group([vigil] * 3, [vigil] * 3, server_options={"requirepass": "secret", "masterauth": "secret"},
                  settings=[f"sentinel auth-pass {NAME} secret"])
    three.master.kill()

    def role(server):
        with server.raw() as client:
            client.call("AUTH", "secret")
            return client.call("ROLE").plain()[0].decode()

    new_port = None

    def switched():
        nonlocal new_port
        ports = {s.address() for s in three.sentinels}
        new_port = ports.pop() if len(ports) == 1 else None
        return new_port not in (None, three.master.port)

    wait_until("all agree on another master", switched)
    new = next(s for s in three.replicas if s.port == new_port)
    assert role(new) == "master"


def test_a_user_with_no_more_rights_than_needed(servers, vigil):
    rules = ("allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname "
             "+client|kill on >secret")
    three = Group(servers, [vigil] * 3, [vigil] * 3,
                  settings=[f"sentinel auth-user {NAME} watcher", f"sentinel auth-pass {NAME} secret"])
    for server in three.servers:
        server.call("ACL", "SETUSER", "watcher", *rules.split())
    three.start()
    three.master.kill()
    new = three.wait_switched(three.master)
    three.wait_follows(next(s for s in three.replicas if s is not new), new)


def test_sentinels_that_want_a_password(group, vigil, oracle):
    three = group([vigil] * 3, [vigil, vigil, oracle], extra="sentinel sentinel-pass inner\n")
    for sentinel in three.sentinels:
        sentinel.call("ACL", "SETUSER", "default", "resetpass", ">inner")
    clients = [s.redis(password="inner", decode_responses=True) for s in three.sentinels]
    for client in clients:
        assert client.sentinel_masters()[NAME]["num-other-sentinels"] == 2
    three.master.kill()

    wait_until("all agree on another master", lambda: all(
        c.sentinel_get_master_addr_by_name(NAME)[1] != three.master.port for c in clients))
