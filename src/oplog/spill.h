// Old parts of the log on disk: what a slow reader still needs but memory may not hold.
//
// Bytes go in in the order of their offsets, a run at a time, into files of a fixed size, and are read back at any
// offset; files that no reader needs any more go. The files are scratch: they lose their names as soon as they are open,
// so that nothing is left of them when the process ends, however it does. They are not synced.
//
//   oldest                                        newest
//   | spill-<base> 64 MiB | spill-<base> 64 MiB | spill-<base> … |
//   ^ start()                                                    ^ end()
//
// Thread safe. Calls block for as long as the disk takes: never under a lock of the data plane.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/ports/files.h"
#include "base/result.h"

namespace vigil::oplog {

class Spill {
 public:
  static constexpr uint64_t kFileBytes = 64ULL << 20;

  // `prefix`: path and beginning of the files' names ("./repl-spill-1234-").
  Spill(FileSystem& files, std::string prefix, uint64_t maxBytes);
  ~Spill();

  // Appends the bytes that begin at `offset`. They must continue what is there; else everything older is dropped
  // first. Fails on a disk error, or if the files would be larger than allowed.
  Status append(int64_t offset, std::string_view bytes);
  // Fills `into` with bytes from `offset` on; returns how many there were, fewer only at the end of a file.
  Result<size_t> read(int64_t offset, std::span<char> into);
  // No reader needs anything below `offset` any more.
  void dropBelow(int64_t offset);
  void clear();

  uint64_t bytes() const;  // on disk
  void setMaxBytes(uint64_t bytes);

 private:
  struct Part {
    int64_t base;  // offset of its first byte
    uint64_t size;
    std::shared_ptr<File> file;
  };
  void removeFront() REQUIRES(mutex_);

  FileSystem& files_;
  const std::string prefix_;
  mutable Mutex mutex_;
  uint64_t maxBytes_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  std::deque<Part> parts_ GUARDED_BY(mutex_);
};

}  // namespace vigil::oplog
