#include "keyspace/ttl_sample.h"

#include "keyspace/entry.h"
#include "keyspace/table.h"

namespace vigil::keyspace {

void TtlSample::step(const Table& table, size_t buckets) {
  if (table.withExpiry() == 0) return clear();
  constexpr uint64_t kEnough = 1000;  // seen before a round's mean counts although the round is not over
  bool round = false;
  for (; buckets > 0 && !round; --buckets) {
    cursor_ = table.scan(cursor_, [this](const Entry& entry) {
      if (!entry.hasExpire()) return;
      ++seen_;
      sum_ += static_cast<double>(entry.expireAt());
    });
    round = cursor_ == 0;
  }
  if (seen_ != 0 && (round || seen_ >= kEnough)) {
    mean_.set(static_cast<uint64_t>(sum_ / static_cast<double>(seen_)));
  }
  if (!round) return;
  seen_ = 0;
  sum_ = 0;
}

void TtlSample::clear() {
  cursor_ = 0;
  seen_ = 0;
  sum_ = 0;
  mean_.set(0);
}

}  // namespace vigil::keyspace
