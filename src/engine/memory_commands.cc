// MEMORY: what keys take, where the memory goes, and what the allocator says.
#include "engine/memory_commands.h"

#include <atomic>
#include <memory>

#include "base/memory.h"
#include "base/text.h"
#include "command/args.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/memory_doctor.h"
#include "engine/memory_report.h"
#include "engine/worker.h"
#include "keyspace/bucket_array.h"
#include "keyspace/database.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

// Beside the entry: its slot in the table, and its place in the order in which entries expire.
size_t indexShare(const keyspace::Entry& entry) {
  constexpr size_t kSlot = sizeof(keyspace::Bucket) / keyspace::Bucket::kSlots;
  return entry.hasExpire() ? 2 * kSlot : kSlot;
}

void usage(Context& ctx) {
  int64_t samples = 5;
  ArgCursor args(ctx, 3);
  while (!args.done()) {
    if (!args.take("samples") || args.done()) {
      args.syntaxError();
      return;
    }
    const auto given = args.integer();
    if (!given) return;
    samples = *given;
    if (samples < 0) {
      args.syntaxError();
      return;
    }
  }
  const auto* entry = ctx.db().peek(ctx.key(2));
  if (entry == nullptr) return ctx.reply().null();
  ctx.reply().integer(static_cast<int64_t>(entry->memory(static_cast<size_t>(samples)) + indexShare(*entry)));
}

class Fields {
 public:
  explicit Fields(Reply& reply) : reply_(reply), start_(reply.mark()) {}
  ~Fields() { reply_.mapAt(start_, count_); }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  void add(std::string_view name, int64_t value) {
    key(name);
    reply_.integer(value);
  }
  void add(std::string_view name, double value) {
    key(name);
    reply_.number(value);
  }
  void key(std::string_view name) {
    reply_.bulk(name);
    ++count_;
  }

 private:
  Reply& reply_;
  const size_t start_;
  size_t count_ = 0;
};

void addDatabase(Fields& fields, Reply& reply, const MemoryReport::DatabaseOverhead& database) {
  fields.key("db." + std::to_string(database.db));
  reply.map(3);
  reply.bulk("overhead.hashtable.main");
  reply.integer(database.table);
  reply.bulk("overhead.hashtable.expires");
  reply.integer(database.expiry);
  reply.bulk("overhead.hashtable.slot-to-keys");
  reply.integer(0);  // a slot's keys share a shard: nothing is kept beside
}

void addAllocator(Fields& fields, const MemoryReport& report) {
  fields.add("allocator.allocated", report.used);
  fields.add("allocator.active", report.anonymous);
  fields.add("allocator.resident", report.anonymous);
  fields.add("allocator-fragmentation.ratio", report.allocatorFragmentation());
  fields.add("allocator-fragmentation.bytes", report.anonymous - report.used);
  fields.add("allocator-rss.ratio", 1.0);
  fields.add("allocator-rss.bytes", int64_t{0});
  fields.add("rss-overhead.ratio", report.processOverhead());
  fields.add("rss-overhead.bytes", report.resident - report.anonymous);
  fields.add("fragmentation", report.fragmentation());
  fields.add("fragmentation.bytes", report.resident - report.used);
}

void stats(Context& ctx) {
  const MemoryReport report = MemoryReport::of(engineOf(ctx));
  Fields fields(ctx.reply());
  fields.add("peak.allocated", report.peak);
  fields.add("total.allocated", report.used);
  fields.add("startup.allocated", report.startup);
  fields.add("replication.backlog", report.backlog);
  fields.add("clients.slaves", report.replicaClients);
  fields.add("clients.normal", report.normalClients);
  fields.add("cluster.links", int64_t{0});
  fields.add("aof.buffer", report.aofBuffer);
  fields.add("lua.caches", report.scripts.evalScripts);
  fields.add("functions.caches", report.scripts.functionCode);
  for (const auto& database : report.databases) addDatabase(fields, ctx.reply(), database);
  const int64_t keys = report.keys();
  fields.add("overhead.total", report.overhead());
  fields.add("keys.count", keys);
  fields.add("keys.bytes-per-key", keys != 0 ? report.beyondStartup() / keys : 0);
  fields.add("dataset.bytes", report.dataset());
  fields.add("dataset.percentage", report.datasetPercent());
  fields.add("peak.percentage", report.peakPercent());
  addAllocator(fields, report);
}

