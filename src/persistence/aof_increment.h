// The incremental AOF file that is being written: whole units of the log, verbatim, each batch followed by its mark.
//
//   | head | SELECT | records | mark | records | mark | …
//                                    ^ syncedSize()   ^ size()
//
// A write that fails leaves nothing behind: what got to the disk is cut off again, at once or, where that fails too,
// before the next write. After a failed sync the file must not be written any more (Redis's users call it fsyncgate):
// whoever owns it goes on in another file, from syncedOffset().
//
// Used by one thread at a time, except that file()->sync() may run beside it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/crc64.h"
#include "base/ports/files.h"
#include "oplog/log.h"
#include "persistence/aof_annotation.h"

namespace vigil::persistence {

class AofIncrement {
 public:
  // `size`: of the file, which was just opened for appending.
  AofIncrement(std::unique_ptr<File> file, std::string name, uint64_t size);

  // Begins a history, or goes on with one after a pause: what follows starts at head.offset.
  Status writeHead(const AofHead& head);
  // `records` are whole units that end at offset `end`. `synced`: what the mark says is durable. `timestamp`: seconds,
  // written before the records if it is another one than the last; 0: none.
  Status write(std::span<const std::string_view> records, oplog::Offset end, oplog::Offset synced, int64_t timestamp);
  // A part of a long unit, or of records of which it is not known where units end: without a mark. The next write()
  // goes on there.
  Status writePart(std::string_view records);
  // A mark without records, so that the file itself says how much of it was durable.
  Status writeMark(oplog::Offset synced);

  const std::string& name() const { return name_; }
  void setName(std::string name) { name_ = std::move(name); }  // the file was renamed
  std::shared_ptr<File> file() const { return file_; }
  uint64_t size() const { return size_; }
  oplog::Offset offset() const { return offset_; }  // behind the last record

 private:
  Status append(std::span<const std::string_view> pieces);
  Status cutTail();

  std::shared_ptr<File> file_;
  std::string name_;
  uint64_t size_;
  oplog::Offset offset_ = 0;
  bool torn_ = false;  // the file may be longer than size_
  int64_t lastTimestamp_ = 0;
  Crc64 crc_;                   // of the records since the last mark
  std::string before_, after_;  // annotations around the records
  std::vector<std::string_view> pieces_;
};

}  // namespace vigil::persistence
