#include "engine/outgoing.h"

#include "engine/audience.h"
#include "engine/engine.h"

namespace vigil::engine {

void Outgoing::clear() {
  constexpr size_t kKeep = 1 << 20;
  if (bytes_.capacity() > kKeep) std::string().swap(bytes_);
  bytes_.clear();
  items_.clear();
  invalidations_.clear();
  lines_.clear();
  pending_ = false;
  stripes_ = 0;
  depends_ = 0;
}

void Outgoing::publish(PubSub::Space space, std::string_view channel, std::string_view payload) {
  bytes_.append(channel).append(payload);
  items_.push_back({space, channel.size(), payload.size()});
  pending_ = true;
  stripes_ |= PubSub::stripeOf(channel);
}

void Outgoing::keyEvent(uint32_t audience, int db, std::string_view event, std::string_view key) {
  const auto add = [&](std::string_view kind, std::string_view name, std::string_view payload) {
    std::string channel(kind);
    channel += std::to_string(db);
    channel += "__:";
    channel += name;
    publish(PubSub::Space::kChannels, channel, payload);
  };
  if (audience & Audience::kKeyspaceChannels) add("__keyspace@", key, event);
  if (audience & Audience::kKeyeventChannels) add("__keyevent@", event, key);
}

void Outgoing::deliver(oplog::Offset depends) {
  depends = std::max(depends, depends_);
  if (depends != 0 && engine_.commit().reached(depends)) depends = 0;
  std::string_view rest = bytes_;
  for (const Item& item : items_) {
    const std::string_view channel = rest.substr(0, item.channel);
    const std::string_view payload = rest.substr(item.channel, item.payload);
    rest.remove_prefix(item.channel + item.payload);
    engine_.pubsub().deliver(item.space, channel, payload, depends, &worker_);
  }
  if (!invalidations_.empty()) engine_.tracking().tell(invalidations_, depends, &worker_);
  for (const std::string& line : lines_) engine_.monitors().show(line, depends, &worker_);
  clear();
}

}  // namespace vigil::engine
