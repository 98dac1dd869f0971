// One simulated server: a host whose process runs a whole node (drivers::Node) over the simulator's ports.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/config.h"
#include "base/log_line.h"
#include "base/ports/system.h"
#include "drivers/node.h"
#include "engine/config_commands.h"
#include "sim/model.h"
#include "sim/sim_host.h"
#include "sim/sim_loop.h"

namespace vigil::sim {

class SimNode final : public SimHost {
 public:
  static constexpr uint16_t kPort = 6379;

  SimNode(SimWorld& world, SimNetwork& network, std::string name, std::string host, size_t workers);
  ~SimNode() override;

  // Configuration lines, as in a file; read at every start.
  std::vector<std::vector<std::string>> configuration;
  // From the first start on the lines are in a file on the disk, and CONFIG REWRITE changes it.
  bool keepsConfiguration = false;

  // Starts the process, which then loads what the disk holds. The error is what a user would find as the last line of
  // the log; one that comes while it loads ends the process, and startError() has it.
  Status start();
  // Starts it and waits until it serves; false: it died meanwhile, by a fault or because it could not start.
  bool startAndLoad();
  bool ready() const { return running() && life_->ready; }
  const std::string& startError() const { return startError_; }
  size_t deaths() const { return deaths_; }
  // How often its data gave way to a master's, in all its lives.
  size_t fullResyncs() const { return fullResyncs_; }
  SimTime lastDeath() const { return lastDeath_; }
  // Whether the machine lost power at any death since the last start that served.
  bool lostPower() const { return lostPower_; }
  // As of which moment it may recover from the last death of a process that served, with appendfsync everysec: two
  // seconds are lost with the machine's power; and while the AOF could not be written, reads showed what was not safe.
  Window recoveredWithoutAlways() const;

  drivers::Node& node() { return *life_->node; }
  Endpoint address() const { return {host(), kPort}; }

 private:
  class TraceLogger final : public Logger {
   public:
    TraceLogger(SimProcess& process, size_t& fullResyncs) : process_(process), fullResyncs_(fullResyncs) {}
    std::string last;
    SimTime aofFailedSince = 0;

   protected:
    void write(LogLevel, std::string_view text) override {
      last = text;
      if (text.starts_with("Error writing to the AOF") && aofFailedSince == 0) aofFailedSince = process_.world.now();
      if (text.starts_with("AOF write error looks solved")) aofFailedSince = 0;
      if (text == "MASTER <-> REPLICA sync: Flushing old data") ++fullResyncs_;
      process_.trace(text);
    }

   private:
    SimProcess& process_;
    size_t& fullResyncs_;
  };

  // All that ends with the process; destroyed in reverse order.
  struct Life : Ports {
    Life(SimNode& owner, ProcessPtr started) : Ports(owner, std::move(started)), logger(*process, owner.fullResyncs_) {}
    ~Life();
    TraceLogger logger;
    drivers::NodeOptions options;
    ConfigRegistry registry;
    engine::ConfigControl configControl{registry};
    std::unique_ptr<SimLoop> control;
    std::vector<std::unique_ptr<SimLoop>> workers;
    std::unique_ptr<drivers::Node> node;
    std::unique_ptr<Listener> listener;
    bool ready = false;
  };
  Status readConfiguration(Life& life);
  void loaded(const ProcessPtr& process, const Status& status);
  SimProcess* current() const override { return life_ ? life_->process.get() : nullptr; }
  void buried(Death how) override;

  const size_t workers_;
  size_t deaths_ = 0;
  size_t fullResyncs_ = 0;
  SimTime lastDeath_ = 0;  // of a process that served
  bool lostPower_ = false;
  SimTime aofFailedSince_ = 0;  // since when the AOF could not be written, at that death; 0: it could
  std::string startError_;
  std::unique_ptr<Life> life_;
};

}  // namespace vigil::sim
