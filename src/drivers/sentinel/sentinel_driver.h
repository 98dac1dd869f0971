// Carries out what the Sentinel core decides: two connections to each instance, the state file, events to our own
// clients, scripts. Brings it what comes in, and the time.
//
// A Sentinel is one thread: its clients' commands run on the loop that also drives the core, so that commands see and
// change the core directly. Only the state file is written elsewhere; what tells others of the state waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "base/result.h"
#include "drivers/sentinel/instance_connection.h"
#include "drivers/sentinel/script_runner.h"
#include "drivers/sentinel/sentinel_options.h"
#include "drivers/sentinel/state_keeper.h"
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
    std::function<int(UnixUs wall)> utcOffset;  // of local time, in seconds east of UTC
    std::function<void()> crash;                // SIMULATE-FAILURE: ends the process at once
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

  // For commands: changes the core and carries out what follows.
  template <typename Act>
  void perform(Act act) {
    carryOut(core_.perform(loop_->now(), act));
    schedule();
  }
  // Answers once all that the core must not forget is durable, or could not be written: then nothing may be answered
  // that depends on it.
  void answerWhenKept(command::Context& ctx, std::move_only_function<void(command::Reply&, bool kept)> answer);
  void saveAnew() { keeper_.changed(); }  // the state file, though nothing changed

  const sentinel::State& state() const { return core_.state(); }
  MonoUs now() const { return loop_->now(); }
  const sentinel::IsExecutable& isExecutable() const { return surroundings_.isExecutable; }
  const sentinel::ScriptQueue& scripts() const { return scripts_.queue(); }

 private:
  using Key = std::pair<sentinel::InstanceId, sentinel::Channel>;

  void onEvent(const sentinel::Event& event);
  void tick();
  void schedule();
  void carryOut(sentinel::Effects effects);
  void connect(const sentinel::Effect& effect);
  void disconnect(const Key& key, uint64_t attempt);
  std::string dateOf(MonoUs moment) const;
  void carryOutHeld(const sentinel::Effects& effects, bool kept);
  void send(const sentinel::Effect& effect);
  void flush(const sentinel::Effects& sent);
  void refuse(const sentinel::Effect& effect);
  void publish(std::string_view channel, std::string_view text);
  void tell(LogLevel level, std::string_view type, const std::string& text);
  void addInfo();

  engine::Engine& engine_;
  SentinelOptions& options_;
  const Surroundings surroundings_;
  sentinel::Sentinel core_;
  StateKeeper keeper_;
  ScriptRunner scripts_;
  EventLoop* loop_ = nullptr;
  std::map<Key, std::unique_ptr<InstanceConnection>> connections_;
  TimerId timer_ = 0;
  MonoUs wakeAt_ = 0;  // when the timer rings
  MonoUs tickedAt_ = 0;
};

}  // namespace vigil::drivers
