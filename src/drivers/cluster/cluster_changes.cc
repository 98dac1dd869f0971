// The subcommands of CLUSTER that change something: read here, carried out by the core, answered when all is done.
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "drivers/cluster/cluster_commands.h"
#include "drivers/cluster/cluster_driver.h"
#include "engine/deferred_reply.h"
#include "engine/help_reply.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers::clusterChange {

using cluster::Request;
using command::Context;

namespace {

using Kind = Request::Kind;

ClusterDriver& driverOf(Context& ctx) { return ctx.owner<ClusterDriver>(); }

void ask(Context& ctx, Request request) {
  if (!engine::DeferredReply::possible(ctx)) {
    const cluster::Answer answer = driverOf(ctx).decide(request);
    return answer.error.empty() ? ctx.reply().simple(answer.text) : ctx.reply().error(answer.error);
  }
  driverOf(ctx).request(std::move(request), std::make_shared<engine::DeferredReply>(ctx));
}

uint64_t allKeys(Context& ctx) {
  const keyspace::Keyspace& keyspace = driverOf(ctx).engine().keyspace();
  uint64_t keys = 0;
  for (size_t db = 0; db < keyspace.databaseCount(); ++db) keys += keyspace.size(static_cast<int>(db));
  return keys;
}

// Nullopt after an error reply.
std::optional<uint16_t> slotAt(Context& ctx, size_t argument) {
  const auto slot = parseInt64(ctx.arg(argument));
  if (slot && *slot >= 0 && *slot < kSlotCount) return static_cast<uint16_t>(*slot);
  ctx.reply().error("ERR Invalid or out of range slot");
  return std::nullopt;
}

void changeSlots(Context& ctx, Kind kind) {
  Request request{.kind = kind};
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const auto slot = slotAt(ctx, i);
    if (!slot) return;
    request.slots.push_back(*slot);
  }
  ask(ctx, std::move(request));
}

void changeRanges(Context& ctx, Kind kind) {
  if (ctx.argc() % 2 != 0) {
    return ctx.reply().error("ERR wrong number of arguments for '" + toLower(ctx.arg(0)) + "|" + toLower(ctx.arg(1)) + "' command");
  }
  Request request{.kind = kind};
  for (size_t i = 2; i < ctx.argc(); i += 2) {
    const auto first = slotAt(ctx, i);
    if (!first) return;
    const auto last = slotAt(ctx, i + 1);
    if (!last) return;
    if (*first > *last) {
      return ctx.reply().error("ERR start slot number " + std::to_string(*first) +
                               " is greater than end slot number " + std::to_string(*last));
    }
    for (size_t slot = *first; slot <= *last; ++slot) request.slots.push_back(static_cast<uint16_t>(slot));
  }
  ask(ctx, std::move(request));
}

std::optional<uint16_t> portAt(Context& ctx, size_t argument, std::string_view what) {
  const auto port = parseInt64(ctx.arg(argument));
  if (port && *port > 0 && *port <= UINT16_MAX) return static_cast<uint16_t>(*port);
  if (port) {
    ctx.reply().error("ERR Invalid node address specified: " + std::string(ctx.arg(2)) + ":" + std::string(ctx.arg(3)));
  } else {
    ctx.reply().error("ERR Invalid " + std::string(what) + " port specified: " + std::string(ctx.arg(argument)));
  }
  return std::nullopt;
}

}  // namespace

void meet(Context& ctx) {
  constexpr int kBusOffset = 10000;
  if (ctx.argc() > 5) return engine::replyWrongSubcommand(ctx, "CLUSTER");
  const auto port = portAt(ctx, 3, "TCP base");
  if (!port) return;
  Request request{.kind = Kind::kMeet};
  request.address = ctx.arg(2);
  request.port = *port;
  if (ctx.argc() == 5) {
    const auto bus = portAt(ctx, 4, "TCP bus");
    if (!bus) return;
    request.busPort = *bus;
  } else if (*port > UINT16_MAX - kBusOffset) {
    return ctx.reply().error("ERR Invalid node address specified: " + request.address + ":" + std::string(ctx.arg(3)));
  } else {
    request.busPort = static_cast<uint16_t>(*port + kBusOffset);
  }
  const bool address = !request.address.empty() && request.address.size() < 46 &&
                       request.address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
  if (!address) {
    return ctx.reply().error("ERR Invalid node address specified: " + request.address + ":" + std::string(ctx.arg(3)));
  }
  ask(ctx, std::move(request));
}

