#include "oplog/history.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vigil::oplog {

History History::continuedAs(std::string newId, Offset logEnd) const {
  History next{.id = std::move(newId), .previousId = id, .previousEnd = logEnd + 1};
  if (previousEnd >= 0) next.older.push_back({previousId, previousEnd});
  next.older.insert(next.older.end(), older.begin(), older.end());
  next.older.resize(std::min(next.older.size(), kMaxOlder));
  return next;
}

History History::continuedByUsAs(std::string newId, Offset logEnd) const {
  History next = continuedAs(std::move(newId), logEnd);
  next.untold = true;
  return next;
}

std::optional<Offset> History::endOf(std::string_view past) const {
  if (previousEnd >= 0 && equalsIgnoreCase(past, previousId)) return previousEnd;
  auto at = std::ranges::find_if(older, [past](const Past& o) { return equalsIgnoreCase(past, o.id); });
  return at == older.end() ? std::nullopt : std::optional(at->end);
}

}  // namespace vigil::oplog
