// DEBUG OBJECT, DIGEST, DIGEST-VALUE, POPULATE, HTSTATS, HTSTATS-KEY. With the world held.
#include <algorithm>
#include <cstdio>
#include <string>

#include "base/text.h"
#include "command/args.h"
#include "commands/keys_commands.h"
#include "ds/chunked_list.h"
#include "engine/debug/debug_commands.h"
#include "engine/debug/debug_registry.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "keyspace/access_clock.h"
#include "keyspace/digest.h"
#include "keyspace/rdb_entry.h"
#include "keyspace/table_shape.h"

namespace vigil::engine {

namespace {

using command::ArgCursor;
using command::Context;
using keyspace::Digest;
using keyspace::Entry;

Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

// --- OBJECT ----------------------------------------------------------------------------------------------------

// Bytes that the value takes in an RDB file.
size_t serializedLength(Context& ctx, const Entry& entry) {
  const auto* compression = engineOf(ctx).options().dumps.compression;
  wire::RdbWriter writer({.compress = compression == nullptr || *compression, .valueOnly = true});
  keyspace::writeRdbValue(writer, {}, entry);
  return writer.size() - 1;  // the type is not the value's
}

// Of a list in several chunks, as Redis describes a quicklist.
std::string chunksOf(const ds::ChunkedList& list) {
  constexpr size_t kListpackFrame = 7;  // a listpack's header and end, which our chunks have none of
  size_t bytes = 0;
  for (size_t i = 0; i < list.size();) {
    const ds::PackedList& chunk = *list.chunkAt(i).chunk;
    ds::IntegerText digits;
    bytes += list.isPlain(chunk) ? ds::toText(chunk.front(), digits).size() : chunk.entries().size() + kListpackFrame;
    i += chunk.count();
  }
  const size_t nodes = list.chunkCount();
  char text[160];
  std::snprintf(text, sizeof text,
                " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:0 ql_uncompressed_size:%zu", nodes,
                static_cast<double>(list.size()) / static_cast<double>(nodes), list.limit().fill, bytes);
  return text;
}

void object(Context& ctx) {
  const Entry* entry = ctx.db().peek(ctx.key(2));
  if (entry == nullptr) return ctx.reply().noSuchKey();
  char address[32];
  std::snprintf(address, sizeof address, "%p", static_cast<const void*>(entry));
  std::string text = "Value at:" + std::string(address) +
                     " refcount:" + std::to_string(commands::shownReferences(*entry)) +
                     " encoding:" + std::string(commands::encodingName(*entry)) +
                     " serializedlength:" + std::to_string(serializedLength(ctx, *entry)) +
                     " lru:" + std::to_string(entry->access() & keyspace::kAccessMask) +
                     " lru_seconds_idle:" + std::to_string(keyspace::lruIdleSeconds(entry->access(), ctx.now()));
  if (entry->isList() && !entry->list().isSingleChunk()) text += chunksOf(entry->list());
  ctx.reply().simple(text);
}

// --- DIGEST ----------------------------------------------------------------------------------------------------

void digest(Context& ctx) {
  Digest all;
  for (int64_t db = 0; keyspace::Database* database = ctx.database(db); ++db) all.addDatabase(*database);
  ctx.reply().simple(all.hex());
}

void digestValue(Context& ctx) {
  ctx.reply().array(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i) {
    Digest value;
    if (const Entry* entry = ctx.db().peek(ctx.key(i))) value.addValue(*entry);
    ctx.reply().simple(value.hex());
  }
}

// --- POPULATE --------------------------------------------------------------------------------------------------

// Keys that replicas and the AOF never hear of, as Redis has it.
void populate(Context& ctx) {
  constexpr std::string_view kOutOfRange = "ERR value is out of range, must be positive";
  ArgCursor args(ctx, 2);
  const auto count = args.integerOr(kOutOfRange, 0);
  if (!count) return;
  const std::string_view prefix = args.done() ? "key" : args.next();
  int64_t size = 0;  // as long as the text is
  if (!args.done()) {
    const auto given = args.integerOr(kOutOfRange, 0);
    if (!given) return;
    size = *given;
  }
  ctx.propagateNothing();
  auto& db = ctx.db();
  for (int64_t i = 0; i < *count; ++i) {
    const std::string key = std::string(prefix) + ":" + std::to_string(i);
    const auto ref = db.ref(key);
    if (db.exists(ref)) continue;
    std::string value = "value:" + std::to_string(i);
    if (size != 0) value.resize(static_cast<size_t>(size), '\0');
    db.setString(ref, value);
    ctx.changed(ref, command::EventClass::kNew, "new", 0);
  }
  ctx.reply().ok();
}

// --- HTSTATS ---------------------------------------------------------------------------------------------------

void hashTable(Context& ctx) {
  ArgCursor args(ctx, 2);
  const auto index = args.integer();
  if (!index) return;
  keyspace::Database* database = ctx.database(*index);
  if (database == nullptr) return ctx.reply().error("ERR Out of range database");
  keyspace::TableShape shape;
  for (size_t shard = 0; shard < ctx.keyspace().shardCount(); ++shard) {
    if (const auto* table = ctx.keyspace().shard(shard).table(static_cast<int>(*index))) shape.add(*table);
  }
  ctx.reply().verbatim("txt", "[Dictionary HT]\n" + shape.describe() + "[Expires HT]\n number of elements: " +
                                  std::to_string(database->withExpiry()) + "\n");
}

void hashTableOfKey(Context& ctx) {
  if (ctx.db().peek(ctx.key(2)) == nullptr) return ctx.reply().noSuchKey();
  ctx.reply().error("ERR The value stored at the specified key is not represented using an hash table");
}

constexpr std::string_view kObjectHelp[] = {
    "OBJECT <key>",
    "    Show low level info about `key` and associated value.",
};
constexpr std::string_view kDigestHelp[] = {
    "DIGEST",
    "    Output a hex signature representing the current DB content.",
};
constexpr std::string_view kDigestValueHelp[] = {
    "DIGEST-VALUE <key> [<key> ...]",
    "    Output a hex signature of the values of all the specified keys.",
};
constexpr std::string_view kPopulateHelp[] = {
    "POPULATE <count> [<prefix>] [<size>]",
    "    Create <count> string keys named key:<num>. If <prefix> is specified then",
    "    it is used instead of the 'key' prefix. These are not propagated to",
    "    replicas. Cluster slots are not respected so keys not belonging to the",
    "    current node can be created in cluster mode.",
};
constexpr std::string_view kTableHelp[] = {
    "HTSTATS <dbid>",
    "    Return hash table statistics of the specified Redis database.",
};
constexpr std::string_view kTableOfKeyHelp[] = {
    "HTSTATS-KEY <key>",
    "    Like HTSTATS but for the hash table stored at <key>'s value.",
};

}  // namespace

void addDebugData(DebugRegistry& registry) {
  registry.add({"OBJECT", 1, 1, kObjectHelp, object});
  registry.add({"DIGEST", 0, 0, kDigestHelp, digest});
  registry.add({"DIGEST-VALUE", 0, SIZE_MAX, kDigestValueHelp, digestValue});
  registry.add({"POPULATE", 1, 3, kPopulateHelp, populate});
  registry.add({"HTSTATS", 1, 1, kTableHelp, hashTable});
  registry.add({"HTSTATS-KEY", 1, 1, kTableOfKeyHelp, hashTableOfKey});
}

}  // namespace vigil::engine
