#include "base/failover_report.h"

#include <algorithm>

namespace vigil {

namespace {

constexpr uint64_t kEpochsKept = 3;

std::string after(MonoUs from, MonoUs at) { return (at < from ? "" : "+") + std::to_string((at - from) / 1000) + " ms"; }

}  // namespace

void FailoverReport::seenBy(const std::string& observer, MonoUs now) {
  const bool known = std::ranges::any_of(sightings, [&](const Sighting& s) { return s.by == observer; });
  if (exists && !known) sightings.push_back({observer, now});
}

void FailoverReport::reached(std::string_view stage, MonoUs now) {
  if (!exists) return;
  std::erase_if(stages, [&](const auto& known) { return known.first == stage; });
  stages.emplace_back(stage, now);
}

void FailoverReport::voted(const std::string& observer, const std::string& candidate, uint64_t inEpoch, MonoUs now) {
  const bool known = std::ranges::any_of(votes, [&](const Vote& v) { return v.by == observer && v.epoch == inEpoch; });
  if (!exists || known) return;
  votes.push_back({observer, candidate, inEpoch, now});
  std::erase_if(votes, [inEpoch](const Vote& v) { return v.epoch + kEpochsKept <= inEpoch; });
}

std::vector<std::string> FailoverReport::lines(const Terms& terms) const {
  std::vector<std::string> text;
  text.push_back("Failover of " + oldMaster + (newMaster.empty() ? "" : " to " + newMaster) + ": " + outcome +
                 ", epoch " + std::to_string(epoch) + ", " + cause);
  for (const Sighting& seen : sightings) text.push_back("  seen as down by " + seen.by + " " + after(begun, seen.at));
  for (const Vote& vote : votes) {
    text.push_back("  vote of " + vote.by + " for " + vote.candidate + ", epoch " + std::to_string(vote.epoch) + ", " +
                   after(begun, vote.at));
  }
  for (const Candidate& candidate : candidates) {
    const std::string rank = candidate.rank < 0 ? "" : std::string(terms.rank) + " " + std::to_string(candidate.rank) + ", ";
    text.push_back("  replica " + candidate.replica + ", " + rank + "offset " + std::to_string(candidate.offset) + ": " +
                   candidate.verdict);
  }
  for (const auto& [stage, at] : stages) text.push_back("  " + stage + " " + after(begun, at));
  if (oldOffset != 0 && newOffset != 0) {
    text.push_back("  offset that the old master had (known " + after(begun, oldOffsetAt) + ") " +
                   std::to_string(oldOffset) + ", of the new one " + std::to_string(newOffset) + ": at least " +
                   std::to_string(knownLoss()) + " bytes lost");
  }
  return text;
}

}  // namespace vigil