void forget(Context& ctx) { ask(ctx, {.kind = Kind::kForget, .node = std::string(ctx.arg(2))}); }
void addSlots(Context& ctx) { changeSlots(ctx, Kind::kAddSlots); }
void deleteSlots(Context& ctx) { changeSlots(ctx, Kind::kDeleteSlots); }
void addSlotsRange(Context& ctx) { changeRanges(ctx, Kind::kAddSlots); }
void deleteSlotsRange(Context& ctx) { changeRanges(ctx, Kind::kDeleteSlots); }
void flushSlots(Context& ctx) { ask(ctx, {.kind = Kind::kFlushSlots, .keysHeld = allKeys(ctx)}); }
void bumpEpoch(Context& ctx) { ask(ctx, {.kind = Kind::kBumpEpoch}); }
void saveConfig(Context& ctx) { ask(ctx, {.kind = Kind::kSaveConfig}); }

void setSlot(Context& ctx) {
  const auto slot = slotAt(ctx, 2);
  if (!slot) return;
  Request request{.kind = Kind::kSetStable, .slot = *slot};
  const std::string action = toLower(ctx.arg(3));
  if (action == "stable" && ctx.argc() == 4) return ask(ctx, std::move(request));
  if (ctx.argc() == 5 && (action == "migrating" || action == "importing" || action == "node")) {
    request.kind = action == "migrating"   ? Kind::kSetMigrating
                   : action == "importing" ? Kind::kSetImporting
                                           : Kind::kSetNode;
    request.node = ctx.arg(4);
    request.keysHeld = driverOf(ctx).engine().keyspace().keysInSlot(*slot);
    return ask(ctx, std::move(request));
  }
  ctx.reply().error("ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
}

void replicate(Context& ctx) {
  ask(ctx, {.kind = Kind::kReplicate, .node = std::string(ctx.arg(2)), .keysHeld = allKeys(ctx)});
}

void failover(Context& ctx) {
  if (ctx.argc() > 3) return engine::replyWrongSubcommand(ctx, "CLUSTER");
  Request request{.kind = Kind::kFailover};
  if (ctx.argc() == 3 && equalsIgnoreCase(ctx.arg(2), "force")) {
    request.mode = Request::Mode::kForce;
  } else if (ctx.argc() == 3 && equalsIgnoreCase(ctx.arg(2), "takeover")) {
    request.mode = Request::Mode::kTakeover;
  } else if (ctx.argc() != 2) {
    return ctx.reply().syntaxError();
  }
  ask(ctx, std::move(request));
}

void reset(Context& ctx) {
  if (ctx.argc() > 3) return engine::replyWrongSubcommand(ctx, "CLUSTER");
  Request request{.kind = Kind::kReset, .keysHeld = allKeys(ctx)};
  if (ctx.argc() == 3 && equalsIgnoreCase(ctx.arg(2), "hard")) {
    request.hard = true;
  } else if (ctx.argc() != 2 && !(ctx.argc() == 3 && equalsIgnoreCase(ctx.arg(2), "soft"))) {
    return ctx.reply().syntaxError();
  }
  ask(ctx, std::move(request));
}

void setConfigEpoch(Context& ctx) {
  const auto epoch = parseInt64(ctx.arg(2));
  if (!epoch) return ctx.reply().notInteger();
  ask(ctx, {.kind = Kind::kSetConfigEpoch, .number = *epoch});
}

}  // namespace vigil::drivers::clusterChange
