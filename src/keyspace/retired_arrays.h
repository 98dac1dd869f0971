// Bucket arrays that tables no longer use, kept until nobody can be looking at them. Batches prefetch without locks:
// what they see of a table are the addresses of its arrays, and an array that was dropped meanwhile must still be
// readable.
//
// A reader (one per worker) is looking while its turn is odd:   enter(): 4 -> 5   look at tables   leave(): 5 -> 6
// An array is freed once every reader that was looking when it was retired has had another turn since.
//
// Thread safe; a reader's enter() and leave() are for one thread. Operations are sequentially consistent, so that
// either the reader sees the table's new arrays or retire() sees the reader.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "keyspace/bucket_array.h"

namespace vigil::keyspace {

class RetiredArrays {
 public:
  // How many threads look at tables without locks. Before any does.
  void setReaders(size_t count);

  void enter(size_t reader) { readers_[reader].turn.store(turnOf(reader) + 1); }
  void leave(size_t reader) { readers_[reader].turn.store(turnOf(reader) + 1, std::memory_order_release); }

  // The table does not show the array any more.
  void retire(BucketArray array) EXCLUDES(mutex_);
  // Frees what can be; from time to time, as retire() does it only when something is retired.
  void collect() EXCLUDES(mutex_);
  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Reader {
    std::atomic<uint64_t> turn{0};
  };
  struct Retired {
    BucketArray array;
    std::vector<uint64_t> turns;  // by reader, when it was retired
  };
  uint64_t turnOf(size_t reader) const { return readers_[reader].turn.load(std::memory_order_relaxed); }
  std::vector<uint64_t> turns() const;
  bool seenByNone(const Retired& retired) const;

  std::unique_ptr<Reader[]> readers_;
  size_t count_ = 0;
  std::atomic<size_t> waiting_{0};
  Mutex mutex_;
  std::vector<Retired> retired_ GUARDED_BY(mutex_);
};

}  // namespace vigil::keyspace
