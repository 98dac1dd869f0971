// Integers of any width inside strings: BITFIELD and BITFIELD_RO. First all operations are parsed, then carried out.
#include <algorithm>
#include <optional>
#include <vector>

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

struct Operation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement };
  Kind kind = Kind::kGet;
  ds::Overflow overflow = ds::Overflow::kWrap;
  ds::BitInteger type;
  uint64_t offset = 0;
  int64_t operand = 0;  // what to set, or by how much to increment
};

struct Plan {
  std::vector<Operation> operations;
  bool writes = false;
  size_t sizeAfterWrites = 0;  // bytes that the string has at least once something was written
};

std::optional<ds::BitInteger> parseType(Context& context, std::string_view text) {
  const bool isSigned = text.starts_with('i');
  if (isSigned || text.starts_with('u')) {
    const auto bits = parseInt64(text.substr(1));
    if (bits && *bits >= 1 && *bits <= (isSigned ? 64 : 63)) return ds::BitInteger{isSigned, static_cast<int>(*bits)};
  }
  context.reply().error(
      "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
  return std::nullopt;
}

bool parseOverflow(ArgCursor& args, ds::Overflow& overflow) {
  if (args.take("WRAP")) {
    overflow = ds::Overflow::kWrap;
  } else if (args.take("SAT")) {
    overflow = ds::Overflow::kSaturate;
  } else if (args.take("FAIL")) {
    overflow = ds::Overflow::kFail;
  } else {
    return args.fail("ERR Invalid OVERFLOW type specified");
  }
  return true;
}

// Type, offset and, unless it is a GET, operand. False: an error was replied.
bool parseOperands(Context& context, ArgCursor& args, Operation& operation) {
  const auto type = parseType(context, args.next());
  if (!type) return false;
  operation.type = *type;
  const auto offset = parseBitOffset(context, args.next(), type->bits);
  if (!offset) return false;
  operation.offset = *offset;
  if (operation.kind == Operation::Kind::kGet) return true;
  const auto operand = args.integer();
  if (!operand) return false;
  operation.operand = *operand;
  return true;
}

bool parsePlan(Context& context, Plan& plan) {
  ds::Overflow overflow = ds::Overflow::kWrap;
  for (ArgCursor args(context, 2); !args.done();) {
    if (args.take("OVERFLOW", 1)) {
      if (!parseOverflow(args, overflow)) return false;
      continue;
    }
    Operation operation{.overflow = overflow, .type = {}};
    if (args.take("SET", 3)) {
      operation.kind = Operation::Kind::kSet;
    } else if (args.take("INCRBY", 3)) {
      operation.kind = Operation::Kind::kIncrement;
    } else if (!args.take("GET", 2)) {
      return args.syntaxError();
    }
    if (!parseOperands(context, args, operation)) return false;
    if (operation.kind != Operation::Kind::kGet) {
      plan.writes = true;
      const uint64_t lastBit = operation.offset + static_cast<uint64_t>(operation.type.bits) - 1;
      plan.sizeAfterWrites = std::max(plan.sizeAfterWrites, static_cast<size_t>(lastBit / 8 + 1));
    }
    plan.operations.push_back(operation);
  }
  return true;
}

void readOnly(Context& context, const Plan& plan) {
  const auto found = findString(context, context.key(1));
  if (found.refused()) return;
  Entry::Scratch scratch;
  const std::string_view value = found.entry != nullptr ? found.entry->stringValue(scratch) : std::string_view();
  context.reply().array(plan.operations.size());
  for (const Operation& operation : plan.operations) {
    context.reply().integer(ds::readBitInteger(value, operation.offset, operation.type));
  }
}

// The string is touched, and grows to its size after all writes, with the first write that makes a difference; where it
// grows every write does.
void readAndWrite(Context& context, const Plan& plan) {
  const KeyRef key = context.key(1);
  const auto found = findStringForWrite(context, key);
  if (found.refused()) return;
  Entry::Scratch scratch;
  std::string_view value = found.entry != nullptr ? found.entry->stringValue(scratch) : std::string_view();
  const bool grows = value.size() < plan.sizeAfterWrites;
  std::span<char> bytes;
  size_t writes = 0;
  context.reply().array(plan.operations.size());
  for (const Operation& operation : plan.operations) {
    const int64_t old = ds::readBitInteger(value, operation.offset, operation.type);
    if (operation.kind == Operation::Kind::kGet) {
      context.reply().integer(old);
      continue;
    }
    const bool isSet = operation.kind == Operation::Kind::kSet;
    const auto result = isSet ? ds::addBitInteger(operation.operand, 0, operation.type, operation.overflow)
                              : ds::addBitInteger(old, operation.operand, operation.type, operation.overflow);
    if (!result) {
      context.reply().null();
      continue;
    }
    context.reply().integer(isSet ? old : *result);
    if (*result == old && !grows) continue;
    if (bytes.empty()) {
      bytes = context.db().editString(key, plan.sizeAfterWrites);
      value = {bytes.data(), bytes.size()};
    }
    ds::writeBitInteger(bytes, operation.offset, operation.type, *result);
    ++writes;
  }
  if (writes != 0) context.changed(key, EventClass::kString, "setbit", writes);
}

void bitfieldCommand(Context& context) {
  Plan plan;
  if (!parsePlan(context, plan)) return;
  if (plan.writes) {
    readAndWrite(context, plan);
  } else {
    readOnly(context, plan);
  }
}

void bitfieldRoCommand(Context& context) {
  Plan plan;
  if (!parsePlan(context, plan)) return;
  if (plan.writes) return context.reply().error("ERR BITFIELD_RO only supports the GET subcommand");
  readOnly(context, plan);
}

// Reads alone need no right to write. What is not understood, the handler refuses.
bool findBitfieldKeys(std::span<const std::string_view> args, std::vector<KeyPosition>& keys) {
  if (args.size() < 2) return false;
  bool reads = true;
  for (size_t i = 2; i < args.size() && reads;) {
    if (equalsIgnoreCase(args[i], "GET")) {
      i += 3;
    } else if (equalsIgnoreCase(args[i], "OVERFLOW")) {
      i += 2;
    } else {
      reads = false;
    }
  }
  keys.push_back({1, reads ? kKeyRO | kKeyAccess : kKeyRW | kKeyAccess | kKeyUpdate});
  return true;
}

constexpr KeySpec kBitfieldKeys[] = {{.flags = kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags,
                                      .notes = "This command allows both access and modification of the key"}};
constexpr KeySpec kBitfieldRoKeys[] = {{.flags = kKeyRO | kKeyAccess}};

constexpr CommandSpec kCommands[] = {
    {.name = "bitfield",
     .arity = -2,
     .flags = kWrite | kDenyOom,
     .categories = kCatBitmap,
     .keys = kBitfieldKeys,
     .handler = bitfieldCommand,
     .findKeys = findBitfieldKeys,
     .group = "bitmap",
     .since = "3.2.0",
     .summary = "Perform arbitrary bitfield integer operations on strings",
     .complexity = "O(1) for each subcommand specified",
     .arguments =
         "key [operation:(encoding_offset:<encoding "
         "offset:integer>=GET|write:<[wrap_sat_fail:(WRAP|SAT|FAIL)=OVERFLOW] "
         "write_operation:(encoding_offset_value:<encoding offset:integer "
         "value:integer>=SET|encoding_offset_increment:<encoding offset:integer increment:integer>=INCRBY)>)+]"},
    {.name = "bitfield_ro",
     .arity = -2,
     .flags = kReadonly | kFast,
     .categories = kCatBitmap,
     .keys = kBitfieldRoKeys,
     .handler = bitfieldRoCommand,
     .group = "bitmap",
     .since = "6.0.0",
     .summary = "Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD",
     .complexity = "O(1) for each subcommand specified",
     .arguments = "key [encoding_offset:<encoding offset:integer>=GET++]"},
};

}  // namespace

std::span<const command::CommandSpec> bitfieldCommands() { return kCommands; }

}  // namespace vigil::commands
