#include "wire/packed_blob.h"

#include <algorithm>

namespace vigil::wire {
namespace {

using listpack::Value;

constexpr size_t kZiplistHeader = 10;
constexpr size_t kIntsetHeader = 8;
constexpr uint64_t kUnknownCount = 0xFFFF;
constexpr unsigned char kLongLength = 0xFE;  // four bytes of length follow
constexpr unsigned char kEndByte = 0xFF;

unsigned char byteAt(const char* at) { return static_cast<unsigned char>(*at); }

uint64_t little(const char* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value |= static_cast<uint64_t>(byteAt(at + i)) << (8 * i);
  return value;
}

uint64_t big(const char* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | byteAt(at + i);
  return value;
}

int64_t littleSigned(const char* at, size_t bytes) {
  const size_t shift = 64 - 8 * bytes;
  return static_cast<int64_t>(little(at, bytes) << shift) >> shift;
}

// The length before a zipmap's key or value. Moves `at` behind it; false when there is none.
bool zipmapLength(const char*& at, const char* end, uint64_t& length) {
  if (at == end || byteAt(at) == kEndByte) return false;
  if (byteAt(at) < kLongLength) {
    length = byteAt(at++);
    return true;
  }
  if (end - at < 5) return false;
  length = little(at + 1, 4);
  at += 5;
  return true;
}

// The part of a ziplist entry behind the previous entry's size. Returns its bytes, 0 when it is not sound.
size_t decodeZiplistValue(const char* at, const char* end, Value& value) {
  const auto room = static_cast<uint64_t>(end - at);
  if (room == 0) return 0;
  const unsigned char first = byteAt(at);
  const auto text = [&](size_t header, uint64_t length) -> size_t {
    if (room < header || room - header < length) return 0;
    value = Value::ofText({at + header, static_cast<size_t>(length)});
    return header + length;
  };
  const auto integer = [&](size_t bytes) -> size_t {
    if (room < 1 + bytes) return 0;
    value = Value::ofInteger(littleSigned(at + 1, bytes));
    return 1 + bytes;
  };
  if (first < 0x40) return text(1, first);
  if (first < 0x80) return room < 2 ? 0 : text(2, big(at, 2) & 0x3FFF);
  switch (first) {
    case 0x80:
      return room < 5 ? 0 : text(5, big(at + 1, 4));
    case 0xC0:
      return integer(2);
    case 0xD0:
      return integer(4);
    case 0xE0:
      return integer(8);
    case 0xF0:
      return integer(3);
    case 0xFE:
      return integer(1);
    default:
      break;
  }
  if (first < 0xF1 || first > 0xFD) return 0;
  value = Value::ofInteger(first - 0xF1);
  return 1;
}

}  // namespace

const char* packedFormatName(PackedFormat format) {
  switch (format) {
    case PackedFormat::kListpack:
      return "listpack";
    case PackedFormat::kZiplist:
      return "ziplist";
    case PackedFormat::kIntset:
      return "intset";
    case PackedFormat::kZipmap:
      return "zipmap";
  }
  return "";
}

Result<PackedReader> PackedReader::open(PackedFormat format, std::string_view blob) {
  PackedReader reader;
  reader.format_ = format;
  reader.begin_ = blob.data();
  reader.end_ = blob.data() + blob.size();
  size_t header = 0;
  bool sound = false;
  switch (format) {
    case PackedFormat::kListpack:
      header = kListpackHeader;
      sound = blob.size() > header && little(blob.data(), 4) == blob.size();
      if (sound) reader.count_ = little(blob.data() + 4, 2);
      break;
    case PackedFormat::kZiplist:
      header = kZiplistHeader;
      sound = blob.size() > header && little(blob.data(), 4) == blob.size();
      if (sound) {
        reader.tail_ = little(blob.data() + 4, 4);
        reader.count_ = little(blob.data() + 8, 2);
      }
      break;
    case PackedFormat::kIntset:
      header = kIntsetHeader;
      if (blob.size() < header) break;
      reader.integerSize_ = little(blob.data(), 4);
      reader.count_ = little(blob.data() + 4, 4);
      sound = (reader.integerSize_ == 2 || reader.integerSize_ == 4 || reader.integerSize_ == 8) &&
              blob.size() - header == reader.integerSize_ * reader.count_;
      break;
    case PackedFormat::kZipmap:
      header = 1;
      sound = blob.size() >= 2;
      if (sound) reader.count_ = byteAt(blob.data()) < kLongLength ? byteAt(blob.data()) * uint64_t{2} : kUnknown;
      break;
  }
  const bool wideCount = format == PackedFormat::kListpack || format == PackedFormat::kZiplist;
  if (wideCount && reader.count_ == kUnknownCount) reader.count_ = kUnknown;
  if (!sound) return fail(std::string("damaged header of a ") + packedFormatName(format));
  reader.at_ = blob.data() + header;
  return reader;
}

PackedReader::Step PackedReader::next(Value& value) {
  switch (format_) {
    case PackedFormat::kListpack:
      return nextListpack(value);
    case PackedFormat::kZiplist:
      return nextZiplist(value);
    case PackedFormat::kIntset:
      return nextInteger(value);
    case PackedFormat::kZipmap:
      return nextZipmap(value);
  }
  return Step::kDamaged;
}

// At an end byte: it must be the blob's last, and the header must have told the truth.
PackedReader::Step PackedReader::atEnd() {
  const bool sound = room() == 1 && (count_ == kUnknown || count_ == seen_);
  return sound ? Step::kEnd : Step::kDamaged;
}

PackedReader::Step PackedReader::nextListpack(Value& value) {
  if (room() == 0) return Step::kDamaged;
  if (byteAt(at_) == kEndByte) return atEnd();
  const listpack::Decoded decoded = listpack::decode(at_, end_ - 1);
  if (decoded.size == 0) return Step::kDamaged;
  value = decoded.value;
  at_ += decoded.size;
  seen_++;
  return Step::kElement;
}

PackedReader::Step PackedReader::nextZiplist(Value& value) {
  if (room() == 0) return Step::kDamaged;
  if (byteAt(at_) == kEndByte) {
    return tail_ == offset() - lastSize_ ? atEnd() : Step::kDamaged;
  }
  const size_t linkSize = byteAt(at_) == kLongLength ? 5 : 1;
  if (room() <= linkSize) return Step::kDamaged;
  const uint64_t link = linkSize == 1 ? byteAt(at_) : little(at_ + 1, 4);
  if (link != lastSize_) return Step::kDamaged;
  const size_t size = decodeZiplistValue(at_ + linkSize, end_ - 1, value);
  if (size == 0) return Step::kDamaged;
  lastSize_ = linkSize + size;
  at_ += lastSize_;
  seen_++;
  return Step::kElement;
}

PackedReader::Step PackedReader::nextInteger(Value& value) {
  if (at_ == end_) return Step::kEnd;
  value = Value::ofInteger(littleSigned(at_, integerSize_));
  at_ += integerSize_;
  return Step::kElement;
}

PackedReader::Step PackedReader::nextZipmap(Value& value) {
  if (room() == 0) return Step::kDamaged;
  const bool isKey = seen_ % 2 == 0;
  if (isKey && byteAt(at_) == kEndByte) return atEnd();
  const char* at = at_;
  uint64_t length = 0;
  if (!zipmapLength(at, end_, length)) return Step::kDamaged;
  uint64_t unused = 0;
  if (!isKey) {
    if (at == end_) return Step::kDamaged;
    unused = byteAt(at++);
  }
  if (static_cast<uint64_t>(end_ - at) < length + unused) return Step::kDamaged;
  value = Value::ofText({at, static_cast<size_t>(length)});
  at_ = at + length + unused;
  seen_++;
  return Step::kElement;
}

Status checkPacked(PackedFormat format, std::string_view blob) {
  auto reader = PackedReader::open(format, blob);
  if (!reader) return fail(reader.error().message);
  Value value;
  for (;;) {
    switch (reader->next(value)) {
      case PackedReader::Step::kElement:
        break;
      case PackedReader::Step::kEnd:
        return {};
      case PackedReader::Step::kDamaged:
        return fail(std::string("damaged ") + packedFormatName(format) + " at its byte " +
                    std::to_string(reader->offset()));
    }
  }
}

void putListpackHeader(char* at, size_t entryBytes, size_t count) {
  const size_t bytes = kListpackHeader + entryBytes + 1;
  const size_t shown = std::min<size_t>(count, kUnknownCount);
  for (size_t i = 0; i < 4; i++) at[i] = static_cast<char>(bytes >> (8 * i));
  for (size_t i = 0; i < 2; i++) at[4 + i] = static_cast<char>(shown >> (8 * i));
}

std::string makeListpack(std::string_view entries, size_t count) {
  std::string blob(kListpackHeader, '\0');
  putListpackHeader(blob.data(), entries.size(), count);
  blob += entries;
  blob += static_cast<char>(listpack::kEnd);
  return blob;
}

}  // namespace vigil::wire
