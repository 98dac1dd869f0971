#include "keyspace/snapshot.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "ds/chunked_list.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

// (database, key) -> the value as text, its expiry
using State = std::map<std::pair<int, std::string>, std::pair<std::string, UnixMs>>;

std::string describe(const Entry& entry) {
  if (entry.isList()) {
    std::string text = "list:";
    for (auto at = entry.list().cursorAt(0); at.valid(); at.next()) {
      ds::IntegerText scratch;
      text += ds::toText(at.element(), scratch);
      text += ',';
    }
    return text;
  }
  Entry::Scratch scratch;
  return "string:" + std::string(entry.stringValue(scratch));
}

class Recorder final : public SnapshotSink {
 public:
  void take(size_t shard, int db, const Entry& entry) override {
    EXPECT_FALSE(closed.contains(shard));
    const bool fresh =
        taken.emplace(std::pair(db, std::string(entry.key())), std::pair(describe(entry), entry.expireAt())).second;
    EXPECT_TRUE(fresh) << "twice: " << entry.key();
  }
  void shardDone(size_t shard) override { EXPECT_TRUE(closed.insert(shard).second); }
  bool ready() const override { return open; }

  State taken;
  std::set<size_t> closed;
  bool open = true;
};

struct Running {
  State expected;
  std::unique_ptr<Recorder> recorder = std::make_unique<Recorder>();
  std::unique_ptr<Snapshot> snapshot;
};

class FreeAccess final : public ShardAccess {
 public:
  bool tryEnter(size_t) override { return true; }
  void leave(size_t) override {}
};

constexpr int kDatabases = 3;

// Random writers beside random snapshots.
class Chaos {
 public:
  Chaos(uint64_t seed, uint64_t hashMask)
      : random_(seed), keyspace_({.shards = 2, .databases = kDatabases, .hashSeed = seed, .hashMask = hashMask}) {
    for (int i = 0; i < kDatabases; ++i) databases_.emplace_back(keyspace_, i);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += static_cast<UnixMs>(random_() % 3);
      for (Database& db : databases_) db.prepare(now_, ExpiryMode::kDelete, nullptr, true);
      if (i % 2500 == 0) growing_ = !growing_;
      write();
      if (random_() % 300 == 0) begin();
      if (random_() % 3 == 0) walk();
      if (random_() % 2000 == 0 && !running_.empty()) running_.erase(running_.begin());  // cancelled
      if (::testing::Test::HasFatalFailure()) return;
    }
    while (!running_.empty()) walk();
  }

  size_t finished() const { return finished_; }

 private:
  State state() {
    State all;
    for (Database& db : databases_) {
      db.prepare(now_, ExpiryMode::kIgnore, nullptr, false);  // what expired but is still there counts
      db.forEach([&](const Entry& entry) {
        all[{db.index(), std::string(entry.key())}] = {describe(entry), entry.expireAt()};
      });
      db.prepare(now_, ExpiryMode::kDelete, nullptr, true);
    }
    return all;
  }

  void begin() {
    if (running_.size() >= 3) return;
    Running next;
    next.expected = state();
    next.snapshot = keyspace_.beginSnapshot(*next.recorder);
    ASSERT_EQ(next.snapshot->keyCount(), next.expected.size());
    running_.push_back(std::move(next));
  }

  void walk() {
    if (running_.empty()) return;
    const size_t chosen = random_() % running_.size();
    Running& one = running_[chosen];
    one.recorder->open = random_() % 5 != 0;
    one.snapshot->step(random_() % keyspace_.shardCount(), 1 + random_() % 3);
    if (!one.snapshot->done()) return;
    ASSERT_EQ(one.recorder->taken, one.expected);
    ASSERT_EQ(one.recorder->closed.size(), keyspace_.shardCount());
    ++finished_;
    running_.erase(running_.begin() + static_cast<ptrdiff_t>(chosen));
  }

  std::string text() { return std::string(random_() % 40, static_cast<char>('a' + random_() % 26)); }

  void write() {
    Database& db = databases_[random_() % kDatabases];
    Database& other = databases_[random_() % kDatabases];
    const std::string name = "key:" + std::to_string(random_() % 300);
    const KeyRef key = db.ref(name);
    const UnixMs soon = now_ + 1 + static_cast<UnixMs>(random_() % 3000);
    const uint64_t what = random_() % (growing_ ? 100 : 500);
    if (what < 40) {
      db.setString(key, text(), random_() % 2 == 0 ? Database::Ttl::kKeep : Database::Ttl::kClear,
                   random_() % 4 == 0 ? soon : 0);
    } else if (what < 50) {
      db.setNumber(key, static_cast<int64_t>(random_()));
    } else if (what < 55) {
      db.setString(key, std::string(4000 + random_() % 3000, 'L'));
    } else if (what < 65) {
      if (const Entry* entry = db.peek(key); entry == nullptr || entry->isString()) db.appendString(key, text());
    } else if (what < 75) {
      push(db, key);
    } else if (what < 80) {
      db.setExpire(key, soon);
    } else if (what < 83) {
      db.persist(key);
    } else if (what < 87) {
      move(db, key, other, "key:" + std::to_string(random_() % 300));
    } else if (what < 91) {
      upkeep();
    } else if (what == 91 && random_() % 60 == 0) {
      keyspace_.detachAll(random_() % 4 == 0 ? -1 : db.index());
    } else if (what == 92 && random_() % 10 == 0) {
      keyspace_.swapDatabases(db.index(), other.index());
    } else {
      db.erase(key, random_() % 2 == 0);
    }
  }

  void push(Database& db, const KeyRef& key) {
    Entry* entry = db.findForWrite(key);
    if (entry != nullptr && !entry->isList()) return;
    ds::ChunkedList& list = entry != nullptr ? entry->list() : db.addList(key);
    list.pushBack(text() + "!");
    if (list.size() > 5) list.popFront();
  }

  void move(Database& from, const KeyRef& key, Database& to, const std::string& name) {
    const KeyRef target = to.ref(name);
    if (random_() % 2 == 0) {
      if (&from == &to && key.name == name) return;
      Entry* taken = from.take(key);
      if (taken == nullptr) return;
      to.erase(target);
      to.adopt(target, taken);
    } else if (const Entry* entry = from.peek(key); entry != nullptr && to.peek(target) == nullptr) {
      from.copyTo(*from.peek(key), to, target);
    }
  }

  void upkeep() {
    class Deaf final : public ExpiryListener {
      void onExpired(int, const KeyRef&) override {}
    } deaf;
    Shard& shard = keyspace_.shard(random_() % keyspace_.shardCount());
    bool more = false;
    for (int db = 0; db < kDatabases; ++db) shard.expireSome(db, now_, 1 + random_() % 10, deaf, more);
    shard.rehashSome(1 + random_() % 4);
  }

  std::mt19937_64 random_;
  Keyspace keyspace_;
  std::vector<Database> databases_;
  std::vector<Running> running_;
  UnixMs now_ = 1'700'000'000'000;
  bool growing_ = false;
  size_t finished_ = 0;
};

