// One element of a packed structure: a text, or the integer that Redis stores where a text is the canonical form of
// one. Values, thread safe. A text views bytes of the structure it came from: any change to that structure ends it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/decimal.h"
#include "base/listpack_entry.h"

namespace vigil::ds {

using Element = listpack::Value;

// Room for the longest integer, "-9223372036854775808".
using IntegerText = std::array<char, kMaxDecimal>;

// The element's bytes as a client sees them; of an integer, written into `buffer`.
inline std::string_view toText(const Element& element, IntegerText& buffer) {
  if (!element.isInteger) return element.text;
  return {buffer.data(), putDecimal(buffer.data(), element.number)};
}

// Compares elements with one text, which it does not own: parsed once, nothing is allocated. Texts from foreign files
// may hold a number's digits as text, so both forms are compared.
class ElementMatcher {
 public:
  explicit ElementMatcher(std::string_view text) : text_(text), number_(listpack::canonicalInteger(text)) {}

  bool matches(const Element& element) const {
    return element.isInteger ? number_ == element.number : text_ == element.text;
  }

 private:
  std::string_view text_;
  std::optional<int64_t> number_;
};

}  // namespace vigil::ds
