// A hash map with strings as keys that is asked with views, without making a string of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace vigil {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

template <typename Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

}  // namespace vigil
