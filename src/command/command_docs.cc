#include "command/command_docs.h"

#include <algorithm>

#include "base/text.h"

namespace vigil::command {

namespace {

constexpr FlagName kFlagNames[] = {
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kModule, "module"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoscript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kAsking, "asking"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoMandatoryKeys, "no_mandatory_keys"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
};

constexpr FlagName kKeyFlagNames[] = {
    {kKeyRO, "RO"},
    {kKeyRW, "RW"},
    {kKeyOW, "OW"},
    {kKeyRM, "RM"},
    {kKeyAccess, "access"},
    {kKeyUpdate, "update"},
    {kKeyInsert, "insert"},
    {kKeyDelete, "delete"},
    {kKeyNotKey, "not_key"},
    {kKeyIncomplete, "incomplete"},
    {kKeyVariableFlags, "variable_flags"},
};

// In the order in which COMMAND shows them.
constexpr FlagName kCategoryNames[] = {
    {kCatKeyspace, "keyspace"},
    {kCatRead, "read"},
    {kCatWrite, "write"},
    {kCatSet, "set"},
    {kCatSortedSet, "sortedset"},
    {kCatList, "list"},
    {kCatHash, "hash"},
    {kCatString, "string"},
    {kCatBitmap, "bitmap"},
    {kCatHyperLogLog, "hyperloglog"},
    {kCatGeo, "geo"},
    {kCatStream, "stream"},
    {kCatPubsub, "pubsub"},
    {kCatAdmin, "admin"},
    {kCatFast, "fast"},
    {kCatSlow, "slow"},
    {kCatBlocking, "blocking"},
    {kCatDangerous, "dangerous"},
    {kCatConnection, "connection"},
    {kCatTransaction, "transaction"},
    {kCatScripting, "scripting"},
};

void replyFlags(Reply& reply, uint64_t flags, std::span<const FlagName> names, std::string_view prefix = {}) {
  const size_t start = reply.mark();
  size_t count = 0;
  for (const FlagName& name : names) {
    if ((flags & name.flag) == 0) continue;
    reply.simple(std::string(prefix) + std::string(name.name));
    ++count;
  }
  reply.setAt(start, count);
}

// First and last key and the step between them, as COMMAND knew keys before there were key specifications.
struct LegacyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};

LegacyRange legacyRange(std::span<const KeySpec> specs) {
  const auto isPlain = [](const KeySpec& spec) {
    return spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange;
  };
  const auto lastOf = [](const KeySpec& spec) { return spec.last >= 0 ? spec.index + spec.last : spec.last; };
  if (specs.size() == 1 && isPlain(specs[0])) return {specs[0].index, lastOf(specs[0]), specs[0].step};
  LegacyRange range;
  for (const KeySpec& spec : specs) {
    const bool follows = range.last == 0 || range.last == spec.index - 1;
    if (!isPlain(spec) || spec.step != 1 || !follows) continue;
    if (range.first == 0 || spec.index < range.first) range.first = spec.index;
    // A negative last key, counted from the end, is behind any positive one.
    const int last = lastOf(spec);
    if (static_cast<unsigned>(last) > static_cast<unsigned>(range.last)) range.last = last;
    range.step = 1;
  }
  return range;
}

void replyBeginSearch(Reply& reply, const KeySpec& spec) {
  reply.bulk("begin_search");
  reply.map(2);
  reply.bulk("type");
  switch (spec.begin) {
    case KeySpec::Begin::kIndex:
      reply.bulk("index");
      reply.bulk("spec");
      reply.map(1);
      reply.bulk("index");
      return reply.integer(spec.index);
    case KeySpec::Begin::kKeyword:
      reply.bulk("keyword");
      reply.bulk("spec");
      reply.map(2);
      reply.bulk("keyword");
      reply.bulk(spec.keyword);
      reply.bulk("startfrom");
      return reply.integer(spec.index);
    case KeySpec::Begin::kUnknown:
      reply.bulk("unknown");
      reply.bulk("spec");
      return reply.map(0);
  }
}

void replyFindKeys(Reply& reply, const KeySpec& spec) {
  reply.bulk("find_keys");
  reply.map(2);
  reply.bulk("type");
  if (spec.find == KeySpec::Find::kUnknown) {
    reply.bulk("unknown");
    reply.bulk("spec");
    return reply.map(0);
  }
  const bool isRange = spec.find == KeySpec::Find::kRange;
  reply.bulk(isRange ? "range" : "keynum");
  reply.bulk("spec");
  reply.map(3);
  reply.bulk(isRange ? "lastkey" : "keynumidx");
  reply.integer(spec.last);
  reply.bulk(isRange ? "keystep" : "firstkey");
  reply.integer(isRange ? spec.step : spec.limit);
  reply.bulk(isRange ? "limit" : "keystep");
  reply.integer(isRange ? spec.limit : spec.step);
}

void replyKeySpecs(Reply& reply, std::span<const KeySpec> specs) {
  reply.set(specs.size());
  for (const KeySpec& spec : specs) {
    reply.map(spec.notes.empty() ? 3 : 4);
    if (!spec.notes.empty()) {
      reply.bulk("notes");
      reply.bulk(spec.notes);
    }
    reply.bulk("flags");
    replyFlags(reply, spec.flags, kKeyFlagNames);
    replyBeginSearch(reply, spec);
    replyFindKeys(reply, spec);
  }
}

void replyInfo(Reply& reply, const CommandEntry* entry) {
  if (entry == nullptr) return reply.null();
  const CommandSpec& spec = *entry->spec;
  const LegacyRange range = legacyRange(spec.keys);
  reply.array(10);
  reply.bulk(entry->fullName);
  reply.integer(spec.arity);
  replyFlags(reply, spec.flags, kFlagNames);
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  replyFlags(reply, categoriesOf(spec), kCategoryNames, "@");
  reply.set(spec.tips.size());
  for (std::string_view tip : spec.tips) reply.bulk(tip);
  replyKeySpecs(reply, spec.keys);
  if (entry->subcommands.empty()) return reply.set(0);
  reply.array(entry->subcommands.size());
  for (const auto& subcommand : entry->subcommands) replyInfo(reply, subcommand.get());
}

bool listedBy(Args filter, const CommandEntry& entry) {
  if (filter.empty() || equalsIgnoreCase(filter[1], "MODULE")) return filter.empty();
  if (equalsIgnoreCase(filter[1], "PATTERN")) return stringMatch(filter[2], entry.fullName, true);
  for (const FlagName& category : kCategoryNames) {
    if (equalsIgnoreCase(category.name, filter[2])) return (categoriesOf(*entry.spec) & category.flag) != 0;
  }
  return false;
}

}  // namespace

