// Units of execution that no client asked for.
#include <cassert>

#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

struct UnitCall {
  Worker::UnitWork work;
  std::vector<Task> then;
};

void runUnitCall(command::Context& context) {
  auto& call = context.owner<UnitCall>();
  call.then = call.work(context);
}

constexpr command::CommandSpec kUnit = {
    .name = "unit", .arity = -1, .flags = command::kWrite | command::kSkipMonitor, .handler = runUnitCall};

}  // namespace

Worker::UnitOutcome Worker::runUnit(int db, std::span<const std::string> keys, UnitWork work, Task wake) {
  assert(execution_.locks().held().empty());
  refreshTime();
  const bool wasInside = insideWorld_;
  if (!takeWorld(nullptr, &wake)) return {};
  UnitOutcome outcome;
  UnitCall call{std::move(work), {}};
  if (engine_.pause().active()) {
    outcome.kind = UnitOutcome::Kind::kPaused;
  } else {
    std::vector<std::string_view> args{kUnit.name};
    std::vector<uint32_t> shards;
    for (const std::string& key : keys) {
      args.push_back(key);
      shards.push_back(static_cast<uint32_t>(engine_.keyspace().shardNumberOf(engine_.keyspace().hashOf(key))));
    }
    normalise(shards);
    if (lockShards(shards, std::move(wake))) {
      Session session;
      session.db = db;
      command::CommandEntry entry;
      entry.spec = &kUnit;
      entry.owner = &call;
      execution_.begin(nowMs_, false);
      execution_.run(session, entry, args, session.reply);
      outcome = {UnitOutcome::Kind::kDone, execution_.finish()};
      execution_.locks().release();
    }
  }
  if (!wasInside) leaveWorldForExclusive();
  for (Task& task : call.then) task();
  serveReserved();
  return outcome;
}

}  // namespace vigil::engine
