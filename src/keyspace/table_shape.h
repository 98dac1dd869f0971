// How entries lie in hash tables, for DEBUG HTSTATS. The tables' locks are held.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "keyspace/table.h"

namespace vigil::keyspace {

class TableShape {
 public:
  void add(const Table& table) {
    entries_ += table.size();
    table.eachBucket([this](size_t entries) {
      if (buckets_.size() <= entries) buckets_.resize(entries + 1);
      ++buckets_[entries];
    });
  }
  std::string describe() const;

 private:
  size_t entries_ = 0;
  std::vector<size_t> buckets_;  // how many have that many entries, their overflow included
};

}  // namespace vigil::keyspace
