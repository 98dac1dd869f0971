#include "cluster/failover_journal.h"

#include <algorithm>
#include <utility>

namespace vigil::cluster {

FailoverJournal::Entry* FailoverJournal::open(const Node& master) {
  const auto at = std::ranges::find_if(entries_, [&](const Entry& e) { return e.open && e.oldMaster == master.id; });
  return at == entries_.end() ? nullptr : &*at;
}

FailoverReport* FailoverJournal::of(const Node& master) {
  Entry* entry = open(master);
  return entry == nullptr ? nullptr : &entry->report;
}

uint64_t FailoverJournal::offsetOf(const Node& node) const { return node.isMyself() ? step_.around.offset : node.offset; }

FailoverReport& FailoverJournal::begin(const Node& master, std::string cause) {
  if (FailoverReport* known = of(master)) return *known;
  Entry& entry = entries_.emplace_back();
  entry.oldMaster = master.id;
  FailoverReport& report = entry.report;
  report.begin(step_.now.mono, std::move(cause));
  report.oldMaster = master.id;
  report.oldMasterHad(offsetOf(master), master.isMyself() ? step_.now.mono : master.offsetAt);
  for (const auto& [by, at] : master.reports) report.seenBy(by, at);
  return report;
}

void FailoverJournal::reached(const Node& master, std::string_view stage) {
  if (FailoverReport* report = of(master)) report->reached(stage, step_.now.mono);
}

void FailoverJournal::judge(const Node& master, const Node& replica, int64_t rank, std::string verdict) {
  FailoverReport* report = of(master);
  if (report == nullptr) return;
  report->oldMasterHad(offsetOf(replica), step_.now.mono);  // it has nothing that its master had not
  auto& candidates = report->candidates;
  using Candidate = FailoverReport::Candidate;
  auto at = std::ranges::find(candidates, replica.id, &Candidate::replica);
  if (at == candidates.end()) at = candidates.insert(at, Candidate{.replica = replica.id, .rank = -1, .offset = 0, .verdict = {}});
  if (rank >= 0) at->rank = rank;
  at->offset = offsetOf(replica);
  at->verdict = std::move(verdict);
}

void FailoverJournal::dismiss(const Node& master) {
  std::erase_if(entries_, [&](const Entry& e) {
    return e.open && e.oldMaster == master.id && e.report.stages.empty() && e.report.votes.empty();
  });
}

void FailoverJournal::giveUp(const Node& master, std::string outcome) {
  if (Entry* entry = open(master)) close(*entry, "given up: " + std::move(outcome));
}

void FailoverJournal::succeed(const Node& master, const Node& by, uint64_t epoch) {
  begin(master, "its slots were taken over").epoch = epoch;
  judge(master, by, -1, "promoted");
  Entry& entry = *open(master);
  entry.newMaster = entry.report.newMaster = by.id;
  entry.report.newOffset = offsetOf(by);
  entry.report.reached(by.isMyself() ? "promoted" : "taken over", step_.now.mono);
  close(entry, "succeeded");
}

void FailoverJournal::close(Entry& entry, std::string outcome) {
  entry.open = false;
  entry.report.outcome = std::move(outcome);
  for (std::string& line : entry.report.lines(kReportTerms)) step_.notice(std::move(line));
  const auto closed = static_cast<size_t>(std::ranges::count(entries_, false, &Entry::open));
  if (closed > kKept) entries_.erase(std::ranges::find(entries_, false, &Entry::open));
}

void FailoverJournal::heard(const Node& sender, const BusMessage& message) {
  for (Entry& entry : entries_) {
    FailoverReport& report = entry.report;
    if (entry.open || entry.oldMaster != sender.id || entry.newMaster.empty()) continue;
    const bool unaware = message.masterId.empty() && message.configEpoch < report.epoch;
    // It may have learned of it before it said anything; but nobody has more than its master of that one's stream.
    const bool beyondUs = entry.newMaster == state_.myself().id && message.offset > step_.around.offset;
    if (!unaware && !beyondUs) continue;
    const uint64_t known = report.knownLoss();
    report.oldMasterHad(message.offset, step_.now.mono);
    if (report.knownLoss() == known) continue;
    step_.warning("Master " + sender.id + ", which " + entry.newMaster + " has replaced, is back with " +
                  std::to_string(report.knownLoss()) + " bytes of the replication stream that the new master never had: they are lost.");
  }
}

const FailoverReport* FailoverJournal::latest(std::string_view node) const {
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    if (node.empty() || at->oldMaster == node || at->newMaster == node) return &at->report;
  }
  return nullptr;
}

}  // namespace vigil::cluster
