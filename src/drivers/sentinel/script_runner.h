// Runs the scripts that a Sentinel's user configured, from the queue, and tells of them as Redis does. On the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/log_line.h"
#include "base/ports/child_process.h"
#include "sentinel/script_queue.h"

namespace vigil::drivers {

class ScriptRunner {
 public:
  // An event of Sentinel.
  using Tell = std::function<void(LogLevel level, std::string_view type, std::string text)>;

  ScriptRunner(ChildProcesses& processes, Tell tell) : processes_(processes), tell_(std::move(tell)) {}

  void add(MonoUs now, std::vector<std::string> words) { queue_.add(now, std::move(words)); }
  // Starts what is due, ends what runs for too long.
  void step(std::function<MonoUs()> clock, const sentinel::TimeConstants& times);

  const sentinel::ScriptQueue& queue() const { return queue_; }

 private:
  void start(const sentinel::ScriptQueue::Job& job, const std::function<MonoUs()>& clock,
             const sentinel::TimeConstants& times);
  void ended(const sentinel::ScriptQueue::Job& job, MonoUs now, ProcessEnd end, const sentinel::TimeConstants& times);

  ChildProcesses& processes_;
  const Tell tell_;
  sentinel::ScriptQueue queue_;
};

}  // namespace vigil::drivers
