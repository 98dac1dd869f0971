// One key and its value.
//
// A small key with a small value is one heap block. Layout (bytes):
//
//   0        1       2        5         6           8
//   | type/  | flags | access | keySize | valueSize | [expireAt 8] | [word 8] | [wideKeySize 4] | key | value |
//   | enc    | access| time 3 | 255=wide| inline    |  if kHasExpire  if not kInline  if keySize=255     if kInline
//
// word: the number (kInt), or a pointer that the entry owns (kBuffer: a SharedBuffer's block; kList: a ChunkedList).
//
// A number of 32 bits that expires is packed: there is no word, the number's upper half stands in the upper 16 bits of
// expireAt and its lower half in valueSize.
//
// Not thread safe: an entry is touched under its shard's lock. An entry never changes its key. Where a change needs
// another layout, a new block replaces the old one, so pointers to entries do not survive changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/ports/clock.h"
#include "ds/shared_buffer.h"

namespace vigil::ds {
class ChunkedList;
}

namespace vigil::keyspace {

// Numbers as in RDB's object types, so that messages agree with Redis's.
enum class Type : uint8_t { kString = 0, kList = 1, kSet = 2, kZset = 3, kHash = 4, kModule = 5, kStream = 6 };

// What TYPE replies.
std::string_view typeName(Type type);

class Entry {
 public:
  enum class Encoding : uint8_t { kInline = 0, kInt = 1, kBuffer = 2, kObject = 3 };
  // Values up to this size are stored in the entry's own block; larger ones in a SharedBuffer.
  static constexpr size_t kMaxInline = 4096;
  static constexpr size_t kMaxKeySize = size_t{512} << 20;

  // --- Making and freeing ---
  // expireAt: Unix milliseconds, 0: never.
  static Entry* makeString(std::string_view key, std::string_view value, UnixMs expireAt = 0);
  static Entry* makeInt(std::string_view key, int64_t value, UnixMs expireAt = 0);
  static Entry* makeBuffer(std::string_view key, ds::SharedBuffer value, UnixMs expireAt = 0);
  static Entry* makeList(std::string_view key, ds::ChunkedList* list, UnixMs expireAt = 0);  // takes the list
  // A string of `size` zero bytes that is to be edited: an inline value's block has room to grow into.
  static Entry* makeEditable(std::string_view key, size_t size, UnixMs expireAt = 0);
  // The same value under another key, or with another expiry; `from` is freed, its value moved. `key` may be its own.
  static Entry* rebuild(Entry* from, std::string_view key, UnixMs expireAt);
  // An independent copy under another key. Large values share their bytes until one side changes them.
  static Entry* copy(const Entry& from, std::string_view key, UnixMs expireAt);
  static void free(Entry* entry);

  // --- Key and metadata ---
  Type type() const { return static_cast<Type>(typeEncoding_ & 15); }
  Encoding encoding() const { return static_cast<Encoding>(typeEncoding_ >> 4 & 3); }
  bool isString() const { return type() == Type::kString; }
  bool isList() const { return type() == Type::kList; }

  std::string_view key() const {
    const char* at = body() + headSize();
    return {at, keySize_ != kWide ? keySize_ : loadWideSize(at)};
  }
  bool hasKey(std::string_view key) const {
    if (keySize_ != kWide) [[likely]] {
      return keySize_ == key.size() && std::memcmp(body() + headSize(), key.data(), key.size()) == 0;
    }
    return this->key() == key;
  }

  bool hasExpire() const { return flags_ & kHasExpire; }
  UnixMs expireAt() const { return hasExpire() ? loadExpire() : 0; }  // 0: never
  bool expired(UnixMs now) const { return hasExpire() && loadExpire() <= now; }
  // Whether this block can take another expiry, 0 for never.
  bool takesExpire(UnixMs at) const { return hasExpire() == (at != 0) && (!packed() || packable(0, at)); }
  void setExpireInPlace(UnixMs at) {  // only if takesExpire() and not 0
    store(body(), packed() ? at | (load<int64_t>(body()) & ~kPackedExpire) : at);
  }

  // 30 bits: when or how often it was used (keyspace/access_clock.h).
  uint32_t access() const {
    return access_[0] | access_[1] << 8 | static_cast<uint32_t>(access_[2]) << 16 |
           static_cast<uint32_t>(flags_ >> kFlagBits) << 24;
  }
  void setAccess(uint32_t value) {
    access_[0] = static_cast<uint8_t>(value);
    access_[1] = static_cast<uint8_t>(value >> 8);
    access_[2] = static_cast<uint8_t>(value >> 16);
    flags_ = static_cast<uint8_t>((flags_ & ((1 << kFlagBits) - 1)) | value >> 24 << kFlagBits);
  }

