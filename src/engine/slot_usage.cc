#include "engine/slot_usage.h"

namespace vigil::engine {

void SlotUsage::add(size_t worker, uint16_t slot, const Cost& cost) {
  Table& table = workers_[worker];
  if (table.owned == nullptr) {
    table.owned = std::make_unique<Counters[]>(kSlotCount);
    table.shown.store(table.owned.get(), std::memory_order_release);
  }
  Counters& counters = table.owned[slot];
  counters.nanos.add(cost.nanos);
  counters.bytesIn.add(cost.bytesIn);
  counters.bytesOut.add(cost.bytesOut);
}

SlotUsage::Cost SlotUsage::sum(uint16_t slot) const {
  Cost sum;
  for (const Table& table : workers_) {
    const Counters* counters = table.shown.load(std::memory_order_acquire);
    if (counters == nullptr) continue;
    sum.nanos += counters[slot].nanos.get();
    sum.bytesIn += counters[slot].bytesIn.get();
    sum.bytesOut += counters[slot].bytesOut.get();
  }
  return sum;
}

void SlotUsage::clear(uint16_t slot) {
  for (Table& table : workers_) {
    Counters* counters = table.shown.load(std::memory_order_acquire);
    if (counters == nullptr) continue;
    counters[slot].nanos.reset();
    counters[slot].bytesIn.reset();
    counters[slot].bytesOut.reset();
  }
}

void SlotUsage::clearAll() {
  for (uint16_t slot = 0; slot < kSlotCount; ++slot) clear(slot);
}

}  // namespace vigil::engine
