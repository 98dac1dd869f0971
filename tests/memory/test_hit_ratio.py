"""The cache keeps what is read, at least as well as redis-server in the same run, and memory stays at its limit."""

import pytest

from memory.cache_trial import POLICIES, load_for, run


def compare(servers, vigil, oracle, policy, megabytes):
    load = load_for(megabytes)
    ours = run(servers.start(vigil, options={"io-threads": "2"}), policy, megabytes, load)
    theirs = run(servers.start(oracle), policy, megabytes, load)
    assert ours.ratio >= theirs.ratio, (ours, theirs)
    assert ours.longest_over <= 1, ours


@pytest.mark.accept
@pytest.mark.parametrize("policy", POLICIES)
def test_hit_ratio(servers, vigil, oracle, policy):
    # What the process itself takes must be little of it: about 0.6 MB more than redis-server's, for the threads.
    compare(servers, vigil, oracle, policy, 10)


@pytest.mark.accept
@pytest.mark.parametrize("policy", POLICIES)
def test_hit_ratio_at_100_megabytes(servers, vigil, oracle, policy):
    compare(servers, vigil, oracle, policy, 100)
