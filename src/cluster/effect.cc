#include "cluster/effect.h"

#include "cluster/migration_job.h"
#include "wire/cluster_bus.h"

namespace vigil::cluster {

namespace {

std::string packetText(const std::string& packet) {
  static constexpr const char* kNames[] = {"PING",         "PONG", "MEET",   "FAIL",    "PUBLISH",     "VOTE?",
                                           "VOTE", "UPDATE", "MFSTART", "MODULE", "PUBLISHSHARD"};
  auto message = wire::decodeBusPacket(packet);
  if (!message) return "a broken packet";
  return kNames[static_cast<size_t>(message->type)];
}

std::string describeOrder(const MigrationOrder& order) {
  static constexpr const char* kNames[] = {"open",     "copy",    "hold",  "claim",  "ask",  "close",
                                           "prepare", "announce", "discard", "sweep", "record", "await"};
  std::string text = kNames[static_cast<size_t>(order.kind)];
  if (order.kind == MigrationOrder::Kind::kRecord) text += " " + std::string(recordName(order.record));
  return text + " " + rangesText(order.slots);
}

std::string describeOne(const Effect& e) {
  using Kind = Effect::Kind;
  switch (e.kind) {
    case Kind::kLog:
      return std::string("log ") + (e.level == LogLevel::kWarning ? "# " : "* ") + e.text;
    case Kind::kPersist:
      return e.durable ? "persist durably" : "persist";
    case Kind::kConnect:
      return "connect " + std::to_string(e.link) + " to " + e.address + ":" + std::to_string(e.port);
    case Kind::kSend:
      return "send " + packetText(*e.packet) + " on " + std::to_string(e.link);
    case Kind::kClose:
      return "close " + std::to_string(e.link);
    case Kind::kRoute:
      return "route";
    case Kind::kFollow:
      return "follow " + e.address + ":" + std::to_string(e.port);
    case Kind::kPromote:
      return "promote";
    case Kind::kDropSlots:
      return "drop " + std::to_string(e.slots->count()) + " slots";
    case Kind::kPauseWrites:
      return "pause writes for " + std::to_string(e.milliseconds) + " ms";
    case Kind::kResumeWrites:
      return "resume writes";
    case Kind::kDeliver:
      return "deliver to " + e.address;
    case Kind::kFlushAll:
      return "flush all";
    case Kind::kMigration:
      return "migration " + describeOrder(*e.migration);
  }
  return {};
}

}  // namespace

std::string describe(const Effects& effects) {
  std::string text;
  for (const Effect& effect : effects) text += describeOne(effect) + "\n";
  return text;
}

}  // namespace vigil::cluster
