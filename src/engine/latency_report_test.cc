#include "engine/latency_report.h"

#include <gtest/gtest.h>

namespace vigil::engine {
namespace {

// What redis-server 7.0 draws for these.
TEST(LatencyReport, GraphIsRediss) {
  const LatencyMonitor::Series series{{{96, 53}, {97, 200}, {98, 100}, {99, 303}}, 310};
  EXPECT_EQ(latencyGraph("command", series, 101),
            "command - high 303 ms, low 53 ms (all time high 310 ms)\n" + std::string(80, '-') +
                "\n   #\n o |\n | |\n_|#|\n    \n5432\nssss\n");
}

TEST(LatencyReport, AgesHaveUnitsAndLinesWrap) {
  LatencyMonitor::Series series;
  for (int64_t i = 0; i < 82; ++i) series.samples.push_back({1'000'000, 5});
  series.samples.front().time = 1'000'000 - 7200;
  series.samples[81].time = 1'000'000 - 3 * 86'400;
  const std::string graph = latencyGraph("x", series, 1'000'000);
  const std::string under(80, '_');
  EXPECT_NE(graph.find("\n" + under + "\n" + std::string(80, ' ') + "\n2" + std::string(79, '0') + "\nh"),
            std::string::npos);
  EXPECT_TRUE(graph.ends_with("\n\n  \n  \n  \n__\n  \n03\nsd\n"));
}

TEST(LatencyReport, DoctorAdvises) {
  std::map<std::string, LatencyMonitor::Series, std::less<>> events;
  LatencyFacts facts{.now = 100, .monitorThreshold = 0, .slowerThan = 10'000};
  EXPECT_TRUE(latencyReport(events, facts).starts_with("I'm sorry, Dave"));
  facts.monitorThreshold = 1;
  EXPECT_TRUE(latencyReport(events, facts).starts_with("Dave, no latency spike"));
  events["odd"] = {{{90, 4}}, 4};
  EXPECT_NE(latencyReport(events, facts).find("not able to suggest"), std::string::npos);
  events["command"] = {{{90, 10}, {95, 20}}, 30};
  const std::string report = latencyReport(events, facts);
  EXPECT_NE(report.find("1. command: 2 latency spikes (average 15ms, mean deviation 5ms, period 5.00 sec). Worst all "
                        "time event 30ms.\n2. odd: 1"),
            std::string::npos);
  EXPECT_NE(report.find("slowlog-log-slower-than 1000'"), std::string::npos);
  EXPECT_NE(report.find("Check your Slow Log"), std::string::npos);
  EXPECT_EQ(report.find("local disks"), std::string::npos);
}

}  // namespace
}  // namespace vigil::engine
