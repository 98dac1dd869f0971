// DUMP, RESTORE, RESTORE-ASKING: values as strings of bytes, the same as redis-server's.
#include <optional>
#include <string>
#include <vector>

#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/dump_options.h"
#include "commands/keys_commands.h"
#include "keyspace/access_clock.h"
#include "keyspace/database.h"
#include "keyspace/dump_value.h"
#include "wire/dump_payload.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::KeySpec;
using keyspace::Entry;

namespace {

void dump(Context& context) {
  const Entry* entry = context.db().find(context.key(1));
  if (entry == nullptr) return context.reply().null();
  const auto* compression = context.owner<DumpOptions>().compression;
  context.reply().bulk(keyspace::dumpValue(*entry, compression == nullptr || *compression));
}

// --- RESTORE ---------------------------------------------------------------------------------------------------

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;  // ABSTTL
  std::optional<int64_t> idleSeconds;
  std::optional<uint8_t> frequency;
};

// One of IDLETIME and FREQ at most, as Redis has it; the same one may be repeated.
bool parseUse(ArgCursor& args, RestoreOptions& options) {
  if (!options.frequency && args.take("IDLETIME", 1)) {
    options.idleSeconds = args.integer();
    if (!options.idleSeconds) return false;
    return *options.idleSeconds >= 0 || args.fail("ERR Invalid IDLETIME value, must be >= 0");
  }
  if (!options.idleSeconds && args.take("FREQ", 1)) {
    const auto frequency = args.integer();
    if (!frequency) return false;
    if (*frequency < 0 || *frequency > 255) return args.fail("ERR Invalid FREQ value, must be >= 0 and <= 255");
    options.frequency = static_cast<uint8_t>(*frequency);
    return true;
  }
  return args.syntaxError();
}

bool parseOptions(Context& context, RestoreOptions& options) {
  ArgCursor args(context, 4);
  while (!args.done()) {
    if (args.take("REPLACE")) {
      options.replace = true;
    } else if (args.take("ABSTTL")) {
      options.absolute = true;
    } else if (!parseUse(args, options)) {
      return false;
    }
  }
  return true;
}

// When the key is to expire, 0: never; nullopt after an error reply.
std::optional<UnixMs> parseTtl(Context& context, bool absolute) {
  ArgCursor args(context, 2);
  const auto ttl = args.integer();
  if (!ttl) return std::nullopt;
  if (*ttl < 0) {
    args.fail("ERR Invalid TTL value, must be >= 0");
    return std::nullopt;
  }
  if (*ttl == 0 || absolute) return *ttl;
  UnixMs at = 0;
  if (__builtin_add_overflow(*ttl, context.now(), &at)) {
    args.fail("ERR Invalid TTL value, must be >= 0");
    return std::nullopt;
  }
  return at;
}

void setUse(Context& context, Entry& entry, const RestoreOptions& options) {
  const auto& policy = context.db().accessPolicy();
  uint32_t access = keyspace::initialAccess(policy, context.now());
  if (policy.lfu && options.frequency) access = keyspace::lfuPack(context.now(), *options.frequency);
  if (!policy.lfu && options.idleSeconds) access = (access - static_cast<uint32_t>(*options.idleSeconds)) & keyspace::kAccessMask;
  entry.setAccess(access);
}

// As sent, but for a time to live that counts from now.
void propagateRestore(Context& context, const RestoreOptions& options, UnixMs expireAt) {
  if (expireAt == 0 || options.absolute) return;
  const std::string at = std::to_string(expireAt);
  std::vector<std::string_view> words(context.args().begin(), context.args().end());
  words[2] = at;
  words.emplace_back("ABSTTL");
  context.propagate(words);
}

// Its time has already come: at most what was there before goes.
void restoreExpired(Context& context, const keyspace::KeyRef& key, const RestoreOptions& options) {
  if (options.replace && context.db().erase(key)) {
    context.changed(key, EventClass::kGeneric, "del");
    context.propagate({"DEL", key.name});
  }
  context.reply().ok();
}

