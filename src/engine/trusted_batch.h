// Commands of our master on one key each, which all workers run together while one of them holds the world.
//
//   add() in the order of the stream  ->  lanes, by the key's shard  ->  run(): this worker and whoever is free take lane by lane
//
// What concerns one key runs in the order in which it came; between the lanes there is none, which nobody sees: readers come
// when the world is free again. A lane that nobody has begun is run by the worker that holds the world, so it never waits
// for one that sleeps or has stopped, only for one that is at work.
//
// Used on the worker that holds the world, but where a member says otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "command/command_table.h"
#include "command/context.h"
#include "engine/session.h"

namespace vigil::engine {

class Engine;
class Worker;

class TrustedBatch : public std::enable_shared_from_this<TrustedBatch> {
 public:
  // `failed` hears of a command to which an error was the reply, by its text, on the worker that ran it.
  using Failed = std::function<void(const command::CommandEntry& entry, const std::string& error)>;
  TrustedBatch(Engine& engine, std::shared_ptr<ClientInfo> master, Failed failed);

  // Whether the next commands may run in such a way: nobody hears of them in their order, and nobody waits for their keys.
  bool possible() const;
  // A command that takes one key in such a call; the bytes of `args` stay where they are until run() has returned.
  void add(const command::CommandEntry& entry, command::Args args, int db);
  void run(Worker& worker);

 private:
  struct Command {
    const command::CommandEntry* entry;
    uint64_t hash;
    uint32_t firstWord;
    uint32_t words;
    int db;
  };
  struct alignas(64) Lane {
    std::vector<Command> commands;
    Session session;
  };

  void help(Worker& worker);  // any worker
  void runLane(Lane& lane, Worker& worker);
  command::Args wordsOf(const Command& command) const {
    return std::span(words_).subspan(command.firstWord, command.words);
  }

  Engine& engine_;
  const Failed failed_;
  std::vector<Lane> lanes_;
  std::vector<std::string_view> words_;  // of all commands
  size_t size_ = 0;                      // commands
  std::atomic<size_t> begun_;            // lanes; at least as many as there are while nothing is to be taken
  std::atomic<size_t> done_{0};
};

}  // namespace vigil::engine
