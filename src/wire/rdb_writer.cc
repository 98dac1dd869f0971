#include "wire/rdb_writer.h"

#include <limits>
#include <utility>

#include "wire/lzf.h"
#include "wire/packed_blob.h"

namespace vigil::wire {
namespace {

constexpr uint8_t kTypeString = 0;
constexpr uint8_t kTypeListQuicklist2 = 18;
constexpr uint64_t kNodePlain = 1;
constexpr uint64_t kNodePacked = 2;

constexpr char kEncodedInt8 = '\xC0';
constexpr char kEncodedInt16 = '\xC1';
constexpr char kEncodedInt32 = '\xC2';
constexpr char kEncodedLzf = '\xC3';

// The longest text of a 32 bit integer: whatever is longer is not tried.
constexpr size_t kMaxIntegerText = 11;
// Shorter strings are not worth compressing; a compressed one must be at least 4 bytes shorter.
constexpr size_t kCompressOver = 20;
constexpr size_t kCompressionGain = 4;
constexpr size_t kMaxCompressed = std::numeric_limits<uint32_t>::max();

void appendLittle(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) out += static_cast<char>(value >> (8 * i));
}

void appendBig(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

void RdbWriter::header() {
  buffer_ += kRdbMagic;
  const std::string version = std::to_string(kRdbVersionWritten);
  buffer_.append(4 - version.size(), '0');
  buffer_ += version;
}

void RdbWriter::aux(std::string_view name, std::string_view value) {
  opcode(RdbOpcode::kAux);
  text(name);
  text(value);
}

void RdbWriter::aux(std::string_view name, int64_t number) { aux(name, std::to_string(number)); }

void RdbWriter::function(std::string_view source) {
  opcode(RdbOpcode::kFunction2);
  text(source);
}

void RdbWriter::selectDb(uint64_t db) {
  opcode(RdbOpcode::kSelectDb);
  length(db);
}

void RdbWriter::resizeDb(uint64_t keys, uint64_t expires) {
  opcode(RdbOpcode::kResizeDb);
  length(keys);
  length(expires);
}

void RdbWriter::beginKey(const RdbKey& key, uint8_t type) {
  if (options_.valueOnly) {
    buffer_ += static_cast<char>(type);
    return;
  }
  if (key.expireAt) {
    opcode(RdbOpcode::kExpireTimeMs);
    appendLittle(buffer_, static_cast<uint64_t>(*key.expireAt), 8);
  }
  if (key.idleSeconds) {
    opcode(RdbOpcode::kIdle);
    length(*key.idleSeconds);
  } else if (key.frequency) {
    opcode(RdbOpcode::kFreq);
    buffer_ += static_cast<char>(*key.frequency);
  }
  buffer_ += static_cast<char>(type);
  text(key.key);
}

void RdbWriter::string(const RdbKey& key, const listpack::Value& stored) {
  beginKey(key, kTypeString);
  value(stored);
}

void RdbWriter::beginList(const RdbKey& key, uint64_t nodes) {
  beginKey(key, kTypeListQuicklist2);
  length(nodes);
}

void RdbWriter::packedNode(std::string_view entries, size_t count) {
  length(kNodePacked);
  const size_t size = kListpackHeader + entries.size() + 1;
  char header[kListpackHeader];
  putListpackHeader(header, entries.size(), count);
  if (options_.compress && size > kCompressOver) {
    node_.assign(header, sizeof(header));
    node_ += entries;
    node_ += static_cast<char>(listpack::kEnd);
    if (compressed(node_)) return;
  }
  length(size);
  buffer_.append(header, sizeof(header));
  buffer_ += entries;
  buffer_ += static_cast<char>(listpack::kEnd);
}

void RdbWriter::plainNode(std::string_view element) {
  length(kNodePlain);
  text(element);
}

void RdbWriter::finish() {
  opcode(RdbOpcode::kEof);
  Crc64 crc = crc_;
  crc.feed(buffer_);
  appendLittle(buffer_, options_.checksum ? crc.value() : 0, 8);
}

std::string RdbWriter::take() {
  if (options_.checksum) crc_.feed(buffer_);
  return std::exchange(buffer_, {});
}

void RdbWriter::clearPending() {
  if (options_.checksum) crc_.feed(buffer_);
  buffer_.clear();
}

void RdbWriter::length(uint64_t value) {
  if (value < 1 << 6) {
    buffer_ += static_cast<char>(value);
  } else if (value < 1 << 14) {
    buffer_ += static_cast<char>(0x40 | value >> 8);
    buffer_ += static_cast<char>(value);
  } else if (value <= std::numeric_limits<uint32_t>::max()) {
    buffer_ += '\x80';
    appendBig(buffer_, value, 4);
  } else {
    buffer_ += '\x81';
    appendBig(buffer_, value, 8);
  }
}

void RdbWriter::text(std::string_view text) {
  if (text.size() <= kMaxIntegerText) {
    const auto number = listpack::canonicalInteger(text);
    if (number && smallInteger(*number)) return;
  }
  if (options_.compress && text.size() > kCompressOver && compressed(text)) return;
  length(text.size());
  buffer_ += text;
}

void RdbWriter::value(const listpack::Value& value) {
  if (!value.isInteger) {
    text(value.text);
  } else if (!smallInteger(value.number)) {
    const std::string digits = std::to_string(value.number);
    length(digits.size());
    buffer_ += digits;
  }
}

bool RdbWriter::smallInteger(int64_t number) {
  const auto bits = static_cast<uint64_t>(number);
  if (number == static_cast<int8_t>(number)) {
    buffer_ += kEncodedInt8;
    appendLittle(buffer_, bits, 1);
  } else if (number == static_cast<int16_t>(number)) {
    buffer_ += kEncodedInt16;
    appendLittle(buffer_, bits, 2);
  } else if (number == static_cast<int32_t>(number)) {
    buffer_ += kEncodedInt32;
    appendLittle(buffer_, bits, 4);
  } else {
    return false;
  }
  return true;
}

bool RdbWriter::compressed(std::string_view text) {
  if (text.size() > kMaxCompressed) return false;
  size_t size = 0;
  const size_t room = text.size() - kCompressionGain;  // libstdc++ 12 hands the capacity to the callback instead
  scratch_.resize_and_overwrite(room, [&](char* into, size_t) {
    size = lzfCompress(text, {into, room});
    return size;
  });
  if (size == 0) return false;
  buffer_ += kEncodedLzf;
  length(size);
  length(text.size());
  buffer_ += scratch_;
  return true;
}

}  // namespace vigil::wire