void restore(Context& context) {
  RestoreOptions options;
  if (!parseOptions(context, options)) return;
  const auto key = context.key(1);
  auto& db = context.db();
  if (!options.replace && db.findForWrite(key) != nullptr) {
    return context.reply().error("BUSYKEY Target key name already exists.");
  }
  const auto expireAt = parseTtl(context, options.absolute);
  if (!expireAt) return;
  const auto& owner = context.owner<DumpOptions>();
  const auto value = wire::openDumpPayload(context.arg(3), owner.verifyChecksum);
  if (!value) return context.reply().error("ERR DUMP payload version or checksum are wrong");
  const auto made = keyspace::restoreValue(*value, key.name, *expireAt, owner.lists.limit());
  if (!made) return context.reply().error("ERR " + made.error().message);
  Entry* const entry = *made;
  // A master's stream and a file being loaded are followed to the letter.
  if (*expireAt != 0 && *expireAt <= context.now() && db.expiryMode() == keyspace::ExpiryMode::kDelete) {
    Entry::free(entry);
    return restoreExpired(context, key, options);
  }
  db.erase(key);
  setUse(context, *entry, options);
  db.adopt(key, entry);
  context.changed(key, EventClass::kGeneric, "restore");
  context.ready(key);
  propagateRestore(context, options, *expireAt);
  context.reply().ok();
}

constexpr KeySpec kDumpKeys[] = {{.flags = command::kKeyRO | command::kKeyAccess}};
constexpr std::string_view kDumpTips[] = {"nondeterministic_output"};
constexpr KeySpec kRestoreKeys[] = {{.flags = command::kKeyOW | command::kKeyUpdate}};
constexpr std::string_view kRestoreHistory[] = {"3.0.0|Added the `REPLACE` modifier.",
                                                "5.0.0|Added the `ABSTTL` modifier.",
                                                "5.0.0|Added the `IDLETIME` and `FREQ` options."};
constexpr std::string_view kRestoreComplexity =
    "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of "
    "Redis objects composing the value and M their average size. For small string values the time complexity is thus "
    "O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) "
    "because inserting values into sorted sets is O(log(N)).";
constexpr std::string_view kRestoreArguments =
    "key ttl:integer serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [seconds:integer=IDLETIME@5.0.0] "
    "[frequency:integer=FREQ@5.0.0]";

constexpr CommandSpec kCommands[] = {
    {.name = "dump",
     .arity = 2,
     .flags = command::kReadonly,
     .categories = command::kCatKeyspace,
     .keys = kDumpKeys,
     .handler = dump,
     .group = "generic",
     .since = "2.6.0",
     .summary = "Return a serialized version of the value stored at the specified key.",
     .complexity =
         "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects "
         "composing the value and M their average size. For small string values the time complexity is thus "
         "O(1)+O(1*M) where M is small, so simply O(1).",
     .tips = kDumpTips,
     .arguments = "key"},
    {.name = "restore",
     .arity = -4,
     .flags = command::kWrite | command::kDenyOom,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .keys = kRestoreKeys,
     .handler = restore,
     .group = "generic",
     .since = "2.6.0",
     .summary = "Create a key using the provided serialized value, previously obtained using DUMP.",
     .complexity = kRestoreComplexity,
     .history = kRestoreHistory,
     .arguments = kRestoreArguments},
    {.name = "restore-asking",
     .arity = -4,
     .flags = command::kWrite | command::kDenyOom | command::kAsking,
     .categories = command::kCatKeyspace | command::kCatDangerous,
     .keys = kRestoreKeys,
     .handler = restore,
     .group = "server",
     .since = "3.0.0",
     .summary = "An internal command for migrating keys in a cluster",
     .complexity = kRestoreComplexity,
     .system = true,
     .history = kRestoreHistory,
     .arguments = kRestoreArguments},
};

}  // namespace

std::span<const CommandSpec> keyDumpCommands() { return kCommands; }

}  // namespace vigil::commands
