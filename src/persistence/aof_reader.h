// Reads a file of commands: an incremental AOF file, a base file in RESP, or what follows an RDB preamble. Gives whole
// units (one command, or all between MULTI and EXEC), checked against the file's annotations before they are given.
//
//   while (reader.next()) for (const Command& c : reader.commands()) …;
//   reader.end() then says how the file ended.
//
// Files are hostile: every count and length is checked; memory is bounded by the longest unit, or by what the file says
// belongs to one mark (kMaxUnmarked).
//
// Not thread safe. Blocks on the file.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crc64.h"
#include "base/ports/files.h"
#include "base/result.h"
#include "persistence/aof_annotation.h"

namespace vigil::persistence {

class AofLogTail;

// How the reading of a file ended.
struct AofFileEnd {
  enum class Kind : uint8_t {
    kWhole,      // at its end, between two units
    kTruncated,  // the file ends inside a command or a transaction: what is behind validTo should be cut off
    kDamaged,    // there is no command at `damagedAt`, or its bytes are not those that were written
  };
  Kind kind = Kind::kWhole;
  uint64_t validTo = 0;  // where the last unit that was given ends, annotations behind it included
  bool insideTransaction = false;
  uint64_t damagedAt = 0;
  std::string problem;
  // The damage lies behind all that was ever known to be durable: a crash tore it, the file can be cut like a truncated
  // one.
  bool tornTail = false;

  // The history that the file's end continues: known only if the last annotation matches the end.
  bool resumable = false;
  AofHead position;          // db: what the stream has selected there
  oplog::History history;    // position.history and those from which it went on, as far as the files tell; id empty: unknown
  bool edited = false;  // bytes were added or removed by somebody else
};

class AofReader {
 public:
  struct Command {
    std::span<const std::string_view> args;
  };
  static constexpr oplog::Offset kNoLimit = std::numeric_limits<oplog::Offset>::max();
  static constexpr uint64_t kMaxUnmarked = 256 << 20;

  // Begins at byte `from`. `limitHistory` and `limit`: stop where that history reaches that offset, because the next
  // file goes on there (a failed sync left this one with a tail that cannot be trusted).
  AofReader(File& file, uint64_t from = 0, std::string limitHistory = {}, oplog::Offset limit = kNoLimit);

  // Lets `tail` have the records that count for offsets, once they are checked. Before the first next().
  void keepTail(AofLogTail* tail) { tail_ = tail; }
  // The file before this one ended in this history (AofFileEnd::history), at this offset. Before the first next().
  void goesOnFrom(oplog::History history, oplog::Offset at) {
    lineage_ = std::move(history);
    offset_ = at;
  }

  // True: commands() holds some, whole units. False: the end, see end(); or the file could not be read.
  Result<bool> next();
  // The views are valid until next().
  std::span<const Command> commands() const { return commands_; }
  const AofFileEnd& end() const { return end_; }
  uint64_t position() const { return base_ + given_; }  // in the file: behind what was given

 private:
  struct Piece {
    size_t at;
    size_t size;
  };
  struct Parsed {
    size_t firstArg;
    size_t args;
  };
  enum class Outcome : uint8_t { kItem, kNeedMore, kDamaged };

  Status fill();
  void dropGiven();
  Outcome parseItem();
  Outcome parseComment();
  Outcome parseCommand();
  Outcome parseNumber(char type, size_t& at, int64_t& number);
  void onCommand(size_t firstArg, size_t end);
  void onAnnotation(std::string_view line, size_t begin, size_t end);
  void onHead(const AofHead& head, size_t end);
  void onMark(const AofMark& mark, size_t end);
  Outcome damaged(size_t at, std::string problem);
  void countRecords(size_t to);
  bool takeUnmarked();
  void setPosition(bool resumable);
  void noteLineage(const AofHead& head);
  void makeReady(size_t to);
  bool pending() const { return readyCommands_ < parsed_.size() || inMulti_; }
  bool limited() const { return limit_ != kNoLimit && history_ == limitHistory_; }
  bool deliver();
  void finish();
  bool wasDurable(uint64_t from, oplog::Offset offset);
  std::string_view bytes(const Piece& piece) const { return {buffer_.data() + piece.at, piece.size}; }

  File& file_;
  const std::string limitHistory_;
  const oplog::Offset limit_;

  // The buffer holds the file from base_ on:
  //   | given | ready: checked, or nothing to check it by | whole units that wait for their mark | scanned | … |
  std::string buffer_;
  uint64_t base_;
  uint64_t fileSize_ = 0;
  size_t given_ = 0;
  size_t ready_ = 0;
  size_t wholeTo_ = 0;
  size_t scanned_ = 0;
  size_t wanted_ = 0;  // where the item at scanned_ ends at the earliest
  bool started_ = false;
  bool stopped_ = false;

  std::vector<Piece> pieces_;   // arguments of parsed_, by place in the buffer
  std::vector<Parsed> parsed_;  // of these: given, ready, in whole units, and of the transaction under way
  size_t givenCommands_ = 0;
  size_t readyCommands_ = 0;
  size_t wholeCommands_ = 0;
  bool inMulti_ = false;

  bool annotated_ = false;  // we stand behind a head: units wait for their mark
  bool marked_ = false;     // the last annotation matched, and nothing came behind it
  bool foreign_ = false;    // what came behind it begins as redis-server begins
  std::string history_;
  oplog::History lineage_;    // history_ with its past; id empty: unknown
  oplog::Offset offset_ = 0;  // at the last matching annotation
  uint64_t counted_ = 0;      // bytes of records since then
  Crc64 crc_;                 // of them, up to crcFrom_
  size_t crcFrom_ = 0;
  AofLogTail* tail_ = nullptr;
  std::string unmarked_;      // for the tail: records since the last annotation
  bool skipSelect_ = false;  // the SELECT behind a head counts for no offset
  int db_ = 0;
  int wholeDb_ = 0;   // at wholeTo_
  int markedDb_ = 0;  // at the last matching annotation

  std::vector<std::string_view> args_;
  std::vector<Command> commands_;
  AofFileEnd end_;
};

}  // namespace vigil::persistence
