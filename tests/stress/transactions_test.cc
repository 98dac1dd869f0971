// Transactions that keep a sum, seen from transactions, from MGET and from snapshots, while databases change places and
// keys their names; and WATCH against write skew.
#include <array>

#include "engine/worker.h"
#include "keyspace/snapshot.h"
#include "stressed_node.h"

namespace vigil::stress {
namespace {

constexpr int kAccounts = 24;
constexpr int64_t kTotal = 1000;

std::string account(size_t i) { return "account:" + std::to_string(i); }
std::string anyAccount(std::mt19937& random) { return account(random() % kAccounts); }

Words readAll() {
  Words command{"MGET"};
  for (size_t i = 0; i < kAccounts; ++i) command.push_back(account(i));
  return command;
}

int64_t sum(const RespValue& values) {
  int64_t total = 0;
  for (const RespValue& value : values.items) total += toInteger(value);
  return total;
}

// Takes one snapshot after another, and sums up what each of them holds of every database.
class SummingSnapshots final : public engine::BackgroundDuty, private keyspace::SnapshotSink {
 public:
  explicit SummingSnapshots(engine::Engine& engine) : engine_(engine), busy_(engine.keyspace().shardCount()) {}

  // With the world held.
  void begin() {
    for (auto& total : totals_) total.store(0);
    snapshot_ = engine_.keyspace().beginSnapshot(*this);
    running_.store(true);
  }
  bool running() const { return running_.load(); }
  int64_t total(size_t db) const { return totals_[db].load(); }
  // With the world held.
  void drop() { snapshot_.reset(); }

  bool step(engine::Worker& worker) override {
    if (!running_.load()) return false;
    for (size_t shard = worker.number(); shard < busy_.size(); shard += engine_.workerCount()) {
      if (busy_[shard].exchange(true)) continue;
      worker.withShard(shard, [this, shard](engine::Execution&) {
        if (running_.load() && !snapshot_->shardDone(shard) && snapshot_->step(shard, 2) && snapshot_->done()) {
          running_.store(false);
        }
        busy_[shard].store(false);
      });
    }
    return running_.load();
  }

 private:
  void take(size_t, int db, const keyspace::Entry& entry) override {
    if (!entry.isString()) return;
    keyspace::Entry::Scratch scratch;
    if (!entry.key().starts_with("account:")) return;
    totals_[static_cast<size_t>(db)].fetch_add(std::stoll(std::string(entry.stringValue(scratch))));
  }
  void shardDone(size_t) override {}

