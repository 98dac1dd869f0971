// Loads an RDB stream into a keyspace that nobody else uses: at start, or built beside the live one (full resync,
// reload), which then takes it over by Keyspace::replaceAll(). What was loaded before an error is to be thrown away
// with the keyspace: nothing is loaded half.
//
// The loader owns its buffer, so that a file's blocks or a socket's bytes are read straight into it:
//
//   RdbLoader loader(keyspace, options);
//   for (;;) {
//     auto room = loader.room();
//     size_t got = read(room);                        // 0: the input has ended: loader.truncated()
//     switch (loader.received(got)) { kNeedMore: go on; kFailed: loader.error(); kDone: loader.rest() }
//   }
//
// Entries are inserted in batches: the bucket of each key is prefetched when it is decoded, and read some dozens of
// keys later.
//
// Not thread safe. Memory: the buffer is as long as the longest string of the file, taken as its bytes arrive.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ports/clock.h"
#include "base/result.h"
#include "ds/chunked_list.h"
#include "keyspace/rdb_entry.h"
#include "wire/rdb_reader.h"

namespace vigil {
class File;
}

namespace vigil::keyspace {
class Entry;
class Keyspace;
class Shard;
}  // namespace vigil::keyspace

namespace vigil::persistence {

// The aux fields that mean something here. Unknown ones are skipped.
struct RdbAux {
  std::string redisVersion;
  std::optional<int64_t> created;     // Unix seconds
  std::optional<int64_t> usedMemory;  // bytes
  std::string replicationId;          // empty: none
  std::optional<int64_t> replicationOffset;
  std::optional<int> streamDb;  // the database that the replication stream has selected at that offset
  bool aofBase = false;
};

struct RdbLoadOptions {
  UnixMs now = 0;
  bool dropExpired = true;     // a master's own file; a replica and an AOF's base keep what has expired
  std::function<void(int db, std::string_view key)> dropped{};  // hears of each
  bool verifyChecksum = true;  // rdbchecksum
  ds::ChunkLimit listLimit{};  // of the lists that are made
  uint64_t expectedBytes = 0;  // the length of the input if it is known: bounds what the file's hints may reserve
};

class RdbLoader {
 public:
  enum class State : uint8_t { kNeedMore, kDone, kFailed };

  RdbLoader(keyspace::Keyspace& into, const RdbLoadOptions& options);
  ~RdbLoader();
  RdbLoader(const RdbLoader&) = delete;
  RdbLoader& operator=(const RdbLoader&) = delete;

  // Where the next bytes go; never empty.
  std::span<char> room();
  // So many bytes were written to room(): decodes what is whole.
  State received(size_t bytes);
  // Both at once, for bytes that lie somewhere else. After kDone `bytes` begins behind the RDB's end.
  State feed(std::string_view& bytes);
  // After kDone: bytes received behind the RDB's end. Valid until the loader goes.
  std::string_view rest() const { return {buffer_.get() + begin_, end_ - begin_}; }

  const std::string& error() const { return error_; }
  std::string truncated() const { return reader_.truncated(); }  // what to say when the input ends too early
  uint64_t offset() const { return reader_.offset(); }           // bytes decoded

  const RdbAux& aux() const { return aux_; }
  uint64_t keysLoaded() const { return keysLoaded_; }
  uint64_t keysExpired() const { return keysExpired_; }
  uint64_t emptyKeysSkipped() const { return emptyKeys_; }

 private:
  static constexpr size_t kBatch = 48;

  struct Pending {
    keyspace::Entry* entry;
    uint64_t hash;
    keyspace::Shard* shard;
  };

  State decode();
  bool apply(wire::RdbReader::Event event);  // false: error_ is set
  bool refuse(std::string error);
  void noteAux(std::string_view name, std::string_view text);
  bool selectDb(uint64_t db);
  void reserve(uint64_t keys);
  bool beginKey();
  bool stringKey();
  bool endCollection();
  bool add(keyspace::Entry* entry);
  bool insertPending();

  keyspace::Keyspace& keyspace_;
  const RdbLoadOptions options_;
  wire::RdbReader reader_;

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // first byte that the reader has not taken
  size_t end_ = 0;

  int db_ = 0;
  UnixMs expireAt_ = 0;  // of the key being read; 0: never
  bool skipKey_ = false;
  keyspace::RdbEntryBuilder builder_;  // of the collection being read
  std::array<Pending, kBatch> pending_;
  size_t pendingCount_ = 0;

  RdbAux aux_;
  uint64_t keysLoaded_ = 0;
  uint64_t keysExpired_ = 0;
  uint64_t emptyKeys_ = 0;
  std::string error_;
};

// Loads the RDB at the beginning of a file. `progress` is called now and then with the bytes decoded so far; an error
// of it gives the load up, and is returned. Returns the offset behind the RDB's end (an old AOF goes on there).
Result<uint64_t> loadRdbFile(RdbLoader& loader, File& file, const std::function<Status(uint64_t)>& progress = {});

}  // namespace vigil::persistence
