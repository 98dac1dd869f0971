// Who is down: subjectively, by what we see ourselves; objectively, by what a quorum of Sentinels sees.
#pragma once

#include "sentinel/step.h"

namespace vigil::sentinel {

// Whether an instance is subjectively down, now.
void judge(Step& step, Instance& instance);
// Whether a master is objectively down, and asks the other Sentinels if that is due.
void judgeObjectively(Step& step, MonitoredMaster& master);

// Asks all other Sentinels whether they see the master as down; for their votes too, while we stand for election.
void askOthers(Step& step, MonitoredMaster& master);
// The answer of one of them.
void onDownAnswer(Step& step, Instance& sentinel, const wire::RespValue& reply);

// When judge() could come to another result for a master although nothing happens until then; INT64_MAX: never.
MonoUs nextJudgement(const MonitoredMaster& master);

// SENTINEL IS-MASTER-DOWN-BY-ADDR: what we answer to another Sentinel. `candidate` asks for our vote in `epoch`; "*":
// nobody does.
struct DownAnswer {
  bool down = false;
  std::string leader = "*";
  uint64_t leaderEpoch = 0;
};
DownAnswer answerDownQuestion(Step& step, std::string_view host, uint16_t port, uint64_t epoch,
                              const std::string& candidate);

}  // namespace vigil::sentinel
