// Single bits and ranges of bits in strings: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"
#include "command/args.h"
#include "command/spec.h"
#include "commands/bit_access.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"
#include "ds/bit_operations.h"

namespace vigil::commands {

namespace {

using namespace command;  // NOLINT(google-build-using-namespace): the rows name many of its flags
using keyspace::Entry;
using keyspace::KeyRef;

void setbitCommand(Context& context) {
  const auto offset = parseBitOffset(context, context.arg(2));
  if (!offset) return;
  const std::string_view given = context.arg(3);
  if (given != "0" && given != "1") return context.reply().error("ERR bit is not an integer or out of range");
  const bool bit = given == "1";
  const KeyRef key = context.key(1);
  const auto found = findStringForWrite(context, key);
  if (found.refused()) return;
  Entry::Scratch scratch;
  if (found.entry != nullptr) {
    const std::string_view value = found.entry->stringValue(scratch);
    if (*offset / 8 < value.size() && ds::getBit(value, *offset) == bit) return context.reply().integer(bit ? 1 : 0);
  }
  const bool old = ds::setBit(context.db().editString(key, *offset / 8 + 1), *offset, bit);
  context.changed(key, EventClass::kString, "setbit");
  context.reply().integer(old ? 1 : 0);
}

void getbitCommand(Context& context) {
  const auto offset = parseBitOffset(context, context.arg(2));
  if (!offset) return;
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  Entry::Scratch scratch;
  const std::string_view value = found.entry != nullptr ? found.entry->stringValue(scratch) : std::string_view();
  context.reply().integer(ds::getBit(value, *offset) ? 1 : 0);
}

// BITCOUNT's and BITPOS's range as they give it: in bytes or bits, from either end.
struct GivenRange {
  int64_t first = 0;
  int64_t last = -1;
  bool inBits = false;
};

struct BitRange {
  uint64_t first;
  uint64_t last;
};

// nullopt: no bit of a string of that size is meant.
std::optional<BitRange> resolve(const GivenRange& range, size_t bytes) {
  if (range.first < 0 && range.last < 0 && range.first > range.last) return std::nullopt;
  const auto size = static_cast<int64_t>(range.inBits ? bytes * 8 : bytes);
  const int64_t first = range.first < 0 ? std::max<int64_t>(0, range.first + size) : range.first;
  const int64_t last = std::min(size - 1, range.last < 0 ? std::max<int64_t>(0, range.last + size) : range.last);
  if (first > last) return std::nullopt;
  const auto unit = static_cast<uint64_t>(range.inBits ? 1 : 8);
  return BitRange{static_cast<uint64_t>(first) * unit, static_cast<uint64_t>(last) * unit + unit - 1};
}

// BYTE or BIT, if one more argument is there. False: a syntax error was replied.
bool parseUnit(ArgCursor& args, GivenRange& range) {
  if (args.done() || args.take("BYTE")) return args.finish();
  range.inBits = args.take("BIT");
  return args.finish();
}

void bitcountCommand(Context& context) {
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  if (found.entry == nullptr) return context.reply().integer(0);
  GivenRange range;
  ArgCursor args(context, 2);
  if (!args.done()) {
    if (context.argc() != 4 && context.argc() != 5) return context.reply().syntaxError();
    const auto first = args.integer();
    const auto last = first ? args.integer() : first;
    if (!last) return;
    if (*first < 0 && *last < 0 && *first > *last) return context.reply().integer(0);  // whatever the unit is
    if (!parseUnit(args, range)) return;
    range.first = *first;
    range.last = *last;
  }
  Entry::Scratch scratch;
  const std::string_view value = found.entry->stringValue(scratch);
  const auto bits = resolve(range, value.size());
  context.reply().integer(bits ? static_cast<int64_t>(ds::countBits(value, bits->first, bits->last)) : 0);
}

// The range behind BITPOS's bit. False: an error was replied.
bool parseRange(Context& context, GivenRange& range) {
  ArgCursor args(context, 3);
  if (args.done()) return true;
  if (args.left() > 3) return args.syntaxError();
  const auto first = args.integer();
  if (!first) return false;
  range.first = *first;
  if (args.done()) return true;
  ArgCursor unit(context, 5);
  if (!parseUnit(unit, range)) return false;
  const auto last = args.integer();
  if (!last) return false;
  range.last = *last;
  return true;
}

void bitposCommand(Context& context) {
  const auto bit = ArgCursor(context, 2).integerIn(0, 1, "ERR The bit argument must be 1 or 0.");
  if (!bit) return;
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  if (found.entry == nullptr) return context.reply().integer(*bit == 1 ? -1 : 0);
  GivenRange range;
  if (!parseRange(context, range)) return;
  Entry::Scratch scratch;
  const std::string_view value = found.entry->stringValue(scratch);
  const auto bits = resolve(range, value.size());
  if (!bits) return context.reply().integer(-1);
  const auto position = ds::findBit(value, *bit == 1, bits->first, bits->last);
  // A string is followed by zero bits, unless the caller said where to end.
  const bool endGiven = context.argc() > 4;
  const int64_t none = *bit == 0 && !endGiven ? static_cast<int64_t>(value.size() * 8) : -1;
  context.reply().integer(position ? static_cast<int64_t>(*position) : none);
}

std::optional<ds::BitOperation> parseBitOperation(std::string_view word) {
  if (equalsIgnoreCase(word, "AND")) return ds::BitOperation::kAnd;
  if (equalsIgnoreCase(word, "OR")) return ds::BitOperation::kOr;
  if (equalsIgnoreCase(word, "XOR")) return ds::BitOperation::kXor;
  if (equalsIgnoreCase(word, "NOT")) return ds::BitOperation::kNot;
  return std::nullopt;
}

void bitopCommand(Context& context) {
  const auto operation = parseBitOperation(context.arg(1));
  if (!operation) return context.reply().syntaxError();
  const bool isNot = *operation == ds::BitOperation::kNot;
  if (isNot && context.argc() != 4) {
    return context.reply().error("ERR BITOP NOT must be called with a single source key.");
  }
  std::string result;
  for (size_t i = 3; i < context.argc(); ++i) {
    const auto found = findString(context, context.key(i));
    if (found.refused()) return;
    Entry::Scratch scratch;
    const std::string_view operand = found.entry != nullptr ? found.entry->stringValue(scratch) : std::string_view();
    if (i == 3) {
      result = operand;
    } else {
      result.resize(std::max(result.size(), operand.size()));
      ds::combineBits(*operation, result, operand);
    }
  }
  if (isNot) ds::combineBits(*operation, result, {});
  const KeyRef target = context.key(2);
  if (!result.empty()) {
    context.db().setBuffer(target, ds::SharedBuffer(result));
    context.changed(target, EventClass::kString, "set");
  } else if (context.db().erase(target)) {
    context.changed(target, EventClass::kGeneric, "del");
  }
  context.reply().integer(static_cast<int64_t>(result.size()));
}

constexpr KeySpec kSetbitKeys[] = {{.flags = kKeyRW | kKeyAccess | kKeyUpdate}};
constexpr KeySpec kGetbitKeys[] = {{.flags = kKeyRO | kKeyAccess}};
constexpr std::string_view kBitcountHistory[] = {"7.0.0|Added the `BYTE|BIT` option."};
constexpr KeySpec kBitopKeys[] = {{.flags = kKeyOW | kKeyUpdate, .index = 2},
                                  {.flags = kKeyRO | kKeyAccess, .index = 3, .last = -1}};

constexpr CommandSpec kCommands[] = {
    {.name = "setbit",
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kCatBitmap,
     .keys = kSetbitKeys,
     .handler = setbitCommand,
     .group = "bitmap",
     .since = "2.2.0",
     .summary = "Sets or clears the bit at offset in the string value stored at key",
     .complexity = "O(1)",
     .arguments = "key offset:integer value:integer"},
    {.name = "getbit",
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kCatBitmap,
     .keys = kGetbitKeys,
     .handler = getbitCommand,
     .group = "bitmap",
     .since = "2.2.0",
     .summary = "Returns the bit value at offset in the string value stored at key",
     .complexity = "O(1)",
     .arguments = "key offset:integer"},
    {.name = "bitcount",
     .arity = -2,
     .flags = kReadonly,
     .categories = kCatBitmap,
     .keys = kGetbitKeys,
     .handler = bitcountCommand,
     .group = "bitmap",
     .since = "2.6.0",
     .summary = "Count set bits in a string",
     .complexity = "O(N)",
     .history = kBitcountHistory,
     .arguments = "key [index:<start:integer end:integer [index_unit:(BYTE|BIT)@7.0.0]>]"},
    {.name = "bitpos",
     .arity = -3,
     .flags = kReadonly,
     .categories = kCatBitmap,
     .keys = kGetbitKeys,
     .handler = bitposCommand,
     .group = "bitmap",
     .since = "2.8.7",
     .summary = "Find first bit set or clear in a string",
     .complexity = "O(N)",
     .history = kBitcountHistory,
     .arguments = "key bit:integer [index:<start:integer [end_index:<end:integer [index_unit:(BYTE|BIT)@7.0.0]>]>]"},
    {.name = "bitop",
     .arity = -4,
     .flags = kWrite | kDenyOom,
     .categories = kCatBitmap,
     .keys = kBitopKeys,
     .handler = bitopCommand,
     .group = "bitmap",
     .since = "2.6.0",
     .summary = "Perform bitwise operations between strings",
     .complexity = "O(N)",
     .arguments = "operation destkey:key key#1+"},
};

}  // namespace

std::span<const command::CommandSpec> bitCommands() { return kCommands; }

}  // namespace vigil::commands
