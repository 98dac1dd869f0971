#include "keyspace/rdb_entry.h"

#include "base/decimal.h"
#include "base/text.h"
#include "keyspace/entry.h"

namespace vigil::keyspace {

Entry* makeRdbString(std::string_view key, const listpack::Value& value, UnixMs expireAt) {
  listpack::Value stored = value;
  if (!value.isInteger && !value.text.empty() && value.text.size() <= kMaxDecimal &&
      static_cast<unsigned char>(value.text[0]) <= '9') {
    stored = listpack::classify(value.text);
  }
  return stored.isInteger ? Entry::makeInt(key, stored.number, expireAt)
                          : Entry::makeString(key, stored.text, expireAt);
}

void RdbEntryBuilder::begin() { list_ = std::make_unique<ds::ChunkedList>(listLimit_); }

void RdbEntryBuilder::add(const listpack::Value& item) {
  ds::IntegerText digits;
  list_->pushBack(ds::toText(item, digits));
}

Entry* RdbEntryBuilder::finish(std::string_view key, UnixMs expireAt) {
  auto list = std::move(list_);
  return list->empty() ? nullptr : Entry::makeList(key, list.release(), expireAt);
}

void writeRdbList(wire::RdbWriter& writer, const wire::RdbKey& key, const ds::ChunkedList& list,
                  const std::function<bool()>& goOn) {
  writer.beginList(key, list.chunkCount());
  for (size_t index = 0; index < list.size();) {
    const ds::PackedList& chunk = *list.chunkAt(index).chunk;
    if (list.isPlain(chunk)) {
      ds::IntegerText digits;
      writer.plainNode(ds::toText(chunk.front(), digits));
    } else {
      writer.packedNode(chunk.entries(), chunk.count());
    }
    index += chunk.count();
    if (!goOn()) return;
  }
}

void writeRdbValue(wire::RdbWriter& writer, const wire::RdbKey& key, const Entry& entry) {
  if (entry.isList()) return writeRdbList(writer, key, entry.list(), [] { return true; });
  if (entry.isInt()) return writer.string(key, listpack::Value::ofInteger(entry.number()));
  Entry::Scratch scratch;
  writer.string(key, listpack::Value::ofText(entry.stringValue(scratch)));
}

}  // namespace vigil::keyspace
