#include "oplog/log.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "base/ports/executor.h"
#include "oplog/spill.h"

namespace vigil::oplog {
namespace {

// Files in memory; appending fails once `room` is used up.
class MemoryFiles final : public FileSystem {
 public:
  struct Content {
    std::string bytes;
  };
  class Handle final : public File {
   public:
    Handle(MemoryFiles& files, std::shared_ptr<Content> content) : files_(files), content_(std::move(content)) {}
    Result<size_t> readAt(uint64_t offset, std::span<char> into) override {
      size_t n = std::min<size_t>(into.size(), content_->bytes.size() - std::min(offset, content_->bytes.size()));
      content_->bytes.copy(into.data(), n, offset);
      return n;
    }
    Status append(std::span<const std::string_view> pieces) override {
      for (auto piece : pieces) {
        if (piece.size() > files_.room) return fail("No space left on device", ENOSPC);
        files_.room -= piece.size();
        content_->bytes.append(piece);
      }
      return {};
    }
    Status sync() override { return {}; }
    Result<uint64_t> size() override { return content_->bytes.size(); }
    Status truncate(uint64_t size) override {
      content_->bytes.resize(size);
      return {};
    }

   private:
    MemoryFiles& files_;
    std::shared_ptr<Content> content_;
  };
  Result<std::unique_ptr<File>> open(const std::string& path, Open, uint32_t) override {
    auto& content = contents[path];
    if (!content) content = std::make_shared<Content>();
    return std::make_unique<Handle>(*this, content);
  }
  bool exists(const std::string& path) override { return contents.contains(path); }
  Status rename(const std::string&, const std::string&) override { return {}; }
  Status remove(const std::string& path) override {
    contents.erase(path);
    return {};
  }
  Status makeDir(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>{}; }
  Status syncDir(const std::string&) override { return {}; }

  std::map<std::string, std::shared_ptr<Content>> contents;
  size_t room = SIZE_MAX;
};

// Runs what was submitted when it is told to, as the simulator does.
class LaterExecutor final : public SerialExecutor {
 public:
  void submit(Task task) override { tasks_.push_back(std::move(task)); }
  void finish() override { run(); }
  void run() {
    while (!tasks_.empty()) {
      auto tasks = std::move(tasks_);
      tasks_.clear();
      for (auto& task : tasks) task();
    }
  }

