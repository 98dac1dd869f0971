#include "keyspace/reaper.h"

#include <utility>

#include "keyspace/table.h"

namespace vigil::keyspace {

void reapTables(Reaper& reaper, std::vector<std::shared_ptr<Table>> tables) {
  Remains what{.bytes = 0, .keys = 0};
  std::erase_if(tables, [](const auto& table) { return table.use_count() > 1; });
  for (const auto& table : tables) what.keys += static_cast<int64_t>(table->size());
  if (tables.empty()) return;
  reaper.reap([dropped = std::move(tables)]() mutable { dropped.clear(); }, what);
}

}  // namespace vigil::keyspace
