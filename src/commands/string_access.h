// What the string and bit commands share: finding a key's string, replying it, and the limit on its size.
//
// For command handlers only; valid while one executes.
#pragma once

#include <atomic>
#include <cstdint>

#include "command/context.h"
#include "command/session.h"
#include "keyspace/database.h"

namespace vigil::commands {

// The owner that string and bit commands are registered with.
struct StringLimits {
  // proto-max-bulk-len: no command makes a string longer. The master's stream is not limited.
  const std::atomic<uint64_t>& maxBulk;
};

// The outcome of a look-up: a string, nothing, or a key of another type. The last is refused, the error replied.
template <typename Entry>
struct FoundString {
  Entry* entry = nullptr;
  bool wrongType = false;
  bool refused() const { return wrongType; }
};

template <typename Entry>
FoundString<Entry> checkedString(command::Context& context, Entry* entry) {
  if (entry == nullptr || entry->isString()) [[likely]]
    return {entry};
  context.reply().wrongType();
  return {nullptr, true};
}
inline FoundString<const keyspace::Entry> findString(command::Context& context, const keyspace::KeyRef& key) {
  return checkedString(context, context.db().find(key));
}
// The key as a write command meets it: no hit or miss is counted. Writes to the value go through Database.
inline FoundString<keyspace::Entry> findStringForWrite(command::Context& context, const keyspace::KeyRef& key) {
  return checkedString(context, context.db().findForWrite(key));
}

inline void replyString(command::Reply& reply, const keyspace::Entry& entry) {
  switch (entry.encoding()) {
    case keyspace::Entry::Encoding::kInline:
      return reply.bulk(entry.inlineValue());
    case keyspace::Entry::Encoding::kInt:
      return reply.bulk(entry.number());
    default:
      return reply.bulkShared(entry.buffer());
  }
}

inline uint64_t maxStringSize(command::Context& context) {
  if (context.session().follows()) return INT64_MAX;
  return context.owner<StringLimits>().maxBulk.load(std::memory_order_relaxed);
}
// False, with an error replied, if a string of size + more bytes would be too long.
inline bool sizeFits(command::Context& context, uint64_t size, uint64_t more) {
  uint64_t total = 0;
  if (!__builtin_add_overflow(size, more, &total) && total <= maxStringSize(context)) [[likely]]
    return true;
  context.reply().error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return false;
}

}  // namespace vigil::commands
