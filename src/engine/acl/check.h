// Whether a user may run a call. Pure; reads the user, writes nothing but the caller's scratch.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "command/context.h"
#include "command/spec.h"
#include "engine/acl/user.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine::acl {

// In the order of how close the call came: of several selectors that refuse it, the greatest is reported.
enum class Denial : uint8_t { kNone, kCommand, kKey, kChannel };

struct Verdict {
  Denial denial = Denial::kNone;
  size_t argument = 0;  // which one names the key or channel
};

Verdict check(const User& user, const command::CommandEntry& entry, command::Args args,
              std::vector<command::KeyPosition>& scratch);

// Whether some selector that allows the call also allows `keyFlags` (KeyFlag) on every key there is: SORT's BY and GET.
bool allowsOnAllKeys(const User& user, const command::CommandEntry& entry, command::Args args, uint32_t keyFlags,
                     std::vector<command::KeyPosition>& scratch);

// Whether one selector allows the channel. A pattern must be among the user's as it stands.
bool allowsChannel(const User& user, std::string_view channel, bool isPattern);

// Whether a client subscribed with the rights of `before` may keep all that it could subscribe to.
bool keepsChannels(const User& before, const User& after);

}  // namespace vigil::engine::acl
