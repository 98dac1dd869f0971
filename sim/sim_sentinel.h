// One simulated Sentinel: a host whose disk holds sentinel.conf, and whose process runs an engine and the Sentinel driver
// (drivers::SentinelDriver) over the simulator's ports, put together as apps/server/sentinel_server.cc does it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "drivers/node_options.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "engine/engine.h"
#include "sim/sim_host.h"
#include "sim/sim_loop.h"
#include "sim/sim_scripts.h"

namespace vigil::sim {

class SimSentinel final : public SimHost {
 public:
  static constexpr uint16_t kPort = 26379;
  static constexpr const char* kConfigFile = "sentinel.conf";

  // `lines`: of the file as the user wrote it.
  SimSentinel(SimWorld& world, SimNetwork& network, std::string name, std::string host,
              const std::vector<std::vector<std::string>>& lines);
  ~SimSentinel() override;

  // Starts the process with what the disk holds. The error is what a user would find as the last line of the log.
  Status start();
  // Its tasks, which write its file, wait for the processor that many times longer; also in lives to come.
  void slowDown(int64_t times) {
    taskSlowness_ = times;
    if (running()) life_->process->taskSlowness = times;
  }

  // What its core knows; only while it runs.
  const sentinel::State& state() const { return life_->driver->state(); }
  Endpoint address() const { return {host(), kPort}; }
  size_t lives() const { return lives_; }

  std::function<void(std::string_view line)> onLog;

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
  struct Life : Ports {
    Life(SimSentinel& owner, ProcessPtr started)
        : Ports(owner, std::move(started)), logger(owner, *process), loop(process, clock, "sentinel"), scripts(loop) {}
    ~Life();
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
  SimProcess* current() const override { return life_ ? life_->process.get() : nullptr; }
  void buried(Death) override { life_.reset(); }

  size_t lives_ = 0;
  int64_t taskSlowness_ = 1;
  std::unique_ptr<Life> life_;
};

}  // namespace vigil::sim
