// Child processes of the machine, watched through their descriptors (pidfd) in a loop.
//
// On the loop's thread, or before it runs and after it ended. What still runs at the end is left alone.
#pragma once

#include <map>
#include <memory>

#include "base/ports/child_process.h"
#include "runtime/machine_loop.h"

namespace vigil::runtime {

class MachineProcesses final : public ChildProcesses {
 public:
  explicit MachineProcesses(MachineLoop& loop);
  ~MachineProcesses() override;

  Result<int64_t> start(const std::vector<std::string>& words, Ended ended) override;
  void kill(int64_t pid) override;

 private:
  class Child;
  void ended(int64_t pid, ProcessEnd end);

  MachineLoop& loop_;
  std::map<int64_t, std::unique_ptr<Child>> children_;
};

}  // namespace vigil::runtime
