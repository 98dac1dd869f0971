// What a command is: one constant row beside its handler. The dispatcher, COMMAND and its subcommands, ACL categories
// and the finding of keys all read it; nothing about a command is written anywhere else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace vigil::keyspace {
class Keyspace;
}

namespace vigil::command {

class Context;

// What COMMAND INFO calls flags, in its order of output.
enum CommandFlag : uint64_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kModule = 1u << 3,
  kAdmin = 1u << 4,
  kPubsub = 1u << 5,
  kNoscript = 1u << 6,
  kBlocking = 1u << 8,
  kLoading = 1u << 9,
  kStale = 1u << 10,
  kSkipMonitor = 1u << 11,
  kSkipSlowlog = 1u << 12,
  kAsking = 1u << 13,
  kFast = 1u << 14,
  kNoAuth = 1u << 15,
  kMayReplicate = 1u << 16,
  kSentinel = 1u << 17,
  kOnlySentinel = 1u << 18,
  kNoMandatoryKeys = 1u << 19,
  kProtected = 1u << 20,
  kAllowBusy = 1u << 21,
  kNoMulti = 1u << 22,
  kMovableKeys = 1u << 23,
  kNoAsyncLoading = 1u << 24,
  // Ours, not shown by COMMAND:
  kWholeKeyspace = 1u << 25,  // runs with the world held exclusively
  kNoLocks = 1u << 26,        // touches no key: runs without shards
  kTransactionControl = 1u << 27,  // MULTI, EXEC, DISCARD, WATCH, QUIT, RESET: runs inside a transaction, is not queued
};

// ACL categories, in the order in which ACL CAT lists them.
enum Category : uint32_t {
  kCatKeyspace = 1u << 0,
  kCatRead = 1u << 1,
  kCatWrite = 1u << 2,
  kCatSet = 1u << 3,
  kCatSortedSet = 1u << 4,
  kCatList = 1u << 5,
  kCatHash = 1u << 6,
  kCatString = 1u << 7,
  kCatBitmap = 1u << 8,
  kCatHyperLogLog = 1u << 9,
  kCatGeo = 1u << 10,
  kCatStream = 1u << 11,
  kCatPubsub = 1u << 12,
  kCatAdmin = 1u << 13,
  kCatFast = 1u << 14,
  kCatSlow = 1u << 15,
  kCatBlocking = 1u << 16,
  kCatDangerous = 1u << 17,
  kCatConnection = 1u << 18,
  kCatTransaction = 1u << 19,
  kCatScripting = 1u << 20,
};

// What a command does with the keys of one key specification (https://redis.io/docs/reference/key-specs/).
enum KeyFlag : uint32_t {
  kKeyRO = 1u << 0,
  kKeyRW = 1u << 1,
  kKeyOW = 1u << 2,
  kKeyRM = 1u << 3,
  kKeyAccess = 1u << 4,
  kKeyUpdate = 1u << 5,
  kKeyInsert = 1u << 6,
  kKeyDelete = 1u << 7,
  kKeyNotKey = 1u << 8,
  kKeyIncomplete = 1u << 9,
  kKeyVariableFlags = 1u << 10,
};

struct KeySpec {
  enum class Begin : uint8_t { kIndex, kKeyword, kUnknown };
  enum class Find : uint8_t { kRange, kKeynum, kUnknown };
  uint32_t flags = 0;
  Begin begin = Begin::kIndex;
  int index = 1;                  // kIndex: the argument; kKeyword: where the search starts (negative: from the end)
  std::string_view keyword = {};  // kKeyword
  Find find = Find::kRange;
  int last = 0;    // kRange: relative to the first key, negative: from the end. kKeynum: where the number stands
  int step = 1;    // distance between keys
  int limit = 0;   // kRange with last -1: 2 means half of the rest, and so on. kKeynum: the first key's place
  std::string_view notes = {};
};

// One key in the arguments of a call.
struct KeyPosition {
  int argument;
  uint32_t flags;  // KeyFlag
};

using Handler = void (*)(Context&);

struct CommandSpec {
  std::string_view name;  // lower case; a subcommand's own word
  int arity;              // as in Redis: includes the name; negative: at least that many
  uint64_t flags = 0;     // CommandFlag
  uint32_t categories = 0;  // Category; kCatFast/kCatSlow, kCatRead/kCatWrite… that follow from flags are added
  std::span<const KeySpec> keys = {};
  Handler handler = nullptr;
  std::span<const CommandSpec> subcommands = {};
  // Keys that no specification can tell (SORT's STORE, MIGRATE, EVAL…); nullptr: keys says all.
  bool (*findKeys)(std::span<const std::string_view> args, std::vector<KeyPosition>& keys) = nullptr;
  // The shards to hold where keys do not tell (SCAN); nullptr: those of the keys.
  void (*lockShards)(std::span<const std::string_view> args, const keyspace::Keyspace& keyspace,
                     std::vector<uint32_t>& shards) = nullptr;
  // Whether this call touches keys that its arguments do not name, and so needs the world exclusively as kWholeKeyspace
  // says of all calls (SORT BY pattern). nullptr: never.
  bool (*needsWorld)(std::span<const std::string_view> args) = nullptr;

  // Documentation (COMMAND DOCS).
  std::string_view group = {};
  std::string_view since = {};
  std::string_view summary = {};
  std::string_view complexity = {};
  std::string_view deprecatedSince = {};
  std::string_view replacedBy = {};
  bool system = false;  // of Redis's own making, for servers and tests: doc_flags say syscmd
  std::span<const std::string_view> tips = {};
  std::span<const std::string_view> history = {};  // "6.2.0|Added the GET option."
  // The arguments in the notation of command/argument_docs.h, e.g. "key value [condition:(NX|XX)] [GET]".
  std::string_view arguments = {};
};

// Whether this call needs the world exclusively.
inline bool takesWorld(const CommandSpec& spec, std::span<const std::string_view> args) {
  return (spec.flags & kWholeKeyspace) != 0 || (spec.needsWorld != nullptr && spec.needsWorld(args));
}

// The row's ACL categories with those that follow from its flags.
uint32_t categoriesOf(const CommandSpec& spec);

// The positions of all keys of this call, in place of what `keys` held. False, and no keys, if the arguments do not hold
// what the specification promises (a number of keys that is no number, too few arguments). Sharded channels
// (kKeyNotKey) are not among them.
bool findKeys(const CommandSpec& spec, std::span<const std::string_view> args, std::vector<KeyPosition>& keys);

}  // namespace vigil::command
