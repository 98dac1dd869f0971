#include "engine/latency_commands.h"

#include <string>
#include <vector>

#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/latency_monitor.h"
#include "engine/latency_report.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }
int64_t secondsOf(Context& ctx) { return engineOf(ctx).system().clock.wall() / 1'000'000; }

void latest(Context& ctx) {
  const auto events = engineOf(ctx).latency().all();
  ctx.reply().array(events.size());
  for (const auto& [event, series] : events) {
    ctx.reply().array(4);
    ctx.reply().bulk(event);
    ctx.reply().integer(series.samples.back().time);
    ctx.reply().integer(series.samples.back().milliseconds);
    ctx.reply().integer(series.longest);
  }
}

void history(Context& ctx) {
  const auto series = engineOf(ctx).latency().find(ctx.arg(2));
  if (!series) return ctx.reply().emptyArray();
  ctx.reply().array(series->samples.size());
  for (const auto& sample : series->samples) {
    ctx.reply().array(2);
    ctx.reply().integer(sample.time);
    ctx.reply().integer(sample.milliseconds);
  }
}

void graph(Context& ctx) {
  const auto series = engineOf(ctx).latency().find(ctx.arg(2));
  if (!series) {
    return ctx.reply().error("ERR No samples available for event '" + std::string(ctx.arg(2)) + "'");
  }
  ctx.reply().verbatim("txt", latencyGraph(ctx.arg(2), *series, secondsOf(ctx)));
}

void reset(Context& ctx) {
  const std::vector<std::string> events(ctx.args().begin() + 2, ctx.args().end());
  ctx.reply().integer(static_cast<int64_t>(engineOf(ctx).latency().reset(events)));
}

void doctor(Context& ctx) {
  Engine& engine = engineOf(ctx);
  const MonitoringOptions& options = engine.options().monitoring;
  LatencyFacts facts;
  facts.now = secondsOf(ctx);
  facts.monitorThreshold = options.latencyThreshold.load();
  facts.slowerThan = options.slowerThan.load();
  facts.hugePages = engine.process().usesHugePages();
  ctx.reply().verbatim("txt", latencyReport(engine.latency().all(), facts));
}

// Writes name and histogram if there is one; returns how many pairs were written.
size_t writeHistogram(Context& ctx, const CommandEntry& entry) {
  const auto distribution = engineOf(ctx).statistics().latency(entry.index);
  if (distribution.empty()) return 0;
  Reply& reply = ctx.reply();
  reply.bulk(entry.fullName);
  reply.map(2);
  reply.bulk("calls");
  reply.integer(distribution.total());
  reply.bulk("histogram_usec");
  const auto limits = distribution.cumulative();
  reply.map(limits.size());
  for (const auto& [microseconds, count] : limits) {
    reply.integer(microseconds);
    reply.integer(count);
  }
  return 1;
}

size_t writeHistograms(Context& ctx, const CommandEntry& entry) {
  size_t written = writeHistogram(ctx, entry);
  for (const auto& subcommand : entry.subcommands) written += writeHistogram(ctx, *subcommand);
  return written;
}

// "config|set" as well as "config".
const CommandEntry* findNamed(const CommandTable& table, std::string_view name) {
  const size_t bar = name.find('|');
  const CommandEntry* entry = table.find(name.substr(0, bar));
  if (bar == std::string_view::npos || entry == nullptr) return entry;
  return entry->subcommand(name.substr(bar + 1));
}

void histogram(Context& ctx) {
  const CommandTable& table = engineOf(ctx).commands();
  const size_t mark = ctx.reply().mark();
  size_t written = 0;
  if (ctx.argc() == 2) {
    for (const auto& entry : table.entries()) written += writeHistograms(ctx, *entry);
  }
  for (std::string_view name : ctx.args().subspan(2)) {
    if (const CommandEntry* entry = findNamed(table, name)) written += writeHistograms(ctx, *entry);
  }
  ctx.reply().mapAt(mark, written);
}

constexpr std::string_view kHelp[] = {
    "DOCTOR",
    "    Return a human readable latency analysis report.",
    "GRAPH <event>",
    "    Return an ASCII latency graph for the <event> class.",
    "HISTORY <event>",
    "    Return time-latency samples for the <event> class.",
    "LATEST",
    "    Return the latest latency samples for all events.",
    "RESET [<event> ...]",
    "    Reset latency data of one or more <event> classes.",
    "    (default: reset all data for all event classes)",
    "HISTOGRAM [COMMAND ...]",
    "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
    "    If no commands are specified then all histograms are replied.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "LATENCY", kHelp); }

constexpr uint64_t kFlags = kAdmin | kNoscript | kLoading | kStale | kNoLocks;
constexpr std::string_view kShowTips[] = {"nondeterministic_output", "request_policy:all_nodes",
                                          "response_policy:special"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes", "response_policy:all_succeeded"};
constexpr CommandSpec kSubcommands[] = {
    {.name = "history",
     .arity = 3,
     .flags = kFlags,
     .handler = history,
     .group = "server",
     .since = "2.8.13",
     .summary = "Return timestamp-latency samples for the event.",
     .complexity = "O(1)",
     .tips = kShowTips,
     .arguments = "event"},
    {.name = "graph",
     .arity = 3,
     .flags = kFlags,
     .handler = graph,
     .group = "server",
     .since = "2.8.13",
     .summary = "Return a latency graph for the event.",
     .complexity = "O(1)",
     .tips = kShowTips,
     .arguments = "event"},
    {.name = "histogram",
     .arity = -2,
     .flags = kFlags,
     .handler = histogram,
     .group = "server",
     .since = "7.0.0",
     .summary = "Return the cumulative distribution of latencies of a subset of commands or all.",
     .complexity = "O(N) where N is the number of commands with latency information being retrieved.",
     .tips = kShowTips,
     .arguments = "[command+]"},
    {.name = "reset",
     .arity = -2,
     .flags = kFlags,
     .handler = reset,
     .group = "server",
     .since = "2.8.13",
     .summary = "Reset latency data for one or more events.",
     .complexity = "O(1)",
     .tips = kResetTips,
     .arguments = "[event+]"},
    {.name = "doctor",
     .arity = 2,
     .flags = kFlags,
     .handler = doctor,
     .group = "server",
     .since = "2.8.13",
     .summary = "Return a human readable latency analysis report.",
     .complexity = "O(1)",
     .tips = kShowTips},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .handler = help,
     .group = "server",
     .since = "2.8.13",
     .summary = "Show helpful text about the different subcommands.",
     .complexity = "O(1)"},
    {.name = "latest",
     .arity = 2,
     .flags = kFlags,
     .handler = latest,
     .group = "server",
     .since = "2.8.13",
     .summary = "Return the latest latency samples for all events.",
     .complexity = "O(1)",
     .tips = kShowTips},
};

constexpr CommandSpec kCommands[] = {
    {.name = "latency",
     .arity = -2,
     .subcommands = kSubcommands,
     .group = "server",
     .since = "2.8.13",
     .summary = "A container for latency diagnostics commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> latencyCommands() { return kCommands; }

}  // namespace vigil::engine
