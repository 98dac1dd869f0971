#include "command/command_table.h"

#include <algorithm>

namespace vigil::command {

namespace {

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

}  // namespace

const CommandEntry* CommandEntry::subcommand(std::string_view name) const {
  std::string lower = lowered(name);
  for (const auto& sub : subcommands) {
    if (sub->spec->name == lower) return sub.get();
  }
  return nullptr;
}

std::string CommandEntry::upperName() const {
  std::string upper = fullName;
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return upper;
}

size_t firstKeyOf(const CommandSpec& spec) {
  if (spec.keys.empty()) return 0;
  const KeySpec& key = spec.keys.front();
  const bool plain = key.begin == KeySpec::Begin::kIndex && key.find == KeySpec::Find::kRange && (key.flags & kKeyNotKey) == 0;
  return plain ? static_cast<size_t>(key.index) : 0;
}

CommandEntry::Keys keysOf(const CommandSpec& spec) {
  using Keys = CommandEntry::Keys;
  if (firstKeyOf(spec) == 0 || spec.keys.size() != 1 || spec.lockShards || spec.needsWorld) return Keys::kOther;
  const KeySpec& key = spec.keys.front();
  if ((spec.flags & kWholeKeyspace) != 0 || (key.flags & kKeyIncomplete) != 0) return Keys::kOther;
  // SET, BITFIELD: their function tells how the key is used, not where it stands.
  if (spec.findKeys && (key.flags & kKeyVariableFlags) == 0) return Keys::kOther;
  if (key.last == 0) return Keys::kFirst;
  return key.last == -1 && key.step == 1 && key.limit == 0 ? Keys::kFirstAndRest : Keys::kOther;
}

CommandTable::CommandTable() { rebuild(); }

void CommandTable::add(std::span<const CommandSpec> rows, void* owner) {
  for (const CommandSpec& row : rows) {
    auto entry = std::make_unique<CommandEntry>();
    entry->spec = &row;
    entry->owner = owner;
    entry->fullName = row.name;
    entry->firstKey = firstKeyOf(row);
    entry->keys = keysOf(row);
    entry->index = nextIndex_++;
    for (const CommandSpec& subRow : row.subcommands) {
      auto sub = std::make_unique<CommandEntry>();
      sub->spec = &subRow;
      sub->owner = owner;
      sub->fullName = std::string(row.name) + "|" + std::string(subRow.name);
      sub->parent = entry.get();
      sub->firstKey = firstKeyOf(subRow);
      sub->keys = keysOf(subRow);
      sub->index = nextIndex_++;
      entry->subcommands.push_back(std::move(sub));
    }
    names_.push_back(entry->fullName);
    entries_.push_back(std::move(entry));
  }
  rebuild();
}

Status CommandTable::rename(std::string_view name, std::string_view newName) {
  std::string lower = lowered(name);
  auto at = std::find(names_.begin(), names_.end(), lower);
  if (at == names_.end()) return fail("No such command in rename-command");
  if (!newName.empty() && find(newName)) return fail("Target command name already exists");
  if (newName.size() > kMaxName) return fail("Target command name is too long");
  *at = lowered(newName);
  CommandEntry* entry = entries_[static_cast<size_t>(at - names_.begin())].get();
  entry->removed = newName.empty();
  renamed_.push_back(entry);
  rebuild();
  return {};
}

const CommandEntry* CommandTable::findLogged(std::string_view name) const {
  if (const CommandEntry* entry = find(name)) return entry;
  for (const CommandEntry* entry : renamed_) {
    if (entry->fullName.size() == name.size() && sameName(entry->fullName, name)) return entry;
  }
  return nullptr;
}

size_t CommandTable::callable() const {
  return static_cast<size_t>(std::ranges::count_if(entries_, [](const auto& entry) { return !entry->removed; }));
}

void CommandTable::rebuild() {
  size_t size = 64;
  while (size < names_.size() * 4) size *= 2;
  slots_.assign(size, {});
  mask_ = size - 1;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].empty()) continue;
    size_t at = hashName(names_[i]) & mask_;
    while (slots_[at].entry != nullptr) at = (at + 1) & mask_;
    slots_[at] = {names_[i], entries_[i].get()};
  }
}

}  // namespace vigil::command
