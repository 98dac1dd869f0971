// LPUSH, RPUSH, LPUSHX, RPUSHX, LPOP, RPOP, LLEN: the ends of a list.
#include <algorithm>

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

namespace {

enum class IfAbsent : uint8_t { kCreate, kRefuse };

template <ListEnd kEnd, IfAbsent kIfAbsent>
void push(Context& context) {
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused() || !elementsFit(context, 2)) return;
  if (found.list == nullptr && kIfAbsent == IfAbsent::kRefuse) {
    context.reply().integer(0);
    return;
  }
  auto& list = found.list != nullptr ? *found.list : createList(context, key);
  for (auto element : context.args().subspan(2)) pushElement(list, kEnd, element);
  context.reply().integer(static_cast<int64_t>(list.size()));
  elementsAdded(context, key, pushName(kEnd), context.argc() - 2);
}

template <ListEnd kEnd>
void popOne(Context& context) {
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused()) return;
  if (found.list == nullptr) {
    context.reply().null();
    return;
  }
  replyElement(context.reply(), elementAt(*found.list, kEnd));
  popElement(*found.list, kEnd);
  elementsRemoved(context, key, *found.list, popName(kEnd), 1);
}

template <ListEnd kEnd>
void popMany(Context& context) {
  const auto count = ArgCursor(context, 2).integerOr("ERR value is out of range, must be positive", 0);
  if (!count) return;
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused()) return;
  if (found.list == nullptr) {
    context.reply().nullArray();
  } else if (*count == 0) {
    context.reply().emptyArray();
  } else {
    const size_t taken = std::min(found.list->size(), static_cast<size_t>(*count));
    popElementsWithReply(context.reply(), *found.list, kEnd, taken);
    elementsRemoved(context, key, *found.list, popName(kEnd), taken);
  }
}

template <ListEnd kEnd>
void pop(Context& context) {
  switch (context.argc()) {
    case 2:
      return popOne<kEnd>(context);
    case 3:
      return popMany<kEnd>(context);
    default:
      return context.reply().error(kEnd == ListEnd::kLeft ? "ERR wrong number of arguments for 'lpop' command"
                                                          : "ERR wrong number of arguments for 'rpop' command");
  }
}

void llen(Context& context) {
  const auto found = findList(context, context.key(1));
  if (found.refused()) return;
  context.reply().integer(found.list != nullptr ? static_cast<int64_t>(found.list->size()) : 0);
}

constexpr KeySpec kLpushKeys[] = {{.flags = command::kKeyRW | command::kKeyInsert}};
constexpr std::string_view kLpushHistory[] = {"2.4.0|Accepts multiple `element` arguments."};
constexpr std::string_view kLpushxHistory[] = {"4.0.0|Accepts multiple `element` arguments."};
constexpr KeySpec kLpopKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete}};
constexpr std::string_view kLpopHistory[] = {"6.2.0|Added the `count` argument."};
constexpr KeySpec kLlenKeys[] = {{.flags = command::kKeyRO}};

constexpr CommandSpec kCommands[] = {
    {.name = "lpush",
     .arity = -3,
     .flags = command::kWrite | command::kDenyOom | command::kFast,
     .categories = command::kCatList,
     .keys = kLpushKeys,
     .handler = push<ListEnd::kLeft, IfAbsent::kCreate>,
     .group = "list",
     .since = "1.0.0",
     .summary = "Prepend one or multiple elements to a list",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
     .history = kLpushHistory,
     .arguments = "key element+"},
    {.name = "rpush",
     .arity = -3,
     .flags = command::kWrite | command::kDenyOom | command::kFast,
     .categories = command::kCatList,
     .keys = kLpushKeys,
     .handler = push<ListEnd::kRight, IfAbsent::kCreate>,
     .group = "list",
     .since = "1.0.0",
     .summary = "Append one or multiple elements to a list",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
     .history = kLpushHistory,
     .arguments = "key element+"},
    {.name = "lpushx",
     .arity = -3,
     .flags = command::kWrite | command::kDenyOom | command::kFast,
     .categories = command::kCatList,
     .keys = kLpushKeys,
     .handler = push<ListEnd::kLeft, IfAbsent::kRefuse>,
     .group = "list",
     .since = "2.2.0",
     .summary = "Prepend an element to a list, only if the list exists",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
     .history = kLpushxHistory,
     .arguments = "key element+"},
    {.name = "rpushx",
     .arity = -3,
     .flags = command::kWrite | command::kDenyOom | command::kFast,
     .categories = command::kCatList,
     .keys = kLpushKeys,
     .handler = push<ListEnd::kRight, IfAbsent::kRefuse>,
     .group = "list",
     .since = "2.2.0",
     .summary = "Append an element to a list, only if the list exists",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
     .history = kLpushxHistory,
     .arguments = "key element+"},
    {.name = "lpop",
     .arity = -2,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatList,
     .keys = kLpopKeys,
     .handler = pop<ListEnd::kLeft>,
     .group = "list",
     .since = "1.0.0",
     .summary = "Remove and get the first elements in a list",
     .complexity = "O(N) where N is the number of elements returned",
     .history = kLpopHistory,
     .arguments = "key [count:integer@6.2.0]"},
    {.name = "rpop",
     .arity = -2,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatList,
     .keys = kLpopKeys,
     .handler = pop<ListEnd::kRight>,
     .group = "list",
     .since = "1.0.0",
     .summary = "Remove and get the last elements in a list",
     .complexity = "O(N) where N is the number of elements returned",
     .history = kLpopHistory,
     .arguments = "key [count:integer@6.2.0]"},
    {.name = "llen",
     .arity = 2,
     .flags = command::kReadonly | command::kFast,
     .categories = command::kCatList,
     .keys = kLlenKeys,
     .handler = llen,
     .group = "list",
     .since = "1.0.0",
     .summary = "Get the length of a list",
     .complexity = "O(1)",
     .arguments = "key"},
};

}  // namespace

std::span<const CommandSpec> listPushPopCommands() { return kCommands; }

}  // namespace vigil::commands
