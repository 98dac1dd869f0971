// Keys that are reserved for blocked calls; see Reservation in shard_state.h.
#include <algorithm>

#include "command/command_table.h"
#include "engine/blocked_call.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/worker.h"

namespace vigil::engine {

void Execution::reserve(const ReadyKey& key, std::shared_ptr<BlockedCall> call) {
  auto shard = static_cast<uint32_t>(engine_.keyspace().shardNumberOf(key.hash));
  uint64_t number = engine_.addReservation();
  engine_.shardState(shard).reserved.push_back({number, key.db, key.key, key.hash, call, {}});
  reserved_.push_back({shard, number, std::move(call)});
}

// In whichever database: a few commands name keys of another one than the selected.
Reservation* Execution::findReserved(const command::CommandEntry& command, command::Args args,
                                     const BlockedCall* except, uint64_t olderThan) {
  std::vector<command::KeyPosition> positions;
  if (!command::findKeys(*command.spec, args, positions)) return nullptr;
  for (const auto& position : positions) {
    std::string_view name = args[static_cast<size_t>(position.argument)];
    for (Reservation& reservation : stateOf(engine_.keyspace().hashOf(name)).reserved) {
      const bool own = reservation.call != nullptr && reservation.call.get() == except;
      if (reservation.key == name && !own && reservation.number < olderThan) {
        return &reservation;
      }
    }
  }
  return nullptr;
}

bool Execution::waitsForReserved(const command::CommandEntry& command, command::Args args, const BlockedCall* except,
                                 uint64_t number, Task&& wake) {
  Reservation* reservation = findReserved(command, args, except, number);
  if (!reservation) return false;
  reservation->waiters.push_back(std::move(wake));
  return true;
}

void Execution::serveReservation(const Reserved& reserved, UnixMs now, std::vector<Task>& waiters) {
  auto& list = engine_.shardState(reserved.shard).reserved;
  auto find = [&] {
    return std::find_if(list.begin(), list.end(), [&](const Reservation& r) { return r.number == reserved.number; });
  };
  auto at = find();
  if (at == list.end()) return;  // a unit that held the world has served it
  ReadyKey key{at->db, at->key, at->hash};
  begin(now, false);
  servingNumber_ = reserved.number;
  serve(reserved.call, key.key);
  servingNumber_ = UINT64_MAX;
  at = find();  // serving may have made others
  std::move(at->waiters.begin(), at->waiters.end(), std::back_inserter(waiters));
  ready_.push_back(std::move(key));
  list.erase(at);
  engine_.dropReservation();
  finish();
}

void Execution::serveAllReserved(UnixMs now) {
  std::vector<Reserved> all;
  for (uint32_t shard = 0; shard < engine_.keyspace().shardCount(); ++shard) {
    for (const Reservation& r : engine_.shardState(shard).reserved) {
      if (r.call != nullptr) all.push_back({shard, r.number, r.call});
    }
  }
  std::sort(all.begin(), all.end(), [](const Reserved& a, const Reserved& b) { return a.number < b.number; });
  std::vector<Task> waiters;
  for (const Reserved& reserved : all) serveReservation(reserved, now, waiters);
  for (Task& wake : waiters) wake();
}

// --- The worker's side -----------------------------------------------------------------------------------------

void Worker::serveReserved() {
  while (execution_.madeReservations()) {
    for (const auto& reserved : execution_.takeReserved()) serveReserved(reserved);
  }
}

void Worker::serveReserved(const Execution::Reserved& reserved) {
  Task again = [this, reserved] {
    loop_.post([this, reserved] {
      refreshTime();
      serveReserved(reserved);
      serveReserved();
    });
  };
  bool wasInside = insideWorld_;
  if (!takeWorld(nullptr, &again)) return;
  std::vector<Task> waiters;
  const BlockedCall& call = *reserved.call;
  std::vector<uint32_t> shards{reserved.shard};
  shardsOf(*call.command, call.args, shards);
  normalise(shards);
  if (lockShards(shards, std::move(again))) {
    if (!execution_.waitsForReserved(*call.command, call.args, &call, reserved.number, std::move(again))) {
      execution_.serveReservation(reserved, nowMs_, waiters);
    }
    execution_.locks().release();
  }
  if (!wasInside) leaveWorldForExclusive();
  for (Task& wake : waiters) wake();
}

}  // namespace vigil::engine
