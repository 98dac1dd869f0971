// CLUSTER MIGRATESLOTS, GETSLOTMIGRATIONS, CANCELSLOTMIGRATIONS in Valkey's forms; and SYNCSLOTS, by which nodes of ours
// speak with each other, and with their own logs, about migrations:
//
//   SYNCSLOTS BEGIN job source ranges    this connection brings the slots' keys from here on
//   SYNCSLOTS MARK number                answers the number: all that came before has been carried out
//   SYNCSLOTS CLAIM job epoch            all has come: the slots may be taken
//   SYNCSLOTS OUTCOME job epoch ranges   OK: they were taken, or will be; an error DROPPED: they never will
//   SYNCSLOTS STAGE|COMMIT|DISCARD|HANDOFF|ENDHANDOFF job node ranges     records of the log, see command/log_note.h
//
// A range is "first-last".
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "drivers/cluster/cluster_commands.h"
#include "drivers/cluster/cluster_driver.h"
#include "engine/connection.h"
#include "engine/deferred_reply.h"
#include "engine/session.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers::clusterMigration {

using cluster::MigrationJob;
using cluster::MigrationRecord;
using cluster::Request;
using command::Context;

namespace {

ClusterDriver& driverOf(Context& ctx) { return ctx.owner<ClusterDriver>(); }
engine::Session& sessionOf(Context& ctx) { return static_cast<engine::Session&>(ctx.session()); }

void ask(Context& ctx, Request request) {
  if (!engine::DeferredReply::possible(ctx)) {
    return ctx.reply().error("ERR Slots cannot be migrated inside a transaction or a script");
  }
  driverOf(ctx).request(std::move(request), std::make_shared<engine::DeferredReply>(ctx));
}

std::optional<uint16_t> parseSlot(std::string_view text) {
  const auto slot = parseInt64(text);
  if (!slot || *slot < 0 || *slot >= kSlotCount) return std::nullopt;
  return static_cast<uint16_t>(*slot);
}

// Nullopt after an error reply.
std::optional<SlotRange> rangeOf(Context& ctx, std::string_view from, std::string_view to) {
  const auto first = parseSlot(from);
  const auto last = parseSlot(to);
  if (first && last && *first <= *last) return SlotRange{*first, *last};
  if (first && last) {
    ctx.reply().error("ERR start slot number " + std::to_string(*first) + " is greater than end slot number " +
                      std::to_string(*last));
  } else {
    ctx.reply().error("ERR Invalid or out of range slot");
  }
  return std::nullopt;
}

// "first-last" of all arguments from `at` on.
std::optional<SlotSet> rangesFrom(Context& ctx, size_t at) {
  SlotSet slots;
  for (; at < ctx.argc(); ++at) {
    const std::string_view text = ctx.arg(at);
    const size_t dash = text.find('-');
    const auto range = rangeOf(ctx, text.substr(0, dash), dash == std::string_view::npos ? "" : text.substr(dash + 1));
    if (!range) return std::nullopt;
    slots.setRange(*range);
  }
  return slots;
}

constexpr std::array kRecords = {MigrationRecord::Kind::kStage, MigrationRecord::Kind::kCommit,
                                 MigrationRecord::Kind::kDiscard, MigrationRecord::Kind::kHandOff,
                                 MigrationRecord::Kind::kEnd};

std::optional<MigrationRecord::Kind> recordKind(std::string_view name) {
  const auto at = std::ranges::find_if(kRecords, [&](auto kind) { return cluster::recordName(kind) == name; });
  return at == kRecords.end() ? std::nullopt : std::optional(*at);
}

void note(Context& ctx, MigrationRecord::Kind kind) {
  if (!ctx.session().fromMaster) return ctx.reply().error("ERR That is a record of the log, and no command for clients");
  if (ctx.argc() < 6) return ctx.reply().syntaxError();
  if (const auto slots = rangesFrom(ctx, 5)) {
    driverOf(ctx).noted({kind, std::string(ctx.arg(3)), std::string(ctx.arg(4)), *slots});
    ctx.reply().ok();
  }
}

void begin(Context& ctx) {
  if (ctx.argc() < 6) return ctx.reply().syntaxError();
  const auto slots = rangesFrom(ctx, 5);
  if (!slots) return;
  engine::Session& session = sessionOf(ctx);
  if (session.importing || session.connection == nullptr) return ctx.reply().error("ERR This connection cannot begin an import");
  ClusterDriver& driver = driverOf(ctx);
  if (driver.engine().pause().activeFor(engine::Pause::Purpose::kFailover)) {
    // Its record would be what the replica that takes over does not have.
    return ctx.reply().error("ERR This node is handing its role over to a replica. Migrate the slots again later");
  }
  Request request{.kind = Request::Kind::kReceiveSlots, .node = std::string(ctx.arg(4)), .job = std::string(ctx.arg(3)), .set = *slots};
  // Also where no key is left, but the deletion of them has not come to its end: it would take the new ones too.
  const keyspace::Keyspace& keyspace = driver.engine().keyspace();
  slots->forEach([&](uint16_t slot) {
    if (keyspace.keysInSlot(slot) != 0 || keyspace.hiddenSlots().test(slot)) request.withKeys.set(slot);
  });
  if (engine::DeferredReply::possible(ctx)) {
    session.importing = true;
    session.import = std::make_shared<engine::SlotImport>(*slots, [&driver, job = request.job](std::string why) {
      driver.tell({.kind = cluster::MigrationNews::Kind::kLost, .job = job, .text = std::move(why)});
    });
    driver.bindImport(request.job, session.connection->worker(), session.id);
  }
  ask(ctx, std::move(request));
}

void mark(Context& ctx) {
  const auto number = ctx.argc() == 4 ? parseInt64(ctx.arg(3)) : std::nullopt;
  if (!number) return ctx.reply().notInteger();
  ctx.reply().integer(*number);
}

void claim(Context& ctx) {
  const auto epoch = ctx.argc() == 5 ? parseInt64(ctx.arg(4)) : std::nullopt;
  if (!epoch) return ctx.reply().notInteger();
  ask(ctx, {.kind = Request::Kind::kClaimSlots, .job = std::string(ctx.arg(3)), .number = *epoch});
}

void outcome(Context& ctx) {
  const auto epoch = ctx.argc() > 5 ? parseInt64(ctx.arg(4)) : std::nullopt;
  if (!epoch) return ctx.reply().notInteger();
  const auto slots = rangesFrom(ctx, 5);
  if (!slots) return;
  ask(ctx, {.kind = Request::Kind::kAskOutcome, .job = std::string(ctx.arg(3)), .set = *slots, .number = *epoch});
}

void writeJob(command::Reply& reply, const MigrationJob& job) {
  reply.map(11);
  auto text = [&](std::string_view name, std::string_view value) {
    reply.bulk(name);
    reply.bulk(value);
  };
  auto number = [&](std::string_view name, int64_t value) {
    reply.bulk(name);
    reply.integer(value);
  };
  text("name", job.name);
  text("operation", job.exports ? "EXPORT" : "IMPORT");
  text("slot_ranges", cluster::rangesText(job.slots));
  text("target_node", job.target);
  text("source_node", job.source);
  number("create_time", job.created / 1000);
  number("last_update_time", job.updated / 1000);
  number("last_ack_time", job.acknowledged / 1000);
  text("state", cluster::stateName(job));
  text("message", job.message);
  number("cow_size", 0);  // nothing is copied on write: there is no fork
}

}  // namespace

