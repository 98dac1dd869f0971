// What the readers of a replica may rely on while all its workers run their master's commands together.
#include <future>
#include <set>

#include "command/command_table.h"
#include "engine/client_info.h"
#include "engine/engine.h"
#include "engine/trusted_batch.h"
#include "engine/worker.h"
#include "stressed_node.h"

namespace vigil::stress {
namespace {

constexpr size_t kKeys = 300;
constexpr size_t kPushes = 3;  // to each list in a batch

// Batches as they come from a master. Number n sets every "set:k" to n, and pushes 3n, 3n + 1, 3n + 2 to every "list:k".
class Master {
 public:
  explicit Master(engine::Engine& engine)
      : engine_(engine),
        batch_(std::make_shared<engine::TrustedBatch>(
            engine, std::make_shared<engine::ClientInfo>(engine.clients().nextId(), &engine.worker(0)),
            [](const command::CommandEntry& entry, const std::string& code) { ADD_FAILURE() << entry.fullName << ": " << code; })) {}

  void sendBatch() {
    std::promise<void> done;
    engine_.worker(0).withWorld([&] {
      apply();
      done.set_value();
    });
    done.get_future().get();
  }

 private:
  void apply() {
    ASSERT_TRUE(batch_->possible());
    std::vector<Words> commands;
    for (size_t push = 0; push < kPushes; ++push) {
      for (size_t key = 0; key < kKeys; ++key) {
        commands.push_back({"RPUSH", "list:" + std::to_string(key), std::to_string(number_ * kPushes + push)});
        commands.push_back({"SET", "set:" + std::to_string(key), push + 1 == kPushes ? std::to_string(number_) : "not yet"});
        commands.push_back({"SET", "gone:" + std::to_string(key), "x"});
        commands.push_back({"DEL", "gone:" + std::to_string(key)});
      }
    }
    std::vector<std::vector<std::string_view>> views;
    for (const Words& words : commands) {
      const command::CommandEntry* entry = engine_.commands().find(words[0]);
      ASSERT_TRUE(entry->takesOneKey(words.size()));
      batch_->add(*entry, views.emplace_back(words.begin(), words.end()), 0);
    }
    batch_->run(engine_.worker(0));
    ++number_;
  }

  engine::Engine& engine_;
  const std::shared_ptr<engine::TrustedBatch> batch_;
  size_t number_ = 0;
};

TEST(ApplyStress, ReadersSeeWholeBatchesAndEachKeyInOrder) {
  StressedNode node(4);
  Master master(node.engine());
  master.sendBatch();
  std::atomic<int64_t> sent{1};
  Crew crew(node);
  crew.add(1, [&](Client&, std::mt19937&) {
    master.sendBatch();
    sent.fetch_add(1);
  });
  crew.add(2, [&](Client& client, std::mt19937&) {
    Words get{"MGET"};
    for (size_t key = 0; key < kKeys; ++key) get.push_back("set:" + std::to_string(key));
    std::set<std::string> seen;
    for (const RespValue& value : client(get).items) seen.insert(value.text);
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_FALSE(seen.contains("not yet"));
    EXPECT_EQ(toInteger(client({"EXISTS", "gone:0", "gone:1", "gone:299"})), 0);
  });
  crew.add(2, [&](Client& client, std::mt19937& random) {
    const std::string key = "list:" + std::to_string(random() % kKeys);
    const int64_t length = toInteger(client({"LLEN", key}));
    EXPECT_EQ(length % static_cast<int64_t>(kPushes), 0);
    const RespValue last = client({"LRANGE", key, std::to_string(length - 4), std::to_string(length - 1)});
    for (size_t i = 0; i < last.items.size(); ++i) {
      EXPECT_EQ(toInteger(last.items[last.items.size() - 1 - i]), length - 1 - static_cast<int64_t>(i));
    }
  });
  crew.runAndStop();
  Client client(node.port());
  for (size_t key = 0; key < kKeys; ++key) {
    const RespValue list = client({"LRANGE", "list:" + std::to_string(key), "0", "-1"});
    ASSERT_EQ(list.items.size(), static_cast<size_t>(sent.load()) * kPushes);
    for (size_t i = 0; i < list.items.size(); ++i) ASSERT_EQ(toInteger(list.items[i]), static_cast<int64_t>(i));
    ASSERT_EQ(toInteger(client({"GET", "set:" + std::to_string(key)})), sent.load() - 1);
  }
  EXPECT_EQ(toInteger(client({"DBSIZE"})), static_cast<int64_t>(2 * kKeys));
}

}  // namespace
}  // namespace vigil::stress