void doctor(Context& ctx) {
  Engine& engine = engineOf(ctx);
  ctx.reply().verbatim("txt", diagnoseMemory(MemoryReport::of(engine), engine.process().allocator));
}

void mallocStats(Context& ctx) {
  const std::string report = engineOf(ctx).process().allocatorReport();
  if (report.empty()) return ctx.reply().bulk("Stats not supported for the current allocator");
  ctx.reply().verbatim("txt", report);
}

// Every thread gives back what it has freed; the answer comes when all have.
void purge(Context& ctx) {
  Engine& engine = engineOf(ctx);
  if (!DeferredReply::possible(ctx)) {
    for (size_t i = 0; i < engine.workerCount(); ++i) engine.worker(i).loop().post([] { releaseMemoryToSystem(); });
    return ctx.reply().ok();
  }
  auto later = std::make_shared<DeferredReply>(ctx);
  auto left = std::make_shared<std::atomic<size_t>>(engine.workerCount());
  for (size_t i = 0; i < engine.workerCount(); ++i) {
    engine.worker(i).loop().post([later, left] {
      releaseMemoryToSystem();
      if (left->fetch_sub(1) == 1) later->answer([](Reply& reply) { reply.ok(); });
    });
  }
}

constexpr std::string_view kHelp[] = {
    "DOCTOR",
    "    Return memory problems reports.",
    "MALLOC-STATS",
    "    Return internal statistics report from the memory allocator.",
    "PURGE",
    "    Attempt to purge dirty pages for reclamation by the allocator.",
    "STATS",
    "    Return information about the memory usage of the server.",
    "USAGE <key> [SAMPLES <count>]",
    "    Return memory in bytes used by <key> and its value. Nested values are",
    "    sampled up to <count> times (default: 5, 0 means sample all).",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "MEMORY", kHelp); }

constexpr std::string_view kPurgeTips[] = {"request_policy:all_shards", "response_policy:all_succeeded"};
constexpr std::string_view kReportTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                            "response_policy:special"};
constexpr KeySpec kUsageKeys[] = {{.flags = kKeyRO, .index = 2}};

constexpr CommandSpec kSubcommands[] = {
    {.name = "doctor",
     .arity = 2,
     .flags = kNoLocks,
     .handler = doctor,
     .group = "server",
     .since = "4.0.0",
     .summary = "Outputs memory problems report",
     .complexity = "O(1)",
     .tips = kReportTips},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .handler = help,
     .group = "server",
     .since = "4.0.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
    {.name = "malloc-stats",
     .arity = 2,
     .flags = kNoLocks,
     .handler = mallocStats,
     .group = "server",
     .since = "4.0.0",
     .summary = "Show allocator internal stats",
     .complexity = "Depends on how much memory is allocated, could be slow",
     .tips = kReportTips},
    {.name = "purge",
     .arity = 2,
     .flags = kNoLocks,
     .handler = purge,
     .group = "server",
     .since = "4.0.0",
     .summary = "Ask the allocator to release memory",
     .complexity = "Depends on how much memory is allocated, could be slow",
     .tips = kPurgeTips},
    {.name = "stats",
     .arity = 2,
     .flags = kNoLocks,
     .handler = stats,
     .group = "server",
     .since = "4.0.0",
     .summary = "Show memory usage details",
     .complexity = "O(1)",
     .tips = kReportTips},
    {.name = "usage",
     .arity = -3,
     .flags = kReadonly,
     .keys = kUsageKeys,
     .handler = usage,
     .group = "server",
     .since = "4.0.0",
     .summary = "Estimate the memory usage of a key",
     .complexity = "O(N) where N is the number of samples.",
     .arguments = "key [count:integer=SAMPLES]"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "memory",
     .arity = -2,
     .subcommands = kSubcommands,
     .group = "server",
     .since = "4.0.0",
     .summary = "A container for memory diagnostics commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> memoryCommands() { return kCommands; }

}  // namespace vigil::engine
