// DEL, UNLINK, EXISTS, TOUCH, TYPE: whether keys are there.
#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "commands/keys_options.h"
#include "keyspace/database.h"

namespace vigil::commands {

using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::KeySpec;

namespace {

void deleteKeys(Context& context, bool lazily) {
  int64_t deleted = 0;
  for (size_t i = 1; i < context.argc(); ++i) {
    const auto key = context.key(i);
    if (!context.db().erase(key, lazily)) continue;
    ++deleted;
    context.changed(key, EventClass::kGeneric, "del");
  }
  context.reply().integer(deleted);
}

void del(Context& context) { deleteKeys(context, context.owner<KeyOptions>().lazyUserDelete); }

void unlink(Context& context) { deleteKeys(context, true); }

// A key that is named twice counts twice.
void exists(Context& context) {
  int64_t found = 0;
  for (size_t i = 1; i < context.argc(); ++i) found += context.db().findUntouched(context.key(i)) != nullptr;
  context.reply().integer(found);
}

void touch(Context& context) {
  int64_t found = 0;
  for (size_t i = 1; i < context.argc(); ++i) found += context.db().find(context.key(i)) != nullptr;
  context.reply().integer(found);
}

void type(Context& context) {
  const auto* entry = context.db().findUntouched(context.key(1));
  context.reply().simple(entry != nullptr ? keyspace::typeName(entry->type()) : "none");
}

constexpr KeySpec kDelKeys[] = {{.flags = command::kKeyRM | command::kKeyDelete, .last = -1}};
constexpr std::string_view kDelTips[] = {"request_policy:multi_shard", "response_policy:agg_sum"};
constexpr KeySpec kExistsKeys[] = {{.flags = command::kKeyRO, .last = -1}};
constexpr std::string_view kExistsHistory[] = {"3.0.3|Accepts multiple `key` arguments."};
constexpr KeySpec kTypeKeys[] = {{.flags = command::kKeyRO}};

constexpr CommandSpec kCommands[] = {
    {.name = "del",
     .arity = -2,
     .flags = command::kWrite,
     .categories = command::kCatKeyspace,
     .keys = kDelKeys,
     .handler = del,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Delete a key",
     .complexity = "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other "
                   "than a string, the individual complexity for this key is O(M) where M is the number of elements in "
                   "the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).",
     .tips = kDelTips,
     .arguments = "key+"},
    {.name = "unlink",
     .arity = -2,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kDelKeys,
     .handler = unlink,
     .group = "generic",
     .since = "4.0.0",
     .summary = "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.",
     .complexity =
         "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in "
         "order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
     .tips = kDelTips,
     .arguments = "key+"},
    {.name = "exists",
     .arity = -2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kExistsKeys,
     .handler = exists,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Determine if a key exists",
     .complexity = "O(N) where N is the number of keys to check.",
     .tips = kDelTips,
     .history = kExistsHistory,
     .arguments = "key+"},
    {.name = "touch",
     .arity = -2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kExistsKeys,
     .handler = touch,
     .group = "generic",
     .since = "3.2.1",
     .summary = "Alters the last access time of a key(s). Returns the number of existing keys specified.",
     .complexity = "O(N) where N is the number of keys that will be touched.",
     .tips = kDelTips,
     .arguments = "key+"},
    {.name = "type",
     .arity = 2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kTypeKeys,
     .handler = type,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Determine the type stored at key",
     .complexity = "O(1)",
     .arguments = "key"},
};

}  // namespace

std::span<const CommandSpec> keyExistenceCommands() { return kCommands; }

}  // namespace vigil::commands
