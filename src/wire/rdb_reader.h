// Reads an RDB file, or the RDB stream of a full resync, as a sequence of events. Pure and incremental: bytes may come
// in any pieces, and one call does one bounded step, so that whoever loads can stop between two.
//
// The caller owns the buffer, as with RequestParser:
//
//   std::string_view unread = ...;                    // all bytes that the reader has not taken, contiguous
//   switch (reader.next(unread)) { ... }              // takes bytes from the front of `unread`
//
// Bytes handed in stay where they are until kNeedMore (texts of events and the reader itself refer to them); then the
// caller moves what is left in `unread` as it likes and adds behind it; at least missing() bytes must come before the
// next event. missing() and sizeHint are claims of the file: take memory as bytes arrive, not before.
//
// Texts of an event are valid until the next call. Not thread safe. After kError or kEof of no further use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/crc64.h"
#include "base/listpack_entry.h"
#include "wire/packed_blob.h"
#include "wire/rdb_format.h"

namespace vigil::wire {

class RdbReader {
 public:
  enum class Event : uint8_t {
    kNeedMore,  // no whole item is left in `unread`; at the end of the file: see truncated()
    kError,     // error()
    kVersion,   // number(): the file's version; always first
    kAux,       // name() and text(): redis-ver, repl-id, repl-offset, … unknown ones are to be ignored
    kFunction,  // text(): the source of a function library
    kSelectDb,  // number(): what follows is of this database
    kResizeDb,  // number() keys, of which secondNumber() with an expiry: a hint
    kString,    // key() has the value value()
    kBegin,     // key() has a collection; its items follow. One without items is to be dropped (old bugs wrote them)
    kItem,      // value(): the next item; of a list: from head to tail
    kEnd,       // the collection is complete
    kEof,       // the file is complete, its checksum right (or absent: zero, or a version below 5)
  };

  struct Options {
    bool verifyChecksum = true;
    uint64_t maxString = 1ULL << 32;  // bytes of one string, compressed or not
    // Not a file but a value alone, as DUMP writes it (without its footer): a type byte and what belongs to it. The
    // events are kString, or kBegin to kEnd, and kEof.
    bool valueOnly = false;
  };

  RdbReader() : RdbReader(Options{}) {}
  explicit RdbReader(Options options)
      : options_(options), stage_(options.valueOnly ? Stage::kValue : Stage::kHeader) {}

  Event next(std::string_view& unread);

  const RdbKey& key() const { return key_; }
  const listpack::Value& value() const { return value_; }
  std::string_view name() const { return name_; }
  std::string_view text() const { return text_; }
  uint64_t number() const { return number_; }
  uint64_t secondNumber() const { return secondNumber_; }

  uint64_t missing() const { return missing_; }
  uint64_t offset() const { return offset_; }  // bytes taken since the file's first
  const std::string& error() const { return error_; }
  // After kError: whether a value is of a type that is not held here, rather than damaged.
  bool typeNotHeld() const { return typeNotHeld_; }

  // What to say when the input ends after kNeedMore.
  std::string truncated() const;

 private:
  enum class Got : uint8_t { kOk, kNeedMore, kError };
  enum class Layout : uint8_t { kString, kStrings, kBlob, kBlobs, kNodes, kModule, kUnsupported };
  enum class Stage : uint8_t { kHeader, kTop, kValue, kCollection, kElements, kEof, kFailed };
  struct TypeRow;
  struct Cursor;

  static const TypeRow* typeRow(uint8_t code);

  Event step(Cursor& in);
  Event header(Cursor& in);
  Event top(Cursor& in);
  Event keyAndValue(Cursor& in, uint8_t code);
  Event valueAlone(Cursor& in);
  Event valueOf(Cursor& in, const TypeRow& row);
  Event valueEnded(Event event);
  Event beginCollection(Cursor& in, const TypeRow& row);
  Event item(Cursor& in);
  Got part(Cursor& in);
  Event aux(Cursor& in);
  Event selectDb(Cursor& in);
  Event resizeDb(Cursor& in);
  Event function(Cursor& in);
  Event moduleAux(Cursor& in);
  Event eof(Cursor& in);
  Event unsupported(Cursor& in, const TypeRow& row);
  Got keyAttribute(Cursor& in, RdbOpcode opcode);

  Got readBytes(Cursor& in, size_t count, const char*& bytes);
  Got readLength(Cursor& in, uint64_t& length, bool& isEncoding);
  Got readPlainLength(Cursor& in, uint64_t& length);
  Got readString(Cursor& in, listpack::Value& value, std::string& scratch);
  Got readEncoded(Cursor& in, uint64_t encoding, listpack::Value& value, std::string& scratch);
  Got readCompressed(Cursor& in, std::string_view& text, std::string& scratch);
  Got readText(Cursor& in, std::string_view& text, std::string& scratch);

  Event outcome(Got got) const { return got == Got::kError ? Event::kError : Event::kNeedMore; }
  Got needMore(uint64_t missing);
  Got damaged(const Cursor& in, const std::string& what);
  Event damagedEvent(const Cursor& in, const std::string& what);
  void checksum(const char* upTo);

  Options options_;
  Stage stage_ = Stage::kHeader;
  int version_ = 0;

  // The collection being read.
  const TypeRow* row_ = nullptr;
  uint64_t left_ = 0;      // strings or blobs still to come
  std::string keyCopy_;    // what key_.key views
  PackedReader elements_;  // of the blob being read

  RdbKey key_;
  bool keyComplete_ = false;  // the attributes in key_ belong to a key that was yielded
  listpack::Value value_;
  std::string_view name_;
  std::string_view text_;
  uint64_t number_ = 0;
  uint64_t secondNumber_ = 0;
  std::string keyScratch_;  // integers as text, and decompressed strings
  std::string valueScratch_;

  uint64_t missing_ = 0;
  uint64_t offset_ = 0;
  std::string error_;
  bool typeNotHeld_ = false;

  Crc64 crc_;
  const char* crcFrom_ = nullptr;  // first byte taken that crc_ has not seen yet; null: none
  const char* taken_ = nullptr;    // where the last call stopped, while the bytes may not move
};

}  // namespace vigil::wire
