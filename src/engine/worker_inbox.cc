// What others push to a worker's clients, and the way from its inbox to their output.
#include "engine/connection.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr uint64_t kUnchecked = 256 * 1024;  // for one client, before the limit is looked at

bool overHardLimit(const Engine& engine, const ClientInfo& client, uint64_t bytes) {
  const bool pubsub = (client.flags.load(kRelaxed) & kClientPubsub) != 0;
  const auto limits = engine.options().outputLimits.load();
  const uint64_t hard = limits.of[pubsub ? OutputBufferLimits::kPubSub : OutputBufferLimits::kNormal].hardBytes;
  return hard != 0 && bytes >= hard;
}

}  // namespace

void Worker::push(const std::shared_ptr<ClientInfo>& to, const Message& message, oplog::Offset depends,
                  const Worker* from) {
  if (to->tooSlow.load(kRelaxed)) return;
  const uint64_t waiting = to->pushed.fetch_add(message.size(), kRelaxed) + message.size();
  if (waiting > kUnchecked && overHardLimit(engine_, *to, waiting)) [[unlikely]]
    to->tooSlow.store(true, kRelaxed);
  if (inbox_.put({to, message, depends}) && from != this) loop_.post([] {});
}

void Worker::takeInbox() {
  inbox_.take(taken_);
  for (Inbox::Entry& entry : taken_) {
    ClientInfo& client = *entry.to;
    client.pushed.fetch_sub(entry.message.size(), kRelaxed);
    Connection* connection = client.connection;
    if (connection == nullptr || connection->closing()) continue;
    if (client.tooSlow.load(kRelaxed)) {
      connection->closeOverLimit();
    } else {
      connection->receive(entry.message, entry.depends);
    }
  }
  taken_.clear();
}

}  // namespace vigil::engine
