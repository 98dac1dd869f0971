// What clients cache, from the side of the commands that read and change it; see tracking.h.
#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"

namespace vigil::engine {

void Execution::noteReads(const Session& session, const command::CommandEntry& command, command::Args args) {
  if (session.tracking == nullptr || !session.tracking->notesReads()) return;
  if ((command.spec->flags & command::kReadonly) == 0) return;
  std::vector<command::KeyPosition> positions;
  command::findKeys(*command.spec, args, positions);
  for (const command::KeyPosition& position : positions) {
    const std::string_view key = args[static_cast<size_t>(position.argument)];
    const size_t shard = engine_.keyspace().shardNumberOf(engine_.keyspace().hashOf(key));
    if (!locks_.holds(shard)) continue;  // the command did not look at the key itself
    TrackedKeys& keys = engine_.shardState(shard).tracked;
    engine_.tracking().note(keys, key, session.id);
    // More than one for each that comes, so that a limit which was lowered is reached.
    if (forgetTracked(keys, key)) forgetTracked(keys, key);
  }
}

void Execution::invalidate(std::string_view key, uint64_t hash, uint64_t writer) {
  std::vector<uint64_t> readers = engine_.tracking().take(stateOf(hash).tracked, key);
  if (readers.empty() && !engine_.tracking().broadcasting()) return;
  outgoing_.invalidate({Invalidation::Kind::kChanged, std::string(key), writer, std::move(readers)});
}

// With the world held.
void Execution::invalidateAll() {
  for (size_t shard = 0; shard < engine_.keyspace().shardCount(); ++shard) {
    engine_.tracking().clear(engine_.shardState(shard).tracked);
  }
  outgoing_.invalidate({});
}

// One of the keys, if all shards together have too many.
bool Execution::forgetTracked(TrackedKeys& keys, std::optional<std::string_view> except) {
  const int64_t most = engine_.options().trackedKeys.load(std::memory_order_relaxed);
  if (most == 0 || engine_.tracking().keyCount() <= most) return false;
  auto victim = keys.victim(except);
  if (!victim) return false;
  std::vector<uint64_t> readers = engine_.tracking().take(keys, *victim);
  outgoing_.invalidate({Invalidation::Kind::kForgotten, std::move(*victim), 0, std::move(readers)});
  return true;
}

void Execution::limitTracked(size_t shard, UnixMs now) {
  TrackedKeys& keys = engine_.shardState(shard).tracked;
  if (keys.empty()) [[likely]]
    return;
  // Nobody is told any more of what changes, so that what was noted would stay.
  if (engine_.tracking().clientCount() == 0) return engine_.tracking().clear(keys);
  constexpr int kAtOnce = 1000;
  begin(now, false);
  for (int i = 0; i < kAtOnce && forgetTracked(keys, std::nullopt); ++i) {
  }
  finish();
}

}  // namespace vigil::engine
