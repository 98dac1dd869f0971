#include "base/log_line.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace vigil {

std::string formatLogLine(int64_t pid, char role, int64_t wall, int utcOffsetSeconds, LogLevel level,
                          std::string_view text) {
  static constexpr char kMarks[] = ".-*#";
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int64_t local = wall + int64_t{utcOffsetSeconds} * 1'000'000;
  int64_t micros = ((local % 1'000'000) + 1'000'000) % 1'000'000;
  std::time_t seconds = static_cast<std::time_t>((local - micros) / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  auto mark = level < LogLevel::kNothing ? kMarks[static_cast<size_t>(level)] : '#';
  std::array<char, 128> head;
  int length =
      std::snprintf(head.data(), head.size(), "%lld:%c %02d %s %04d %02d:%02d:%02d.%03d %c ",
                    static_cast<long long>(pid), role, parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900,
                    parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(micros / 1000), mark);
  std::string line(head.data(), static_cast<size_t>(length));
  line.append(text);
  return line;
}

}  // namespace vigil
