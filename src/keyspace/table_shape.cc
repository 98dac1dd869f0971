#include "keyspace/table_shape.h"

#include <cstdio>
#include <numeric>

namespace vigil::keyspace {

std::string TableShape::describe() const {
  std::string text = "Hash table 0 stats (main hash table):\n";
  if (entries_ == 0) return text + "No stats available for empty dictionaries\n";
  const size_t all = std::accumulate(buckets_.begin(), buckets_.end(), size_t{0});
  const size_t used = all - buckets_[0];
  char lines[400];
  std::snprintf(lines, sizeof lines,
                " table size: %zu\n number of elements: %zu\n different slots: %zu\n max chain length: %zu\n"
                " avg chain length (counted): %.02f\n avg chain length (computed): %.02f\n"
                " Chain length distribution:\n",
                all, entries_, used, buckets_.size() - 1, static_cast<double>(entries_) / static_cast<double>(used),
                static_cast<double>(entries_) / static_cast<double>(used));
  text += lines;
  for (size_t entries = 0; entries < buckets_.size(); ++entries) {
    if (buckets_[entries] == 0) continue;
    std::snprintf(lines, sizeof lines, "   %zu: %zu (%.02f%%)\n", entries, buckets_[entries],
                  100 * static_cast<double>(buckets_[entries]) / static_cast<double>(all));
    text += lines;
  }
  return text;
}

}  // namespace vigil::keyspace
