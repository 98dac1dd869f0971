// What clients may rely on while the keyspace grows, shrinks and forgets.
#include <set>

#include "stressed_node.h"

namespace vigil::stress {
namespace {

// SCAN gives every key that is there all the time, however the tables grow and shrink meanwhile.
TEST(KeyspaceStress, ScanMissesNoKeyThatStays) {
  constexpr size_t kStaying = 500;
  StressedNode node(3);
  Client setup(node.port());
  for (size_t i = 0; i < kStaying; ++i) setup({"SET", "stays:" + std::to_string(i), "x"});
  Crew crew(node);
  crew.add(3, [](Client& client, std::mt19937& random) {
    std::string prefix = "goes:" + std::to_string(random()) + ":";
    constexpr int kMany = 600;
    for (int i = 0; i < kMany; ++i) client.send({"SET", prefix + std::to_string(i), "x"});
    for (int i = 0; i < kMany; ++i) ASSERT_EQ(client.receive().text, "OK");
    for (int i = 0; i < kMany; ++i) client.send({random() % 2 == 0 ? "DEL" : "UNLINK", prefix + std::to_string(i)});
    for (int i = 0; i < kMany; ++i) ASSERT_EQ(toInteger(client.receive()), 1);
  });
  std::atomic<int> scans{0};
  crew.add(2, [&](Client& client, std::mt19937&) {
    std::set<std::string> seen;
    std::string cursor = "0";
    do {
      auto page = client({"SCAN", cursor, "COUNT", "50"});
      ASSERT_EQ(page.items.size(), 2u);
      cursor = page.items[0].text;
      for (const RespValue& key : page.items[1].items) {
        if (key.text.starts_with("stays:")) seen.insert(key.text);
      }
    } while (cursor != "0");
    ASSERT_EQ(seen.size(), kStaying);
    scans.fetch_add(1);
  });
  crew.runAndStop();
  EXPECT_GT(scans.load(), 0);
}

// A key whose time has come is seen by nobody, and is gone in the end without anybody's looking.
TEST(KeyspaceStress, ExpiredKeysAreGone) {
  StressedNode node(3);
  Crew crew(node);
  crew.add(3, [](Client& client, std::mt19937& random) {
    std::string key = "brief:" + std::to_string(random() % 200);
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(client({"SET", key, "x", "PX", std::to_string(1 + random() % 30)}).text, "OK");
        break;
      case 1:
        client({"SET", key, "x", "PXAT", "1"});
        EXPECT_EQ(client({"EXPIRE", "other:" + key, "100"}).integer, 0);
        break;
      case 2:
        EXPECT_LE(toInteger(client({"PTTL", key})), 30);
        break;
      default:
        client({"MGET", key, "brief:0", "brief:1"});
    }
  });
  crew.runAndStop();
  Client last(node.port());
  EXPECT_TRUE(waitUntil([&] { return toInteger(last({"DBSIZE"})) == 0; }));
}

// The commands on clients, from all sides, while clients come and go.
TEST(KeyspaceStress, ClientsAreListedAndKilled) {
  StressedNode node(3);
  Client probe(node.port());
  if (probe({"CLIENT", "LIST"}).isError()) GTEST_SKIP();
  Crew crew(node);
  crew.add(2, [&](Client&, std::mt19937& random) {
    Client brief(node.port());
    std::string id = std::to_string(toInteger(brief({"CLIENT", "ID"})));
    brief({"CLIENT", "SETNAME", "name-" + id});
    EXPECT_NE(brief({"CLIENT", "INFO"}).text.find("name=name-" + id), std::string::npos);
    if (random() % 2 == 0) brief({"CLIENT", "KILL", "ID", id, "SKIPME", "no"});
  });
  crew.add(2, [](Client& client, std::mt19937&) {
    EXPECT_FALSE(client({"CLIENT", "LIST"}).text.empty());
    EXPECT_FALSE(client({"CLIENT", "KILL", "LADDR", "127.0.0.1:1"}).isError());
  });
  crew.add(2, [](Client& client, std::mt19937& random) { client({"INCR", "n:" + std::to_string(random() % 10)}); });
  crew.runAndStop();
}

}  // namespace
}  // namespace vigil::stress
