#include "runtime/timer_queue.h"

#include <utility>

namespace vigil::runtime {

TimerId TimerQueue::add(MonoUs due, Task task) {
  if (freeSlots_.empty()) {
    freeSlots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t slot = freeSlots_.back();
  freeSlots_.pop_back();
  slots_[slot].task = std::move(task);
  heap_.emplace_back();
  siftUp(heap_.size() - 1, Entry{due, sequence_++, slot});
  return uint64_t{slots_[slot].generation} << 32 | slot;
}

void TimerQueue::cancel(TimerId timer) {
  const auto slot = static_cast<uint32_t>(timer);
  if (slot >= slots_.size() || slots_[slot].generation != timer >> 32) return;
  Task cancelled = removeAt(slots_[slot].place);  // destroyed last: its destructor may use this queue
}

std::optional<MonoUs> TimerQueue::firstDue() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;
}

Task TimerQueue::takeDue(MonoUs now, uint64_t horizon) {
  if (heap_.empty() || heap_.front().due > now || heap_.front().sequence >= horizon) return {};
  return removeAt(0);
}

void TimerQueue::clear() {
  while (!heap_.empty()) removeAt(heap_.size() - 1);
}

void TimerQueue::put(size_t place, Entry entry) {
  heap_[place] = entry;
  slots_[entry.slot].place = place;
}

void TimerQueue::siftUp(size_t place, Entry entry) {
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (!entry.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerQueue::siftDown(size_t place, Entry entry) {
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(entry)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

Task TimerQueue::removeAt(size_t place) {
  const uint32_t slot = heap_[place].slot;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    if (place > 0 && last.before(heap_[(place - 1) / 2])) {
      siftUp(place, last);
    } else {
      siftDown(place, last);
    }
  }
  Task task = std::move(slots_[slot].task);
  slots_[slot].task = {};
  if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
  freeSlots_.push_back(slot);
  return task;
}

}  // namespace vigil::runtime
