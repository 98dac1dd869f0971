// Port ChildProcesses over virtual time: scripts that run for a while and end, most of them well.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ports/child_process.h"
#include "sim/sim_loop.h"

namespace vigil::sim {

class SimScripts final : public ChildProcesses {
 public:
  explicit SimScripts(SimLoop& loop) : loop_(loop) {}

  Result<int64_t> start(const std::vector<std::string>& words, Ended ended) override;
  void kill(int64_t pid) override { end(pid, {.exitCode = 0, .signal = 9}); }

 private:
  void end(int64_t pid, ProcessEnd how);

  SimLoop& loop_;
  std::map<int64_t, Ended> running_;
  int64_t lastPid_ = 100;
};

}  // namespace vigil::sim
