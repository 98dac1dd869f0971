// INFO's section of a Sentinel.
#include "drivers/sentinel/sentinel_driver.h"
#include "engine/info_registry.h"

namespace vigil::drivers {

namespace {

std::string_view statusOf(const sentinel::MonitoredMaster& master) {
  if (master.objectivelyDown()) return "odown";
  return master.self->down() ? "sdown" : "ok";
}

}  // namespace

void SentinelDriver::addInfo() {
  engine_.info().add("sentinel", "sentinel", [this](engine::InfoWriter& info) {
    const sentinel::State& state = core_.state();
    const bool tilt = state.tiltSince != 0;
    info.number("sentinel_masters", static_cast<int64_t>(state.masters.size()));
    info.number("sentinel_tilt", tilt ? 1 : 0);
    info.number("sentinel_tilt_since_seconds", tilt ? (now() - state.tiltSince) / 1'000'000 : -1);
    info.number("sentinel_running_scripts", static_cast<int64_t>(scripts().running()));
    info.number("sentinel_scripts_queue_length", static_cast<int64_t>(scripts().jobs().size()));
    info.number("sentinel_simulate_failure_flags",
                (state.crashAfterElection ? 1 : 0) | (state.crashAfterPromotion ? 2 : 0));
    int64_t number = 0;
    for (const auto& [name, master] : state.masters) {
      const sentinel::Address& address = master->self->address;
      info.field("master" + std::to_string(number++),
                 "name=" + name + ",status=" + std::string(statusOf(*master)) + ",address=" +
                     (state.settings.announceHostnames ? address.host : address.numeric()) + ":" +
                     std::to_string(address.port) + ",slaves=" + std::to_string(master->replicas.size()) +
                     ",sentinels=" + std::to_string(master->voters()));
    }
  });
}

}  // namespace vigil::drivers
