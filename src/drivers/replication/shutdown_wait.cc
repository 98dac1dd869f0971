#include "drivers/replication/shutdown_wait.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace vigil::drivers {

namespace {
constexpr UnixMs kUntilEnded = std::numeric_limits<UnixMs>::max();
constexpr MonoUs kSecond = 1'000'000;
}  // namespace

engine::Shutdown::Step ShutdownWait::step() {
  return {.stage = engine::Shutdown::Stage::kReplicas,
          .start = [this](const engine::Shutdown::Request& request, Done done) { start(request, std::move(done)); },
          .hurry = [this] { finish(); },
          .cancel =
              [this] {
                deadline_.store(0);
                done_ = nullptr;
              },
          .undo = [this] { resumeWrites(); }};
}

bool ShutdownWait::lags(const replication::Replica& replica) const {
  return !replica.traits.rdbOnly && replica.acked != engine_.log().end();
}

bool ShutdownWait::anyLags() const {
  return std::ranges::any_of(master_.replicas(), [this](const auto& replica) { return lags(replica); });
}

void ShutdownWait::start(const engine::Shutdown::Request& request, Done done) {
  done_ = std::move(done);
  const int64_t seconds = options_.shutdownTimeout.load();
  if (request.now || seconds == 0 || engine_.state().replica.load() || !anyLags()) return finish();
  engine_.logger().notice("Waiting for replicas before shutting down.");
  deadline_.store(engine_.system().clock.mono() + seconds * kSecond);
  paused_ = true;
  engine_.withWorld([this] {
    // A replica's log is its master's.
    if (engine_.state().replica.load()) return engine_.control().post([this] { finish(); });
    // The last record before the pause asks for an answer at once, rather than with the replicas' next second.
    if (!engine_.pause().active()) {
      std::string_view command[] = {"REPLCONF", "GETACK", "*"};
      engine_.log().append(-1, command);
    }
    engine_.pause().set(engine::Pause::Purpose::kShutdown, engine::Pause::Kind::kWrites, kUntilEnded);
    engine_.control().post([this] {
      engine_.log().pump();
      progress();
    });
  });
}

void ShutdownWait::progress() {
  const MonoUs deadline = deadline_.load();
  if (deadline == 0 || (anyLags() && engine_.system().clock.mono() < deadline)) return;
  finish();
}

void ShutdownWait::finish() {
  if (!done_) return;
  deadline_.store(0);
  logReplicas();
  std::exchange(done_, nullptr)({});
}

void ShutdownWait::resumeWrites() {
  if (!std::exchange(paused_, false)) return;
  engine_.withWorld([this] {
    engine_.pause().clear(engine::Pause::Purpose::kShutdown);
    engine_.resumePaused();
  });
}

void ShutdownWait::logReplicas() const {
  const auto replicas = master_.replicas();
  if (replicas.empty()) return;
  const MonoUs now = engine_.system().clock.mono();
  size_t lagging = 0;
  for (const auto& replica : replicas) {
    if (!lags(replica)) continue;
    ++lagging;
    const bool online = replica.state == replication::ReplicaState::kOnline;
    engine_.logger().warning("Lagging replica " + replica.name() + " reported offset " +
                             std::to_string(engine_.log().end() - replica.acked) + " behind master, lag=" +
                             std::to_string(online ? (now - replica.lastAck) / kSecond : 0) +
                             ", state=" + std::string(replica.stateName()) + ".");
  }
  engine_.logger().notice(std::to_string(replicas.size() - lagging) + " of " + std::to_string(replicas.size()) +
                          " replicas are in sync when shutting down.");
}

int64_t ShutdownWait::millisecondsLeft() const {
  const MonoUs deadline = deadline_.load();
  return deadline == 0 ? -1 : std::max<MonoUs>(0, deadline - engine_.system().clock.mono()) / 1000;
}

}  // namespace vigil::drivers
