#include "sentinel/confirmation.h"

#include <algorithm>

namespace vigil::sentinel {

namespace {

constexpr MonoUs kAskAgainAfter = ms(500);

bool confirmed(const MonitoredMaster& master) {
  const size_t majority = master.voters() / 2 + 1;
  const auto confirming =
      std::ranges::count_if(master.sentinels, [](const auto& entry) { return entry.second->confirms; });
  return 1 + static_cast<size_t>(confirming) >= master.voters() - majority + 1;
}

}  // namespace

// As a question for the vote of the epoch in which we were elected: that gives away nothing, and tells of the last one.
bool askForConfirmation(Step& step, MonitoredMaster& master) {
  if (master.confirmAt != 0 && step.now - master.confirmAt < kAskAgainAfter) return false;
  master.confirmAt = step.now;
  const Address& address = master.self->address;
  for (auto& [id, sentinel] : master.sentinels) {
    sentinel->confirms = false;
    const bool sent = step.send(*sentinel, Request::kConfirm,
                                {"SENTINEL", "is-master-down-by-addr", step.shown(address),
                                 std::to_string(address.port), std::to_string(master.configEpoch), step.state.id});
    if (sent) sentinel->confirmFrom = ++sentinel->confirmAsked;
  }
  return confirmed(master);
}

bool onConfirmation(Step& step, Instance& sentinel, const wire::RespValue& reply) {
  using Kind = wire::RespValue::Kind;
  MonitoredMaster& master = sentinel.owner;
  if (++sentinel.confirmAnswered < sentinel.confirmFrom) return false;  // to an earlier question
  if (!master.ledLast || reply.kind != Kind::kArray || reply.items.size() != 3 ||
      reply.items[2].kind != Kind::kInteger) {
    return false;
  }
  const int64_t voted = reply.items[2].integer;
  if (voted <= 0) return false;  // it knows of no such master
  if (static_cast<uint64_t>(voted) > master.configEpoch) {
    master.ledLast = false;
    step.log(LogLevel::kNotice, "There has been an election of " + master.name + " since ours, in epoch " +
                                    std::to_string(voted) + ": its outcome is waited for");
    return false;
  }
  const bool before = confirmed(master);
  sentinel.confirms = true;
  return !before && confirmed(master);
}

}  // namespace vigil::sentinel
