// OBJECT: how a value is held, and how recently or often it was used.
#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "ds/chunked_list.h"
#include "keyspace/access_clock.h"
#include "keyspace/database.h"

namespace vigil::commands {

using command::CommandSpec;
using command::Context;
using command::KeySpec;
using keyspace::Entry;

namespace {

constexpr size_t kMaxEmbstrSize = 44;
// Numbers that Redis keeps one shared object each for, and what it shows as their reference count.
constexpr int64_t kSharedNumbers = 10000;
constexpr int64_t kSharedReferences = 2147483647;

// The entry at argument 2, without a trace of the look-up; nullptr, with null replied, if there is none.
const Entry* inspect(Context& context) {
  const Entry* entry = context.db().peek(context.key(2));
  if (entry == nullptr) context.reply().null();
  return entry;
}

void encoding(Context& context) {
  if (const auto* entry = inspect(context)) context.reply().bulk(encodingName(*entry));
}

void refcount(Context& context) {
  const auto* entry = inspect(context);
  if (entry != nullptr) context.reply().integer(shownReferences(*entry));
}

void idletime(Context& context) {
  const auto* entry = inspect(context);
  if (entry == nullptr) return;
  if (context.db().accessPolicy().lfu) {
    return context.reply().error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between "
        "policies at runtime LRU and LFU data will take some time to adjust.");
  }
  context.reply().integer(keyspace::lruIdleSeconds(entry->access(), context.now()));
}

void freq(Context& context) {
  const auto* entry = inspect(context);
  if (entry == nullptr) return;
  const auto policy = context.db().accessPolicy();
  if (!policy.lfu) {
    return context.reply().error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
        "between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  context.reply().integer(keyspace::lfuDecay(entry->access(), context.now(), policy.lfuDecayMinutes));
}

void help(Context& context) {
  static constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "ENCODING <key>",
      "    Return the kind of internal representation used in order to store the value",
      "    associated with a <key>.",
      "FREQ <key>",
      "    Return the access frequency index of the <key>. The returned integer is",
      "    proportional to the logarithm of the recent access frequency of the key.",
      "IDLETIME <key>",
      "    Return the idle time of the <key>, that is the approximated number of",
      "    seconds elapsed since the last access to the key.",
      "REFCOUNT <key>",
      "    Return the number of references of the value associated with the specified",
      "    <key>.",
      "HELP",
      "    Prints this help.",
  };
  context.reply().array(std::size(kLines));
  for (auto line : kLines) context.reply().simple(line);
}

constexpr KeySpec kEncodingKeys[] = {{.flags = command::kKeyRO, .index = 2}};
constexpr std::string_view kEncodingTips[] = {"nondeterministic_output"};

constexpr CommandSpec kSubcommands[] = {
    {.name = "encoding",
     .arity = 3,
     .flags = command::kReadonly,
     .categories = command::kCatKeyspace,
     .keys = kEncodingKeys,
     .handler = encoding,
     .group = "generic",
     .since = "2.2.3",
     .summary = "Inspect the internal encoding of a Redis object",
     .complexity = "O(1)",
     .tips = kEncodingTips,
     .arguments = "key"},
    {.name = "freq",
     .arity = 3,
     .flags = command::kReadonly,
     .categories = command::kCatKeyspace,
     .keys = kEncodingKeys,
     .handler = freq,
     .group = "generic",
     .since = "4.0.0",
     .summary = "Get the logarithmic access frequency counter of a Redis object",
     .complexity = "O(1)",
     .tips = kEncodingTips,
     .arguments = "key"},
    {.name = "help",
     .arity = 2,
     .flags = command::kLoading | command::kStale | command::kNoLocks,
     .categories = command::kCatKeyspace,
     .handler = help,
     .group = "generic",
     .since = "6.2.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
    {.name = "idletime",
     .arity = 3,
     .flags = command::kReadonly,
     .categories = command::kCatKeyspace,
     .keys = kEncodingKeys,
     .handler = idletime,
     .group = "generic",
     .since = "2.2.3",
     .summary = "Get the time since a Redis object was last accessed",
     .complexity = "O(1)",
     .tips = kEncodingTips,
     .arguments = "key"},
    {.name = "refcount",
     .arity = 3,
     .flags = command::kReadonly,
     .categories = command::kCatKeyspace,
     .keys = kEncodingKeys,
     .handler = refcount,
     .group = "generic",
     .since = "2.2.3",
     .summary = "Get the number of references to the value of the key",
     .complexity = "O(1)",
     .tips = kEncodingTips,
     .arguments = "key"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "object",
     .arity = -2,
     .subcommands = kSubcommands,
     .group = "generic",
     .since = "2.2.3",
     .summary = "A container for object introspection commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::string_view encodingName(const Entry& entry) {
  if (entry.isList()) return entry.list().isSingleChunk() ? "listpack" : "quicklist";
  if (entry.isInt()) return "int";
  return !entry.edited() && entry.stringSize() <= kMaxEmbstrSize ? "embstr" : "raw";
}

int64_t shownReferences(const Entry& entry) {
  const bool shared = entry.isString() && entry.isInt() && entry.number() >= 0 && entry.number() < kSharedNumbers;
  return shared ? kSharedReferences : 1;
}

std::span<const CommandSpec> keyObjectCommands() { return kCommands; }

}  // namespace vigil::commands
