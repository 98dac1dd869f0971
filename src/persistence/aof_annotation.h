// The lines beginning with # between the commands of an incremental AOF file: which bytes of which history these are.
// Real Redis skips them. Pure; thread safe.
//
//   #VIGIL history=<40 hex digits> offset=<o> db=<d>
//       At a file's head and wherever a history begins: the next record begins at offset o.
//   *2 SELECT <d>
//       Counts for no offset. d = -1: the stream selects its database by itself, there is no SELECT.
//   …records…
//   #= <offset> <16 hex digits> <synced>
//       After each write: the offset behind it, the checksum (CRC-64) of the records since the last annotation of these
//       two kinds, and the offset up to which the log was known to be durable by then.
//   #TS:<seconds>
//       Redis 7's aof-timestamp-enabled.
//
// An annotation ends in \r\n and is at most kMaxAnnotation bytes long, as Redis's reader demands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "oplog/log.h"

namespace vigil::persistence {

constexpr size_t kMaxAnnotation = 1024;

struct AofHead {
  std::string history;
  oplog::Offset offset = 0;
  int db = -1;
};
struct AofMark {
  oplog::Offset offset = 0;
  uint64_t checksum = 0;
  oplog::Offset synced = 0;
};
struct AofTimestamp {
  int64_t seconds = 0;
};
struct AofComment {};  // somebody else's

using AofAnnotation = std::variant<AofComment, AofHead, AofMark, AofTimestamp>;

void appendHead(std::string& out, const AofHead& head);  // with its SELECT
void appendMark(std::string& out, const AofMark& mark);
void appendTimestamp(std::string& out, int64_t seconds);

// `line` without its end. What is not well formed is a comment.
AofAnnotation parseAnnotation(std::string_view line);

}  // namespace vigil::persistence
