// LMPOP, BLMPOP, BLPOP, BRPOP: elements from the first of several keys that holds a list.
#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/list_access.h"
#include "commands/list_commands.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using command::KeySpec;
using command::TimeoutReply;

namespace {

// Some arguments of the call, all keys.
struct KeyArguments {
  size_t first;
  size_t count;
};

std::string_view popCommand(ListEnd end) { return end == ListEnd::kLeft ? "LPOP" : "RPOP"; }

// Calls `take(key, list)` for the first of the keys that holds a list. True if something was replied: by `take`, or
// that a key before it holds something else.
template <typename Take>
bool takeFromFirst(Context& context, KeyArguments keys, Take take) {
  for (size_t i = keys.first; i < keys.first + keys.count; ++i) {
    if (!context.servesFrom(context.arg(i))) continue;
    const auto key = context.key(i);
    const auto found = findSource(context, key);
    if (found.refused()) return true;
    if (found.list == nullptr) continue;
    take(key, *found.list);
    return true;
  }
  return false;
}

// What an LPOP or RPOP without a count would do, and the reply of BLPOP: the key and its element.
bool popOneFromFirst(Context& context, KeyArguments keys, ListEnd end) {
  return takeFromFirst(context, keys, [&](const keyspace::KeyRef& key, ds::ChunkedList& list) {
    context.reply().array(2);
    context.reply().bulk(key.name);
    replyElement(context.reply(), elementAt(list, end));
    popElement(list, end);
    elementsRemoved(context, key, list, popName(end), 1);
    context.propagate({popCommand(end), key.name});
  });
}

// The same for up to `most` elements: the key and an array of them.
bool popManyFromFirst(Context& context, KeyArguments keys, ListEnd end, size_t most) {
  return takeFromFirst(context, keys, [&](const keyspace::KeyRef& key, ds::ChunkedList& list) {
    const size_t count = std::min(most, list.size());
    context.reply().array(2);
    context.reply().bulk(key.name);
    popElementsWithReply(context.reply(), list, end, count);
    elementsRemoved(context, key, list, popName(end), count);
    context.propagate({popCommand(end), key.name, std::to_string(count)});
  });
}

void waitForAny(Context& context, KeyArguments keys, int64_t timeoutUs) {
  if (!context.mayBlock()) return context.reply().nullArray();
  std::vector<size_t> arguments(keys.count);
  std::iota(arguments.begin(), arguments.end(), keys.first);
  context.block(arguments, timeoutUs, TimeoutReply::kNullArray);
}

template <ListEnd kEnd>
void blockingPop(Context& context) {
  const size_t last = context.argc() - 1;
  const auto timeoutUs = ArgCursor(context, last).timeoutUs(context.now());
  if (!timeoutUs) return;
  const KeyArguments keys{1, last - 1};
  if (!popOneFromFirst(context, keys, kEnd)) waitForAny(context, keys, *timeoutUs);
}

// numkeys key [key ...] LEFT|RIGHT [COUNT count]
struct PopAny {
  KeyArguments keys;
  ListEnd end;
  size_t count = 1;
};

// The arguments from numkeys on.
std::optional<PopAny> parsePopAny(Context& context, size_t first) {
  ArgCursor args(context, first);
  const auto refuse = [&] {
    args.syntaxError();
    return std::nullopt;
  };
  const auto keys = args.integerOr("ERR numkeys should be greater than 0", 1);
  if (!keys) return std::nullopt;
  if (static_cast<uint64_t>(*keys) >= args.left()) return refuse();
  args.skip(static_cast<size_t>(*keys));
  const auto end = parseListEnd(args.next());
  if (!end) return refuse();
  PopAny parsed{{first + 1, static_cast<size_t>(*keys)}, *end};
  if (args.take("COUNT", 1)) {
    const auto count = args.integerOr("ERR count should be greater than 0", 1);
    if (!count) return std::nullopt;
    parsed.count = static_cast<size_t>(*count);
  }
  if (!args.finish()) return std::nullopt;
  return parsed;
}

void lmpop(Context& context) {
  const auto pop = parsePopAny(context, 1);
  if (pop && !popManyFromFirst(context, pop->keys, pop->end, pop->count)) context.reply().nullArray();
}

void blmpop(Context& context) {
  const auto pop = parsePopAny(context, 2);
  if (!pop) return;
  const auto timeoutUs = ArgCursor(context, 1).timeoutUs(context.now());
  if (!timeoutUs) return;
  if (!popManyFromFirst(context, pop->keys, pop->end, pop->count)) waitForAny(context, pop->keys, *timeoutUs);
}

constexpr KeySpec kLmpopKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete,
                                   .find = KeySpec::Find::kKeynum,
                                   .last = 0,
                                   .limit = 1}};
constexpr KeySpec kBlmpopKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete,
                                    .index = 2,
                                    .find = KeySpec::Find::kKeynum,
                                    .last = 0,
                                    .limit = 1}};
constexpr KeySpec kBlpopKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete, .last = -2}};
constexpr std::string_view kBlpopHistory[] = {"6.0.0|`timeout` is interpreted as a double instead of an integer."};

constexpr CommandSpec kCommands[] = {
    {.name = "lmpop",
     .arity = -4,
     .flags = command::kWrite | command::kMovableKeys,
     .categories = command::kCatList,
     .keys = kLmpopKeys,
     .handler = lmpop,
     .group = "list",
     .since = "7.0.0",
     .summary = "Pop elements from a list",
     .complexity = "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
     .arguments = "numkeys:integer key+ where:(LEFT|RIGHT) [count:integer=COUNT]"},
    {.name = "blmpop",
     .arity = -5,
     .flags = command::kWrite | command::kBlocking | command::kMovableKeys,
     .categories = command::kCatList | command::kCatBlocking,
     .keys = kBlmpopKeys,
     .handler = blmpop,
     .group = "list",
     .since = "7.0.0",
     .summary = "Pop elements from a list, or block until one is available",
     .complexity = "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
     .arguments = "timeout:double numkeys:integer key+ where:(LEFT|RIGHT) [count:integer=COUNT]"},
    {.name = "blpop",
     .arity = -3,
     .flags = command::kWrite | command::kNoscript | command::kBlocking,
     .categories = command::kCatList | command::kCatBlocking,
     .keys = kBlpopKeys,
     .handler = blockingPop<ListEnd::kLeft>,
     .group = "list",
     .since = "2.0.0",
     .summary = "Remove and get the first element in a list, or block until one is available",
     .complexity = "O(N) where N is the number of provided keys.",
     .history = kBlpopHistory,
     .arguments = "key+ timeout:double"},
    {.name = "brpop",
     .arity = -3,
     .flags = command::kWrite | command::kNoscript | command::kBlocking,
     .categories = command::kCatList | command::kCatBlocking,
     .keys = kBlpopKeys,
     .handler = blockingPop<ListEnd::kRight>,
     .group = "list",
     .since = "2.0.0",
     .summary = "Remove and get the last element in a list, or block until one is available",
     .complexity = "O(N) where N is the number of provided keys.",
     .history = kBlpopHistory,
     .arguments = "key+ timeout:double"},
};

}  // namespace

std::span<const CommandSpec> listPopAnyCommands() { return kCommands; }

}  // namespace vigil::commands
