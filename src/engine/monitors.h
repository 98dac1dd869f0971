// The clients that watch everything that is executed: MONITOR.
//
// Thread safe; its lock is taken under the locks of the unit that is shown, and over the inboxes'. All who watch see
// one order, in which time never goes back.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/ports/clock.h"
#include "command/context.h"
#include "oplog/log.h"

namespace vigil::engine {

class Audience;
class Worker;
struct ClientInfo;

class Monitors {
 public:
  Monitors(Clock& clock, Audience& audience) : clock_(clock), audience_(audience) {}

  void add(const std::shared_ptr<ClientInfo>& client);
  void remove(const ClientInfo& client);  // also of one who does not watch

  // Puts a line into the inboxes of all who watch: the time and then `text`. `from`: the worker whose thread this is.
  void show(std::string_view text, oplog::Offset depends, const Worker* from);

  // What a line says behind its time: the database, the client, and the arguments, of which the `hidden` ones
  // (ascending) are secrets.
  static std::string describe(int db, const ClientInfo& client, command::Args args, std::span<const size_t> hidden);

 private:
  Clock& clock_;
  Audience& audience_;
  Mutex mutex_;
  std::vector<std::shared_ptr<ClientInfo>> clients_ GUARDED_BY(mutex_);
};

// MONITOR. Its owner is the engine.
std::span<const command::CommandSpec> monitorCommands();

}  // namespace vigil::engine
