// The order of texts in a language, from the machine's locales.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace vigil::runtime {

// Turns a text (up to its first NUL) into a key: texts are ordered as their keys' bytes are. Any thread may call it.
using CollationKey = std::function<std::string(const std::string& text)>;

// Of the locale of that name; an empty name: of the environment's. No function: byte by byte. An error if the machine
// has no such locale.
Result<CollationKey> collationOf(const std::string& locale);

}  // namespace vigil::runtime
