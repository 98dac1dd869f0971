// How values become entries and entries values of an RDB: the one place that saving, loading, DUMP and RESTORE share. A
// new type is added here, in wire/rdb_reader.cc and wire/rdb_writer.h.
//
// Not thread safe.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/listpack_entry.h"
#include "base/ports/clock.h"
#include "ds/chunked_list.h"
#include "wire/rdb_writer.h"

namespace vigil::keyspace {

class Entry;

// A string from an RDB: text that is a canonical integer is stored as a number.
Entry* makeRdbString(std::string_view key, const listpack::Value& value, UnixMs expireAt);

// A collection from an RDB: begin(), add() for each of its items, finish(). One that was begun and not finished is
// dropped by the next begin().
class RdbEntryBuilder {
 public:
  explicit RdbEntryBuilder(ds::ChunkLimit listLimit) : listLimit_(listLimit) {}

  void begin();
  void add(const listpack::Value& item);
  // The entry, which the caller owns; nullptr if it would be empty.
  Entry* finish(std::string_view key, UnixMs expireAt);

 private:
  const ds::ChunkLimit listLimit_;
  std::unique_ptr<ds::ChunkedList> list_;
};

// Writes a list; `goOn` is asked between its chunks.
void writeRdbList(wire::RdbWriter& writer, const wire::RdbKey& key, const ds::ChunkedList& list,
                  const std::function<bool()>& goOn);

// Writes an entry's value, all in one go.
void writeRdbValue(wire::RdbWriter& writer, const wire::RdbKey& key, const Entry& entry);

}  // namespace vigil::keyspace
