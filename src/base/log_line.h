// The server's own log, in the format that Redis's users and their tools read:
//   pid:role dd Mon yyyy hh:mm:ss.mmm level text
// role: X sentinel, C child, S replica, M master. level: . debug, - verbose, * notice, # warning.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace vigil {

enum class LogLevel : uint8_t { kDebug = 0, kVerbose = 1, kNotice = 2, kWarning = 3, kNothing = 4 };

// Where lines go: a file and standard output in production, a string in tests. Thread safe.
class Logger {
 public:
  virtual ~Logger() = default;

  void debug(std::string_view text) { log(LogLevel::kDebug, text); }
  void verbose(std::string_view text) { log(LogLevel::kVerbose, text); }
  void notice(std::string_view text) { log(LogLevel::kNotice, text); }
  void warning(std::string_view text) { log(LogLevel::kWarning, text); }
  void log(LogLevel level, std::string_view text) {
    if (level >= level_.load(std::memory_order_relaxed)) write(level, text);
  }

  void setLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }
  void setRole(char role) { role_.store(role, std::memory_order_relaxed); }
  char role() const { return role_.load(std::memory_order_relaxed); }

 protected:
  virtual void write(LogLevel level, std::string_view text) = 0;

 private:
  std::atomic<LogLevel> level_{LogLevel::kNotice};
  std::atomic<char> role_{'M'};
};

// One line without its end. `wall`: microseconds since 1970 UTC, shown in local time (utcOffsetSeconds east of UTC).
std::string formatLogLine(int64_t pid, char role, int64_t wall, int utcOffsetSeconds, LogLevel level,
                          std::string_view text);

}  // namespace vigil
