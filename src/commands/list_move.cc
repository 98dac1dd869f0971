// LMOVE, RPOPLPUSH, BLMOVE, BRPOPLPUSH: an element from one list to another.
#include <string>

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
using keyspace::KeyRef;

namespace {

struct Ends {
  ListEnd from;
  ListEnd to;
};
constexpr Ends kRightToLeft{ListEnd::kRight, ListEnd::kLeft};

// Arguments 3 and 4, LEFT or RIGHT each; nullopt, with the error replied, if they are not.
std::optional<Ends> parseEnds(Context& context) {
  const auto from = parseListEnd(context.arg(3));
  const auto to = parseListEnd(context.arg(4));
  if (!from || !to) {
    context.reply().syntaxError();
    return std::nullopt;
  }
  return Ends{*from, *to};
}

enum class Moved : uint8_t { kDone, kRefused, kNoSource };

// Moves an element from the list at argument 1 to that at argument 2 and replies it. kNoSource: nothing was replied.
Moved moveElement(Context& context, Ends ends) {
  const KeyRef sourceKey = context.key(1);
  const KeyRef targetKey = context.key(2);
  auto source = findSource(context, sourceKey);
  if (source.refused()) return Moved::kRefused;
  if (source.list == nullptr) return Moved::kNoSource;
  auto target = findListForWrite(context, targetKey);
  if (target.refused()) return Moved::kRefused;
  if (target.list == nullptr) {
    target.list = &createList(context, targetKey);
    source = findListForWrite(context, sourceKey);  // the new key ended the pointer
  }
  const ds::Element element = elementAt(*source.list, ends.from);
  replyElement(context.reply(), element);
  ds::IntegerText digits;
  const std::string_view text = ds::toText(element, digits);
  // What is pushed must not view the list that takes it. Pushed before it is popped, so that no list is ever empty.
  if (source.list == target.list) {
    pushElement(*target.list, ends.to, std::string(text));
  } else {
    pushElement(*target.list, ends.to, text);
  }
  popElement(*source.list, ends.from);
  elementsAdded(context, targetKey, pushName(ends.to), 1);
  elementsRemoved(context, sourceKey, *source.list, popName(ends.from), 0);
  return Moved::kDone;
}

void lmove(Context& context) {
  const auto ends = parseEnds(context);
  if (ends && moveElement(context, *ends) == Moved::kNoSource) context.reply().null();
}

void rpoplpush(Context& context) {
  if (moveElement(context, kRightToLeft) == Moved::kNoSource) context.reply().null();
}

void waitForSource(Context& context, int64_t timeoutUs) {
  if (!context.mayBlock()) return context.reply().null();
  static constexpr size_t kSource[] = {1};
  context.block(kSource, timeoutUs, TimeoutReply::kNullArray);
}

void blmove(Context& context) {
  const auto ends = parseEnds(context);
  if (!ends) return;
  const auto timeoutUs = ArgCursor(context, 5).timeoutUs(context.now());
  if (!timeoutUs) return;
  switch (moveElement(context, *ends)) {
    case Moved::kDone:
      return context.propagate({"LMOVE", context.arg(1), context.arg(2), context.arg(3), context.arg(4)});
    case Moved::kNoSource:
      return waitForSource(context, *timeoutUs);
    case Moved::kRefused:
      return;
  }
}

void brpoplpush(Context& context) {
  const auto timeoutUs = ArgCursor(context, 3).timeoutUs(context.now());
  if (!timeoutUs) return;
  switch (moveElement(context, kRightToLeft)) {
    case Moved::kDone:
      return context.propagate({"RPOPLPUSH", context.arg(1), context.arg(2)});
    case Moved::kNoSource:
      return waitForSource(context, *timeoutUs);
    case Moved::kRefused:
      return;
  }
}

constexpr KeySpec kLmoveKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete},
                                  {.flags = command::kKeyRW | command::kKeyInsert, .index = 2}};
constexpr std::string_view kBrpoplpushHistory[] = {"6.0.0|`timeout` is interpreted as a double instead of an integer."};

constexpr CommandSpec kCommands[] = {
    {.name = "lmove",
     .arity = 5,
     .flags = command::kWrite | command::kDenyOom,
     .categories = command::kCatList,
     .keys = kLmoveKeys,
     .handler = lmove,
     .group = "list",
     .since = "6.2.0",
     .summary = "Pop an element from a list, push it to another list and return it",
     .complexity = "O(1)",
     .arguments = "source:key destination:key#1 wherefrom:(LEFT|RIGHT) whereto:(LEFT|RIGHT)"},
    {.name = "rpoplpush",
     .arity = 3,
     .flags = command::kWrite | command::kDenyOom,
     .categories = command::kCatList,
     .keys = kLmoveKeys,
     .handler = rpoplpush,
     .group = "list",
     .since = "1.2.0",
     .summary = "Remove the last element in a list, prepend it to another list and return it",
     .complexity = "O(1)",
     .deprecatedSince = "6.2.0",
     .replacedBy = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
     .arguments = "source:key destination:key#1"},
    {.name = "blmove",
     .arity = 6,
     .flags = command::kWrite | command::kDenyOom | command::kNoscript | command::kBlocking,
     .categories = command::kCatList | command::kCatBlocking,
     .keys = kLmoveKeys,
     .handler = blmove,
     .group = "list",
     .since = "6.2.0",
     .summary = "Pop an element from a list, push it to another list and return it; or block until one is available",
     .complexity = "O(1)",
     .arguments = "source:key destination:key#1 wherefrom:(LEFT|RIGHT) whereto:(LEFT|RIGHT) timeout:double"},
    {.name = "brpoplpush",
     .arity = 4,
     .flags = command::kWrite | command::kDenyOom | command::kNoscript | command::kBlocking,
     .categories = command::kCatList | command::kCatBlocking,
     .keys = kLmoveKeys,
     .handler = brpoplpush,
     .group = "list",
     .since = "2.2.0",
     .summary = "Pop an element from a list, push it to another list and return it; or block until one is available",
     .complexity = "O(1)",
     .deprecatedSince = "6.2.0",
     .replacedBy = "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
     .history = kBrpoplpushHistory,
     .arguments = "source:key destination:key#1 timeout:double"},
};

}  // namespace

std::span<const CommandSpec> listMoveCommands() { return kCommands; }

}  // namespace vigil::commands
