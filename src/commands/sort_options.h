// What SORT and SORT_RO go by: their owner, given to the command table when they are registered.
//
// Thread safe: any thread may set a value, commands see it from then on.
#pragma once

#include <functional>
#include <string>

#include "base/shared_value.h"
#include "commands/list_options.h"

namespace vigil::commands {

struct SortOptions {
  const ListOptions& lists;  // of the lists that STORE makes
  SharedString locale{""};  // locale-collate; empty: the environment's
  // Of a text: the bytes by which ALPHA orders it, where the outcome is not stored. No function: its own. Follows `locale`.
  using CollationKey = std::function<std::string(const std::string& text)>;
  Shared<CollationKey> collationKey{CollationKey{}};
};

}  // namespace vigil::commands
