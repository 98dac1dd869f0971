// Port: files. Calls may block for as long as the disk takes, so they belong on a task pool's thread or a serial
// executor, except for small ones at start and stop.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vigil {

// One open file. Not thread safe, except that readAt() may run beside append().
class File {
 public:
  virtual ~File() = default;
  // Reads up to into.size() bytes at `offset`; fewer only at the end of the file.
  virtual Result<size_t> readAt(uint64_t offset, std::span<char> into) = 0;
  // Appends the pieces in order. On an error some of the bytes may have been written: size() tells.
  virtual Status append(std::span<const std::string_view> pieces) = 0;
  Status append(std::string_view bytes) { return append(std::span<const std::string_view>(&bytes, 1)); }
  // Makes what was appended durable (fdatasync). After a failure nothing may be assumed of the unsynced bytes.
  virtual Status sync() = 0;
  virtual Result<uint64_t> size() = 0;
  virtual Status truncate(uint64_t size) = 0;
};

// Held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Thread safe. Paths are as the user gave them, relative to the process's working directory.
class FileSystem {
 public:
  enum class Open { kRead, kAppendOrCreate, kCreateEmpty };
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how, uint32_t permissions = 0644) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to` atomically
  virtual Status remove(const std::string& path) = 0;                         // a missing file is an error (ENOENT)
  virtual Status makeDir(const std::string& path) = 0;                        // an existing one is no error
  virtual Result<std::vector<std::string>> list(const std::string& dir) = 0;  // names, sorted, without . and ..
  // Keeps other processes from locking the same path, which is created if it is missing; fails at once, with
  // EWOULDBLOCK, if one has it.
  // Where no other process can see the files there is nothing to keep out.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string&) { return std::make_unique<FileLock>(); }
  virtual Status syncDir(const std::string& dir) = 0;  // makes creations, renames and removals in `dir` durable
};

// The whole file at `path`.
Result<std::string> readWholeFile(FileSystem& files, const std::string& path);
// Replaces `path` so that after a crash it has either its old or its new content: temporary file, sync, rename, sync
// of the folder.
Status replaceFileDurably(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace vigil
