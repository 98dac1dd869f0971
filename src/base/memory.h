// How much memory the process has allocated: the number that maxmemory, INFO memory and eviction go by.
//
// Thread safe. Every allocation through operator new counts with the size that the allocator really gave; the
// replacements of operator new and delete that feed the counter are the runtime's (runtime/allocator.cc), so a program
// without the runtime counts nothing.
//
// Each thread adds to a slot that it alone writes (a relaxed load and store on a cache line of its own, no locked
// instruction). What one thread allocates and another frees makes one slot grow and the other shrink below zero: only
// the sum has a meaning. When a thread ends, its slot keeps its number and the next new thread goes on with it.
//
// These counters are the one piece of process-wide state: operator new has no object to ask.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace vigil {

// Bytes allocated and not freed. While other threads allocate it is a moment's view, good to within what they do
// during the call.
int64_t usedMemory();

// What the calling thread (or the account that is in force) has allocated, less what it has freed. Only differences
// have a meaning: what a piece of work on this thread took or gave back, exactly.
int64_t threadMemory();

// The bytes that the allocator really holds for the block at `block`, which came from operator new or malloc.
size_t allocatedSize(const void* block);

// Hands the memory that the calling thread has freed back to the system at once, as far as the allocator can.
// Without it that happens by itself, a little later, while the thread goes on allocating and freeing.
void releaseMemoryToSystem();

// Memory that is counted apart from the process: the simulator runs many nodes in one process, each with its own.
class MemoryAccount {
 public:
  int64_t used() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryAccountScope;
  friend int64_t usedMemory();
  friend int64_t threadMemory();
  friend void countMemory(int64_t delta);
  friend void countMemoryWithoutAccount(int64_t delta);
  alignas(64) std::atomic<int64_t> bytes_{0};
};

// While it lives, the calling thread's allocations and releases go to `account`, and usedMemory() tells that account.
// May be nested.
class MemoryAccountScope {
 public:
  explicit MemoryAccountScope(MemoryAccount& account);
  ~MemoryAccountScope();
  MemoryAccountScope(const MemoryAccountScope&) = delete;
  MemoryAccountScope& operator=(const MemoryAccountScope&) = delete;

 private:
  MemoryAccount* outerAccount_;
  bool outerIsApart_;
};

// For the allocator alone: the calling thread got (or gave back, below zero) that many bytes.
extern constinit thread_local MemoryAccount* threadMemoryAccount;  // null before first use and after the thread's end
void countMemoryWithoutAccount(int64_t delta);
inline void countMemory(int64_t delta) {
  MemoryAccount* account = threadMemoryAccount;
  if (account != nullptr) [[likely]] {
    account->bytes_.store(account->bytes_.load(std::memory_order_relaxed) + delta, std::memory_order_relaxed);
  } else {
    countMemoryWithoutAccount(delta);
  }
}

inline int64_t threadMemory() { return threadMemoryAccount != nullptr ? threadMemoryAccount->used() : 0; }

}  // namespace vigil
