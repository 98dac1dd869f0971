"""LATENCY and the histograms, on both servers."""

import re

import pytest

from harness.waiting import wait_until

DEBUG = {"enable-debug-command": "yes"}


@pytest.fixture(params=["vigil", "redis"])
def server(request, servers):
    return servers.start(request.getfixturevalue("vigil" if request.param == "vigil" else "oracle"), options=DEBUG)


def test_events_over_the_threshold_are_noted(server):
    with server.raw() as client:
        client.call("DEBUG", "SLEEP", "0.06")
        assert client.call("LATENCY", "LATEST").value == []
        client.call("CONFIG", "SET", "latency-monitor-threshold", "50")
        client.call("DEBUG", "SLEEP", "0.06")
        client.call("DEBUG", "SLEEP", "0.2")
        client.call("DEBUG", "SLEEP", "0")
        ((event, time, latest, longest),) = client.call("LATENCY", "LATEST").plain()
        assert event == b"command"
        assert longest >= 200 and latest >= 60
        samples = client.call("LATENCY", "HISTORY", "command").plain()
        assert samples[-1] == [time, latest]
        assert 1 <= len(samples) <= 2, "of one second only the longest is kept"
        graph = client.call("LATENCY", "GRAPH", "command").value.decode()
        assert re.fullmatch(r"command - high \d+ ms, low \d+ ms \(all time high \d+ ms\)\n-{80}\n(.{1,2}\n){6,9}", graph)
        report = client.call("LATENCY", "DOCTOR").value.decode()
        assert "1. command: " in report and "Check your Slow Log" in report and "large objects" in report
        assert client.call("LATENCY", "RESET", "nosuch").value == 0
        assert client.call("LATENCY", "RESET", "command", "nosuch").value == 1
        assert client.call("LATENCY", "LATEST").value == []
        assert client.call("LATENCY", "DOCTOR").value.startswith(b"Dave, no latency spike was observed")


def test_eviction_is_noted(server):
    server.call("DEBUG", "POPULATE", "100000", "key", "100")
    for option, value in (("maxmemory-policy", "allkeys-random"), ("maxmemory-eviction-tenacity", "100"),
                          ("latency-monitor-threshold", "1"), ("maxmemory", "5mb")):
        server.call("CONFIG", "SET", option, value)
    wait_until("a cycle is noted", lambda: b"eviction-cycle" in [event[0] for event in server.call("LATENCY", "LATEST")])


def test_histograms_hold_every_call(server):
    with server.raw() as client:
        client.call("CONFIG", "RESETSTAT")
        client.pipeline([("SET", "k", str(number)) for number in range(500)])
        for _ in range(3):
            client.call("CONFIG", "GET", "hz")
        client.call("DEBUG", "SLEEP", "0.05")
        reply = client.call("LATENCY", "HISTOGRAM", "set", "config", "nosuch", "get").plain()
        names, values = reply[::2], reply[1::2]
        assert sorted(names) == [b"config|get", b"config|resetstat", b"set"]
        histogram = dict(zip(names, values))[b"set"]
        assert histogram[:3] == [b"calls", 500, b"histogram_usec"]
        limits, counts = histogram[3][::2], histogram[3][1::2]
        assert limits == sorted(limits) and counts == sorted(set(counts)) and counts[-1] == 500
        assert set(limits) <= {1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266}
        slow = client.call("LATENCY", "HISTOGRAM", "debug").plain()
        assert slow[1][3][0] >= 50_000
        everything = client.call("LATENCY", "HISTOGRAM").plain()
        assert {b"set", b"config|get", b"debug", b"latency|histogram"} <= set(everything[::2])
        client.call("CONFIG", "RESETSTAT")
        assert b"set" not in client.call("LATENCY", "HISTOGRAM").plain()[::2]


def test_histogram_is_a_map(server):
    with server.raw() as client:
        client.call("HELLO", "3")
        client.call("PING")
        reply = client.call("LATENCY", "HISTOGRAM", "ping")
        assert str(reply).startswith("%")


def test_percentiles_in_info(server):
    with server.raw() as client:
        client.pipeline([("SET", "k", "v")] * 100)
        client.call("DEBUG", "SLEEP", "0.05")
        info = client.call("INFO", "latencystats").value.decode()
        assert info.startswith("# Latencystats\r\n")
        match = re.search(r"^latency_percentiles_usec_set:p50=([\d.]+),p99=([\d.]+),p99\.9=([\d.]+)\r$", info, re.M)
        half, most, nearly = map(float, match.groups())
        assert 0 < half <= most <= nearly
        assert float(re.search(r"_debug:p50=([\d.]+),", info).group(1)) >= 50_000
        client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "100 12.5")
        info = client.call("INFO", "latencystats").value.decode()
        assert re.search(r"_set:p100=[\d.]+,p12\.5=[\d.]+\r$", info, re.M)
        client.call("CONFIG", "SET", "latency-tracking", "no")
        assert client.call("INFO", "latencystats").value.strip() == b"# Latencystats"
        assert b"Latencystats" not in client.call("INFO").value
        assert b"Latencystats" in client.call("INFO", "all").value


def test_without_tracking_nothing_is_added(server):
    with server.raw() as client:
        client.call("CONFIG", "SET", "latency-tracking", "no")
        client.call("CONFIG", "RESETSTAT")
        client.call("GET", "k")
        assert client.call("LATENCY", "HISTOGRAM", "get").value == []
        assert b"cmdstat_get:calls=1," in client.call("INFO", "commandstats").value
