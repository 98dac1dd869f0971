#include "apps/server/housekeeping.h"

#include "base/memory.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "runtime/host_facts.h"

namespace vigil::apps {

Housekeeping::Housekeeping(EventLoop& control, engine::Engine& engine, std::function<void(bool replica)> role)
    : control_(control), engine_(engine), role_(std::move(role)) {
  control_.post([this] { step(); });
}

void Housekeeping::step() {
  constexpr int64_t kPeriodUs = 100'000;
  control_.after(kPeriodUs, [this] { step(); });
  engine_.statistics().sample(control_.now());
  role_(engine_.state().replica.load());
  if (engine_.haveDuties()) return;  // a snapshot holds more than is used, for a while
  if (!memoryReturn_.step(usedMemory(), static_cast<int64_t>(runtime::residentMemory()))) return;
  for (size_t i = 0; i < engine_.workerCount(); ++i) {
    engine_.worker(i).loop().post([] { releaseMemoryToSystem(); });
  }
}

}  // namespace vigil::apps
