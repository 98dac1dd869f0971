#include "keyspace/dump_value.h"

#include "keyspace/entry.h"
#include "keyspace/rdb_entry.h"
#include "wire/dump_payload.h"
#include "wire/rdb_reader.h"
#include "wire/rdb_writer.h"

namespace vigil::keyspace {

using wire::RdbReader;

std::string dumpValue(const Entry& entry, bool compress) {
  wire::RdbWriter writer({.compress = compress, .valueOnly = true});
  writeRdbValue(writer, {}, entry);
  std::string payload = writer.take();
  wire::sealDumpPayload(payload);
  return payload;
}

Result<Entry*> restoreValue(std::string_view value, std::string_view key, UnixMs expireAt, ds::ChunkLimit lists) {
  constexpr std::string_view kDamaged = "Bad data format";
  if (key.size() > Entry::kMaxKeySize) return fail("the key is too long");
  RdbReader reader({.verifyChecksum = false, .maxString = ds::ChunkedList::kMaxElementSize, .valueOnly = true});
  RdbEntryBuilder builder(lists);
  std::string_view unread = value;
  Entry* entry = nullptr;
  for (;;) {
    switch (reader.next(unread)) {
      case RdbReader::Event::kString:
        entry = makeRdbString(key, reader.value(), expireAt);
        break;
      case RdbReader::Event::kBegin:
        builder.begin();
        continue;
      case RdbReader::Event::kItem:
        builder.add(reader.value());
        continue;
      case RdbReader::Event::kEnd:
        entry = builder.finish(key, expireAt);
        break;
      case RdbReader::Event::kError:
        if (reader.typeNotHeld()) return fail(std::string(kDamaged) + ": " + reader.error());
        break;
      default:
        break;
    }
    if (entry == nullptr) return fail(std::string(kDamaged));
    return entry;
  }
}

}  // namespace vigil::keyspace
