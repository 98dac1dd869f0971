// Keys that a command keeps to itself while its work goes on elsewhere, longer than any lock may be held (MIGRATE). Other
// commands that name one of them are put back until the hold ends, as they are for a Reservation.
//
//   auto held = HeldKeys::take(ctx, {"a", "b"});        in the handler, which holds their shards
//   ...                                                 on any thread, for any time
//   held->release([held](command::Context& ctx) { ... }, [](oplog::Offset depends) { ... });
//
// What names no keys goes past a hold: FLUSHALL, expiry, a full resync, a script that runs under the world. So whoever
// held keys asks changed() before it relies on what it has read at the beginning.
//
// Not inside a transaction. A hold that is never released keeps its keys for ever: every way ends in release().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "command/context.h"
#include "engine/shard_state.h"
#include "oplog/log.h"

namespace vigil::engine {

class Engine;
class Worker;

class HeldKeys : public std::enable_shared_from_this<HeldKeys> {
 public:
  using Work = std::move_only_function<void(command::Context& context)>;
  using Done = std::move_only_function<void(oplog::Offset depends)>;

  static std::shared_ptr<HeldKeys> take(command::Context& context, std::vector<std::string> keys);

  const std::vector<std::string>& keys() const { return keys_; }
  // Whether the key was changed, or deleted, since the hold began. For `work` of release().
  bool changed(size_t key) const { return tokens_[key]->failed.load(std::memory_order_relaxed); }

  // Any thread, once: runs `work` as a unit of its own under the keys' locks, on the worker whose command took the hold,
  // as soon as the locks can be had and no pause is in force, and ends the hold. The keys are the arguments 1, 2, … of
  // the context. Then calls `done`, without locks, with the offset that a reply depends on.
  void release(Work work, Done done);

 private:
  HeldKeys(Engine& engine, Worker& worker, int db, std::vector<std::string> keys);
  void tryRelease();                       // on the worker
  void end(std::vector<Task>& waiters);    // under the locks

  Engine& engine_;
  Worker& worker_;
  const int db_;
  const std::vector<std::string> keys_;
  std::vector<uint64_t> numbers_;  // of the reservations, by key
  std::vector<std::shared_ptr<WatchToken>> tokens_;
  Work work_;
  Done done_;
};

}  // namespace vigil::engine
