// CLUSTER KEYSLOT, COUNTKEYSINSLOT, GETKEYSINSLOT; ASKING, READONLY, READWRITE.
#include <optional>
#include <string>
#include <vector>

#include "base/crc16.h"
#include "base/text.h"
#include "drivers/cluster/cluster_commands.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers::clusterSlot {

using command::Context;

namespace {

engine::Session& sessionOf(Context& ctx) { return static_cast<engine::Session&>(ctx.session()); }
keyspace::Keyspace& keyspaceOf(Context& ctx) { return static_cast<engine::Execution&>(ctx).engine().keyspace(); }

std::optional<uint16_t> parseSlot(std::string_view text) {
  const auto slot = parseInt64(text);
  if (!slot || *slot < 0 || *slot >= kSlotCount) return std::nullopt;
  return static_cast<uint16_t>(*slot);
}

bool needsCluster(Context& ctx) {
  if (keyspaceOf(ctx).hasSlots()) return true;
  ctx.reply().error("ERR This instance has cluster support disabled");
  return false;
}

void setReadsReplica(Context& ctx, bool reads) {
  if (!needsCluster(ctx)) return;
  engine::Session& session = sessionOf(ctx);
  session.readsReplica = reads;
  if (reads) {
    session.info->flags.fetch_or(engine::kClientReadonly, std::memory_order_relaxed);
  } else {
    session.info->flags.fetch_and(~engine::kClientReadonly, std::memory_order_relaxed);
  }
  ctx.reply().ok();
}

}  // namespace

void keySlotOf(Context& ctx) { ctx.reply().integer(keySlot(ctx.arg(2))); }

void countKeys(Context& ctx) {
  const auto slot = parseInt64(ctx.arg(2));
  if (!slot) return ctx.reply().notInteger();
  if (!parseSlot(ctx.arg(2))) return ctx.reply().error("ERR Invalid slot");
  const auto number = static_cast<uint16_t>(*slot);
  const keyspace::Keyspace& keyspace = keyspaceOf(ctx);
  const keyspace::Shard& shard = keyspace.shard(keyspace.shardNumberOfSlot(number));
  const bool hidden = keyspace.hiddenSlots().test(number);
  ctx.reply().integer(hidden ? 0 : static_cast<int64_t>(shard.keysInSlot(ctx.session().db, number)));
}

void getKeys(Context& ctx) {
  const auto slot = parseSlot(ctx.arg(2));
  const auto count = parseInt64(ctx.arg(3));
  if (!count || !parseInt64(ctx.arg(2))) return ctx.reply().notInteger();
  if (!slot || *count < 0) return ctx.reply().error("ERR Invalid slot or number of keys");
  std::vector<std::string> keys;
  keyspace::Keyspace& keyspace = keyspaceOf(ctx);
  keyspace.shard(keyspace.shardNumberOfSlot(*slot)).eachInSlot(ctx.session().db, *slot, [&](const keyspace::Entry& entry) {
    if (keyspace.hiddenSlots().test(*slot)) return false;
    if (keys.size() < static_cast<size_t>(*count)) keys.emplace_back(entry.key());
    return keys.size() < static_cast<size_t>(*count);
  });
  ctx.reply().array(keys.size());
  for (const std::string& key : keys) ctx.reply().bulk(key);
}

void lockSlot(std::span<const std::string_view> args, const keyspace::Keyspace& keyspace, std::vector<uint32_t>& shards) {
  if (args.size() < 3) return;
  if (const auto slot = parseSlot(args[2])) shards.push_back(static_cast<uint32_t>(keyspace.shardNumberOfSlot(*slot)));
}

void asking(Context& ctx) {
  if (!needsCluster(ctx)) return;
  sessionOf(ctx).asking = true;
  ctx.reply().ok();
}

void readOnly(Context& ctx) { setReadsReplica(ctx, true); }
void readWrite(Context& ctx) { setReadsReplica(ctx, false); }

}  // namespace vigil::drivers::clusterSlot