void migrateSlots(Context& ctx) {
  if (const size_t databases = driverOf(ctx).engine().keyspace().databaseCount(); databases != 1) {
    return ctx.reply().error("ERR Slots move atomically only where there is one database, and cluster-databases is " +
                             std::to_string(databases) + ". Move them with CLUSTER SETSLOT and MIGRATE");
  }
  Request request{.kind = Request::Kind::kMigrateSlots};
  size_t at = 2;
  while (at < ctx.argc()) {
    if (!equalsIgnoreCase(ctx.arg(at), "slotsrange")) return ctx.reply().syntaxError();
    cluster::MigrationPlan plan;
    for (++at; at + 1 < ctx.argc() && !equalsIgnoreCase(ctx.arg(at), "node"); at += 2) {
      const auto range = rangeOf(ctx, ctx.arg(at), ctx.arg(at + 1));
      if (!range) return;
      plan.slots.setRange(*range);
    }
    if (plan.slots.empty() || at + 1 >= ctx.argc()) return ctx.reply().syntaxError();
    plan.target = ctx.arg(at + 1);
    at += 2;
    request.plans.push_back(std::move(plan));
  }
  ask(ctx, std::move(request));
}

void getSlotMigrations(Context& ctx) {
  driverOf(ctx).look([&](const cluster::Cluster& core, cluster::Moment) {
    const auto& jobs = core.migrations().jobs();
    ctx.reply().array(jobs.size());
    for (const MigrationJob& job : jobs) writeJob(ctx.reply(), job);
  });
}

void cancelSlotMigrations(Context& ctx) { ask(ctx, {.kind = Request::Kind::kCancelMigrations}); }

bool takesWorld(std::span<const std::string_view> args) { return args.size() > 2 && recordKind(args[2]); }

void syncSlots(Context& ctx) {
  const std::string word = toLower(ctx.arg(2));
  if (const auto kind = recordKind(ctx.arg(2))) return note(ctx, *kind);
  if (ctx.argc() < 4) return ctx.reply().syntaxError();
  if (word == "begin") return begin(ctx);
  if (word == "mark") return mark(ctx);
  if (word == "claim") return claim(ctx);
  if (word == "outcome") return outcome(ctx);
  ctx.reply().syntaxError();
}

}  // namespace vigil::drivers::clusterMigration