  // --- Strings ---
  bool isInt() const { return encoding() == Encoding::kInt; }
  int64_t number() const { return packed() ? loadPacked() : load<int64_t>(word()); }  // kInt
  // kInt: whether this block can take the number together with the expiry, 0 for never.
  bool takesNumber(int64_t value, UnixMs at) const {
    return hasExpire() == (at != 0) && (!packed() || packable(value, at));
  }
  void setNumber(int64_t value) { packed() ? storePacked(value) : store(word(), value); }  // only if takesNumber()
  std::string_view inlineValue() const {                                                   // kInline
    auto k = key();
    return {k.data() + k.size(), valueSize_};
  }
  const ds::SharedBuffer& buffer() const;  // kBuffer
  ds::SharedBuffer& buffer();
  // The value of any string; for kInt its decimal text in `scratch`.
  struct Scratch {
    char text[24];
  };
  std::string_view stringValue(Scratch& scratch) const;
  size_t stringSize() const;
  // Whether the value came to be by editing (APPEND, SETRANGE, SETBIT…), for which OBJECT ENCODING says raw.
  bool edited() const { return flags_ & kEdited; }
  void setEdited() { flags_ |= kEdited; }

  // kInline: overwrites the value in this very block, if it has room and would not waste much. False: make a new
  // entry. An edited value becomes a plain one.
  bool assignInline(std::string_view value) {
    if (value.size() == valueSize_) [[likely]] {
      std::memcpy(valueStart(), value.data(), value.size());
      flags_ &= static_cast<uint8_t>(~kEdited);
      return true;
    }
    return resizeAndAssign(value);
  }
  // kInline, kBuffer: the value's bytes, grown with zero bytes to at least `size`, to be written to; marked as edited.
  // An empty span with a null pointer: it does not fit into this block, make a new entry.
  std::span<char> edit(size_t size);

  // --- Objects ---
  ds::ChunkedList& list();
  const ds::ChunkedList& list() const;

  // Bytes that this entry and its value take from the allocator (an estimate for shared chunks). Of large collections
  // `samples` parts are measured, 0: all.
  size_t memory(size_t samples = 5) const;
  // How much work it is to free it, in units of one part of a collection or 16 KiB.
  size_t freeingEffort() const;

 private:
  static constexpr uint8_t kHasExpire = 1;
  static constexpr uint8_t kEdited = 2;
  static constexpr int kFlagBits = 2;  // of flags_; the others belong to access()
  static constexpr uint8_t kWide = 255;

  static constexpr uint8_t kPacked = 64;                            // of typeEncoding_
  static constexpr int64_t kPackedExpire = (int64_t{1} << 48) - 1;  // what is the expiry's of a packed word

  Entry() = default;
  // Room for a word of `wordSize` bytes and `inlineSize` bytes of value; valueSize_ and the word are the caller's to
  // set.
  static Entry* allocate(Type type, Encoding encoding, std::string_view key, size_t wordSize, size_t inlineSize,
                         UnixMs expireAt);

  template <typename T>
  static T load(const char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  template <typename T>
  static void store(char* at, T value) {
    std::memcpy(at, &value, sizeof value);
  }
  bool packed() const { return typeEncoding_ & kPacked; }
  static bool packable(int64_t number, UnixMs at) {
    return number == static_cast<int32_t>(number) && at > 0 && at <= kPackedExpire;
  }
  UnixMs loadExpire() const { return load<int64_t>(body()) & (packed() ? kPackedExpire : -1); }
  int32_t loadPacked() const {
    return static_cast<int32_t>(static_cast<uint32_t>(load<uint64_t>(body()) >> 48) << 16 | valueSize_);
  }
  void storePacked(int64_t value) {
    store(body(), (load<int64_t>(body()) & kPackedExpire) | value >> 16 << 48);
    valueSize_ = static_cast<uint16_t>(value);
  }
  size_t loadWideSize(const char* key) const { return load<uint32_t>(key - 4); }

  const char* body() const { return reinterpret_cast<const char*>(this + 1); }
  char* body() { return reinterpret_cast<char*>(this + 1); }
  size_t expireSize() const { return (flags_ & kHasExpire) << 3; }
  // Bytes between the header and the key.
  size_t headSize() const {
    return expireSize() + (encoding() == Encoding::kInline || packed() ? 0 : 8) + (keySize_ == kWide ? 4 : 0);
  }
  char* word() { return body() + expireSize(); }
  const char* word() const { return body() + expireSize(); }
  char* valueStart() { return const_cast<char*>(key().data()) + key().size(); }
  // Of the block up to the value's last byte.
  size_t usedBytes() const { return sizeof(Entry) + headSize() + key().size() + valueSize_; }
  bool resizeAndAssign(std::string_view value);
  void dropValue();

  uint8_t typeEncoding_;
  uint8_t flags_;
  uint8_t access_[3];
  uint8_t keySize_;
  uint16_t valueSize_;
};
static_assert(sizeof(Entry) == 8);

}  // namespace vigil::keyspace
