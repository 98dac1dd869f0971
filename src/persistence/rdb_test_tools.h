// What the tests of saving and loading share: an executor that runs by hand, a target in memory, whole saves.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/ports/executor.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"
#include "persistence/rdb_load.h"
#include "persistence/rdb_save.h"

namespace vigil::persistence {

class ManualExecutor final : public SerialExecutor {
 public:
  void submit(Task task) override { tasks_.push_back(std::move(task)); }
  void finish() override { runAll(); }
  void runAll() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  size_t waiting() const { return tasks_.size(); }

 private:
  std::deque<Task> tasks_;
};

struct MemoryOutput {
  std::string bytes;
  bool finished = false;
  bool abandoned = false;
  size_t failAfter = SIZE_MAX;  // bytes
};

class MemoryTarget final : public RdbTarget {
 public:
  explicit MemoryTarget(MemoryOutput& output) : output_(output) {}
  Status append(std::string_view bytes) override {
    if (output_.bytes.size() + bytes.size() > output_.failAfter) return fail("No space left on device");
    output_.bytes += bytes;
    return {};
  }
  Status finish() override {
    output_.finished = true;
    return {};
  }
  void abandon() override { output_.abandoned = true; }

 private:
  MemoryOutput& output_;
};

// Everything in a keyspace as text, by "db/key".
inline std::map<std::string, std::string> contents(keyspace::Keyspace& keyspace) {
  std::map<std::string, std::string> all;
  for (int index = 0; index < static_cast<int>(keyspace.databaseCount()); ++index) {
    keyspace::Database db(keyspace, index);
    db.prepare(0, keyspace::ExpiryMode::kIgnore, nullptr, false);
    db.forEach([&](const keyspace::Entry& entry) {
      std::string text = std::to_string(entry.expireAt()) + " ";
      if (entry.isList()) {
        for (auto at = entry.list().cursorAt(0); at.valid(); at.next()) {
          ds::IntegerText digits;
          text += "[" + std::string(ds::toText(at.element(), digits)) + "]";
        }
      } else {
        keyspace::Entry::Scratch scratch;
        text += std::string(entry.isInt() ? "number " : "text ") + std::string(entry.stringValue(scratch));
      }
      all[std::to_string(index) + "/" + std::string(entry.key())] = text;
    });
  }
  return all;
}

// Saves all of it at once.
inline std::string saved(keyspace::Keyspace& keyspace, const RdbSaveOptions& options = {},
                         const RdbHeaderFacts& facts = {.redisVersion = "7.2.4"}) {
  ManualExecutor executor;
  MemoryOutput output;
  auto save = std::make_shared<RdbSave>(executor, std::make_unique<MemoryTarget>(output), keyspace.shardCount(),
                                        options, RdbFlow{}, [](Status) {});
  auto snapshot = keyspace.beginSnapshot(*save);
  RdbHeader header = makeRdbHeader(facts);
  header.databases = snapshot->databases();
  save->begin(std::move(header));
  for (size_t shard = 0; shard < keyspace.shardCount(); ++shard) {
    while (!snapshot->step(shard, 64)) executor.runAll();
  }
  executor.runAll();
  return output.bytes;
}

// Loads bytes in pieces; the error, if there was one.
inline std::optional<std::string> loadPieces(RdbLoader& loader, std::string_view bytes, size_t piece) {
  while (!bytes.empty()) {
    std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    switch (loader.feed(next)) {
      case RdbLoader::State::kNeedMore:
        break;
      case RdbLoader::State::kFailed:
        return loader.error();
      case RdbLoader::State::kDone:
        return std::nullopt;
    }
  }
  return loader.truncated();
}

}  // namespace vigil::persistence
