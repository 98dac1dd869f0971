// One simulated Sentinel: a host with a disk that holds sentinel.conf, and on it, time and again, a process that runs
// an engine and the Sentinel driver (drivers::SentinelDriver) over the simulator's ports, put together as
// apps/server/sentinel_server.cc does it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/ports/system.h"
#include "drivers/node_options.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "engine/engine.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"
#include "sim/sim_network.h"
#include "sim/sim_scripts.h"
#include "sim/sim_tasks.h"

namespace vigil::sim {

class SimSentinel {
 public:
  static constexpr uint16_t kPort = 26379;
  static constexpr const char* kConfigFile = "sentinel.conf";

  // `lines`: of the file as the user wrote it.
  SimSentinel(SimWorld& world, SimNetwork& network, std::string name, std::string host,
              const std::vector<std::vector<std::string>>& lines);
  ~SimSentinel();

  // Starts the process with what the disk holds. The error is what a user would find as the last line of the log.
  Status start();
  // Ends it without warning. Not from inside one of its own steps.
  void kill(Death how);
  // Nothing of it runs for that long; then it goes on as if nothing had happened.
  void pause(SimTime duration);
  // Its tasks, which write its file, wait for the processor that many times longer; also in lives to come.
  void slowDown(int64_t times) {
    taskSlowness_ = times;
    if (running()) life_->process->taskSlowness = times;
  }
  bool running() const { return life_ != nullptr && life_->process->alive; }

  // What its core knows; only while it runs.
  const sentinel::State& state() const { return life_->driver->state(); }
  const std::string& name() const { return name_; }
  const std::string& host() const { return host_; }
  Endpoint address() const { return {host_, kPort}; }
  SimDisk& disk() { return disk_; }
  size_t lives() const { return lives_; }

  std::function<void(std::string_view line)> onLog;
  int64_t clockRate = 1'000'000;  // of its clock, in microseconds a second
  int64_t wallOffset = 0;

 private:
  class TraceLogger final : public Logger {
   public:
    TraceLogger(SimSentinel& owner, SimProcess& process) : owner_(owner), process_(process) {}

   protected:
    void write(LogLevel, std::string_view text) override {
      process_.trace(text);
      if (owner_.onLog) owner_.onLog(text);
    }

   private:
    SimSentinel& owner_;
    SimProcess& process_;
  };

  // All that ends with the process; destroyed in reverse order.
  struct Life {
    Life(SimSentinel& owner, ProcessPtr process);
    ~Life();
    System system() { return {clock, entropy, network, files, tasks}; }
    ProcessPtr process;
    SimClock clock;
    SimEntropy entropy;
    SimNetworkPort network;
    SimFileSystem files;
    SimTaskPool tasks;
    TraceLogger logger;
    drivers::NodeOptions options;
    drivers::SentinelOptions sentinelOptions;
    ConfigRegistry registry;
    SimLoop loop;
    SimScripts scripts;
    std::unique_ptr<engine::Engine> engine;
    std::unique_ptr<drivers::SentinelDriver> driver;
    std::unique_ptr<Listener> listener;
    bool watches = false;  // its driver runs
  };
  Status begin(Life& life);
  void build(Life& life);
  void bury(Death how);

  SimWorld& world_;
  SimNetwork& network_;
  SimDisk disk_;
  const std::string name_;
  const std::string host_;
  size_t lives_ = 0;
  int64_t taskSlowness_ = 1;
  Death dying_ = Death::kKill;  // how the process dies that does so in the running step
  std::unique_ptr<Life> life_;
};

}  // namespace vigil::sim
