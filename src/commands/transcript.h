// For tests: plays command lines against a keyspace of its own and compares what a user, a subscriber to keyspace
// events and a replica would see.
//
//   {"lpush l b a", ":2", "lpush l"},                               logged as sent, since something changed
//   {"lmpop 1 l left", "*2 $1 l *1 $1 a", "lpop l", "LPOP l 1"},    logged otherwise
//
// Replies are in RESP with blanks for line ends; events of other databases than 0 are written "1:move_to key". A
// command that blocks replies "(blocked on key… for N us, then …)".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/command_table.h"
#include "command/context.h"
#include "command/output_buffer.h"
#include "command/session.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::commands {

struct Step {
  std::string_view line;
  std::string_view reply;
  std::string_view events = "";
  std::optional<std::string_view> log = std::nullopt;  // absent: the line itself if there are events, else nothing
};

class Transcript final : private command::Context, private keyspace::ShardAccess {
 public:
  static constexpr UnixMs kStart = 1'700'000'000'000;

  explicit Transcript(keyspace::Reaper* reaper = nullptr);

  void add(std::span<const command::CommandSpec> rows, void* owner = nullptr) { table_.add(rows, owner); }

  struct Outcome {
    std::string reply;
    std::string events;
    std::string log;
    std::string readyKeys;
  };
  Outcome run(std::string_view line);
  // Fails the test at each step that went otherwise.
  void play(std::span<const Step> steps);

  void setProtocol(int protocol) { protocol_ = protocol; }
  void setMayBlock(bool mayBlock) { mayBlock_ = mayBlock; }
  void setMayAccessAllKeys(bool may) { mayAccessAllKeys_ = may; }
  void setResumed(bool resumed) { resumed_ = resumed; }
  void setMode(keyspace::ExpiryMode mode) { mode_ = mode; }
  void advance(UnixMs milliseconds) { time_ += milliseconds; }
  using Context::db;  // the entries themselves, between two runs
  keyspace::Keyspace& keyspace() override { return keyspace_; }

 private:
  keyspace::KeyRef key(size_t argument) override { return keyspace_.ref(arg(argument)); }
  keyspace::Database* database(int64_t index) override;
  keyspace::ShardAccess& shards() override { return *this; }
  bool mayAccessAllKeys(uint32_t) override { return mayAccessAllKeys_; }
  uint64_t random() override { return random_ = random_ * 6364136223846793005u + 1442695040888963407u; }
  void redact(size_t) override {}
  void onChanged(const keyspace::KeyRef& key, command::EventClass event_class, std::string_view event,
                 size_t count) override;
  void notifyIn(int db) override { notifiedDb_ = db; }
  void event(command::EventClass event_class, std::string_view event, const keyspace::KeyRef& key) override;
  void propagate(command::Args command) override;
  void propagateNothing() override { log_ = ""; }
  bool databaseFlushed(int db) override {
    addTo(outcome_.events, "flushed " + std::to_string(db));
    return false;
  }
  void databasesSwapped(int a, int b) override;
  void ready(const keyspace::KeyRef& key) override { addTo(outcome_.readyKeys, std::string(key.name)); }
  bool mayBlock() const override { return mayBlock_; }
  void block(std::span<const size_t> keyArguments, int64_t timeoutUs, command::TimeoutReply onTimeout) override;
  bool tryEnter(size_t) override { return true; }
  void leave(size_t) override {}

  static void addTo(std::string& list, std::string_view item);

  keyspace::Keyspace keyspace_;
  std::vector<keyspace::Database> databases_;
  command::CommandTable table_;
  command::Session clientSession_;
  UnixMs time_ = kStart;
  keyspace::ExpiryMode mode_ = keyspace::ExpiryMode::kDelete;
  int protocol_ = 2;
  bool mayBlock_ = true;
  bool mayAccessAllKeys_ = true;
  uint64_t random_ = 1;

  // Of the execution under way.
  Outcome outcome_;
  std::optional<std::string> log_;
  bool changed_ = false;
  int notifiedDb_ = 0;
};

}  // namespace vigil::commands