  engine::Engine& engine_;
  std::unique_ptr<keyspace::Snapshot> snapshot_;
  std::vector<std::atomic<bool>> busy_;
  std::array<std::atomic<int64_t>, 16> totals_{};
  std::atomic<bool> running_{false};
};

// Runs `work` with the world held and waits for it.
void withWorld(engine::Engine& engine, std::function<void()> work) {
  std::atomic<bool> done{false};
  engine.withWorld([&] {
    work();
    done.store(true);
  });
  ASSERT_TRUE(waitUntil([&] { return done.load(); }));
}

TEST(TransactionStress, ASumIsKeptWhateverHappens) {
  StressedNode node(3);
  Client setup(node.port());
  for (const char* db : {"0", "1"}) {
    setup({"SELECT", db});
    for (size_t i = 0; i < kAccounts; ++i) setup({"SET", account(i), i == 0 ? std::to_string(kTotal) : "0"});
  }
  Crew crew(node);
  crew.add(4, [](Client& client, std::mt19937& random) {
    std::string amount = std::to_string(random() % 100);
    auto done = client.transaction({{"DECRBY", anyAccount(random), amount}, {"INCRBY", anyAccount(random), amount}});
    EXPECT_EQ(done.items.size(), 2u);
  });
  crew.add(1, [](Client& client, std::mt19937& random) {
    // Read, then move what was read, unless somebody else came between.
    std::string from = anyAccount(random);
    std::string to = anyAccount(random);
    client({"WATCH", from, to});
    int64_t here = toInteger(client({"GET", from}));
    int64_t there = toInteger(client({"GET", to}));
    if (from == to) return (void)client({"UNWATCH"});
    client.transaction({{"SET", from, std::to_string(there)}, {"SET", to, std::to_string(here)}});
  });
  crew.add(2, [](Client& client, std::mt19937& random) {
    if (random() % 2 == 0) {
      ASSERT_EQ(sum(client(readAll())), kTotal);
    } else {
      std::vector<Words> reads;
      for (size_t i = 0; i < kAccounts; ++i) reads.push_back({"GET", account(i)});
      ASSERT_EQ(sum(client.transaction(reads)), kTotal);
    }
  });
  crew.add(1, [](Client& client, std::mt19937& random) {
    client({"SWAPDB", "0", "1"});
    std::string name = anyAccount(random);
    client.transaction({{"RENAME", name, "elsewhere"}, {"SET", "noise", "1"}, {"RENAME", "elsewhere", name}});
    client({"SELECT", "2"});
    client.send({"SET", "a", "1"});  // in one read with what needs the world
    client.send({"FLUSHDB"});
    client.send({"SET", "b", "1"});
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(client.receive().isError());
    client({"SELECT", "0"});
  });
  auto snapshots = std::make_shared<SummingSnapshots>(node.engine());
  node.engine().addDuty(snapshots);
  std::atomic<int> taken{0};
  crew.add(1, [&](Client&, std::mt19937&) {
    withWorld(node.engine(), [&] { snapshots->begin(); });
    ASSERT_TRUE(waitUntil([&] { return !snapshots->running(); }));
    EXPECT_EQ(snapshots->total(0), kTotal);
    EXPECT_EQ(snapshots->total(1), kTotal);
    withWorld(node.engine(), [&] { snapshots->drop(); });
    taken.fetch_add(1);
  });
  crew.runAndStop();
  node.engine().removeDuty(snapshots.get());
  EXPECT_EQ(sum(setup(readAll())), kTotal);
  EXPECT_GT(taken.load(), 0);
}

// Two keys of which at most one may be 1: each client sets one after having seen that the other is 0.
TEST(TransactionStress, WatchPreventsWriteSkew) {
  StressedNode node(3);
  std::atomic<int> set{0};
  Crew crew(node);
  auto setter = [&](const std::string& mine, const std::string& other) {
    return [&set, mine, other](Client& client, std::mt19937&) {
      client({"WATCH", other});
      if (toInteger(client({"GET", other})) == 0 && client.transaction({{"SET", mine, "1"}}).items.size() == 1) {
        set.fetch_add(1);
      } else {
        client({"UNWATCH"});
      }
      client({"SET", mine, "0"});
    };
  };
  crew.add(2, setter("left", "right"));
  crew.add(1, setter("right", "left"));
  crew.add(2, [](Client& client, std::mt19937&) {
    auto both = client({"MGET", "left", "right"});
    ASSERT_LE(toInteger(both.items[0]) + toInteger(both.items[1]), 1);
  });
  crew.runAndStop();
  EXPECT_GT(set.load(), 0);
}

// Clients that go away while what they sent waits for the world or a shard leave no claim behind.
TEST(TransactionStress, ClientsThatLeaveHoldNothing) {
  StressedNode node(3);
  Crew crew(node);
  crew.add(3, [&](Client&, std::mt19937& random) {
    Client brief(node.port());
    for (int i = 0; i < 20; ++i) brief.send({"SET", "key:" + std::to_string(random() % 1000), "x"});
    brief.send({"FLUSHALL"});
    brief.send({"MSET", "a", "1", "b", "2", "c", "3"});
    if (random() % 2 == 0) brief.receive();
  });
  crew.add(2, [](Client& client, std::mt19937& random) {
    EXPECT_FALSE(client({"SET", "key:" + std::to_string(random() % 1000), "y"}).isError());
    EXPECT_FALSE(client({"DBSIZE"}).isError());
  });
  crew.runAndStop();
  Client last(node.port());
  // What they sent is still run; then they are gone.
  EXPECT_TRUE(waitUntil([&] { return node.engine().clients().count() == 1; }));
  EXPECT_EQ(last({"FLUSHALL"}).text, "OK");
  EXPECT_EQ(toInteger(last({"DBSIZE"})), 0);
}

}  // namespace
}  // namespace vigil::stress
