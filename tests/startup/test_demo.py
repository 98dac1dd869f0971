"""tools/run-demo and tools/run-cluster, what `make run` and `make run-cluster` end in."""

import re
import signal
import subprocess
import sys

import pytest

from harness.server import ROOT
from harness.waiting import PATIENCE


@pytest.fixture
def start_demo(vigil):
    demos = []

    def start(program="run-demo"):
        demos.append(subprocess.Popen([sys.executable, str(ROOT / "tools" / program), "--server", str(vigil.path)],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return demos[-1]

    yield start
    for demo in demos:
        if demo.poll() is None:  # the test has failed
            demo.send_signal(signal.SIGINT)
            demo.wait(PATIENCE)


def shown_by(demo):
    """What it prints until it leaves the servers running."""
    lines = []
    for line in demo.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            break
    return "\n".join(lines)


def end(demo, text, first):
    """Ctrl-C: nothing is left."""
    demo.send_signal(signal.SIGINT)
    assert demo.wait(PATIENCE) == 0
    for pid in re.findall(r"pid (\d+)", text):
        assert subprocess.run(["kill", "-0", pid], capture_output=True, check=False).returncode != 0
    directory = re.search(rf"tail -f (\S+)/{first}/server.log", text).group(1)
    assert subprocess.run(["ls", directory], capture_output=True, check=False).returncode != 0


def test_demo_shows_replication_and_cleans_up(start_demo):
    demo = start_demo()
    text = shown_by(demo)
    assert text.count('"hello from the master"') == 2, text
    assert "role:master" in text and "connected_slaves:2" in text, text
    assert "slaves=2,sentinels=3" in text, text
    subprocess.run(re.search(r"kill -9 \d+", text).group(0).split(), check=True)
    shown = next(line for line in demo.stdout if "+switch-master demo" in line)
    assert shown.startswith("sentinel"), shown
    end(demo, text, "master")


def test_cluster_shows_slots_redirections_and_a_failover(start_demo):
    demo = start_demo("run-cluster")
    text = shown_by(demo)
    assert "[OK] All 16384 slots covered." in text, text
    assert re.search(r"(?m)^  0-5460 +node1 \(replicas: node\d\)$", text), text
    assert text.count('"hello from the cluster"') == 3 and "MOVED" in text, text
    subprocess.run(re.search(r"kill -9 \d+", text).group(0).split(), check=True)
    assert next(line for line in demo.stdout if "Failover election won" in line)
    end(demo, text, "node1")
