"""tools/run-demo, what `make run` ends in."""

import re
import signal
import subprocess
import sys

from harness.server import ROOT
from harness.waiting import PATIENCE


def start_demo(vigil, *arguments):
    return subprocess.Popen([sys.executable, str(ROOT / "tools" / "run-demo"), "--server", str(vigil.path), *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_demo_shows_replication_and_cleans_up(vigil):
    demo = start_demo(vigil)
    lines = []
    for line in demo.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            break
    text = "\n".join(lines)
    assert text.count('"hello from the master"') == 2, text
    assert "role:master" in text and "connected_slaves:2" in text, text
    assert "slaves=2,sentinels=3" in text, text
    subprocess.run(re.search(r"kill -9 \d+", text).group(0).split(), check=True)
    shown = next(line for line in demo.stdout if "+switch-master demo" in line)
    assert shown.startswith("sentinel"), shown
    demo.send_signal(signal.SIGINT)
    assert demo.wait(PATIENCE) == 0
    for pid in re.findall(r"pid (\d+)", text):
        assert subprocess.run(["kill", "-0", pid], capture_output=True, check=False).returncode != 0
    directory = re.search(r"tail -f (\S+)/master/server.log", text).group(1)
    assert subprocess.run(["ls", directory], capture_output=True, check=False).returncode != 0
