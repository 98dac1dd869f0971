#include "cluster/health.h"

#include <algorithm>

namespace vigil::cluster {

namespace {

constexpr MonoUs kWritableDelay = 2'000'000;
constexpr MonoUs kShortestRejoin = 500'000;
constexpr MonoUs kLongestRejoin = 5'000'000;

}  // namespace

bool Health::covered() const {
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    const Node* owner = state_.owner(slot);
    if (owner == nullptr || owner->has(kFail)) return false;
  }
  return true;
}

bool Health::majorityReachable() const {
  const auto reachable = std::ranges::count_if(state_.nodes(), [](const auto& entry) {
    return entry.second->votes() && !entry.second->failing();
  });
  return static_cast<size_t>(reachable) >= state_.quorum();
}

void Health::judge() {
  const MonoUs now = step_.now.mono;
  const bool master = state_.myself().isMaster();
  if (startedAt_ == 0) startedAt_ = now;
  if (master && !state_.up && now - startedAt_ < kWritableDelay) return step_.wake(startedAt_ + kWritableDelay);
  bool up = !step_.options.requireFullCoverage || covered();
  if (!majorityReachable()) {
    up = false;
    minorityAt_ = now;
  }
  if (up == state_.up) return;
  if (up && master && minorityAt_ != 0) {
    const MonoUs delay = std::clamp(step_.options.nodeTimeout, kShortestRejoin, kLongestRejoin);
    if (now - minorityAt_ < delay) return step_.wake(minorityAt_ + delay);
  }
  step_.notice(std::string("Cluster state changed: ") + (up ? "ok" : "fail"));
  state_.up = up;
  step_.route = true;
}

void Health::woke(MonoUs pause) {
  step_.warning("This process did not run for " + std::to_string(pause / 1000) +
                " ms: it serves again once it knows that nobody has taken over from it.");
  for (const auto& [id, node] : state_.nodes()) {
    if (node->pingSent != 0) node->pingSent = step_.now.mono;
  }
  minorityAt_ = step_.now.mono;
  if (!state_.up || !state_.myself().isMaster()) return;
  state_.up = false;
  step_.route = true;
}

}  // namespace vigil::cluster