 private:
  std::vector<Task> tasks_;
};

std::string readAll(Cursor& cursor, Offset limit = INT64_MAX) {
  std::string all;
  for (std::string_view piece; !(piece = cursor.peek(limit)).empty(); cursor.advance(piece.size())) all += piece;
  return all;
}

Offset set(Log& log, int db, std::string_view key, std::string_view value) {
  std::string_view command[] = {"SET", key, value};
  return log.append(db, command);
}

constexpr std::string_view kSetAB = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
constexpr std::string_view kSelect0 = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
constexpr std::string_view kSelect9 = "*2\r\n$6\r\nSELECT\r\n$1\r\n9\r\n";

TEST(Log, StandsStillWhileNobodyNeedsIt) {
  Log log({std::string(40, 'a')}, 100);
  EXPECT_EQ(set(log, 0, "a", "b"), 100);
  log.setNeeded(Log::Reason::kReplication, true);
  EXPECT_EQ(set(log, 0, "a", "b"), 100 + static_cast<Offset>(kSelect0.size() + kSetAB.size()));
  EXPECT_EQ(log.published(), log.end());
}

TEST(Log, SelectsOnlyWhenTheDatabaseChanges) {
  Log log({std::string(40, 'a')}, 0);
  log.setNeeded(Log::Reason::kAof, true);
  Cursor cursor = log.cursor(0);
  set(log, 0, "a", "b");
  set(log, 0, "a", "b");
  set(log, 9, "a", "b");
  log.forceSelect();
  set(log, 9, "a", "b");
  std::string expected;
  for (auto part : {kSelect0, kSetAB, kSetAB, kSelect9, kSetAB, kSelect9, kSetAB}) expected += part;
  EXPECT_EQ(readAll(cursor), expected);
  EXPECT_EQ(cursor.state(INT64_MAX), Cursor::State::kEmpty);
}

TEST(Log, AUnitIsNeverCut) {
  Log log({std::string(40, 'a')}, 0);
  log.setNeeded(Log::Reason::kAof, true);
  std::string_view multi[] = {"MULTI"}, exec[] = {"EXEC"}, incr[] = {"INCR", "n"};
  Offset first = set(log, 0, "a", "b");
  Log::Record unit[] = {{0, multi}, {0, incr}, {3, incr}, {-1, exec}};
  Offset second = log.appendUnit(unit);
  Cursor cursor = log.cursor(0);
  EXPECT_EQ(cursor.unitEnd(INT64_MAX), second);
  EXPECT_EQ(cursor.unitEnd(second - 1), first);
  EXPECT_EQ(cursor.unitEnd(first), first);
  EXPECT_EQ(cursor.unitEnd(first - 1), 0);
  EXPECT_EQ(log.selectedDb(), 3);
}

TEST(Log, KeepsTheBacklogAndWhatCursorsNeed) {
  Log log({std::string(40, 'a')}, 0);
  log.setBacklogSize(128 * 1024);
  log.setNeeded(Log::Reason::kReplication, true);
  Cursor slow = log.cursor(0);
  std::string value(1000, 'v');
  for (int i = 0; i < 1000; ++i) set(log, 0, "key", value);
  EXPECT_EQ(log.start(), 0);
  EXPECT_GE(readAll(slow).size(), 1'000'000u);
  for (int i = 0; i < 200; ++i) set(log, 0, "key", value);
  EXPECT_GT(log.start(), 0);
  EXPECT_LE(log.start(), log.end() - 128 * 1024);
  EXPECT_FALSE(log.cursor(0).valid());
  EXPECT_TRUE(log.cursor(log.start()).valid());
}

TEST(Log, ASlowReaderGoesOnFromDisk) {
  MemoryFiles files;
  LaterExecutor writer;
  Spill spill(files, "spill-", 1ULL << 30);
  Log log({std::string(40, 'a')}, 0);
  log.setBacklogSize(1 << 20);
  log.useSpill(&spill, &writer, [](const Error& error) { ADD_FAILURE() << error.message; });
  log.setNeeded(Log::Reason::kReplication, true);
  Cursor slow = log.cursor(0);
  Cursor model = log.cursor(0);
  std::string expected, got, value(1000, 'v');
  for (int i = 0; i < 150'000; ++i) {
    set(log, 0, "key" + std::to_string(i), value);
    if (i % 1000 == 0) writer.run();
    expected += readAll(model);
  }
  EXPECT_LT(log.memory(), 72u << 20);
  EXPECT_GT(log.spilled(), 60u << 20);
  size_t fromDisk = 0;
  std::string buffer(256 * 1024, '\0');
  for (;;) {
    auto state = slow.state(INT64_MAX);
    if (state == Cursor::State::kEmpty) break;
    if (state == Cursor::State::kOnDisk) {
      auto n = log.readSpilled(slow.position(), buffer);
      ASSERT_TRUE(n.has_value()) << n.error().message;
      ASSERT_GT(*n, 0u);
      got.append(buffer, 0, *n);
      slow.advance(*n);
      fromDisk += *n;
      continue;
    }
    ASSERT_EQ(state, Cursor::State::kReady);
    auto piece = slow.peek(INT64_MAX);
    got += piece;
    slow.advance(piece.size());
  }
  EXPECT_GT(fromDisk, 60u << 20);
  EXPECT_TRUE(got == expected);
  for (int i = 0; i < 3000; ++i) set(log, 0, "key", value);  // trims what nobody needs any more
  writer.run();
  EXPECT_LT(log.spilled(), Spill::kFileBytes);
}

TEST(Log, AFullDiskLosesTheSlowReaderAloneAndSaysWhy) {
  MemoryFiles files;
  files.room = 8 << 20;
  LaterExecutor writer;
  Spill spill(files, "spill-", 1ULL << 30);
  Log log({std::string(40, 'a')}, 0);
  std::string why;
  log.setBacklogSize(1 << 20);
  log.useSpill(&spill, &writer, [&](const Error& error) { why = error.message; });
  log.setNeeded(Log::Reason::kReplication, true);
  Cursor slow = log.cursor(0);
  Cursor quick = log.cursor(0);
  std::string value(1000, 'v');
  for (int i = 0; i < 100'000; ++i) {
    set(log, 0, "key", value);
    readAll(quick);
    if (i % 100 == 0) writer.run();
  }
  EXPECT_EQ(slow.state(INT64_MAX), Cursor::State::kLost);
  EXPECT_EQ(quick.state(INT64_MAX), Cursor::State::kEmpty);
  EXPECT_EQ(why, "No space left on device");
  EXPECT_LT(log.memory(), 32u << 20);
}

TEST(Log, ANewHistoryLosesAllCursors) {
  Log log({std::string(40, 'a')}, 0);
  log.setNeeded(Log::Reason::kReplication, true);
  Cursor cursor = log.cursor(0);
  set(log, 0, "a", "b");
  log.restart({std::string(40, 'b')}, 5000);
  EXPECT_EQ(cursor.state(INT64_MAX), Cursor::State::kLost);
  EXPECT_EQ(log.end(), 5000);
  EXPECT_EQ(log.history().id, std::string(40, 'b'));
}

// Bytes are copied outside the lock, yet readers see them whole and in order.
TEST(Log, ManyWritersPublishInOrder) {
  Log log({std::string(40, 'a')}, 0);
  log.setBacklogSize(64 << 20);
  log.setNeeded(Log::Reason::kReplication, true);
  log.setSelectedDb(0);
  constexpr int kThreads = 4, kEach = 5000;
  Cursor cursor = log.cursor(0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      for (int i = 0; i < kEach; ++i) {
        std::string value(random() % 300, static_cast<char>('a' + t));
        std::string key = std::to_string(t) + ":" + std::to_string(i);
        std::string_view command[] = {"SET", key, value};
        log.append(0, command);
      }
    });
  }
  std::string all;
  while (all.size() < 1000) all += readAll(cursor);
  for (auto& thread : threads) thread.join();
  all += readAll(cursor);
  EXPECT_EQ(static_cast<Offset>(all.size()), log.end());
  int next[kThreads] = {};
  size_t at = 0;
  while ((at = all.find("\r\nSET\r\n$", at)) != std::string::npos) {
    at = all.find("\r\n", at + 8) + 2;
    int thread = all[at] - '0';
    EXPECT_EQ(std::stoi(all.substr(at + 2)), next[thread]++);
  }
  for (int seen : next) EXPECT_EQ(seen, kEach);
}

}  // namespace
}  // namespace vigil::oplog
