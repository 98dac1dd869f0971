#include "runtime/file_logger.h"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>

#include "base/ports/clock.h"

namespace vigil::runtime {

int localTimeOffset(int64_t wall) {
  const auto seconds = static_cast<time_t>(wall / 1'000'000);
  tm local{};
  localtime_r(&seconds, &local);
  return static_cast<int>(local.tm_gmtoff);
}

void FileLogger::write(LogLevel level, std::string_view text) {
  const UnixUs wall = clock_.wall();
  std::string line = formatLogLine(getpid(), role(), wall, localTimeOffset(wall), level, text);
  line += '\n';
  const int descriptor =
      path_.empty() ? STDOUT_FILENO : open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return;
  [[maybe_unused]] ssize_t written = ::write(descriptor, line.data(), line.size());
  if (!path_.empty()) close(descriptor);
}

}  // namespace vigil::runtime
