#include "base/memory.h"

#include <malloc.h>

#include <array>

// Present if the program is linked with mimalloc, which then also answers malloc_usable_size().
extern "C" void mi_collect(bool force) __attribute__((weak));

namespace vigil {

constinit thread_local MemoryAccount* threadMemoryAccount = nullptr;

namespace {

struct Slot {
  MemoryAccount account;
  std::atomic<bool> taken{false};
};

// More threads than this at once share the last slot, which is updated atomically.
constexpr size_t kSlots = 128;
constinit std::array<Slot, kSlots> slots;
constinit std::atomic<size_t> slotsInUse{0};  // those behind it have never been taken
constinit MemoryAccount sharedSlot;

constinit thread_local bool threadEnded = false;
constinit thread_local bool countsApart = false;  // a MemoryAccountScope is in force

// Gives the thread's slot back when the thread ends. What is freed after that goes to the shared slot.
struct SlotHolder {
  Slot* slot = nullptr;
  ~SlotHolder() {
    threadEnded = true;
    threadMemoryAccount = nullptr;
    if (slot != nullptr) slot->taken.store(false, std::memory_order_release);
  }
};

Slot* takeSlot() {
  for (size_t i = 0; i < kSlots; ++i) {
    Slot& slot = slots[i];
    if (slot.taken.load(std::memory_order_relaxed) || slot.taken.exchange(true, std::memory_order_acquire)) continue;
    size_t known = slotsInUse.load(std::memory_order_relaxed);
    while (known <= i && !slotsInUse.compare_exchange_weak(known, i + 1, std::memory_order_relaxed)) {
    }
    return &slot;
  }
  return nullptr;
}

}  // namespace

void countMemoryWithoutAccount(int64_t delta) {
  if (!threadEnded) {
    // No destructor order matters here: registering the holder allocates with calloc, never with operator new.
    static thread_local SlotHolder holder;
    if (holder.slot == nullptr) holder.slot = takeSlot();
    if (holder.slot != nullptr) {
      threadMemoryAccount = &holder.slot->account;
      return countMemory(delta);
    }
  }
  sharedSlot.bytes_.fetch_add(delta, std::memory_order_relaxed);
}

int64_t usedMemory() {
  if (countsApart) return threadMemoryAccount->used();
  int64_t sum = sharedSlot.used();
  const size_t count = slotsInUse.load(std::memory_order_relaxed);
  for (size_t i = 0; i < count; ++i) sum += slots[i].account.used();
  return sum;
}

size_t allocatedSize(const void* block) { return malloc_usable_size(const_cast<void*>(block)); }

void releaseMemoryToSystem() {
  if (mi_collect != nullptr) {
    mi_collect(true);
  } else {
    malloc_trim(0);
  }
}

MemoryAccountScope::MemoryAccountScope(MemoryAccount& account)
    : outerAccount_(threadMemoryAccount), outerIsApart_(countsApart) {
  threadMemoryAccount = &account;
  countsApart = true;
}

MemoryAccountScope::~MemoryAccountScope() {
  threadMemoryAccount = outerAccount_;
  countsApart = outerIsApart_;
}

}  // namespace vigil
