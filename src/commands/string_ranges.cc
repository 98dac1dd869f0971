// Parts of strings: APPEND, SETRANGE, GETRANGE and its old name SUBSTR.
#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "command/args.h"
#include "command/spec.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"

namespace vigil::commands {

namespace {

using namespace command;  // NOLINT(google-build-using-namespace): the rows name many of its flags
using keyspace::Entry;
using keyspace::KeyRef;

void appendCommand(Context& context) {
  const KeyRef key = context.key(1);
  const auto found = findStringForWrite(context, key);
  if (found.refused()) return;
  const std::string_view tail = context.arg(2);
  if (found.entry != nullptr && !sizeFits(context, found.entry->stringSize(), tail.size())) return;
  const size_t size = context.db().appendString(key, tail);
  context.changed(key, EventClass::kString, "append");
  context.reply().integer(static_cast<int64_t>(size));
}

void setrangeCommand(Context& context) {
  const auto offset = parseInt64(context.arg(2));
  if (!offset) return context.reply().notInteger();
  if (*offset < 0) return context.reply().error("ERR offset is out of range");
  const KeyRef key = context.key(1);
  const auto found = findStringForWrite(context, key);
  if (found.refused()) return;
  const std::string_view value = context.arg(3);
  if (value.empty()) {
    return context.reply().integer(found.entry != nullptr ? static_cast<int64_t>(found.entry->stringSize()) : 0);
  }
  const auto start = static_cast<size_t>(*offset);
  if (!sizeFits(context, start, value.size())) return;
  const std::span<char> bytes = context.db().editString(key, start + value.size());
  std::memcpy(bytes.data() + start, value.data(), value.size());
  context.changed(key, EventClass::kString, "setrange");
  context.reply().integer(static_cast<int64_t>(bytes.size()));
}

void getrangeCommand(Context& context) {
  ArgCursor args(context, 2);
  const auto first = args.integer();
  const auto last = first ? args.integer() : first;
  if (!last) return;
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  if (found.entry == nullptr) return context.reply().bulk("");
  Entry::Scratch scratch;
  const std::string_view value = found.entry->stringValue(scratch);
  const auto size = static_cast<int64_t>(value.size());
  if (*first < 0 && *last < 0 && *first > *last) return context.reply().bulk("");
  const int64_t start = *first < 0 ? std::max<int64_t>(0, *first + size) : *first;
  const int64_t end = std::min(size - 1, *last < 0 ? std::max<int64_t>(0, *last + size) : *last);
  if (start > end) return context.reply().bulk("");
  context.reply().bulk(value.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1)));
}

constexpr KeySpec kAppendKeys[] = {{.flags = kKeyRW | kKeyInsert}};
constexpr KeySpec kSetrangeKeys[] = {{.flags = kKeyRW | kKeyUpdate}};
constexpr KeySpec kGetrangeKeys[] = {{.flags = kKeyRO | kKeyAccess}};

constexpr CommandSpec kCommands[] = {
    {.name = "append",
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kCatString,
     .keys = kAppendKeys,
     .handler = appendCommand,
     .group = "string",
     .since = "2.0.0",
     .summary = "Append a value to a key",
     .complexity = "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already "
                   "present value is of any size, since the dynamic string library used by Redis will double the free "
                   "space available on every reallocation.",
     .arguments = "key value"},
    {.name = "setrange",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kCatString,
     .keys = kSetrangeKeys,
     .handler = setrangeCommand,
     .group = "string",
     .since = "2.2.0",
     .summary = "Overwrite part of a string at key starting at the specified offset",
     .complexity =
         "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the "
         "amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
     .arguments = "key offset:integer value"},
    {.name = "getrange",
     .arity = 4,
     .flags = kReadonly,
     .categories = kCatString,
     .keys = kGetrangeKeys,
     .handler = getrangeCommand,
     .group = "string",
     .since = "2.4.0",
     .summary = "Get a substring of the string stored at a key",
     .complexity = "O(N) where N is the length of the returned string. The complexity is ultimately determined by the "
                   "returned length, but because creating a substring from an existing string is very cheap, it can be "
                   "considered O(1) for small strings.",
     .arguments = "key start:integer end:integer"},
    {.name = "substr",
     .arity = 4,
     .flags = kReadonly,
     .categories = kCatString,
     .keys = kGetrangeKeys,
     .handler = getrangeCommand,
     .group = "string",
     .since = "1.0.0",
     .summary = "Get a substring of the string stored at a key",
     .complexity = "O(N) where N is the length of the returned string. The complexity is ultimately determined by the "
                   "returned length, but because creating a substring from an existing string is very cheap, it can be "
                   "considered O(1) for small strings.",
     .deprecatedSince = "2.0.0",
     .replacedBy = "`GETRANGE`",
     .arguments = "key start:integer end:integer"},
};

}  // namespace

std::span<const command::CommandSpec> stringRangeCommands() { return kCommands; }

}  // namespace vigil::commands
