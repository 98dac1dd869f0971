#include "engine/memory_report.h"

#include <algorithm>

#include "base/memory.h"
#include "engine/client_list.h"
#include "engine/engine.h"
#include "keyspace/entry.h"

namespace vigil::engine {

namespace {

double ratio(int64_t part, int64_t whole) {
  return whole <= 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The one log serves the backlog, slow replicas and the AOF: what is beyond the backlog is kept for those.
void addLog(MemoryReport& report, Engine& engine) {
  oplog::Log& log = engine.log();
  if (!log.active()) return;
  const auto held = static_cast<int64_t>(log.memory());
  if (log.needed(oplog::Log::Reason::kReplication)) {
    report.replicationBuffers = held;
    report.backlog = std::min(held, static_cast<int64_t>(log.backlogSize()));
    report.replicaClients = held - report.backlog;
  } else {
    report.aofBuffer = held;
  }
}

void addClients(MemoryReport& report, Engine& engine) {
  for (const auto& client : engine.clients().all()) {
    const bool replica = typeOf(*client) == ClientType::kReplica;
    (replica ? report.replicaClients : report.normalClients) += static_cast<int64_t>(memoryOf(*client));
    ++(replica ? report.replicaClientCount : report.normalClientCount);
  }
}

void addDatabases(MemoryReport& report, Engine& engine) {
  const auto& keyspace = engine.keyspace();
  for (size_t i = 0; i < keyspace.databaseCount(); ++i) {
    const int db = static_cast<int>(i);
    const auto keys = static_cast<int64_t>(keyspace.size(db));
    if (keys == 0) continue;
    const auto expiring = static_cast<int64_t>(keyspace.withExpiry(db));
    report.databases.push_back(
        {.db = db,
         .keys = keys,
         .table = static_cast<int64_t>(keyspace.tableMemory(db) + sizeof(keyspace::Entry) * static_cast<size_t>(keys)),
         .expiry = static_cast<int64_t>(keyspace.expiryMemory(db)) + expiring * static_cast<int64_t>(sizeof(UnixMs))});
  }
}

}  // namespace

MemoryReport MemoryReport::of(Engine& engine) {
  MemoryReport report;
  report.peak = engine.statistics().peakMemory();
  report.used = std::max<int64_t>(0, usedMemory());
  report.startup = engine.statistics().startMemory();
  report.resident = static_cast<int64_t>(engine.process().residentMemory());
  report.anonymous = static_cast<int64_t>(engine.process().anonymousMemory());
  report.notCounted = engine.memoryLimit().notCounted();
  report.scripts = engine.process().scriptMemory();
  addLog(report, engine);
  addClients(report, engine);
  addDatabases(report, engine);
  return report;
}

int64_t MemoryReport::keys() const {
  int64_t sum = 0;
  for (const DatabaseOverhead& database : databases) sum += database.keys;
  return sum;
}

int64_t MemoryReport::overhead() const {
  int64_t sum = startup + backlog + replicaClients + normalClients + aofBuffer + scripts.evalScripts + scripts.functionCode;
  for (const DatabaseOverhead& database : databases) sum += database.table + database.expiry;
  return sum;
}

double MemoryReport::datasetPercent() const { return 100 * ratio(dataset(), beyondStartup()); }
double MemoryReport::peakPercent() const { return 100 * ratio(used, peak); }
double MemoryReport::fragmentation() const { return ratio(resident, used); }
double MemoryReport::allocatorFragmentation() const { return ratio(anonymous, used); }
double MemoryReport::processOverhead() const { return ratio(resident, anonymous); }

}  // namespace vigil::engine
