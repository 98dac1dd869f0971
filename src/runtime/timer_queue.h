// Timers of one loop, in the order in which they are due; those due at the same time in the order of their creation.
// Not thread safe. add, cancel and takeDue cost O(log n); a cancelled timer's task is destroyed at once.
//
//   slots_:  [task, generation, place in heap_] ...   a TimerId is generation << 32 | slot, so an id that was used up
//   heap_:   (due, sequence, slot), smallest first    never names a later timer in the same slot
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ports/event_loop.h"

namespace vigil::runtime {

class TimerQueue {
 public:
  TimerId add(MonoUs due, Task task);
  // Forgets a timer; one that is not there (0, run already) is no error.
  void cancel(TimerId timer);
  // When the first timer is due.
  std::optional<MonoUs> firstDue() const;
  // Takes the first timer that is due at `now` and was added before `horizon` (see sequence()), else an empty task.
  Task takeDue(MonoUs now, uint64_t horizon);
  // Grows by one with each add().
  uint64_t sequence() const { return sequence_; }
  size_t size() const { return heap_.size(); }
  void clear();

 private:
  struct Entry {
    MonoUs due;
    uint64_t sequence;
    uint32_t slot;
    bool before(const Entry& other) const { return due != other.due ? due < other.due : sequence < other.sequence; }
  };
  struct Slot {
    Task task;
    uint32_t generation = 1;  // never 0, so no TimerId is 0
    size_t place = 0;         // in heap_, while the slot is in use
  };

  void put(size_t place, Entry entry);
  void siftUp(size_t place, Entry entry);
  void siftDown(size_t place, Entry entry);
  Task removeAt(size_t place);

  std::vector<Slot> slots_;
  std::vector<uint32_t> freeSlots_;
  std::vector<Entry> heap_;
  uint64_t sequence_ = 0;
};

}  // namespace vigil::runtime
