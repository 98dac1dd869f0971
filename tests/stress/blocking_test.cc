// Blocked clients across workers: nothing is lost or given twice, and the one who came first is served first.
#include <map>
#include <mutex>
#include <set>

#include "stressed_node.h"

namespace vigil::stress {
namespace {

std::string anyList(std::mt19937& random, int lists = 6) {
  return "list:" + std::to_string(random() % static_cast<unsigned>(lists));
}

// What was pushed and what came out again.
class Ledger {
 public:
  std::string make() { return std::to_string(next_.fetch_add(1)); }
  int made() const { return next_.load(); }
  void took(const std::string& item) {
    std::lock_guard guard(mutex_);
    EXPECT_TRUE(seen_.insert(item).second) << item << " came out twice";
  }
  size_t seen() {
    std::lock_guard guard(mutex_);
    return seen_.size();
  }

 private:
  std::atomic<int> next_{0};
  std::mutex mutex_;
  std::set<std::string> seen_;
};

TEST(BlockingStress, NothingIsLostOrGivenTwice) {
  StressedNode node(3);
  Ledger ledger;
  Crew consumers(node);
  consumers.add(3, [&](Client& client, std::mt19937& random) {
    switch (random() % 3) {
      case 0: {
        auto got = client({"BLPOP", anyList(random), anyList(random), anyList(random), "0.02"});
        if (got.items.size() == 2) ledger.took(got.items[1].text);
        break;
      }
      case 1: {
        auto got = client({"BLMPOP", "0.02", "2", anyList(random), anyList(random), "RIGHT", "COUNT", "2"});
        if (got.items.size() != 2) break;
        for (auto& item : got.items[1].items) ledger.took(item.text);
        break;
      }
      default: {
        auto got = client({"LPOP", anyList(random)});
        if (got.isText()) ledger.took(got.text);
      }
    }
  });
  consumers.add(2, [&](Client& client, std::mt19937& random) {
    client({"BLMOVE", anyList(random), anyList(random), "LEFT", "RIGHT", "0.01"});
  });
  // Clients that go away while they wait: what they move stays in a list.
  consumers.add(2, [&](Client&, std::mt19937& random) {
    Client brief(node.port());
    brief.send({"BLMOVE", anyList(random), anyList(random), "LEFT", "LEFT", "0"});
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
  });
  Crew producers(node);
  producers.add(3, [&](Client& client, std::mt19937& random) {
    std::string item = ledger.make();
    if (random() % 2 == 0) {
      client({random() % 2 == 0 ? "RPUSH" : "LPUSH", anyList(random), item});
    } else {
      client.transaction({{"RPUSH", anyList(random), item}, {"RPUSH", anyList(random), ledger.make()}});
    }
    // Keys change names and databases change places under the waiting.
    if (random() % 50 == 0) client({"RENAMENX", anyList(random), anyList(random)});
    if (random() % 200 == 0) {
      client({"SWAPDB", "0", "1"});
      client({"SWAPDB", "0", "1"});
    }
  });
  producers.runAndStop();
  Client last(node.port());
  consumers.stop();
  ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 0; }));
  for (const char* db : {"0", "1"}) {
    last({"SELECT", db});
    for (int list = 0; list < 6; ++list) {
      for (auto& item : last({"LRANGE", "list:" + std::to_string(list), "0", "-1"}).items) ledger.took(item.text);
    }
  }
  EXPECT_EQ(ledger.seen(), static_cast<size_t>(ledger.made()));
  EXPECT_EQ(node.engine().reservations(), 0u);
}

