// LINDEX, LRANGE, LTRIM, LPOS: elements by their positions.
#include <algorithm>
#include <optional>

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
using ds::ChunkedList;

namespace {

// Both ends of a range as clients give them: negative ones count from the end.
struct Range {
  int64_t start;
  int64_t stop;
};

std::optional<Range> parseRange(Context& context) {
  ArgCursor args(context, 2);
  const auto start = args.integer();
  const auto stop = start ? args.integer() : std::nullopt;
  if (!stop) return std::nullopt;
  return Range{*start, *stop};
}

// The elements from `first` on, `count` of them, that a range names in a list of that size.
struct Slice {
  size_t first;
  size_t count;
};

Slice sliceOf(const Range& range, size_t elements) {
  const auto size = static_cast<int64_t>(elements);
  const int64_t start = std::max<int64_t>(range.start < 0 ? range.start + size : range.start, 0);
  const int64_t stop = std::min(range.stop < 0 ? range.stop + size : range.stop, size - 1);
  if (start > stop) return {0, 0};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

void lindex(Context& context) {
  auto& reply = context.reply();
  const auto found = findList(context, context.key(1));
  if (found.refused()) return;
  if (found.list == nullptr) return reply.null();
  const auto index = ArgCursor(context, 2).integer();
  if (!index) return;
  const auto at = listIndex(*found.list, *index);
  if (!at) return reply.null();
  replyElement(reply, found.list->at(*at));
}

void lrange(Context& context) {
  const auto range = parseRange(context);
  if (!range) return;
  const auto found = findList(context, context.key(1));
  if (found.refused()) return;
  if (found.list == nullptr) return context.reply().emptyArray();
  const Slice slice = sliceOf(*range, found.list->size());
  context.reply().array(slice.count);
  if (slice.count == 0) return;
  auto cursor = found.list->cursorAt(slice.first);
  for (size_t left = slice.count; left > 0; --left, cursor.next()) replyElement(context.reply(), cursor.element());
}

void ltrim(Context& context) {
  const auto range = parseRange(context);
  if (!range) return;
  const auto key = context.key(1);
  const auto found = findListForWrite(context, key);
  if (found.refused()) return;
  context.reply().ok();
  if (found.list == nullptr) return;
  const size_t size = found.list->size();
  const Slice kept = sliceOf(*range, size);
  found.list->eraseBack(size - kept.first - kept.count);
  found.list->eraseFront(kept.first);
  // As in Redis, watchers of the key take even a trim of nothing for a change; replicas need not hear of it.
  if (kept.count == size) context.propagateNothing();
  elementsRemoved(context, key, *found.list, "ltrim", size - kept.count);
}

// LPOS's options.
struct Search {
  int64_t rank = 1;              // which match is the first one wanted; negative: from the end
  std::optional<int64_t> count;  // how many are wanted at most, 0: all; absent: one, replied alone
  int64_t maxLength = 0;         // how many elements to look at, 0: all
};

std::optional<int64_t> parseRank(ArgCursor& args) {
  const auto rank = args.integerIn(-INT64_MAX, INT64_MAX);
  if (rank != 0) return rank;
  args.fail(
      "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
      "from the end of the list");
  return std::nullopt;
}

// False, with the error replied, if the options are not right.
bool parseSearch(Context& context, Search& search) {
  ArgCursor args(context, 3);
  while (!args.done()) {
    if (args.take("RANK", 1)) {
      const auto rank = parseRank(args);
      if (!rank) return false;
      search.rank = *rank;
    } else if (args.take("COUNT", 1)) {
      search.count = args.integerOr("ERR COUNT can't be negative", 0);
      if (!search.count) return false;
    } else if (args.take("MAXLEN", 1)) {
      const auto length = args.integerOr("ERR MAXLEN can't be negative", 0);
      if (!length) return false;
      search.maxLength = *length;
    } else {
      return args.syntaxError();
    }
  }
  return true;
}

// Calls `found` with the index of each match that the options want, in their order.
template <typename Found>
void searchList(const ChunkedList& list, std::string_view text, const Search& search, Found found) {
  const ds::ElementMatcher matcher(text);
  const bool backward = search.rank < 0;
  const int64_t firstRank = backward ? -search.rank : search.rank;
  const int64_t wanted = search.count.value_or(1);
  const auto size = static_cast<int64_t>(list.size());
  const int64_t looks = search.maxLength == 0 ? size : std::min(search.maxLength, size);
  auto cursor = list.cursorAt(backward ? list.size() - 1 : 0);
  int64_t matches = 0;
  for (int64_t looked = 0; looked < looks; ++looked) {
    if (matcher.matches(cursor.element()) && ++matches >= firstRank) {
      found(static_cast<int64_t>(cursor.index()));
      if (wanted != 0 && matches - firstRank + 1 >= wanted) return;
    }
    if (backward) {
      cursor.previous();
    } else {
      cursor.next();
    }
  }
}

void lpos(Context& context) {
  auto& reply = context.reply();
  Search search;
  if (!parseSearch(context, search)) return;
  const auto found = findList(context, context.key(1));
  if (found.refused()) return;
  if (search.count) {
    const size_t header = reply.mark();
    size_t replied = 0;
    const auto add = [&](int64_t index) {
      reply.integer(index);
      ++replied;
    };
    if (found.list != nullptr) searchList(*found.list, context.arg(2), search, add);
    reply.arrayAt(header, replied);
    return;
  }
  std::optional<int64_t> first;
  if (found.list != nullptr) searchList(*found.list, context.arg(2), search, [&](int64_t index) { first = index; });
  if (first) {
    reply.integer(*first);
  } else {
    reply.null();
  }
}

constexpr KeySpec kLindexKeys[] = {{.flags = command::kKeyRO | command::kKeyAccess}};
constexpr KeySpec kLtrimKeys[] = {{.flags = command::kKeyRW | command::kKeyDelete}};

constexpr CommandSpec kCommands[] = {
    {.name = "lindex",
     .arity = 3,
     .flags = command::kReadonly,
     .categories = command::kCatList,
     .keys = kLindexKeys,
     .handler = lindex,
     .group = "list",
     .since = "1.0.0",
     .summary = "Get an element from a list by its index",
     .complexity = "O(N) where N is the number of elements to traverse to get to the element at index. This makes "
                   "asking for the first or the last element of the list O(1).",
     .arguments = "key index:integer"},
    {.name = "lrange",
     .arity = 4,
     .flags = command::kReadonly,
     .categories = command::kCatList,
     .keys = kLindexKeys,
     .handler = lrange,
     .group = "list",
     .since = "1.0.0",
     .summary = "Get a range of elements from a list",
     .complexity = "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD "
                   "or TAIL) for large lists; and N is the number of elements in the specified range.",
     .arguments = "key start:integer stop:integer"},
    {.name = "ltrim",
     .arity = 4,
     .flags = command::kWrite,
     .categories = command::kCatList,
     .keys = kLtrimKeys,
     .handler = ltrim,
     .group = "list",
     .since = "1.0.0",
     .summary = "Trim a list to the specified range",
     .complexity = "O(N) where N is the number of elements to be removed by the operation.",
     .arguments = "key start:integer stop:integer"},
    {.name = "lpos",
     .arity = -3,
     .flags = command::kReadonly,
     .categories = command::kCatList,
     .keys = kLindexKeys,
     .handler = lpos,
     .group = "list",
     .since = "6.0.6",
     .summary = "Return the index of matching elements on a list",
     .complexity = "O(N) where N is the number of elements in the list, for the average case. When searching for "
                   "elements near the head or the tail of the list, or when the MAXLEN option is provided, the command "
                   "may run in constant time.",
     .arguments = "key element [rank:integer=RANK] [num-matches:integer=COUNT] [len:integer=MAXLEN]"},
};

}  // namespace

std::span<const CommandSpec> listRangeCommands() { return kCommands; }

}  // namespace vigil::commands
