"""Programs in Node.js that use client libraries from npm. The libraries are installed, once, below build/, in the versions
that tests/clients/node/package.json names."""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import threading

from harness.waiting import PATIENCE

SOURCES = pathlib.Path(__file__).parent.parent / "clients" / "node"
INSTALL_TIMEOUT = 240


def _missing(command):
    return f"`{command}` is missing, which the tests of client libraries need: run tools/setup"


def install():
    """The folder with the scripts and their libraries. Raises RuntimeError, saying what to do, where that cannot be had."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            raise RuntimeError(_missing(command))
    package = (SOURCES / "package.json").read_bytes()
    root = pathlib.Path(__file__).parent.parent.parent / "build" / "node"
    folder = root / hashlib.sha256(package).hexdigest()[:16]
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest-xdist's workers are processes
        if not (folder / "installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "package.json").write_bytes(package)
            words = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"npm could not install the client libraries of {SOURCES / 'package.json'} (is its "
                                   f"registry within reach?):\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
            (folder / "installed").touch()
        for script in SOURCES.glob("*.mjs"):
            copy = folder / script.name
            if not copy.exists() or copy.read_bytes() != script.read_bytes():
                partial = folder / f".{script.name}.{os.getpid()}"
                partial.write_bytes(script.read_bytes())
                partial.replace(copy)
    return folder


class Program:
    """A script that runs: PROGRAM of tests/clients/node/program.mjs with the adapter of a library."""

    def __init__(self, folder, library, name, **config):
        words = ["node", f"{library}.mjs", name, json.dumps(config)]
        self.process = subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        # The program has a bound of its own for all that it waits for.
        self._watch = threading.Timer(PATIENCE * 3, self.process.kill)
        self._watch.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._watch.cancel()
        self.process.kill()
        self.process.communicate()

    def wait_ready(self):
        line = self.process.stdout.readline()
        assert line == '"ready"\n', line + self.process.stdout.read() + self.process.stderr.read()

    def tell(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def result(self):
        output = self.process.stdout.read()
        assert output, "the program said nothing: " + self.process.stderr.read()
        result = json.loads(output.splitlines()[-1])
        assert "failed" not in result, result["failed"]
        return result
