#include "keyspace/retired_arrays.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

TEST(RetiredArrays, FreesAtOnceWhatNobodyLooksAt) {
  RetiredArrays retired;
  retired.setReaders(2);
  retired.retire(BucketArray(4));
  EXPECT_EQ(retired.waiting(), 0u);
  retired.enter(0);
  retired.leave(0);
  retired.retire(BucketArray(4));
  EXPECT_EQ(retired.waiting(), 0u);
}

TEST(RetiredArrays, KeepsWhatAReaderMaySee) {
  RetiredArrays retired;
  retired.setReaders(2);
  retired.enter(1);
  retired.retire(BucketArray(4));
  retired.retire(BucketArray(8));
  retired.collect();
  EXPECT_EQ(retired.waiting(), 2u);
  retired.leave(1);
  retired.enter(1);  // another look, which cannot see them any more
  retired.enter(0);
  retired.collect();
  EXPECT_EQ(retired.waiting(), 0u);
}

// Tables grow and shrink while others prefetch from them: for ThreadSanitizer and AddressSanitizer.
TEST(RetiredArrays, PrefetchingNeedsNoLock) {
  Keyspace keyspace(Keyspace::Options{.shards = 2, .databases = 2, .hashSeed = 7});
  constexpr size_t kReaders = 2;
  keyspace.prefetching().setReaders(kReaders);
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (size_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      uint64_t hash = reader;
      while (!done.load(std::memory_order_relaxed)) {
        keyspace.prefetching().enter(reader);
        for (int i = 0; i < 32; ++i) keyspace.prefetchBucket(0, hash + static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15u);
        for (int i = 0; i < 32; ++i) keyspace.prefetchEntry(0, hash + static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15u);
        keyspace.prefetching().leave(reader);
        hash += 0x123456789ABCDEFu;
      }
    });
  }
  Database db(keyspace, 0);
  db.prepare(1, ExpiryMode::kDelete, nullptr, true);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20000; ++i) db.setString(db.ref(std::to_string(i)), "value");
    for (int i = 0; i < 20000; ++i) db.erase(db.ref(std::to_string(i)));
    for (size_t shard = 0; shard < 2; ++shard) {
      while (keyspace.shard(shard).rehashSome(100)) {
      }
    }
    keyspace.prefetching().collect();
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  keyspace.prefetching().collect();
  EXPECT_EQ(keyspace.prefetching().waiting(), 0u);
}

}  // namespace
}  // namespace vigil::keyspace
