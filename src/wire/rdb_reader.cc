#include "wire/rdb_reader.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

#include "wire/lzf.h"

namespace vigil::wire {
namespace {

using listpack::Value;

// Bytes taken before the running checksum follows: so that it works on long pieces, which are still in the cache.
constexpr ptrdiff_t kChecksumPiece = 64 * 1024;

constexpr size_t kHeaderSize = 9;
constexpr int kFirstVersionWithChecksum = 5;

uint64_t bigEndian(const char* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

uint64_t littleEndian(const char* at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value |= static_cast<uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  return value;
}

int64_t littleSigned(const char* at, size_t bytes) {
  const size_t shift = 64 - 8 * bytes;
  return static_cast<int64_t>(littleEndian(at, bytes) << shift) >> shift;
}

std::string hexadecimal(uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return {digits, end};
}

// A key in a message: cut where it is long, without bytes that a log line cannot show.
std::string shown(std::string_view key) {
  std::string text;
  for (char c : key.substr(0, 128)) text += c >= ' ' && c <= '~' ? c : '.';
  return key.size() > 128 ? text + "..." : text;
}

}  // namespace

// How the value of one type byte is laid out in the file.
struct RdbReader::TypeRow {
  uint8_t code;
  RdbValueType type;
  Layout layout;
  PackedFormat packed = PackedFormat::kListpack;  // of kBlob, kBlobs and kNodes
};

// A place in the caller's bytes. An item is read with a copy of it, which counts only once the item is whole.
struct RdbReader::Cursor {
  const char* at;
  const char* end;
  const char* begin;  // where the step began: offset_ stands there
  size_t room() const { return static_cast<size_t>(end - at); }
};

const RdbReader::TypeRow* RdbReader::typeRow(uint8_t code) {
  using enum RdbValueType;
  static constexpr auto kRows = std::to_array<TypeRow>({
      {0, kString, Layout::kString},       {1, kList, Layout::kStrings},
      {2, kSet, Layout::kUnsupported},     {3, kZset, Layout::kUnsupported},
      {4, kHash, Layout::kUnsupported},    {5, kZset, Layout::kUnsupported},
      {6, kModule, Layout::kModule},       {7, kModule, Layout::kModule},
      {9, kHash, Layout::kUnsupported},    {10, kList, Layout::kBlob, PackedFormat::kZiplist},
      {11, kSet, Layout::kUnsupported},    {12, kZset, Layout::kUnsupported},
      {13, kHash, Layout::kUnsupported},   {14, kList, Layout::kBlobs, PackedFormat::kZiplist},
      {15, kStream, Layout::kUnsupported}, {16, kHash, Layout::kUnsupported},
      {17, kZset, Layout::kUnsupported},   {18, kList, Layout::kNodes, PackedFormat::kListpack},
      {19, kStream, Layout::kUnsupported}, {20, kSet, Layout::kUnsupported},
      {21, kStream, Layout::kUnsupported},
  });
  for (const TypeRow& row : kRows) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

RdbReader::Event RdbReader::next(std::string_view& unread) {
  if (crcFrom_ == nullptr) crcFrom_ = taken_ = unread.data();
  assert(unread.data() == taken_ && "the bytes moved without kNeedMore");
  if (unread.data() - crcFrom_ >= kChecksumPiece) checksum(unread.data());
  Cursor in{unread.data(), unread.data() + unread.size(), unread.data()};
  const Event event = step(in);
  if (event == Event::kError) {
    stage_ = Stage::kFailed;
    return event;
  }
  // Also before kNeedMore: attributes of a key may have been taken.
  offset_ += static_cast<uint64_t>(in.at - in.begin);
  unread.remove_prefix(static_cast<size_t>(in.at - in.begin));
  taken_ = in.at;
  if (event == Event::kNeedMore) {
    checksum(unread.data());
    crcFrom_ = nullptr;
  }
  return event;
}

RdbReader::Event RdbReader::step(Cursor& in) {
  switch (stage_) {
    case Stage::kTop:
      return top(in);
    case Stage::kValue:
      return valueAlone(in);
    case Stage::kCollection:
    case Stage::kElements:
      return item(in);
    case Stage::kHeader:
      return header(in);
    case Stage::kEof:
      return Event::kEof;
    case Stage::kFailed:
      break;
  }
  return Event::kError;
}

RdbReader::Event RdbReader::header(Cursor& in) {
  Cursor at = in;
  const char* bytes = nullptr;
  if (const Got got = readBytes(at, kHeaderSize, bytes); got != Got::kOk) return outcome(got);
  if (std::string_view(bytes, kRdbMagic.size()) != kRdbMagic) {
    error_ = "Wrong signature trying to load DB from file";
    return Event::kError;
  }
  int version = 0;
  for (size_t i = kRdbMagic.size(); i < kHeaderSize && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
    version = version * 10 + (bytes[i] - '0');
  }
  if (version < 1 || version > kRdbVersionMax) {
    error_ = "Can't handle RDB format version " + std::to_string(version);
    return Event::kError;
  }
  version_ = version;
  number_ = static_cast<uint64_t>(version);
  stage_ = Stage::kTop;
  in = at;
  return Event::kVersion;
}

// Between two keys: one opcode with what belongs to it. The attributes of a key yield no event of their own.
RdbReader::Event RdbReader::top(Cursor& in) {
  if (keyComplete_) {
    key_ = {};
    keyComplete_ = false;
  }
  for (;;) {
    Cursor at = in;
    const char* code = nullptr;
    if (const Got got = readBytes(at, 1, code); got != Got::kOk) return outcome(got);
    const auto opcode = static_cast<RdbOpcode>(*code);
    Event event = Event::kNeedMore;
    switch (opcode) {
      case RdbOpcode::kExpireTimeMs:
      case RdbOpcode::kExpireTime:
      case RdbOpcode::kIdle:
      case RdbOpcode::kFreq:
        if (const Got got = keyAttribute(at, opcode); got != Got::kOk) return outcome(got);
        in = at;
        continue;
      case RdbOpcode::kAux:
        event = aux(at);
        break;
      case RdbOpcode::kSelectDb:
        event = selectDb(at);
        break;
      case RdbOpcode::kResizeDb:
        event = resizeDb(at);
        break;
      case RdbOpcode::kFunction2:
        event = function(at);
        break;
      case RdbOpcode::kFunctionPreGa:
        return damagedEvent(in, "Pre-release function format not supported");
      case RdbOpcode::kModuleAux:
        return moduleAux(at);
      case RdbOpcode::kEof:
        event = eof(at);
        break;
      default:
        event = keyAndValue(at, static_cast<uint8_t>(opcode));
        break;
    }
    if (event != Event::kNeedMore && event != Event::kError) in = at;
    return event;
  }
}

RdbReader::Got RdbReader::keyAttribute(Cursor& in, RdbOpcode opcode) {
  const char* bytes = nullptr;
  if (opcode == RdbOpcode::kIdle) {
    uint64_t seconds = 0;
    const Got got = readPlainLength(in, seconds);
    if (got == Got::kOk) key_.idleSeconds = seconds;
    return got;
  }
  const size_t size = opcode == RdbOpcode::kFreq ? 1 : opcode == RdbOpcode::kExpireTime ? 4 : 8;
  if (const Got got = readBytes(in, size, bytes); got != Got::kOk) return got;
  if (opcode == RdbOpcode::kFreq) {
    key_.frequency = static_cast<uint8_t>(*bytes);
  } else {
    const int64_t time = littleSigned(bytes, size);
    key_.expireAt = opcode == RdbOpcode::kExpireTime ? time * 1000 : time;
  }
  return Got::kOk;
}

RdbReader::Event RdbReader::aux(Cursor& in) {
  if (const Got got = readText(in, name_, keyScratch_); got != Got::kOk) return outcome(got);
  if (const Got got = readText(in, text_, valueScratch_); got != Got::kOk) return outcome(got);
  return Event::kAux;
}

RdbReader::Event RdbReader::selectDb(Cursor& in) {
  const Got got = readPlainLength(in, number_);
  return got == Got::kOk ? Event::kSelectDb : outcome(got);
}

RdbReader::Event RdbReader::resizeDb(Cursor& in) {
  if (const Got got = readPlainLength(in, number_); got != Got::kOk) return outcome(got);
  if (const Got got = readPlainLength(in, secondNumber_); got != Got::kOk) return outcome(got);
  return Event::kResizeDb;
}

RdbReader::Event RdbReader::function(Cursor& in) {
  const Got got = readText(in, text_, valueScratch_);
  return got == Got::kOk ? Event::kFunction : outcome(got);
}

RdbReader::Event RdbReader::moduleAux(Cursor& in) {
  uint64_t id = 0;
  if (const Got got = readPlainLength(in, id); got != Got::kOk) return outcome(got);
  return damagedEvent(
      in, "The RDB file contains AUX module data I can't load: no matching module '" + rdbModuleTypeName(id) + "'");
}

RdbReader::Event RdbReader::eof(Cursor& in) {
  const char* const covered = in.at;  // the checksum covers the opcode too
  if (version_ >= kFirstVersionWithChecksum) {
    const char* bytes = nullptr;
    if (const Got got = readBytes(in, 8, bytes); got != Got::kOk) return outcome(got);
    checksum(covered);
    const uint64_t expected = littleEndian(bytes, 8);
    if (options_.verifyChecksum && expected != 0 && expected != crc_.value()) {
      error_ = "Wrong RDB checksum expected: (" + hexadecimal(expected) + ") but got (" + hexadecimal(crc_.value()) +
               "). Aborting now.";
      return Event::kError;
    }
  }
  stage_ = Stage::kEof;
  return Event::kEof;
}

RdbReader::Event RdbReader::keyAndValue(Cursor& in, uint8_t code) {
  const TypeRow* const row = typeRow(code);
  if (row == nullptr) return damagedEvent(in, "Unknown RDB type or opcode " + std::to_string(code));
  if (const Got got = readText(in, key_.key, keyScratch_); got != Got::kOk) return outcome(got);
  return valueOf(in, *row);
}

RdbReader::Event RdbReader::valueAlone(Cursor& in) {
  Cursor at = in;
  const char* code = nullptr;
  if (const Got got = readBytes(at, 1, code); got != Got::kOk) return outcome(got);
  const TypeRow* const row = typeRow(static_cast<uint8_t>(*code));
  if (row == nullptr) return damagedEvent(in, "Unknown RDB type " + std::to_string(static_cast<uint8_t>(*code)));
  const Event event = valueOf(at, *row);
  if (event != Event::kNeedMore && event != Event::kError) in = at;
  return event;
}

RdbReader::Event RdbReader::valueOf(Cursor& in, const TypeRow& row) {
  key_.type = row.type;
  key_.sizeHint = 0;
  switch (row.layout) {
    case Layout::kString:
      if (const Got got = readString(in, value_, valueScratch_); got != Got::kOk) return outcome(got);
      return valueEnded(Event::kString);
    case Layout::kModule:
    case Layout::kUnsupported:
      return unsupported(in, row);
    default:
      return beginCollection(in, row);
  }
}

RdbReader::Event RdbReader::valueEnded(Event event) {
  stage_ = options_.valueOnly ? Stage::kEof : Stage::kTop;
  keyComplete_ = true;
  return event;
}

RdbReader::Event RdbReader::unsupported(Cursor& in, const TypeRow& row) {
  typeNotHeld_ = true;
  const std::string who = (options_.valueOnly ? "the value" : "key '" + shown(key_.key) + "'") + " has type ";
  const std::string code = " (RDB type " + std::to_string(row.code) + ")";
  if (row.layout == Layout::kUnsupported) {
    return damagedEvent(in, who + rdbValueTypeName(row.type) + code + ", which Vigil does not hold yet");
  }
  uint64_t id = 0;
  if (const Got got = readPlainLength(in, id); got != Got::kOk) return outcome(got);
  return damagedEvent(in, who + "'" + rdbModuleTypeName(id) + "'" + code + " of a module, which Vigil does not load");
}

RdbReader::Event RdbReader::beginCollection(Cursor& in, const TypeRow& row) {
  left_ = 1;
  if (row.layout != Layout::kBlob) {
    if (const Got got = readPlainLength(in, left_); got != Got::kOk) return outcome(got);
    key_.sizeHint = left_;
  }
  keyCopy_ = key_.key;
  key_.key = keyCopy_;
  row_ = &row;
  stage_ = Stage::kCollection;
  return Event::kBegin;
}

// Inside of a collection: the next element of the blob being read, or of the next part.
RdbReader::Event RdbReader::item(Cursor& in) {
  for (;;) {
    if (stage_ == Stage::kElements) {
      const PackedReader::Step step = elements_.next(value_);
      if (step == PackedReader::Step::kElement) return Event::kItem;
      if (step == PackedReader::Step::kDamaged) {
        return damagedEvent(in, "key '" + shown(key_.key) + "': damaged " + packedFormatName(row_->packed) +
                                    " that ends here, at its byte " + std::to_string(elements_.offset()));
      }
      stage_ = Stage::kCollection;
    }
    if (left_ == 0) return valueEnded(Event::kEnd);
    Cursor at = in;
    if (const Got got = part(at); got != Got::kOk) return outcome(got);
    left_--;
    in = at;
    if (stage_ == Stage::kCollection) return Event::kItem;
  }
}

// One string of a collection: an item (in value_), or a blob of them (then stage_ is kElements).
RdbReader::Got RdbReader::part(Cursor& in) {
  constexpr uint64_t kPlain = 1;
  constexpr uint64_t kPacked = 2;
  uint64_t container = kPacked;
  if (row_->layout == Layout::kNodes) {
    if (const Got got = readPlainLength(in, container); got != Got::kOk) return got;
  } else if (row_->layout == Layout::kStrings) {
    container = kPlain;
  }
  if (container == kPlain) return readString(in, value_, valueScratch_);
  if (container != kPacked) {
    return damaged(in, "key '" + shown(key_.key) + "' has a node of the unknown kind " + std::to_string(container));
  }
  const Cursor start = in;
  std::string_view blob;
  if (const Got got = readText(in, blob, valueScratch_); got != Got::kOk) return got;
  auto elements = PackedReader::open(row_->packed, blob);
  if (!elements) return damaged(start, "key '" + shown(key_.key) + "': " + elements.error().message);
  elements_ = *elements;
  stage_ = Stage::kElements;
  return Got::kOk;
}

RdbReader::Got RdbReader::readBytes(Cursor& in, size_t count, const char*& bytes) {
  if (in.room() < count) return needMore(count - in.room());
  bytes = in.at;
  in.at += count;
  return Got::kOk;
}

RdbReader::Got RdbReader::readLength(Cursor& in, uint64_t& length, bool& isEncoding) {
  const char* bytes = nullptr;
  isEncoding = false;
  if (const Got got = readBytes(in, 1, bytes); got != Got::kOk) return got;
  const auto first = static_cast<unsigned char>(*bytes);
  switch (first >> 6) {
    case 0:
      length = first;
      return Got::kOk;
    case 1:
      if (const Got got = readBytes(in, 1, bytes); got != Got::kOk) return got;
      length = (first & 0x3FULL) << 8 | static_cast<unsigned char>(*bytes);
      return Got::kOk;
    case 3:
      length = first & 0x3F;
      isEncoding = true;
      return Got::kOk;
    default:
      break;
  }
  if (first > 0x81) return damaged(in, "Unknown length encoding " + std::to_string(first));
  const size_t size = first == 0x80 ? 4 : 8;
  if (const Got got = readBytes(in, size, bytes); got != Got::kOk) return got;
  length = bigEndian(bytes, size);
  return Got::kOk;
}

RdbReader::Got RdbReader::readPlainLength(Cursor& in, uint64_t& length) {
  bool isEncoding = false;
  const Got got = readLength(in, length, isEncoding);
  if (got == Got::kOk && isEncoding) return damaged(in, "A length is expected, not an encoded string");
  return got;
}

RdbReader::Got RdbReader::readString(Cursor& in, Value& value, std::string& scratch) {
  uint64_t length = 0;
  bool isEncoding = false;
  if (const Got got = readLength(in, length, isEncoding); got != Got::kOk) return got;
  if (isEncoding) return readEncoded(in, length, value, scratch);
  if (length > options_.maxString) return damaged(in, "A string of " + std::to_string(length) + " bytes is too long");
  if (length > in.room()) return needMore(length - in.room());
  value = Value::ofText({in.at, static_cast<size_t>(length)});
  in.at += length;
  return Got::kOk;
}

RdbReader::Got RdbReader::readEncoded(Cursor& in, uint64_t encoding, Value& value, std::string& scratch) {
  constexpr uint64_t kCompressed = 3;
  if (encoding == kCompressed) {
    std::string_view text;
    const Got got = readCompressed(in, text, scratch);
    if (got == Got::kOk) value = Value::ofText(text);
    return got;
  }
  if (encoding > kCompressed) return damaged(in, "Unknown RDB string encoding type " + std::to_string(encoding));
  const size_t size = size_t{1} << encoding;
  const char* bytes = nullptr;
  if (const Got got = readBytes(in, size, bytes); got != Got::kOk) return got;
  value = Value::ofInteger(littleSigned(bytes, size));
  return Got::kOk;
}

RdbReader::Got RdbReader::readCompressed(Cursor& in, std::string_view& text, std::string& scratch) {
  uint64_t compressed = 0;
  uint64_t length = 0;
  if (const Got got = readPlainLength(in, compressed); got != Got::kOk) return got;
  if (const Got got = readPlainLength(in, length); got != Got::kOk) return got;
  if (compressed > options_.maxString || length > options_.maxString || length > lzfMaxDecompressedSize(compressed)) {
    return damaged(
        in, "A compressed string of " + std::to_string(compressed) + " bytes cannot have " + std::to_string(length));
  }
  const char* bytes = nullptr;
  if (const Got got = readBytes(in, compressed, bytes); got != Got::kOk) return got;
  bool sound = false;
  // libstdc++ 12 hands the capacity to the callback, not the size that was asked for.
  scratch.resize_and_overwrite(length, [&](char* into, size_t) {
    sound = lzfDecompress({bytes, static_cast<size_t>(compressed)}, {into, static_cast<size_t>(length)}).has_value();
    return sound ? length : 0;
  });
  if (!sound) return damaged(in, "Invalid LZF compressed string");
  text = scratch;
  return Got::kOk;
}

// A string whose integer encoding does not matter.
RdbReader::Got RdbReader::readText(Cursor& in, std::string_view& text, std::string& scratch) {
  Value value;
  if (const Got got = readString(in, value, scratch); got != Got::kOk) return got;
  if (value.isInteger) {
    scratch = std::to_string(value.number);
    text = scratch;
  } else {
    text = value.text;
  }
  return Got::kOk;
}

RdbReader::Got RdbReader::needMore(uint64_t missing) {
  missing_ = missing;
  return Got::kNeedMore;
}

RdbReader::Got RdbReader::damaged(const Cursor& in, const std::string& what) {
  error_ = what + " (at offset " + std::to_string(offset_ + static_cast<uint64_t>(in.at - in.begin)) + ")";
  return Got::kError;
}

RdbReader::Event RdbReader::damagedEvent(const Cursor& in, const std::string& what) {
  damaged(in, what);
  return Event::kError;
}

void RdbReader::checksum(const char* upTo) {
  if (options_.verifyChecksum && upTo > crcFrom_) {
    crc_.feed({crcFrom_, static_cast<size_t>(upTo - crcFrom_)});
  }
  crcFrom_ = upTo;
}

std::string RdbReader::truncated() const {
  return "Unexpected EOF reading RDB file (at offset " + std::to_string(offset_) + ")";
}

}  // namespace vigil::wire
