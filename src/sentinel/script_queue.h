// Scripts that wait to be run, run, or wait to be tried again: at most 16 at once, each for a limited time. Pure.
//
//   waiting --its time has come, there is room--> running --exit 0--> gone
//      ^                                             |--exit 1, or ended by a signal: later again, ten times
//      +---------------------------------------------+--any other: gone, -script-error
//
// Not thread safe. Times are microseconds of a monotonic clock.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/ports/clock.h"
#include "sentinel/settings.h"

namespace vigil::sentinel {

class ScriptQueue {
 public:
  static constexpr size_t kMost = 256;  // more are not kept: the oldest that waits goes
  static constexpr size_t kMostRunning = 16;
  static constexpr int kMostTries = 10;

  struct Job {
    uint64_t number = 0;
    std::vector<std::string> words;
    int64_t pid = 0;   // while it runs
    MonoUs since = 0;  // running: when it began; waiting: not before
    int tries = 0;
    bool killed = false;
    bool running() const { return pid != 0; }
  };

  void add(MonoUs now, std::vector<std::string> words);
  // Those that are to be started now; each is then started() or failed to.
  std::vector<Job> due(MonoUs now) const;
  void started(uint64_t number, MonoUs now, int64_t pid);
  // Running for too long, each named once.
  std::vector<Job> overdue(MonoUs now, const TimeConstants& times);
  // A job that ended, or could not be started (as exit code 126). True: given up, with an error to be told.
  bool ended(uint64_t number, MonoUs now, int exitCode, int signal, const TimeConstants& times);

  const std::deque<Job>& jobs() const { return jobs_; }
  size_t running() const;

 private:
  std::deque<Job>::iterator find(uint64_t number);

  std::deque<Job> jobs_;  // in order of arrival
  uint64_t next_ = 1;
};

}  // namespace vigil::sentinel
