// All commands of a node: the rows that their owners registered, found by name in constant time.
//
// Filled before the node runs; constant from then on, so any thread may look up. rename-command is part of filling.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "command/spec.h"

namespace vigil::command {

struct CommandEntry {
  const CommandSpec* spec = nullptr;
  void* owner = nullptr;          // given at registration, handed to the handler
  std::string fullName;           // lower case: "get", "client|list"
  const CommandEntry* parent = nullptr;  // the container of a subcommand
  std::vector<std::unique_ptr<CommandEntry>> subcommands;
  size_t firstKey = 0;            // its first key stands in this argument, if there are as many; 0: that does not follow from the row
  enum class Keys : uint8_t { kOther, kFirst, kFirstAndRest };
  Keys keys = Keys::kOther;       // firstKey is its only key, whatever the others are; or it and all behind it are keys
  bool removed = false;           // by rename-command: nobody can call it, COMMAND does not show it
  size_t index = 0;               // dense over all commands and subcommands: the place of its statistics

  // The subcommand of that name, in any case; nullptr if there is none.
  const CommandEntry* subcommand(std::string_view name) const;
  std::string upperName() const;  // "CLIENT"
  // Whether it can be called with so many words, its name among them.
  bool takes(size_t words) const {
    const int arity = spec->arity, count = static_cast<int>(words);
    return spec->handler != nullptr && (arity > 0 ? count == arity : count >= -arity);
  }
  // Whether a call of so many words concerns the key at firstKey and no other.
  bool takesOneKey(size_t words) const {
    return keys == Keys::kFirst || (keys == Keys::kFirstAndRest && words == firstKey + 1);
  }
  // MULTI, EXEC, DISCARD, WATCH and the like: executed, not queued, inside a transaction.
  bool runsInsideMulti() const { return (spec->flags & kTransactionControl) != 0; }
};

class CommandTable {
 public:
  CommandTable();

  // `rows` and `owner` must outlive the table.
  void add(std::span<const CommandSpec> rows, void* owner);
  // rename-command: an empty new name removes the command.
  Status rename(std::string_view name, std::string_view newName);

  // In any case of letters; nullptr if there is none.
  const CommandEntry* find(std::string_view name) const {
    if (name.empty() || name.size() > kMaxName) return nullptr;
    for (size_t at = hashName(name) & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.entry == nullptr) return nullptr;
      if (slot.name.size() == name.size() && sameName(slot.name, name)) return slot.entry;
    }
  }

  // For what another server or this one's own file says: also by the name that a renamed command had, as effects are
  // logged under it.
  const CommandEntry* findLogged(std::string_view name) const;

  const std::vector<std::unique_ptr<CommandEntry>>& entries() const { return entries_; }  // in order of registration
  size_t callable() const;  // how many of those are not removed
  size_t indexCount() const { return nextIndex_; }

 private:
  static constexpr size_t kMaxName = 64;
  struct Slot {
    std::string_view name;
    CommandEntry* entry = nullptr;
  };
  static uint64_t hashName(std::string_view name) {
    uint64_t hash = name.size();
    for (char c : name) hash = (hash ^ static_cast<uint64_t>(c | 0x20)) * 0x9E3779B97F4A7C15ull;
    return hash ^ hash >> 32;
  }
  static bool sameName(std::string_view lower, std::string_view name) {
    for (size_t i = 0; i < lower.size(); ++i) {
      char c = name[i];
      if (lower[i] != (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c)) return false;
    }
    return true;
  }
  void rebuild();

  std::vector<std::unique_ptr<CommandEntry>> entries_;
  std::vector<std::string> names_;  // by entry: as it is called now; empty: removed
  std::vector<const CommandEntry*> renamed_;
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  size_t nextIndex_ = 0;
};

}  // namespace vigil::command
