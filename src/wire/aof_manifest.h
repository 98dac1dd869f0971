// The manifest of an append-only log in Redis 7's format: which files make it up, in which order. Pure; a value, so
// thread safe as one.
//
//   file appendonly.aof.2.base.rdb seq 2 type b     the data set as of some moment, at most one
//   file appendonly.aof.5.incr.aof seq 5 type i     commands since then, in ascending sequence, read in this order
//   file appendonly.aof.4.incr.aof seq 4 type h     history: replaced files that are to be deleted
//
// Names with blanks, quotes or unprintable bytes are quoted as in redis.conf. A line may hold further pairs, which are
// ignored; a line that begins with # is a comment. Source: Redis 7.0's aof.c, its documented behaviour.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vigil::wire {

enum class AofFileType : char { kBase = 'b', kHistory = 'h', kIncremental = 'i' };

struct AofFileInfo {
  std::string name;  // of the file, without a folder
  int64_t sequence = 0;
  AofFileType type = AofFileType::kIncremental;
  bool operator==(const AofFileInfo&) const = default;
};

struct AofManifest {
  std::optional<AofFileInfo> base;
  std::vector<AofFileInfo> history;
  std::vector<AofFileInfo> incremental;  // ascending sequence
  bool operator==(const AofManifest&) const = default;

  // Highest sequence in use, 0 when there is none: a new file takes one more.
  int64_t baseSequence() const { return base ? base->sequence : 0; }
  int64_t incrementalSequence() const { return incremental.empty() ? 0 : incremental.back().sequence; }
};

// An error is Redis's text, with line number and line where it is about a line:
//   "Reading the manifest file, at line 2\n>>> 'file x'\nInvalid AOF manifest file format"
Result<AofManifest> parseAofManifest(std::string_view content);

// The content of the manifest file: base, history, incremental files, as Redis orders them.
std::string formatAofManifest(const AofManifest& manifest);

// File names from `appendfilename`: "appendonly.aof.manifest", "appendonly.aof.3.base.rdb" (".base.aof" when the base
// is in RESP), "appendonly.aof.7.incr.aof".
std::string aofManifestName(std::string_view appendFileName);
std::string aofBaseName(std::string_view appendFileName, int64_t sequence, bool rdb);
std::string aofIncrementalName(std::string_view appendFileName, int64_t sequence);

}  // namespace vigil::wire
