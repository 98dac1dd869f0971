// LSET, LINSERT, LREM: changes inside a list.
#include "base/text.h"
#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/list_access.h"
#include "commands/list_commands.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::KeySpec;
using ds::ChunkedList;

namespace {

void lset(Context& context) {
  auto& reply = context.reply();
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused()) return;
  if (found.list == nullptr) return reply.noSuchKey();
  const auto index = ArgCursor(context, 2).integer();
  if (!index) return;
  if (!elementsFit(context, 3)) return;
  const auto at = listIndex(*found.list, *index);
  if (!at) return reply.outOfRange();
  found.list->set(*at, context.arg(3));
  reply.ok();
  context.changed(key, EventClass::kList, "lset");
}

void linsert(Context& context) {
  auto& reply = context.reply();
  const bool before = equalsIgnoreCase(context.arg(2), "before");
  if (!before && !equalsIgnoreCase(context.arg(2), "after")) return reply.syntaxError();
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused()) return;
  if (found.list == nullptr) return reply.integer(0);
  if (!elementsFit(context, 4)) return;
  const auto pivot = found.list->find(ds::ElementMatcher(context.arg(3)));
  if (!pivot) return reply.integer(-1);
  found.list->insert(before ? *pivot : *pivot + 1, context.arg(4));
  reply.integer(static_cast<int64_t>(found.list->size()));
  context.changed(key, EventClass::kList, "linsert");
}

void lrem(Context& context) {
  auto& reply = context.reply();
  const auto count = ArgCursor(context, 2).integerIn(-INT64_MAX, INT64_MAX);
  if (!count) return;
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused()) return;
  if (found.list == nullptr) return reply.integer(0);
  const auto from = *count < 0 ? ChunkedList::Direction::kBackward : ChunkedList::Direction::kForward;
  const size_t limit = *count == 0 ? SIZE_MAX : static_cast<size_t>(*count < 0 ? -*count : *count);
  const size_t removed = found.list->removeMatching(ds::ElementMatcher(context.arg(3)), limit, from);
  reply.integer(static_cast<int64_t>(removed));
  if (removed > 0) elementsRemoved(context, key, *found.list, "lrem", removed);
}

constexpr KeySpec kLsetKeys[] = {{.flags = command::kKeyRW | command::kKeyUpdate}};
constexpr KeySpec kLinsertKeys[] = {{.flags = command::kKeyRW | command::kKeyInsert}};
constexpr KeySpec kLremKeys[] = {{.flags = command::kKeyRW | command::kKeyDelete}};

constexpr CommandSpec kCommands[] = {
    {.name = "lset",
     .arity = 4,
     .flags = command::kWrite | command::kDenyOom,
     .categories = command::kCatList,
     .keys = kLsetKeys,
     .handler = lset,
     .group = "list",
     .since = "1.0.0",
     .summary = "Set the value of an element in a list by its index",
     .complexity =
         "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
     .arguments = "key index:integer element"},
    {.name = "linsert",
     .arity = 5,
     .flags = command::kWrite | command::kDenyOom,
     .categories = command::kCatList,
     .keys = kLinsertKeys,
     .handler = linsert,
     .group = "list",
     .since = "2.2.0",
     .summary = "Insert an element before or after another element in a list",
     .complexity = "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that "
                   "inserting somewhere on the left end on the list (head) can be considered O(1) and inserting "
                   "somewhere on the right end (tail) is O(N).",
     .arguments = "key where:(BEFORE|AFTER) pivot element"},
    {.name = "lrem",
     .arity = 4,
     .flags = command::kWrite,
     .categories = command::kCatList,
     .keys = kLremKeys,
     .handler = lrem,
     .group = "list",
     .since = "1.0.0",
     .summary = "Remove elements from a list",
     .complexity = "O(N+M) where N is the length of the list and M is the number of elements removed.",
     .arguments = "key count:integer element"},
};

}  // namespace

std::span<const CommandSpec> listEditCommands() { return kCommands; }

}  // namespace vigil::commands