TEST(SnapshotTest, HoldsExactlyTheStateOfItsBeginningWhateverWritersDo) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Chaos chaos(seed, ~uint64_t{0});
    chaos.run(15'000);
    EXPECT_GT(chaos.finished(), 5u);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(SnapshotTest, HoldsItWithCollidingKeysToo) {
  Chaos chaos(21, 0xff000000000fULL);
  chaos.run(15'000);
  EXPECT_GT(chaos.finished(), 5u);
}

TEST(SnapshotTest, EmptyKeyspaceIsDoneAfterOneStepOfEachShard) {
  Keyspace keyspace({.shards = 4});
  Recorder recorder;
  auto snapshot = keyspace.beginSnapshot(recorder);
  for (size_t shard = 0; shard < 4; ++shard) {
    EXPECT_FALSE(snapshot->done());
    EXPECT_TRUE(snapshot->step(shard, 1));
  }
  EXPECT_TRUE(snapshot->done());
  EXPECT_TRUE(snapshot->databases().empty());
}

TEST(SnapshotTest, CountsWhatWillCome) {
  Keyspace keyspace({.shards = 4});
  Database db(keyspace, 5);
  db.prepare(1000, ExpiryMode::kDelete, nullptr, true);
  for (int i = 0; i < 10; ++i) {
    db.setString(db.ref("k" + std::to_string(i)), "v", Database::Ttl::kClear, i < 3 ? 5000 : 0);
  }
  Recorder recorder;
  auto snapshot = keyspace.beginSnapshot(recorder);
  ASSERT_EQ(snapshot->databases().size(), 1u);
  EXPECT_EQ(snapshot->databases()[0].db, 5);
  EXPECT_EQ(snapshot->databases()[0].keys, 10u);
  EXPECT_EQ(snapshot->databases()[0].withExpiry, 3u);
}

}  // namespace
}  // namespace vigil::keyspace
