// Writes an RDB file, or the RDB stream of a full resync, in version 10: what redis-server 7.0 writes and reads.
// Pure; bytes gather in a buffer that the caller takes away as it likes:
//
//   RdbWriter writer;
//   writer.header(); writer.aux("redis-ver", "7.2.4"); writer.selectDb(0); writer.resizeDb(keys, expires);
//   writer.string(key, value); ...  { if (writer.size() > some) send(writer.take()); }
//   writer.finish(); send(writer.take());
//
// Not thread safe. Memory: the buffer, and for compression a scratch as long as the longest string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/crc64.h"
#include "base/listpack_entry.h"
#include "wire/rdb_format.h"

namespace vigil::wire {

struct RdbWriteOptions {
  bool compress = true;  // rdbcompression: strings over 20 bytes are compressed where that makes them shorter
  bool checksum = true;  // rdbchecksum: else the file ends in a zero, which readers take as "not given"
  bool valueOnly = false;  // of a key only its value, behind its type byte: see dump_payload.h
};

class RdbWriter {
 public:
  explicit RdbWriter(RdbWriteOptions options = {}) : options_(options) {}

  void header();
  void aux(std::string_view name, std::string_view text);
  void aux(std::string_view name, int64_t number);
  void function(std::string_view source);
  void selectDb(uint64_t db);
  void resizeDb(uint64_t keys, uint64_t expires);

  // A key with a string value. Of RdbKey the key and its attributes count; of idle time and frequency at most one.
  void string(const RdbKey& key, const listpack::Value& value);

  // A list of `nodes` nodes, each written by one call of the two below. A list is never written empty.
  void beginList(const RdbKey& key, uint64_t nodes);
  // A node of `count` elements whose listpack entries, without header and end, lie in `entries`.
  void packedNode(std::string_view entries, size_t count);
  // A node that is one long element.
  void plainNode(std::string_view element);

  // The end of the file, with the checksum. Nothing may be written after it.
  void finish();

  size_t size() const { return buffer_.size(); }  // bytes to be taken
  std::string take();
  // The same without giving away the buffer: the bytes, then drop them.
  std::string_view pending() const { return buffer_; }
  void clearPending();

 private:
  void opcode(RdbOpcode code) { buffer_ += static_cast<char>(code); }
  void beginKey(const RdbKey& key, uint8_t type);
  void length(uint64_t value);
  void text(std::string_view text);  // a string in its shortest encoding
  bool smallInteger(int64_t number);
  bool compressed(std::string_view text);
  void value(const listpack::Value& value);

  RdbWriteOptions options_;
  std::string buffer_;
  std::string scratch_;  // compressed bytes
  std::string node_;     // a listpack put together to be compressed
  Crc64 crc_;            // of the bytes taken
};

}  // namespace vigil::wire
