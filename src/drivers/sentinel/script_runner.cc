#include "drivers/sentinel/script_runner.h"

namespace vigil::drivers {

using Job = sentinel::ScriptQueue::Job;

namespace {

constexpr int kCannotStart = 126;  // what a shell says of a program that it cannot run

}  // namespace

void ScriptRunner::step(std::function<MonoUs()> clock, const sentinel::TimeConstants& times) {
  const MonoUs now = clock();
  for (const Job& job : queue_.due(now)) start(job, clock, times);
  for (const Job& job : queue_.overdue(now, times)) {
    tell_(LogLevel::kWarning, "-script-timeout", job.words[0] + " " + std::to_string(job.pid));
    processes_.kill(job.pid);
  }
}

void ScriptRunner::start(const Job& job, const std::function<MonoUs()>& clock, const sentinel::TimeConstants& times) {
  auto pid = processes_.start(
      job.words, [this, job, clock, &times](ProcessEnd end) mutable { ended(job, clock(), end, times); });
  if (!pid) {
    tell_(LogLevel::kWarning, "-script-error", job.words[0] + " " + pid.error().message);
    (void)queue_.ended(job.number, clock(), kCannotStart, 0, times);  // told already
    return;
  }
  queue_.started(job.number, clock(), *pid);
  tell_(LogLevel::kDebug, "+script-child", std::to_string(*pid));
}

void ScriptRunner::ended(const Job& job, MonoUs now, ProcessEnd end, const sentinel::TimeConstants& times) {
  tell_(LogLevel::kDebug, "-script-child", std::to_string(end.exitCode) + " " + std::to_string(end.signal));
  if (queue_.ended(job.number, now, end.exitCode, end.signal, times)) {
    tell_(LogLevel::kWarning, "-script-error",
          job.words[0] + " " + std::to_string(end.signal) + " " + std::to_string(end.exitCode));
  }
}

}  // namespace vigil::drivers
