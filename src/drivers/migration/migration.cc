#include "drivers/migration/migration.h"

#include <algorithm>
#include <utility>

#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "command/context.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/held_keys.h"
#include "keyspace/database.h"

namespace vigil::drivers {

namespace {

using Call = Migration::Call;

// Under the keys' locks: deletes what the target has and what is still as it was sent.
void deleteMoved(command::Context& context, Call& call, bool replica) {
  const engine::HeldKeys& held = *call.held;
  std::vector<std::string_view> del{"DEL"};
  for (size_t i = 0; i < held.keys().size(); ++i) {
    if (!call.job.accepted[i]) continue;
    if (!held.changed(i) && replica == call.replica) {
      const auto key = context.key(i + 1);
      if (!context.db().erase(key, true)) continue;  // its time has come
      context.changed(key, command::EventClass::kGeneric, "del");
      del.push_back(key.name);
    } else if (call.expireAt[i] == 0 || call.expireAt[i] > context.now()) {
      call.kept = held.keys()[i];
    }
  }
  if (del.size() > 1) context.propagate(del);
}

void replyOutcome(command::Reply& reply, const Call& call, Transfer::End end) {
  if (call.job.targetError) {
    return reply.error("ERR Target instance replied with error: " + *call.job.targetError);
  }
  switch (end) {
    case Transfer::End::kConnectFailed:
      return reply.error("IOERR error or timeout connecting to the client");
    case Transfer::End::kWriteFailed:
      return reply.error("IOERR error or timeout writing to target instance");
    case Transfer::End::kReadFailed:
      return reply.error("IOERR error or timeout reading to target instance");
    case Transfer::End::kDone:
      break;
  }
  if (call.kept) {
    return reply.error("ERR key '" + *call.kept +
                       "' was changed or deleted here while it was on its way; the target holds what it was before");
  }
  reply.ok();
}

}  // namespace

void Migration::start() { pool_.emplace(engine_.control(), engine_.state().migrateSockets); }

void Migration::stop() {
  transfers_.clear();
  pool_.reset();
}

void Migration::begin(std::shared_ptr<Call> call) {
  engine_.control().post([this, call = std::move(call)] { transfer(call, false); });
}

void Migration::transfer(const std::shared_ptr<Call>& call, bool fresh) {
  if (call->endpoint.port == 0) return conclude(call, Transfer::End::kWriteFailed);  // as Redis tells it
  std::optional<Peer> peer = fresh ? std::nullopt : pool_->take(call->target);
  if (!peer) peer = Peer{.stream = engine_.system().network.connect(call->endpoint, how_())};
  // The constructor may come to an end at once, so that the list must have its place before.
  auto& place = transfers_.emplace_back();
  auto* const where = &place;
  place = std::make_unique<Transfer>(
      engine_.control(), *std::move(peer), call->job, [this, call, where](Transfer::Outcome outcome) {
        auto shared = std::make_shared<Transfer::Outcome>(std::move(outcome));
        engine_.control().post([this, call, where, shared] { ended(call, where->get(), std::move(*shared)); });
      });
}

void Migration::ended(const std::shared_ptr<Call>& call, Transfer* transfer, Transfer::Outcome outcome) {
  std::erase_if(transfers_, [transfer](const auto& each) { return each.get() == transfer; });
  if (outcome.peer.stream) pool_->put(call->target, std::move(outcome.peer));
  // A connection that was kept may have been closed by the target meanwhile.
  const bool broken = outcome.end == Transfer::End::kWriteFailed || outcome.end == Transfer::End::kReadFailed;
  if (broken && !outcome.timedOut && !outcome.answered && std::exchange(call->mayRetry, false)) {
    return this->transfer(call, true);
  }
  conclude(call, outcome.end);
}

void Migration::conclude(const std::shared_ptr<Call>& call, Transfer::End end) {
  const auto answer = [call, end](oplog::Offset depends) {
    call->later->answer([call, end](command::Reply& reply) { replyOutcome(reply, *call, end); }, depends);
  };
  if (call->held == nullptr) return answer(0);
  call->job.accepted.resize(call->job.keys);  // where no transfer began
  call->held->release(
      [this, call](command::Context& context) { deleteMoved(context, *call, engine_.state().replica.load()); },
      answer);
}

}  // namespace vigil::drivers
