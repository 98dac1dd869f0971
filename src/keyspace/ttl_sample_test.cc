#include "keyspace/ttl_sample.h"

#include <gtest/gtest.h>

#include <string>

#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

class TtlSampleTest : public testing::Test {
 protected:
  static Keyspace::Options options() {
    Keyspace::Options options;
    options.shards = 4;
    options.databases = 2;
    return options;
  }
  void set(const std::string& name, UnixMs at) {
    Database db(keyspace_, 1);
    db.prepare(1000, ExpiryMode::kDelete, nullptr, true);
    db.setString(keyspace_.ref(name), "value", Database::Ttl::kClear, at);
  }
  void sample(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      for (size_t shard = 0; shard < keyspace_.shardCount(); ++shard) keyspace_.shard(shard).sampleTtl(4);
    }
  }

  Keyspace keyspace_{options()};
};

TEST_F(TtlSampleTest, IsTheMeanOfAllThatExpire) {
  sample(1);
  EXPECT_EQ(keyspace_.meanExpiry(1), 0);
  for (int i = 0; i < 100; ++i) set("key" + std::to_string(i), 1'000'000 + i * 1000);
  for (int i = 0; i < 100; ++i) set("lasting" + std::to_string(i), 0);
  sample(300);
  EXPECT_NEAR(static_cast<double>(keyspace_.meanExpiry(1)), 1'049'500, 1);
  EXPECT_EQ(keyspace_.meanExpiry(0), 0);
  for (int i = 0; i < 100; ++i) set("key" + std::to_string(i), 2'000'000);
  sample(300);
  EXPECT_NEAR(static_cast<double>(keyspace_.meanExpiry(1)), 2'000'000, 1);
  for (int i = 0; i < 100; ++i) set("key" + std::to_string(i), 0);
  sample(1);
  EXPECT_EQ(keyspace_.meanExpiry(1), 0);
}

}  // namespace
}  // namespace vigil::keyspace