// Clients queue up one after another, each for its list and one of its own; then numbers are pushed in their order, by
// one client, while others keep the shards busy that serving needs.
TEST(BlockingStress, FirstComeFirstServed) {
  constexpr size_t kWaiting = 12;
  StressedNode node(3);
  Crew noise(node);
  noise.add(3, [](Client& client, std::mt19937& random) {
    std::vector<Words> commands;
    for (int i = 0; i < 20; ++i) commands.push_back({"INCR", "noise:" + std::to_string(random() % 500)});
    client.transaction(commands);
  });
  Client pusher(node.port());
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < kWaiting; ++i) clients.push_back(std::make_unique<Client>(node.port()));
  Crew rounds(node);
  std::atomic<int> played{0};
  rounds.add(1, [&](Client&, std::mt19937& random) {
    for (size_t i = 0; i < kWaiting; ++i) {
      switch (random() % 3) {
        case 0:
          clients[i]->send({"BLPOP", "own:" + std::to_string(i), "queue", "0"});
          break;
        case 1:
          clients[i]->send({"BLMOVE", "queue", "moved:" + std::to_string(i), "LEFT", "RIGHT", "0"});
          break;
        default:
          clients[i]->send({"BLMPOP", "0", "2", "own:" + std::to_string(i), "queue", "LEFT"});
      }
      ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == static_cast<int64_t>(i) + 1; }));
    }
    for (size_t i = 0; i < kWaiting;) {
      Words push{"RPUSH", "queue"};
      for (size_t n = 1 + random() % 3; n > 0 && i < kWaiting; --n) push.push_back(std::to_string(i++));
      pusher.send(push);
    }
    // Who comes now, on whichever worker, gets nothing of it.
    for (size_t i = 0; i < kWaiting; ++i) {
      auto got = clients[i]->receive();
      const RespValue* value = &got;
      while (!value->items.empty()) value = &value->items.back();
      ASSERT_EQ(value->text, std::to_string(i));
    }
    ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 0; }));
    pusher.send({"EXISTS", "queue"});
    RespValue reply;
    do {
      reply = pusher.receive();
    } while (reply.integer != 0);
    played.fetch_add(1);
  });
  rounds.runAndStop();
  noise.stop();
  EXPECT_GT(played.load(), 0);
}

// Serving needs a shard that is not free: the key is kept for the one who came first, and nobody takes before it.
TEST(BlockingStress, AKeyIsReservedWhileItsClientCannotBeServed) {
  StressedNode node(2);
  auto& keyspace = node.engine().keyspace();
  std::string target = "target";
  auto shardOf = [&](const std::string& key) { return keyspace.shardNumberOf(keyspace.hashOf(key)); };
  for (int i = 0; shardOf(target) == shardOf("source"); ++i) target = "target:" + std::to_string(i);
  Client first(node.port());
  Client second(node.port());
  Client pusher(node.port());
  Client thief(node.port());
  first.send({"BLMOVE", "source", target, "LEFT", "LEFT", "0"});
  ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 1; }));
  second.send({"BLPOP", "source", "0"});
  ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 2; }));

  auto& busy = keyspace.shard(shardOf(target)).lock;
  ASSERT_TRUE(waitUntil([&]() NO_THREAD_SAFETY_ANALYSIS { return busy.tryLock(); }));
  EXPECT_EQ(pusher({"RPUSH", "source", "a", "b", "c"}).integer, 3);
  EXPECT_TRUE(waitUntil([&] { return node.engine().reservations() == 1; }));
  thief.send({"LPOP", "source"});
  EXPECT_EQ(pusher({"PING"}).text, "PONG") << "others are not held up";
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(node.engine().blockedClients(), 2);
  [&]() NO_THREAD_SAFETY_ANALYSIS { busy.unlock(); }();

  EXPECT_EQ(first.receive().text, "a");
  EXPECT_EQ(second.receive().items.at(1).text, "b");
  EXPECT_EQ(thief.receive().text, "c");
  EXPECT_EQ(node.engine().reservations(), 0u);
}

// … and if that client goes away meanwhile, the next one is served.
TEST(BlockingStress, AReservationEndsWithItsClient) {
  StressedNode node(2);
  auto& keyspace = node.engine().keyspace();
  std::string target = "target";
  auto shardOf = [&](const std::string& key) { return keyspace.shardNumberOf(keyspace.hashOf(key)); };
  for (int i = 0; shardOf(target) == shardOf("source"); ++i) target = "target:" + std::to_string(i);
  auto first = std::make_unique<Client>(node.port());
  Client second(node.port());
  Client pusher(node.port());
  first->send({"BLMOVE", "source", target, "LEFT", "LEFT", "0"});
  ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 1; }));
  second.send({"BLPOP", "source", "0"});
  ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 2; }));
  auto& busy = keyspace.shard(shardOf(target)).lock;
  ASSERT_TRUE(waitUntil([&]() NO_THREAD_SAFETY_ANALYSIS { return busy.tryLock(); }));
  EXPECT_EQ(pusher({"RPUSH", "source", "a"}).integer, 1);
  first.reset();
  ASSERT_TRUE(waitUntil([&] { return node.engine().blockedClients() == 1; }));
  [&]() NO_THREAD_SAFETY_ANALYSIS { busy.unlock(); }();
  EXPECT_EQ(second.receive().items.at(1).text, "a");
}

}  // namespace
}  // namespace vigil::stress
