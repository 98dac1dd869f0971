#include "runtime/file_logger.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iterator>
#include <utility>

#include "base/ports/clock.h"

namespace vigil::runtime {

namespace {

int openLogFile(const std::string& path) { return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644); }

}  // namespace

Status checkLogFile(const std::string& path) {
  const int descriptor = openLogFile(path);
  if (descriptor < 0) {
    const int error = errno;
    return fail(std::strerror(error), error);
  }
  close(descriptor);
  return {};
}

int localTimeOffset(int64_t wall) {
  const auto seconds = static_cast<time_t>(wall / 1'000'000);
  tm local{};
  localtime_r(&seconds, &local);
  return static_cast<int>(local.tm_gmtoff);
}

FileLogger::~FileLogger() {
  if (!syslogName_.empty()) closelog();
}

void FileLogger::useSyslog(std::string name, int facility) {
  syslogName_ = std::move(name);
  openlog(syslogName_.c_str(), LOG_PID | LOG_NDELAY | LOG_NOWAIT, facility);
}

void FileLogger::write(LogLevel level, std::string_view text) {
  const UnixUs wall = clock_.wall();
  std::string line = formatLogLine(getpid(), role(), wall, localTimeOffset(wall), level, text);
  line += '\n';
  const int descriptor = path_.empty() ? STDOUT_FILENO : openLogFile(path_);
  if (descriptor >= 0) {
    [[maybe_unused]] ssize_t written = ::write(descriptor, line.data(), line.size());
    if (!path_.empty()) close(descriptor);
  }
  if (!syslogName_.empty()) {
    constexpr int kPriorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
    syslog(kPriorities[std::min<size_t>(static_cast<size_t>(level), std::size(kPriorities) - 1)], "%.*s",
           static_cast<int>(text.size()), text.data());
  }
}

}  // namespace vigil::runtime
