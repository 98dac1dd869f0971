// What a unit of execution has for others: published messages, keyspace events, invalidations of what clients cache,
// lines for MONITOR. Collected while the unit runs and delivered at its end, before its locks are released, when it is
// known on which offset of the log they depend.
//
// Reused from one unit to the next. Used on the worker's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/pubsub.h"
#include "engine/tracking.h"
#include "oplog/log.h"

namespace vigil::engine {

class Engine;
class Worker;

class Outgoing {
 public:
  Outgoing(Engine& engine, const Worker& worker) : engine_(engine), worker_(worker) {}

  bool empty() const { return !pending_; }
  void clear();

  void publish(PubSub::Space space, std::string_view channel, std::string_view payload);
  // To the channels that notify-keyspace-events asks for (`audience`), the key's first.
  void keyEvent(uint32_t audience, int db, std::string_view event, std::string_view key);
  void invalidate(Invalidation what) {
    invalidations_.push_back(std::move(what));
    pending_ = true;
  }
  // A command of the unit, as Monitors::describe() has it.
  void show(std::string line) {
    lines_.push_back(std::move(line));
    pending_ = true;
  }
  // Nothing of this unit may be seen before the commit point has passed this offset, whatever the unit wrote.
  void dependOn(oplog::Offset offset) { depends_ = std::max(depends_, offset); }

  // The channels whose locks are to be held from before the unit's record is logged until deliver() has returned.
  PubSub::Stripes stripes() const { return stripes_; }
  // Puts everything into the receivers' inboxes, in the order in which it came here, and forgets it.
  void deliver(oplog::Offset depends);

 private:
  struct Item {
    PubSub::Space space;
    size_t channel;  // its size; it and the payload stand one behind the other in bytes_
    size_t payload;
  };

  Engine& engine_;
  const Worker& worker_;
  bool pending_ = false;  // there is anything at all
  std::string bytes_;
  std::vector<Item> items_;
  std::vector<Invalidation> invalidations_;
  std::vector<std::string> lines_;
  PubSub::Stripes stripes_ = 0;
  oplog::Offset depends_ = 0;
};

}  // namespace vigil::engine
