// Short requests of many clients, run together: one thread reads them all first, so that what they ask for is on its way
// from memory for every one of them before the first runs. What a pipeline does for one client, this does for many.
//
//   the loop's turn:   read A, prefetch its bucket, read B, prefetch its bucket … | prefetch entries of A, B … | run A, B …
//
// Where other workers could take a table away, the buckets too wait until all have been read: only one look at the tables
// is made safe then.
//
// Not thread safe: one worker's.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace vigil::engine {

class Connection;
class Worker;

class Arrivals {
 public:
  explicit Arrivals(Worker& worker);

  // Where the next read may put its bytes: some tens of kilobytes. Valid until run().
  std::span<char> room() { return {storage_.get() + used_, kStorage - used_}; }
  // Takes the first `bytes` of room(), which a connection read, to be run with others; false if they are too many for
  // that: then the connection runs them itself before anything else is read.
  bool keep(Connection& connection, size_t bytes);
  // Runs what was kept. At the end of every turn, and when there is no room for more.
  void run();

 private:
  static constexpr size_t kStorage = size_t{64} << 10;
  static constexpr size_t kShort = 512;  // bytes: a pipeline prefetches for itself
  static constexpr size_t kMost = 32;    // at once; what more would prefetch might be gone again when its turn comes
  struct Arrival {
    Connection* connection = nullptr;
    size_t from = 0;  // in the storage
    size_t bytes = 0;
    int db = 0;
    uint64_t hash = 0;  // of its key, if `hasKey`
    bool hasKey = false;
  };
  static_assert(kMost * kShort <= kStorage / 2);

  bool alone() const;
  void prefetchBucket(Arrival& arrival) const;
  void prefetchEntries();

  Worker& worker_;
  std::unique_ptr<char[]> storage_;
  size_t used_ = 0;
  std::array<Arrival, kMost> arrivals_;
  size_t count_ = 0;
};

}  // namespace vigil::engine
