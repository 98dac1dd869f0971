"""Scripts that the user configures: their arguments, what they inherit, and what becomes of their exit code."""

import stat

from harness.sentinel import NAME, Group
from harness.waiting import wait_until


def script(directory, name, text):
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_both_scripts_are_told(servers, vigil, tmp_path):
    told = tmp_path / "told"
    notify = script(tmp_path, "notify", f'ls -l /proc/$$/fd > {tmp_path}/fd.$$; echo "notify $*" >> {told}')
    reconfig = script(tmp_path, "reconfig", f'echo "reconfig $*" >> {told}')
    three = Group(servers, [vigil] * 3, [vigil] * 3,
                  settings=[f"sentinel notification-script {NAME} {notify}",
                            f"sentinel client-reconfig-script {NAME} {reconfig}"]).start()
    three.master.kill()
    new = three.wait_switched(three.master)
    arguments = f"{NAME} {{}} start 127.0.0.1 {three.master.port} 127.0.0.1 {new.port}"

    def all_told():
        lines = told.read_text().splitlines()
        return lines.count("reconfig " + arguments.format("observer")) == 2 and \
            lines.count("reconfig " + arguments.format("leader")) == 1 and \
            f"notify +sdown master {NAME} 127.0.0.1 {three.master.port}" in lines

    wait_until("the scripts are told", all_told)
    descriptors = "".join(path.read_text() for path in tmp_path.glob("fd.*"))
    assert "/dev/null" in descriptors
    assert "socket:" not in descriptors and "anon_inode" not in descriptors and "sentinel.conf" not in descriptors


def test_exit_code_one_is_tried_again_and_two_is_an_error(servers, vigil, tmp_path):
    failing = script(tmp_path, "failing", "exit 2")
    trying = script(tmp_path, "trying", "exit 1")
    for path in (failing, trying):
        group = Group(servers, [vigil], [vigil], settings=[f"sentinel notification-script {NAME} {path}"])
        sentinel = group.sentinels[0].start()
        if path is failing:
            sentinel.wait_log(rf"-script-error {path} 0 2")
            continue

        def scheduled(sentinel=sentinel):
            jobs = sentinel.call("SENTINEL", "PENDING-SCRIPTS")
            job = dict(zip(jobs[0][::2], jobs[0][1::2]))
            return job["argv"][0] == str(trying) and job["flags"] == "scheduled" and job["retry-num"] == "1"

        wait_until("the script is scheduled again", scheduled)
        assert sentinel.info("sentinel")["sentinel_scripts_queue_length"] == "1"
