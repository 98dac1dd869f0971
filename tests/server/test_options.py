"""Every option of redis.conf 7.2 and of CONFIG GET * of redis-server 7.0 (redis_options.txt): accepted at start, shown, set
and rewritten as redis-server does, and seen to have its effect by the test that is named there, or on the page of options
(docs/OPTIONS.md) among those that have none."""

import re
import shlex
from pathlib import Path

import pytest

from harness.server import ROOT

ONLY_IN_7_2 = {"set-max-listpack-entries", "set-max-listpack-value", "cluster-announce-human-nodename", "locale-collate"}
# What names this very server, or what the harness gives.
OWN = {"port", "dir", "io-threads", "threads"}


def read_list():
    options = {}
    for line in (Path(__file__).parent / "redis_options.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, value, effect = line.split(" | ")
            options[name] = (value, effect)
    return options


OPTIONS = read_list()
VALUES = {name: value for name, (value, _) in OPTIONS.items() if value != "-"}


def words(name, value):
    """As they stand in a file."""
    several = name in ("bind", "save", "client-output-buffer-limit", "oom-score-adj-values", "latency-tracking-info-percentiles",
                       "shutdown-on-sigint", "shutdown-on-sigterm")
    return f"{name} {value}" if several or not re.search(r"[ {]", value) else f'{name} "{value}"'


def config(server, pattern="*"):
    flat = server.call("CONFIG", "GET", pattern)
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2])}


def page():
    """Of docs/OPTIONS.md: which part an option stands in, by its names."""
    parts, part = {}, None
    for line in (ROOT / "docs" / "OPTIONS.md").read_text().splitlines():
        if line.startswith("## "):
            part = line[3:]
        elif found := re.match(r"\| `([a-z-]+)`(?: \(`([^`]+)`\))? \|", line):
            parts.update({name: (part, found.groups()) for name in found.groups() if name})
    return parts


def test_the_list_is_complete(servers, vigil, oracle):
    theirs, ours = (config(servers.start(binary)) for binary in (oracle, vigil))
    assert set(OPTIONS) == set(theirs) | ONLY_IN_7_2
    assert set(OPTIONS) <= set(ours)
    assert {name: ours[name] for name in theirs if name not in OWN} == \
        {name: value for name, value in theirs.items() if name not in OWN}


def test_each_has_an_effect_that_a_test_sees_or_says_that_it_has_none():
    parts = page()
    problems = []
    for name, (_, effect) in OPTIONS.items():
        part, names = parts[name]
        expected = {"no meaning": "Without meaning here", "not yet": "Not yet"}.get(effect, "What works")
        if part != expected:
            problems.append(f"{name}: {effect}, but on the page under '{part}'")
        if expected != "What works" or effect == "no test yet":
            continue
        file, _, function = effect.partition("::")
        text = (ROOT / file).read_text() if (ROOT / file).exists() else ""
        if function and f"def {function}(" not in text:
            problems.append(f"{name}: there is no {effect}")
        known = [known.replace("_", "-") for known in names if known]
        if not any(re.search(rf"(?<![a-z-]){known}(?![a-z-])", text.replace("_", "-")) for known in known):
            problems.append(f"{name}: {file} does not mention it")
    assert not problems, "\n".join(problems)


def start_with_all(servers, binary):
    known = [name for name in VALUES if binary.is_vigil or name not in ONLY_IN_7_2]
    text = "".join(words(name, VALUES[name]) + "\n" for name in known)
    server = servers.create(binary, config_file=text)
    del server.options["save"]
    return server.start()


def test_accepted_at_start_and_shown(servers, vigil, oracle):
    ours, theirs = (config(start_with_all(servers, binary)) for binary in (vigil, oracle))
    assert {name: ours[name] for name in theirs if name not in OWN} == \
        {name: value for name, value in theirs.items() if name not in OWN}
    assert {name: ours[name] for name in ONLY_IN_7_2} == {name: VALUES[name] for name in ONLY_IN_7_2}


def set_each(server):
    """CONFIG SET of each to its other value, or to the one it has: what is replied and shown then."""
    answers = {}
    before = config(server)
    with server.raw() as client:
        for name, (value, _) in OPTIONS.items():
            if name not in before:
                continue
            reply = client.call("CONFIG", "SET", name, before[name] if value == "-" else value)
            answers[name] = (str(reply), None if name in OWN else config(server, name)[name])
    return answers


def rewritten(server):
    server.call("CONFIG", "REWRITE")
    lines = [shlex.split(line) for line in server.config_path.read_text().splitlines() if line and line[0] != "#"]
    return {(name, *values) for name, *values in lines if name not in OWN | {"user"}}


def test_set_at_run_time_and_rewritten(servers, vigil, oracle):
    answers, files, after = [], [], []
    for binary in (vigil, oracle):
        server = servers.create(binary, config_file="# mine\n")
        del server.options["save"]
        server.start()
        answers.append(set_each(server))
        files.append(rewritten(server))
        shown = config(server)
        server.stop()
        server.start()
        assert config(server) == shown, "another configuration after a restart"
        after.append(shown)
    ours, theirs = answers
    for name, answer in theirs.items():
        assert ours[name] == answer, name
    for name in ONLY_IN_7_2:
        assert ours[name] == ("+OK", VALUES[name])
    mine = {line for line in files[0] if line[0] not in ONLY_IN_7_2}
    assert mine == files[1]


@pytest.mark.parametrize("name", [name for name in sorted(ONLY_IN_7_2)])
def test_what_is_new_in_7_2_can_be_set(servers, vigil, name):
    server = servers.start(vigil)
    assert server.call("CONFIG", "SET", name, VALUES[name]) == b"OK"