std::span<const FlagName> commandFlagNames() { return kFlagNames; }
std::span<const FlagName> categoryNames() { return kCategoryNames; }

const CommandEntry* findFullName(const CommandTable& table, std::string_view name) {
  const size_t bar = name.find('|');
  const CommandEntry* entry = table.find(name.substr(0, bar));
  if (entry == nullptr || bar == std::string_view::npos) return entry;
  return entry->subcommand(name.substr(bar + 1));
}

void replyCommandInfo(Reply& reply, const CommandTable& table, Args names) {
  reply.array(names.empty() ? table.callable() : names.size());
  for (std::string_view name : names) replyInfo(reply, findFullName(table, name));
  if (!names.empty()) return;
  for (const auto& entry : table.entries()) {
    if (!entry->removed) replyInfo(reply, entry.get());
  }
}

void replyCommandCount(Reply& reply, const CommandTable& table) {
  reply.integer(static_cast<int64_t>(table.callable()));
}

void replyCommandList(Reply& reply, const CommandTable& table, Args filter) {
  const bool known =
      filter.empty() || (filter.size() == 3 && equalsIgnoreCase(filter[0], "FILTERBY") &&
                         (equalsIgnoreCase(filter[1], "MODULE") || equalsIgnoreCase(filter[1], "ACLCAT") ||
                          equalsIgnoreCase(filter[1], "PATTERN")));
  if (!known) return reply.syntaxError();
  const size_t start = reply.mark();
  size_t count = 0;
  const auto list = [&](const CommandEntry& entry) {
    if (!listedBy(filter, entry)) return;
    reply.bulk(entry.fullName);
    ++count;
  };
  for (const auto& entry : table.entries()) {
    if (entry->removed) continue;
    list(*entry);
    for (const auto& subcommand : entry->subcommands) list(*subcommand);
  }
  reply.arrayAt(start, count);
}

void replyCommandKeys(Reply& reply, const CommandTable& table, Args call, bool withFlags) {
  const CommandEntry* entry = call.empty() ? nullptr : table.find(call[0]);
  if (entry != nullptr && !entry->subcommands.empty()) {
    entry = call.size() > 1 ? entry->subcommand(call[1]) : nullptr;
  }
  if (entry == nullptr) return reply.error("ERR Invalid command specified");
  const CommandSpec& spec = *entry->spec;
  const bool none = std::ranges::all_of(spec.keys, [](const KeySpec& key) { return (key.flags & kKeyNotKey) != 0; });
  if (none && spec.findKeys == nullptr) return reply.error("ERR The command has no key arguments");
  const auto argc = static_cast<int>(call.size());
  if (spec.arity > 0 ? argc != spec.arity : argc < -spec.arity) {
    return reply.error("ERR Invalid number of arguments specified for command");
  }
  std::vector<KeyPosition> keys;
  if ((!findKeys(spec, call, keys) || keys.empty()) && (spec.flags & kNoMandatoryKeys) == 0) {
    return reply.error("ERR Invalid arguments specified for command");
  }
  reply.array(keys.size());
  for (const KeyPosition& key : keys) {
    if (withFlags) reply.array(2);
    reply.bulk(call[static_cast<size_t>(key.argument)]);
    if (withFlags) replyFlags(reply, key.flags, kKeyFlagNames);
  }
}

}  // namespace vigil::command
