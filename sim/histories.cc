#include "sim/histories.h"

#include <algorithm>
#include <utility>

namespace vigil::sim {

size_t Histories::find(const std::string& id) const {
  auto at = std::ranges::find(branches_, id, &Branch::id);
  return at == branches_.end() ? kNone : static_cast<size_t>(at - branches_.begin());
}

void Histories::note(const oplog::Log& log) {
  const oplog::History history = log.history();
  if (find(history.id) != kNone) return;
  branches_.push_back({history.id, find(history.previousId), history.previousEnd - 1});
}

oplog::Offset Histories::commonEnd(const oplog::Log& log) const {
  // Of the last master: its histories, each with the offset up to which it is part of its own.
  std::vector<std::pair<size_t, oplog::Offset>> path;
  oplog::Offset limit = INT64_MAX;
  for (size_t at = last_; at != kNone; at = branches_[at].parent) {
    path.emplace_back(at, limit);
    limit = std::min(limit, branches_[at].from);
  }
  oplog::Offset end = log.end();
  for (size_t at = find(log.history().id); at != kNone; at = branches_[at].parent) {
    auto common = std::ranges::find(path, at, &std::pair<size_t, oplog::Offset>::first);
    if (common != path.end()) return std::min(end, common->second);
    end = std::min(end, branches_[at].from);
  }
  return -1;
}

}  // namespace vigil::sim
