// What the bit commands share.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "commands/string_access.h"

namespace vigil::commands {

// A bit's offset; "#3" means the third of fields of `fieldBits` bits where that is not 0. nullopt, with an error
// replied, if it is none or lies beyond the longest string.
inline std::optional<uint64_t> parseBitOffset(command::Context& context, std::string_view text, int fieldBits = 0) {
  const bool inFields = fieldBits > 0 && text.starts_with('#');
  const auto number = parseInt64(inFields ? text.substr(1) : text);
  int64_t offset = 0;
  if (number && *number >= 0 && !__builtin_mul_overflow(*number, inFields ? fieldBits : 1, &offset) &&
      static_cast<uint64_t>(offset) / 8 < maxStringSize(context)) {
    return static_cast<uint64_t>(offset);
  }
  context.reply().error("ERR bit offset is not an integer or out of range");
  return std::nullopt;
}

}  // namespace vigil::commands
