// What of the command log concerns some slots: the commands on their keys, as they stand in the log, without what goes
// round them (SELECT, MULTI and EXEC, PING).
//
// Not thread safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/slot_set.h"
#include "command/command_table.h"
#include "command/context.h"
#include "wire/resp_parser.h"

namespace vigil::drivers {

class SlotTail {
 public:
  // `job`: whose hand-off ends it.
  SlotTail(const command::CommandTable& commands, const SlotSet& slots, std::string job)
      : commands_(commands), slots_(slots), job_(std::move(job)) {}

  // Takes the log's next bytes, and appends to `out` what is to be sent. An error: the slots cannot be followed any
  // further, and why.
  Status take(std::string_view bytes, std::string& out);

 private:
  enum class Concern : uint8_t { kNone, kSlots };
  Result<Concern> concernOf(command::Args args);
  Result<Concern> concernOfKeys(const command::CommandEntry& entry, command::Args args);

  const command::CommandTable& commands_;
  const SlotSet slots_;
  const std::string job_;
  bool handedOff_ = false;
  wire::RequestParser parser_;
  wire::ParsedCommand command_;
  std::string unread_;
  std::vector<command::KeyPosition> keys_;
};

}  // namespace vigil::drivers
