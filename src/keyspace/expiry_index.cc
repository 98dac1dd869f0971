#include "keyspace/expiry_index.h"

#include <algorithm>

#include "keyspace/entry.h"
#include "keyspace/table.h"

namespace vigil::keyspace {

namespace {

constexpr UnixMs kTickMs = 256;
constexpr UnixMs kOrigin = 1'577'836'800'000;  // 2020-01-01; ticks of 32 bits reach to 2054
constexpr uint32_t kClockSetBack = 60'000 / kTickMs;
constexpr size_t kFewPairs = 64;  // not worth compacting

uint32_t clampTick(UnixMs tick) { return static_cast<uint32_t>(std::clamp<UnixMs>(tick, 0, UINT32_MAX)); }
// The last tick that has begun; the first one at whose beginning a deadline has passed.
uint32_t tickAt(UnixMs now) { return clampTick((now - kOrigin) / kTickMs); }
uint32_t tickAfter(UnixMs at) {
  if (at <= kOrigin) return 0;
  return clampTick((at - kOrigin - 1) / kTickMs + 1);
}

}  // namespace

void ExpiryIndex::add(uint64_t hash, UnixMs at) {
  ds::RadixHeap& heap = fresh_ != nullptr ? fresh_->heap : heap_;
  heap.push(tickAfter(at), static_cast<uint32_t>(hash));
}

bool ExpiryIndex::popDue(const Table& table, UnixMs now, size_t budget,
                         const std::function<void(const Entry&)>& visit) {
  // Nothing is due before the heaps' clocks are reached again, so after a step back begin with new ones.
  if (tickAt(now) + uint64_t{kClockSetBack} < tick_) fresh_ = std::make_unique<Fresh>();
  tick_ = tickAt(now);
  bool more = popFrom(heap_, table, now, budget, visit);
  if (fresh_ != nullptr) more = popFrom(fresh_->heap, table, now, budget, visit) || more;
  return more;
}

bool ExpiryIndex::popFrom(ds::RadixHeap& heap, const Table& table, UnixMs now, size_t budget,
                          const std::function<void(const Entry&)>& visit) {
  auto due = [&](uint32_t, uint32_t hashLow) {
    table.visitExpiring(hashLow, [&](const Entry& entry) {
      if (entry.expired(now)) visit(entry);
    });
  };
  return heap.popDue(tickAt(now), due, budget);
}

void ExpiryIndex::compactStep(const Table& table, size_t buckets) {
  if (fresh_ == nullptr) {
    if (heap_.size() <= 2 * table.withExpiry() + kFewPairs) return;
    fresh_ = std::make_unique<Fresh>();
  }
  for (; buckets > 0; --buckets) {
    fresh_->cursor = table.scan(fresh_->cursor, [&](const Entry& entry) {
      if (entry.hasExpire()) {
        fresh_->heap.push(tickAfter(entry.expireAt()), static_cast<uint32_t>(table.hashOf(entry.key())));
      }
    });
    if (fresh_->cursor == 0) {
      heap_ = std::move(fresh_->heap);
      fresh_ = nullptr;
      return;
    }
  }
}

size_t ExpiryIndex::memory() const {
  return sizeof *this + heap_.memoryUsage() + (fresh_ != nullptr ? sizeof(Fresh) + fresh_->heap.memoryUsage() : 0);
}

}  // namespace vigil::keyspace
