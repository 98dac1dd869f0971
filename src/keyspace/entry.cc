#include "keyspace/entry.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <new>
#include <utility>

#include "base/decimal.h"
#include "base/memory.h"
#include "base/text.h"
#include "ds/chunked_list.h"

namespace vigil::keyspace {

namespace {

// What operator new hands out anyway.
constexpr size_t roundUp8(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

constexpr size_t kBufferUnit = size_t{16} << 10;  // unmapping it is about as much work as freeing a chunk

}  // namespace

std::string_view typeName(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kList:
      return "list";
    case Type::kSet:
      return "set";
    case Type::kZset:
      return "zset";
    case Type::kHash:
      return "hash";
    case Type::kModule:
      return "module";
    case Type::kStream:
      return "stream";
  }
  return "unknown";
}

Entry* Entry::allocate(Type type, Encoding encoding, std::string_view key, size_t wordSize, size_t inlineSize,
                       UnixMs expireAt) {
  assert(key.size() <= UINT32_MAX);
  const bool wide = key.size() >= kWide;
  const size_t head = (expireAt != 0 ? 8 : 0) + wordSize + (wide ? 4 : 0);
  void* block = ::operator new(roundUp8(sizeof(Entry) + head + key.size() + inlineSize));
  Entry* entry = new (block) Entry;
  entry->typeEncoding_ = static_cast<uint8_t>(static_cast<uint8_t>(type) | static_cast<uint8_t>(encoding) << 4);
  entry->flags_ = expireAt != 0 ? kHasExpire : 0;
  entry->setAccess(0);
  entry->keySize_ = wide ? kWide : static_cast<uint8_t>(key.size());
  entry->valueSize_ = 0;
  char* at = entry->body();
  if (expireAt != 0) store(at, expireAt);
  at += head;
  if (wide) store(at - 4, static_cast<uint32_t>(key.size()));
  std::memcpy(at, key.data(), key.size());
  return entry;
}

Entry* Entry::makeString(std::string_view key, std::string_view value, UnixMs expireAt) {
  if (value.size() > kMaxInline) return makeBuffer(key, ds::SharedBuffer(value), expireAt);
  Entry* entry = allocate(Type::kString, Encoding::kInline, key, 0, value.size(), expireAt);
  entry->valueSize_ = static_cast<uint16_t>(value.size());
  std::memcpy(entry->valueStart(), value.data(), value.size());
  return entry;
}

Entry* Entry::makeInt(std::string_view key, int64_t value, UnixMs expireAt) {
  const bool packs = packable(value, expireAt);
  Entry* entry = allocate(Type::kString, Encoding::kInt, key, packs ? 0 : 8, 0, expireAt);
  if (packs) entry->typeEncoding_ |= kPacked;
  entry->setNumber(value);
  return entry;
}

Entry* Entry::makeBuffer(std::string_view key, ds::SharedBuffer value, UnixMs expireAt) {
  Entry* entry = allocate(Type::kString, Encoding::kBuffer, key, 8, 0, expireAt);
  new (entry->word()) ds::SharedBuffer(std::move(value));
  return entry;
}

Entry* Entry::makeList(std::string_view key, ds::ChunkedList* list, UnixMs expireAt) {
  Entry* entry = allocate(Type::kList, Encoding::kObject, key, 8, 0, expireAt);
  store(entry->word(), list);
  return entry;
}

Entry* Entry::makeEditable(std::string_view key, size_t size, UnixMs expireAt) {
  Entry* entry = nullptr;
  if (size > kMaxInline) {
    ds::SharedBuffer zeros;
    zeros.resize(size);
    entry = makeBuffer(key, std::move(zeros), expireAt);
  } else {
    entry = allocate(Type::kString, Encoding::kInline, key, 0, std::min(size * 2, kMaxInline), expireAt);
    entry->valueSize_ = static_cast<uint16_t>(size);
    std::memset(entry->valueStart(), 0, size);
  }
  entry->setEdited();
  return entry;
}

Entry* Entry::rebuild(Entry* from, std::string_view key, UnixMs expireAt) {
  Entry* entry = nullptr;
  if (from->encoding() == Encoding::kInline) {
    entry = makeString(key, from->inlineValue(), expireAt);
  } else if (from->isInt()) {
    entry = makeInt(key, from->number(), expireAt);
  } else {
    // A pointer that owns moves like any other word.
    entry = allocate(from->type(), from->encoding(), key, 8, 0, expireAt);
    std::memcpy(entry->word(), from->word(), 8);
  }
  entry->flags_ |= from->flags_ & kEdited;
  entry->setAccess(from->access());
  ::operator delete(from);
  return entry;
}

Entry* Entry::copy(const Entry& from, std::string_view key, UnixMs expireAt) {
  Entry* entry = nullptr;
  switch (from.encoding()) {
    case Encoding::kInline:
      entry = makeString(key, from.inlineValue(), expireAt);
      break;
    case Encoding::kInt:
      entry = makeInt(key, from.number(), expireAt);
      break;
    case Encoding::kBuffer:
      entry = makeBuffer(key, from.buffer(), expireAt);
      break;
    case Encoding::kObject:
      entry = makeList(key, std::make_unique<ds::ChunkedList>(from.list().snapshot()).release(), expireAt);
      break;
  }
  entry->flags_ |= from.flags_ & kEdited;
  entry->setAccess(from.access());
  return entry;
}

void Entry::free(Entry* entry) {
  entry->dropValue();
  ::operator delete(entry);
}

void Entry::dropValue() {
  if (encoding() == Encoding::kBuffer) {
    std::destroy_at(&buffer());
  } else if (encoding() == Encoding::kObject) {
    std::unique_ptr<ds::ChunkedList> owned(&list());
  }
}

const ds::SharedBuffer& Entry::buffer() const {
  assert(encoding() == Encoding::kBuffer);
  return *std::launder(static_cast<const ds::SharedBuffer*>(static_cast<const void*>(word())));
}

ds::SharedBuffer& Entry::buffer() { return const_cast<ds::SharedBuffer&>(std::as_const(*this).buffer()); }

const ds::ChunkedList& Entry::list() const {
  assert(isList());
  return *load<const ds::ChunkedList*>(word());
}

ds::ChunkedList& Entry::list() { return const_cast<ds::ChunkedList&>(std::as_const(*this).list()); }

std::string_view Entry::stringValue(Scratch& scratch) const {
  assert(isString());
  switch (encoding()) {
    case Encoding::kInt:
      return {scratch.text, putDecimal(scratch.text, number())};
    case Encoding::kBuffer:
      return buffer().view();
    default:
      return inlineValue();
  }
}

size_t Entry::stringSize() const {
  Scratch scratch;
  return encoding() == Encoding::kInline ? valueSize_ : stringValue(scratch).size();
}

bool Entry::resizeAndAssign(std::string_view value) {
  if (value.size() > kMaxInline) return false;
  const size_t used = usedBytes();
  const size_t wanted = used - valueSize_ + value.size();
  if (roundUp8(wanted) != roundUp8(used)) {
    const size_t have = allocatedSize(this);
    if (wanted > have || roundUp8(wanted) * 2 < have) return false;
  }
  std::memcpy(valueStart(), value.data(), value.size());
  valueSize_ = static_cast<uint16_t>(value.size());
  flags_ &= static_cast<uint8_t>(~kEdited);
  return true;
}

std::span<char> Entry::edit(size_t size) {
  if (encoding() == Encoding::kBuffer) {
    ds::SharedBuffer& bytes = buffer();
    if (size > bytes.size()) bytes.resize(size);
    setEdited();
    return {bytes.mutableData(), bytes.size()};
  }
  assert(encoding() == Encoding::kInline);
  const size_t old = valueSize_;
  if (size > old) {
    if (size > kMaxInline || usedBytes() - old + size > allocatedSize(this)) return {};
    std::memset(valueStart() + old, 0, size - old);
    valueSize_ = static_cast<uint16_t>(size);
  }
  setEdited();
  return {valueStart(), valueSize_};
}

size_t Entry::memory(size_t samples) const {
  const size_t block = allocatedSize(this);
  if (encoding() == Encoding::kBuffer) return block + buffer().memoryUsage();
  if (encoding() == Encoding::kObject) return block + sizeof(ds::ChunkedList) + list().memoryUsage(samples);
  return block;
}

size_t Entry::freeingEffort() const {
  if (encoding() == Encoding::kBuffer) return 1 + buffer().memoryUsage() / kBufferUnit;
  if (encoding() == Encoding::kObject) return list().chunkCount();
  return 1;
}

}  // namespace vigil::keyspace
