// CLUSTER and its subcommands, READONLY, READWRITE and ASKING. The owner of the first is the ClusterDriver; the others
// need none.
#pragma once

#include <span>

#include "command/context.h"
#include "command/spec.h"

namespace vigil::drivers {

std::span<const command::CommandSpec> clusterCommands();         // with a cluster
std::span<const command::CommandSpec> clusterDisabledCommands();  // CLUSTER without one
std::span<const command::CommandSpec> clusterConnectionCommands();  // READONLY, READWRITE, ASKING

// Handlers of what only looks (cluster_views.cc).
namespace clusterView {
void nodes(command::Context& ctx);
void slots(command::Context& ctx);
void shards(command::Context& ctx);
void info(command::Context& ctx);
void links(command::Context& ctx);
void myId(command::Context& ctx);
void myShardId(command::Context& ctx);
void replicas(command::Context& ctx);
void countFailureReports(command::Context& ctx);
void failoverReport(command::Context& ctx);
}  // namespace clusterView

// Handlers of what changes the cluster (cluster_changes.cc).
namespace clusterChange {
void meet(command::Context& ctx);
void forget(command::Context& ctx);
void addSlots(command::Context& ctx);
void addSlotsRange(command::Context& ctx);
void deleteSlots(command::Context& ctx);
void deleteSlotsRange(command::Context& ctx);
void flushSlots(command::Context& ctx);
void setSlot(command::Context& ctx);
void replicate(command::Context& ctx);
void failover(command::Context& ctx);
void reset(command::Context& ctx);
void setConfigEpoch(command::Context& ctx);
void bumpEpoch(command::Context& ctx);
void saveConfig(command::Context& ctx);
}  // namespace clusterChange

// Handlers of atomic migrations (cluster_migrations.cc).
namespace clusterMigration {
void migrateSlots(command::Context& ctx);
void getSlotMigrations(command::Context& ctx);
void cancelSlotMigrations(command::Context& ctx);
void syncSlots(command::Context& ctx);
bool takesWorld(std::span<const std::string_view> args);  // of the last: a record of the log
}  // namespace clusterMigration

// Handlers about keys and slots (cluster_slots.cc).
namespace clusterSlot {
void keySlotOf(command::Context& ctx);
void countKeys(command::Context& ctx);
void getKeys(command::Context& ctx);
void slotStats(command::Context& ctx);  // cluster_slot_stats.cc
void lockSlot(std::span<const std::string_view> args, const keyspace::Keyspace& keyspace, std::vector<uint32_t>& shards);
void asking(command::Context& ctx);
void readOnly(command::Context& ctx);
void readWrite(command::Context& ctx);
}  // namespace clusterSlot

}  // namespace vigil::drivers
