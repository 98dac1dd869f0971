#include "sentinel/script_queue.h"

#include <algorithm>

namespace vigil::sentinel {

void ScriptQueue::add(MonoUs now, std::vector<std::string> words) {
  if (jobs_.size() >= kMost) {
    const auto oldest = std::ranges::find_if(jobs_, [](const Job& job) { return !job.running(); });
    jobs_.erase(oldest);  // far more are waiting than may run
  }
  jobs_.push_back({.number = next_++, .words = std::move(words), .since = now});
}

size_t ScriptQueue::running() const {
  return static_cast<size_t>(std::ranges::count_if(jobs_, [](const Job& job) { return job.running(); }));
}

std::vector<ScriptQueue::Job> ScriptQueue::due(MonoUs now) const {
  std::vector<Job> list;
  size_t room = kMostRunning - running();
  for (const Job& job : jobs_) {
    if (list.size() == room) break;
    if (!job.running() && job.since <= now) list.push_back(job);
  }
  return list;
}

std::deque<ScriptQueue::Job>::iterator ScriptQueue::find(uint64_t number) {
  return std::ranges::find(jobs_, number, &Job::number);
}

void ScriptQueue::started(uint64_t number, MonoUs now, int64_t pid) {
  const auto job = find(number);
  if (job == jobs_.end()) return;
  job->pid = pid;
  job->since = now;
}

std::vector<ScriptQueue::Job> ScriptQueue::overdue(MonoUs now, const TimeConstants& times) {
  std::vector<Job> list;
  for (Job& job : jobs_) {
    if (!job.running() || job.killed || now - job.since <= ms(times.scriptMaxRuntime)) continue;
    job.killed = true;
    list.push_back(job);
  }
  return list;
}

bool ScriptQueue::ended(uint64_t number, MonoUs now, int exitCode, int signal, const TimeConstants& times) {
  const auto job = find(number);
  if (job == jobs_.end()) return false;
  if ((signal != 0 || exitCode == 1) && job->tries < kMostTries) {
    job->pid = 0;
    job->killed = false;
    job->since = now + (ms(times.scriptRetryDelay) << job->tries);
    ++job->tries;
    return false;
  }
  jobs_.erase(job);
  return signal != 0 || exitCode != 0;
}

}  // namespace vigil::sentinel
