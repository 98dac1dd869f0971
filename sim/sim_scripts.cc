#include "sim/sim_scripts.h"

#include <utility>

namespace vigil::sim {

Result<int64_t> SimScripts::start(const std::vector<std::string>& words, Ended ended) {
  SimWorld& world = loop_.process().world;
  if (world.random().chance(0.02)) return fail("fork: Cannot allocate memory");
  const int64_t pid = ++lastPid_;
  running_.emplace(pid, std::move(ended));
  std::string line = "script";
  for (const std::string& word : words) line.append(" ").append(word);
  loop_.process().trace(line);
  const int code = world.random().chance(0.8) ? 0 : world.random().chance(0.5) ? 1 : 2;
  loop_.after(world.random().skewed(kMs, 10 * kSecond),
              [this, pid, code] { end(pid, {.exitCode = code, .signal = 0}); });
  return pid;
}

void SimScripts::end(int64_t pid, ProcessEnd how) {
  auto running = running_.extract(pid);
  if (running.empty()) return;
  loop_.post([ended = std::move(running.mapped()), how]() mutable { ended(how); });
}

}  // namespace vigil::sim
