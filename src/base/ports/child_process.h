// Port: child processes, for scripts that the user configures.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace vigil {

struct ProcessEnd {
  int exitCode = 0;
  int signal = 0;  // that ended it; 0: it exited by itself
};

// On one loop's thread.
class ChildProcesses {
 public:
  using Ended = std::move_only_function<void(ProcessEnd)>;

  virtual ~ChildProcesses() = default;
  // Starts the program words[0] with these words as its arguments, our environment, standard output and error, nothing
  // to read, and no other descriptor of ours. Returns its process id; `ended` is called on the loop, never before that.
  virtual Result<int64_t> start(const std::vector<std::string>& words, Ended ended) = 0;
  virtual void kill(int64_t pid) = 0;  // at once; `ended` is called for it too
};

}  // namespace vigil
