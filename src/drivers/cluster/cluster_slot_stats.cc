// CLUSTER SLOT-STATS: what each slot of this node's shard holds and has cost, by range or by what is hottest.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/crc16.h"
#include "base/text.h"
#include "drivers/cluster/cluster_commands.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers::clusterSlot {

using command::Context;

namespace {

enum class Metric : uint8_t { kKeyCount, kCpu, kBytesIn, kBytesOut };
struct NamedMetric {
  std::string_view name;
  Metric metric;
};
constexpr NamedMetric kMetrics[] = {{"key-count", Metric::kKeyCount},
                                    {"cpu-usec", Metric::kCpu},
                                    {"network-bytes-in", Metric::kBytesIn},
                                    {"network-bytes-out", Metric::kBytesOut}};

struct Line {
  uint16_t slot = 0;
  int64_t values[std::size(kMetrics)] = {};
};

engine::Engine& engineOf(Context& ctx) { return static_cast<engine::Execution&>(ctx).engine(); }

// Without the option there is nothing but the number of keys.
std::span<const NamedMetric> shownMetrics(Context& ctx) {
  const bool all = engineOf(ctx).options().monitoring.slotStats.load(std::memory_order_relaxed);
  return std::span(kMetrics).first(all ? std::size(kMetrics) : 1);
}

// Of those slots in the range that this node or its master owns.
std::vector<Line> collect(Context& ctx, uint16_t first, uint16_t last) {
  engine::Engine& engine = engineOf(ctx);
  std::vector<Line> lines;
  for (uint32_t slot = first; slot <= last; ++slot) {
    const auto number = static_cast<uint16_t>(slot);
    if (!engine.routing()->ofMyShard(number)) continue;
    const engine::SlotUsage::Cost cost = engine.slotUsage().sum(number);
    lines.push_back({number,
                     {static_cast<int64_t>(engine.keyspace().keysInSlot(number)), cost.nanos / 1000, cost.bytesIn,
                      cost.bytesOut}});
  }
  return lines;
}

void write(Context& ctx, std::span<const Line> lines) {
  const auto metrics = shownMetrics(ctx);
  ctx.reply().array(lines.size());
  for (const Line& line : lines) {
    ctx.reply().array(2);
    ctx.reply().integer(line.slot);
    ctx.reply().map(metrics.size());
    for (const NamedMetric& metric : metrics) {
      ctx.reply().bulk(metric.name);
      ctx.reply().integer(line.values[static_cast<size_t>(metric.metric)]);
    }
  }
}

void byRange(Context& ctx) {
  uint16_t bounds[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    const auto slot = parseInt64(ctx.arg(3 + i));
    if (!slot || *slot < 0 || *slot >= kSlotCount) return ctx.reply().error("ERR Invalid or out of range slot");
    bounds[i] = static_cast<uint16_t>(*slot);
  }
  if (bounds[0] > bounds[1]) {
    return ctx.reply().error("ERR Start slot number " + std::to_string(bounds[0]) + " is greater than end slot number " +
                             std::to_string(bounds[1]));
  }
  write(ctx, collect(ctx, bounds[0], bounds[1]));
}

struct Order {
  Metric metric = Metric::kKeyCount;
  size_t limit = kSlotCount;
  bool ascending = false;
};

// Nullopt after an error reply.
std::optional<Order> parseOrder(Context& ctx) {
  Order order;
  const auto metrics = shownMetrics(ctx);
  const auto named = std::ranges::find_if(metrics, [&](const NamedMetric& m) { return equalsIgnoreCase(m.name, ctx.arg(3)); });
  if (named == metrics.end()) {
    ctx.reply().error("ERR Unrecognized sort metric for ORDERBY.");
    return std::nullopt;
  }
  order.metric = named->metric;
  for (size_t i = 4; i < ctx.argc(); ++i) {
    if (equalsIgnoreCase(ctx.arg(i), "limit") && i + 1 < ctx.argc()) {
      const auto limit = parseInt64(ctx.arg(++i));
      if (!limit || *limit < 1 || *limit > kSlotCount) {
        ctx.reply().error("ERR Limit has to lie in between 1 and 16384 (maximum number of slots).");
        return std::nullopt;
      }
      order.limit = static_cast<size_t>(*limit);
    } else if (equalsIgnoreCase(ctx.arg(i), "asc") || equalsIgnoreCase(ctx.arg(i), "desc")) {
      order.ascending = equalsIgnoreCase(ctx.arg(i), "asc");
    } else {
      ctx.reply().syntaxError();
      return std::nullopt;
    }
  }
  return order;
}

void byOrder(Context& ctx) {
  const auto order = parseOrder(ctx);
  if (!order) return;
  std::vector<Line> lines = collect(ctx, 0, kSlotCount - 1);
  const auto at = static_cast<size_t>(order->metric);
  std::ranges::stable_sort(lines, [&](const Line& a, const Line& b) {  // of equals the lesser slot stays first
    return order->ascending ? a.values[at] < b.values[at] : a.values[at] > b.values[at];
  });
  write(ctx, std::span(lines).first(std::min(order->limit, lines.size())));
}

}  // namespace

void slotStats(Context& ctx) {
  if (ctx.argc() == 5 && equalsIgnoreCase(ctx.arg(2), "slotsrange")) return byRange(ctx);
  if (ctx.argc() >= 4 && equalsIgnoreCase(ctx.arg(2), "orderby")) return byOrder(ctx);
  engine::replyWrongSubcommand(ctx, "CLUSTER");
}

}  // namespace vigil::drivers::clusterSlot
