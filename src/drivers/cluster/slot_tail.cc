#include "drivers/cluster/slot_tail.h"

#include <limits>

#include "base/crc16.h"
#include "base/text.h"
#include "command/log_note.h"

namespace vigil::drivers {

Status SlotTail::take(std::string_view bytes, std::string& out) {
  using Outcome = wire::RequestParser::Outcome;
  unread_.append(bytes);
  wire::RequestLimits limits;
  limits.maxBulk = std::numeric_limits<uint64_t>::max();
  size_t at = 0;
  while (at < unread_.size()) {
    parser_ = wire::RequestParser();
    const Outcome outcome = parser_.parse(std::string_view(unread_).substr(at), limits, command_);
    if (outcome == Outcome::kNeedMore) break;
    if (outcome == Outcome::kProtocolError) return fail("the log cannot be read: " + parser_.error());
    if (!command_.args.empty()) {
      const auto concern = concernOf(command_.args);
      if (!concern) return std::unexpected(concern.error());
      if (*concern == Concern::kSlots) out.append(std::string_view(unread_).substr(at, command_.bytes));
    }
    at += command_.bytes;
  }
  unread_.erase(0, at);
  return {};
}

Result<SlotTail::Concern> SlotTail::concernOf(command::Args args) {
  for (std::string_view word : {"select", "multi", "exec", "ping", "replconf"}) {
    if (equalsIgnoreCase(args[0], word)) return Concern::kNone;
  }
  if (const auto note = command::noteWords(args); !note.empty()) {
    if (note.size() > 3 && note[2] == "HANDOFF" && note[3] == job_) handedOff_ = true;
    return Concern::kNone;
  }
  const command::CommandEntry* entry = commands_.findLogged(args[0]);
  if (entry != nullptr && !entry->spec->subcommands.empty() && args.size() > 1) {
    if (const auto* sub = entry->subcommand(args[1])) entry = sub;
  }
  if (entry == nullptr) return fail("the command " + std::string(args[0].substr(0, 64)) + " in the log is not known");
  return concernOfKeys(*entry, args);
}

Result<SlotTail::Concern> SlotTail::concernOfKeys(const command::CommandEntry& entry, command::Args args) {
  const uint64_t flags = entry.spec->flags;
  if ((flags & command::kWholeKeyspace) != 0 && (flags & command::kWrite) != 0) {
    return fail("the source ran " + std::string(args[0].substr(0, 64)));
  }
  if (!command::findKeys(*entry.spec, args, keys_)) return fail("the keys of " + entry.fullName + " cannot be told");
  size_t inside = 0;
  for (const command::KeyPosition& key : keys_) inside += slots_.test(keySlot(args[static_cast<size_t>(key.argument)])) ? 1 : 0;
  if (inside == 0) return Concern::kNone;
  if (inside != keys_.size()) return fail(entry.fullName + " changed keys of other slots too");
  if (handedOff_) return fail(entry.fullName + " changed a key after the slots had been handed over");
  return Concern::kSlots;
}

}  // namespace vigil::drivers
