#include "engine/held_keys.h"

#include <algorithm>
#include <utility>

#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr int64_t kPauseRetryUs = 5000;

}  // namespace

HeldKeys::HeldKeys(Engine& engine, Worker& worker, int db, std::vector<std::string> keys)
    : engine_(engine), worker_(worker), db_(db), keys_(std::move(keys)) {}

std::shared_ptr<HeldKeys> HeldKeys::take(command::Context& context, std::vector<std::string> keys) {
  auto& execution = static_cast<Execution&>(context);
  Engine& engine = execution.engine();
  std::shared_ptr<HeldKeys> held(
      new HeldKeys(engine, execution.worker(), context.session().db, std::move(keys)));  // the constructor is private
  for (const std::string& key : held->keys_) {
    const uint64_t hash = engine.keyspace().hashOf(key);
    ShardState& state = engine.shardState(engine.keyspace().shardNumberOf(hash));
    held->numbers_.push_back(engine.addReservation());
    state.reserved.push_back({.number = held->numbers_.back(), .db = held->db_, .key = key, .hash = hash});
    held->tokens_.push_back(std::make_shared<WatchToken>());
    state.watch(held->db_, key, {held->tokens_.back(), false});
  }
  return held;
}

void HeldKeys::release(Work work, Done done) {
  work_ = std::move(work);
  done_ = std::move(done);
  worker_.loop().post([self = shared_from_this()] { self->tryRelease(); });
}

void HeldKeys::tryRelease() {
  Worker::UnitOutcome outcome = worker_.runUnit(
      db_, keys_,
      [this](command::Context& context) {
        std::exchange(work_, nullptr)(context);  // what it holds may hold this
        std::vector<Task> waiters;
        end(waiters);
        return waiters;
      },
      [self = shared_from_this()] { self->worker_.loop().post([self] { self->tryRelease(); }); });
  switch (outcome.kind) {
    case Worker::UnitOutcome::Kind::kPutBack:
      return;
    case Worker::UnitOutcome::Kind::kPaused:
      // Whoever paused the node wants to see no write, for as long as it likes.
      worker_.loop().after(kPauseRetryUs, [self = shared_from_this()] { self->tryRelease(); });
      return;
    case Worker::UnitOutcome::Kind::kDone:
      std::exchange(done_, nullptr)(outcome.depends);
  }
}

void HeldKeys::end(std::vector<Task>& waiters) {
  for (size_t i = 0; i < keys_.size(); ++i) {
    ShardState& state = engine_.shardState(engine_.keyspace().shardNumberOf(engine_.keyspace().hashOf(keys_[i])));
    state.unwatch(db_, keys_[i], tokens_[i].get());
    const auto at = std::find_if(state.reserved.begin(), state.reserved.end(),
                                 [&](const Reservation& r) { return r.number == numbers_[i]; });
    std::move(at->waiters.begin(), at->waiters.end(), std::back_inserter(waiters));
    state.reserved.erase(at);
    engine_.dropReservation();
  }
}

}  // namespace vigil::engine
