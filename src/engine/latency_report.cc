#include "engine/latency_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <vector>

#include "engine/latency_advice.h"

namespace vigil::engine {

namespace {

// --- The graph -------------------------------------------------------------------------------------------------

constexpr size_t kColumns = 80;
constexpr size_t kRows = 4;
constexpr std::string_view kFill = "_o#";  // a third, two thirds, all of a cell

// "5s": how long ago that was, in its largest unit.
std::string ageText(int64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 24 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / (24 * 3600)) + "d";
}

struct Column {
  size_t height = 0;  // in parts of a cell, from 0
  std::string label;
};

char cellOf(const Column& column, size_t rowFromBelow) {
  const size_t below = rowFromBelow * kFill.size();
  if (column.height < below) return ' ';
  return column.height - below < kFill.size() ? kFill[column.height - below] : '|';
}

void drawColumns(std::string& text, const Column* columns, size_t count) {
  for (size_t row = kRows; row-- > 0;) {
    for (size_t i = 0; i < count; ++i) text += cellOf(columns[i], row);
    text += '\n';
  }
  text.append(count, ' ');
  text += '\n';
  size_t longest = 0;
  for (size_t i = 0; i < count; ++i) longest = std::max(longest, columns[i].label.size());
  for (size_t line = 0; line < longest; ++line) {
    for (size_t i = 0; i < count; ++i) text += line < columns[i].label.size() ? columns[i].label[line] : ' ';
    text += '\n';
  }
}

// --- The report ------------------------------------------------------------------------------------------------

struct Analysis {
  size_t count = 0;
  int64_t average = 0;
  int64_t deviation = 0;  // the mean distance from the average
  double period = 0;      // seconds between two
};

Analysis analyse(const LatencyMonitor::Series& series, int64_t now) {
  Analysis result;
  const auto count = static_cast<int64_t>(series.samples.size());
  if (count == 0) return result;
  int64_t sum = 0;
  for (const auto& sample : series.samples) sum += sample.milliseconds;
  result.count = series.samples.size();
  result.average = sum / count;
  sum = 0;
  for (const auto& sample : series.samples) sum += std::abs(result.average - sample.milliseconds);
  result.deviation = sum / count;
  const int64_t stretch = std::max<int64_t>(1, now - series.samples.front().time);
  result.period = static_cast<double>(stretch) / static_cast<double>(count);
  return result;
}

}  // namespace

std::string latencyGraph(std::string_view event, const LatencyMonitor::Series& series, int64_t now) {
  if (series.samples.empty()) return {};
  const auto [low, high] = std::ranges::minmax(series.samples, {}, &LatencyMonitor::Sample::milliseconds);
  const int64_t range = std::max<int64_t>(1, high.milliseconds - low.milliseconds);
  constexpr auto kSteps = static_cast<int64_t>(kRows * kFill.size());
  std::vector<Column> columns;
  for (const auto& sample : series.samples) {
    const int64_t step = std::min(kSteps - 1, (sample.milliseconds - low.milliseconds) * kSteps / range);
    columns.push_back({static_cast<size_t>(step), ageText(std::max<int64_t>(0, now - sample.time))});
  }
  std::string text(event);
  text += " - high " + std::to_string(high.milliseconds) + " ms, low " + std::to_string(low.milliseconds) +
          " ms (all time high " + std::to_string(series.longest) + " ms)\n" + std::string(kColumns, '-') + "\n";
  for (size_t first = 0; first < columns.size(); first += kColumns) {
    if (first != 0) text += '\n';
    drawColumns(text, columns.data() + first, std::min(kColumns, columns.size() - first));
  }
  return text;
}

std::string latencyReport(const std::map<std::string, LatencyMonitor::Series, std::less<>>& events,
                          const LatencyFacts& facts) {
  if (facts.monitorThreshold == 0 && events.empty()) {
    return "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use "
           "\"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space "
           "mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";
  }
  std::string list;
  std::set<Advice> advice;
  if (facts.hugePages) advice.insert(Advice::kHugePages);
  int number = 0;
  for (const auto& [event, series] : events) {
    const Analysis found = analyse(series, facts.now);
    std::array<char, 256> numbers{};
    std::snprintf(numbers.data(), numbers.size(),
                  ": %zu latency spikes (average %lldms, mean deviation %lldms, period %.2f sec). Worst all time event "
                  "%lldms.\n",
                  found.count, static_cast<long long>(found.average), static_cast<long long>(found.deviation),
                  found.period, static_cast<long long>(series.longest));
    list += std::to_string(++number) + ". " + event + numbers.data();
    addAdvice(event, facts, advice);
  }
  if (events.empty() && advice.empty()) {
    return "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I "
           "honestly think you ought to sit down calmly, take a stress pill, and think things over.\n";
  }
  std::string report;
  if (!events.empty()) {
    report = "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you "
             "Dave?\n\n" +
             list;
  }
  if (advice.empty()) {
    return report +
           "\nWhile there are latency events logged, I'm not able to suggest any easy fix. Please use the Redis community "
           "to get some help, providing this report in your help request.\n";
  }
  report += "\nI have a few advices for you:\n\n";
  for (Advice one : advice) report += "- " + adviceText(one, facts) + "\n";
  return report;
}

}  // namespace vigil::engine
