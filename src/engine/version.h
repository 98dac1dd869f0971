// What this server calls itself.
#pragma once

#include <string_view>

namespace vigil::engine {

inline constexpr std::string_view kRedisVersion = "7.2.4";  // what clients look at
inline constexpr std::string_view kVigilVersion = "0.1.0";

}  // namespace vigil::engine
