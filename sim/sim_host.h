// A simulated host with a disk, and on it, time and again, a process: how it comes to its ports, pauses and dies. What it
// runs is the business of whoever derives from this.
#pragma once

#include <memory>
#include <string>

#include "base/ports/system.h"
#include "sim/sim_disk.h"
#include "sim/sim_network.h"
#include "sim/sim_process.h"
#include "sim/sim_tasks.h"

namespace vigil::sim {

class SimHost {
 public:
  SimHost(SimWorld& world, SimNetwork& network, std::string name, std::string host)
      : world_(world), network_(network), disk_(world), name_(std::move(name)), host_(std::move(host)) {}
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;
  virtual ~SimHost() = default;

  // Ends the process without warning. Not from inside one of its own steps.
  void kill(Death how);
  // Nothing of it runs for that long; then it goes on as if nothing had happened.
  void pause(SimTime duration);
  bool running() const { return current() != nullptr && current()->alive; }

  SimProcess& process() { return *current(); }  // only while there is one
  SimDisk& disk() { return disk_; }
  const std::string& name() const { return name_; }
  const std::string& host() const { return host_; }

  int64_t clockRate = 1'000'000;  // of its clocks, in microseconds a second
  int64_t wallOffset = 0;

 protected:
  // A process and the ports through which it works until it dies. What it runs is destroyed before them.
  struct Ports {
    Ports(SimHost& host, ProcessPtr started)
        : process(std::move(started)),
          clock(*process, host.clockRate, host.wallOffset),
          entropy(*process),
          network(host.network_, process, host.host_),
          files(host.disk_, process),
          tasks(process) {}
    System system() { return {clock, entropy, network, files, tasks}; }
    ProcessPtr process;
    SimClock clock;
    SimEntropy entropy;
    SimNetworkPort network;
    SimFileSystem files;
    SimTaskPool tasks;
  };

  ProcessPtr newProcess();
  // How the last process died that did so in one of its steps.
  Death dying() const { return dying_; }
  // The process there is; null: none.
  virtual SimProcess* current() const = 0;
  // It has died, and nobody hears of it any more: what it was is to be destroyed.
  virtual void buried(Death how) = 0;

  SimWorld& world_;
  SimNetwork& network_;
  SimDisk disk_;

 private:
  void bury(Death how);

  const std::string name_;
  const std::string host_;
  Death dying_ = Death::kKill;
};

}  // namespace vigil::sim
