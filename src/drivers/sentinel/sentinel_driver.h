// Carries out what the Sentinel core decides: two connections to each instance, the state file, events to our own clients,
// scripts. Brings it what comes in, and the time.
//
// A Sentinel is one thread: its clients' commands run on the loop that also drives the core, so that commands see and
// change the core directly.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "base/result.h"
#include "drivers/sentinel/instance_connection.h"
#include "drivers/sentinel/script_runner.h"
#include "drivers/sentinel/sentinel_options.h"
#include "engine/engine.h"
#include "sentinel/sentinel.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::drivers {

class SentinelDriver {
 public:
  // What the application knows.
  struct Surroundings {
    ConfigRegistry& registry;
    std::string configFile;                   // absolute; where the state is kept
    std::function<ConnectOptions()> connect;  // how instances are reached
    std::function<uint16_t()> port;           // where we take connections
    sentinel::IsExecutable isExecutable;
    ChildProcesses& processes;
    std::function<void()> crash;  // SIMULATE-FAILURE: ends the process at once
  };

  SentinelDriver(engine::Engine& engine, SentinelOptions& options, Surroundings surroundings);
  ~SentinelDriver();

  void registerCommands();
  // Before the loop runs: takes the configuration and writes the state file for the first time. The error is for
  // the log.
  Status start();
  // On the loop: begins to watch.
  void run();
  void stop();  // the loop has stopped

  // For commands: changes the core and carries out what follows. False: the state could not be written, so nothing that
  // depends on it was sent, and nothing may be answered that does.
  template <typename Act>
  bool perform(Act act) {
    const bool kept = carryOut(core_.perform(loop_->now(), act));
    schedule();
    return kept;
  }
  Status save();  // writes the state file

  const sentinel::State& state() const { return core_.state(); }
  MonoUs now() const { return loop_->now(); }
  const sentinel::IsExecutable& isExecutable() const { return surroundings_.isExecutable; }
  const sentinel::ScriptQueue& scripts() const { return scripts_.queue(); }

 private:
  using Key = std::pair<sentinel::InstanceId, sentinel::Channel>;

  void onEvent(const sentinel::Event& event);
  void tick();
  void schedule();
  bool carryOut(const sentinel::Effects& effects);
  void connect(const sentinel::Effect& effect);
  void disconnect(const Key& key, uint64_t attempt);
  void send(const sentinel::Effect& effect, bool allowed);
  void publish(std::string_view channel, std::string_view text);
  void tell(LogLevel level, std::string_view type, const std::string& text);
  void addInfo();

  engine::Engine& engine_;
  SentinelOptions& options_;
  const Surroundings surroundings_;
  sentinel::Sentinel core_;
  ScriptRunner scripts_;
  EventLoop* loop_ = nullptr;
  std::map<Key, std::unique_ptr<InstanceConnection>> connections_;
  TimerId timer_ = 0;
  MonoUs wakeAt_ = 0;    // when the timer rings
  MonoUs tickedAt_ = 0;
  bool unsaved_ = false;  // the state file is out of date: writing it failed
};

}  // namespace vigil::drivers
