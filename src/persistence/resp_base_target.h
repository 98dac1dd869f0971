// Writes an RDB stream as commands: the base of an AOF with aof-use-rdb-preamble no. Each key becomes SET or RPUSH (of
// at most 64 items each), and PEXPIREAT where it expires; databases become SELECT.
//
// The stream should be uncompressed. Used on one thread, as RdbTarget says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "persistence/rdb_target.h"
#include "wire/rdb_reader.h"

namespace vigil::persistence {

class RespBaseTarget final : public RdbTarget {
 public:
  explicit RespBaseTarget(std::unique_ptr<RdbTarget> file) : file_(std::move(file)) {}

  Status append(std::string_view bytes) override;
  Status finish() override;
  void abandon() override { file_->abandon(); }

 private:
  Status onEvent(wire::RdbReader::Event event);
  void onKey();
  void flushItems();
  void endKey();

  std::unique_ptr<RdbTarget> file_;
  wire::RdbReader reader_;
  std::string unread_;
  std::string out_;
  std::string key_;
  std::string items_;  // encoded arguments of the RPUSH being gathered
  size_t itemCount_ = 0;
  int64_t expireAt_ = 0;
};

}  // namespace vigil::persistence
