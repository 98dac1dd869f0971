// The table behind stock_options.h: every option of redis-server 7.2 as data.
#pragma once

#include <climits>
#include <cstdint>
#include <limits>
#include <span>

#include "base/config.h"

namespace vigil::stock {

enum class Kind : uint8_t { kYesNo, kInteger, kMemory, kPercentOrMemory, kOctal, kChoice, kText, kFileName, kHostName };

inline constexpr unsigned kImmutable = 1, kHidden = 2, kSensitive = 4, kProtected = 8, kDeniedWhileLoading = 16,
                          kNotEmpty = 32, kEmptyIsValue = 64;

struct Row {
  const char* name;
  Kind kind;
  int64_t number;    // the default: yes or no, a number, the index of a choice
  const char* text;  // the default of a text; all choices, separated by |
  int64_t min;
  int64_t max;
  unsigned flags;
  const char* alias;
};

constexpr Row yesNo(const char* name, bool byDefault, unsigned flags = 0, const char* alias = "") {
  return {name, Kind::kYesNo, byDefault, "", 0, 0, flags, alias};
}
constexpr int64_t kMaxInt = INT_MAX, kMaxLong = std::numeric_limits<int64_t>::max();
constexpr Row integer(const char* name, int64_t byDefault, int64_t min, int64_t max, unsigned flags = 0,
                      const char* alias = "") {
  return {name, Kind::kInteger, byDefault, "", min, max, flags, alias};
}
constexpr Row memory(const char* name, int64_t byDefault, int64_t min = 0, const char* alias = "") {
  return {name, Kind::kMemory, byDefault, "", min, kMaxLong, 0, alias};
}
constexpr Row choice(const char* name, const char* choices, int64_t byDefault, unsigned flags = 0) {
  return {name, Kind::kChoice, byDefault, choices, 0, 0, flags, ""};
}
constexpr Row text(const char* name, const char* byDefault, unsigned flags = 0, const char* alias = "") {
  return {name, Kind::kText, 0, byDefault, 0, 0, flags, alias};
}

// Options that have the same thing said of them.
struct Section {
  OptionStanding standing;
  const char* reason;
  std::span<const Row> rows;
};

std::span<const Section> sections();

}  // namespace vigil::stock
