// RENAME, RENAMENX, MOVE, COPY: values that come to be under another key or in another database.
#include <optional>

#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "commands/keys_commands.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::commands {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::KeySpec;
using keyspace::Database;
using keyspace::KeyRef;

namespace {

enum class IfTaken : uint8_t { kReplace, kRefuse };

// What RENAME says where RENAMENX says 0 or 1.
template <IfTaken kIfTaken>
void replyRenamed(Context& context, bool renamed) {
  if (kIfTaken == IfTaken::kRefuse) {
    context.reply().integer(renamed);
  } else {
    context.reply().ok();
  }
}

template <IfTaken kIfTaken>
void rename(Context& context) {
  const KeyRef from = context.key(1);
  const KeyRef to = context.key(2);
  auto& db = context.db();
  if (!db.exists(from)) return context.reply().noSuchKey();
  if (from.name == to.name) return replyRenamed<kIfTaken>(context, false);
  if (kIfTaken == IfTaken::kRefuse && db.exists(to)) return replyRenamed<kIfTaken>(context, false);
  db.erase(to);
  db.adopt(to, db.take(from));
  replyRenamed<kIfTaken>(context, true);
  context.changed(from, EventClass::kGeneric, "rename_from", 0);  // one change in all
  context.changed(to, EventClass::kGeneric, "rename_to");
  context.ready(to);
}

// The database of an index that a client gave (a cluster may have one alone: `inCluster` is the error); nullptr, with the error replied, if there is none.
Database* parseDatabase(Context& context, ArgCursor& args, std::string_view inCluster) {
  const auto index = args.integer();
  if (!index) return nullptr;
  if (*index < INT32_MIN || *index > INT32_MAX) {
    args.fail("ERR value is out of range, value must between -2147483648 and 2147483647");
    return nullptr;
  }
  if (*index != 0 && context.keyspace().hasOneDatabaseOfACluster()) {
    args.fail(inCluster);
    return nullptr;
  }
  Database* database = context.database(*index);
  if (database == nullptr) args.fail("ERR DB index is out of range");
  return database;
}

void sameObject(Context& context) { context.reply().error("ERR source and destination objects are the same"); }

void move(Context& context) {
  ArgCursor args(context, 2);
  Database* target = parseDatabase(context, args, "ERR MOVE is not allowed in cluster mode");
  if (target == nullptr) return;
  auto& source = context.db();
  if (target->index() == source.index()) return sameObject(context);
  const KeyRef key = context.key(1);
  if (!source.exists(key) || target->exists(key)) return context.reply().integer(0);
  target->adopt(key, source.take(key));
  context.reply().integer(1);
  context.changed(key, EventClass::kGeneric, "move_from", 0);  // one change in all
  context.notifyIn(target->index());
  context.changed(key, EventClass::kGeneric, "move_to");
  context.ready(key);
}

struct CopyOptions {
  Database* target;
  bool replace = false;
};

std::optional<CopyOptions> parseCopyOptions(Context& context) {
  CopyOptions options{&context.db()};
  ArgCursor args(context, 3);
  while (!args.done()) {
    if (args.take("REPLACE")) {
      options.replace = true;
    } else if (args.take("DB", 1)) {
      options.target = parseDatabase(context, args, "ERR Copying to another database is not allowed in cluster mode");
      if (options.target == nullptr) return std::nullopt;
    } else {
      args.syntaxError();
      return std::nullopt;
    }
  }
  return options;
}

void copy(Context& context) {
  const auto options = parseCopyOptions(context);
  if (!options) return;
  auto& source = context.db();
  auto& target = *options->target;
  const KeyRef from = context.key(1);
  const KeyRef to = context.key(2);
  if (target.index() == source.index() && from.name == to.name) return sameObject(context);
  if (source.find(from) == nullptr) return context.reply().integer(0);
  if (target.exists(to)) {
    if (!options->replace) return context.reply().integer(0);
    target.erase(to);
  }
  source.copyTo(*source.peek(from), target, to);  // looked up again: the erasure may have ended the first pointer
  context.reply().integer(1);
  context.notifyIn(target.index());
  context.changed(to, EventClass::kGeneric, "copy_to");
  context.ready(to);
}

constexpr KeySpec kRenameKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete},
                                   {.flags = command::kKeyOW | command::kKeyUpdate, .index = 2}};
constexpr KeySpec kRenamenxKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete},
                                     {.flags = command::kKeyOW | command::kKeyInsert, .index = 2}};
constexpr std::string_view kRenamenxHistory[] = {
    "3.2.0|The command no longer returns an error when source and destination names are the same."};
constexpr KeySpec kMoveKeys[] = {{.flags = command::kKeyRW | command::kKeyAccess | command::kKeyUpdate}};
constexpr KeySpec kCopyKeys[] = {{.flags = command::kKeyRO | command::kKeyAccess},
                                 {.flags = command::kKeyOW | command::kKeyUpdate, .index = 2}};

constexpr CommandSpec kCommands[] = {
    {.name = "rename",
     .arity = 3,
     .flags = command::kWrite,
     .categories = command::kCatKeyspace,
     .keys = kRenameKeys,
     .handler = rename<IfTaken::kReplace>,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Rename a key",
     .complexity = "O(1)",
     .arguments = "key newkey:key#1"},
    {.name = "renamenx",
     .arity = 3,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kRenamenxKeys,
     .handler = rename<IfTaken::kRefuse>,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Rename a key, only if the new key does not exist",
     .complexity = "O(1)",
     .history = kRenamenxHistory,
     .arguments = "key newkey:key#1"},
    {.name = "move",
     .arity = 3,
     .flags = command::kWrite | command::kFast,
     .categories = command::kCatKeyspace,
     .keys = kMoveKeys,
     .handler = move,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Move a key to another database",
     .complexity = "O(1)",
     .arguments = "key db:integer"},
    {.name = "copy",
     .arity = -3,
     .flags = command::kWrite | command::kDenyOom,
     .categories = command::kCatKeyspace,
     .keys = kCopyKeys,
     .handler = copy,
     .group = "generic",
     .since = "6.2.0",
     .summary = "Copy a key",
     .complexity = "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
     .arguments = "source:key destination:key#1 [destination-db:integer=DB] [REPLACE]"},
};

}  // namespace

std::span<const CommandSpec> keyMoveCommands() { return kCommands; }

}  // namespace vigil::commands
