// Readers of the packed collections that stand as one string in an RDB file: listpacks, and the older ziplists, intsets
// and zipmaps. Every length and back link is checked on the way; nothing is read outside of the blob.
//
//   listpack   | bytes 4 | elements 2 | entry … | FF |                 see base/listpack_entry.h
//   ziplist    | bytes 4 | offset of the last entry 4 | elements 2 | entry … | FF |
//                entry: | size of the entry before: 1, or FE and 4 | encoding | value |
//   intset     | bytes per integer 4 | integers 4 | integer … |
//   zipmap     | pairs 1 | pair … | FF |
//                pair: | length 1, or FE and 4 | key | length | unused bytes 1 | value | unused … |
//
// Numbers are little endian, lengths of ziplist texts big endian. Element counts of 65535 (zipmap: 254) mean unknown.
// Not thread safe. Sources: antirez/listpack listpack.md; the RDB format as documented by rdbtools.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/listpack_entry.h"
#include "base/result.h"

namespace vigil::wire {

enum class PackedFormat : uint8_t { kListpack, kZiplist, kIntset, kZipmap };

const char* packedFormatName(PackedFormat format);

// Walks the elements from first to last; a zipmap's are key, value, key, value.
class PackedReader {
 public:
  enum class Step : uint8_t { kElement, kEnd, kDamaged };

  PackedReader() = default;  // over nothing: kEnd
  // Checks the header. `blob` must outlive the reader and the texts that it yields.
  static Result<PackedReader> open(PackedFormat format, std::string_view blob);

  Step next(listpack::Value& value);

  // What the header says; 0 where it does not say.
  uint64_t countHint() const { return count_ == kUnknown ? 0 : count_; }
  // Bytes of the blob before the next element: where damage was found.
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

 private:
  static constexpr uint64_t kUnknown = UINT64_MAX;

  Step nextListpack(listpack::Value& value);
  Step nextZiplist(listpack::Value& value);
  Step nextInteger(listpack::Value& value);
  Step nextZipmap(listpack::Value& value);
  Step atEnd();
  size_t room() const { return static_cast<size_t>(end_ - at_); }

  PackedFormat format_ = PackedFormat::kIntset;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;  // of the blob
  uint64_t count_ = 0;         // as the header says
  uint64_t seen_ = 0;
  size_t lastSize_ = 0;     // ziplist: of the entry before
  uint64_t tail_ = 0;       // ziplist: offset of the last entry
  size_t integerSize_ = 0;  // intset
};

// Whether the whole blob is sound.
Status checkPacked(PackedFormat format, std::string_view blob);

// Writes whole listpacks from entries as base/listpack_entry.h encodes them.
inline constexpr size_t kListpackHeader = 6;
void putListpackHeader(char* at, size_t entryBytes, size_t count);  // kListpackHeader bytes
std::string makeListpack(std::string_view entries, size_t count);

}  // namespace vigil::wire
