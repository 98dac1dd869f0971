// What a unit of execution (one command, a transaction, a script) did, as the commands that the log will hold.
// Reused from one unit to the next, so that it allocates only until its buffers have grown.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oplog/log.h"

namespace vigil::engine {

class Effects {
 public:
  void add(int db, std::span<const std::string_view> command);
  bool empty() const { return commands_.empty(); }
  size_t size() const { return commands_.size(); }
  void clear();
  // Appends all as one unit, between MULTI and EXEC if `atomic` and there are several. Returns the log's offset
  // behind it.
  oplog::Offset appendTo(oplog::Log& log, bool transaction) const;
  // Of that, without a SELECT.
  size_t encodedSize(bool transaction) const;

 private:
  static constexpr std::string_view kMulti[] = {"MULTI"};
  static constexpr std::string_view kExec[] = {"EXEC"};
  struct Command {
    int db;
    uint32_t args;
  };
  std::string bytes_;
  std::vector<uint32_t> argSizes_;
  std::vector<Command> commands_;
};

}  // namespace vigil::engine
