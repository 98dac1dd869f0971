// Logger to a file or, if the path is empty, to standard output; also to the system's log, if asked to.
//
// Thread safe: each line is one write. The file is opened anew for every line, as Redis does, so that a log that was
// rotated away is simply created again. A line that cannot be written is lost: there is nobody to tell.
#pragma once

#include <string>

#include "base/log_line.h"
#include "base/result.h"

namespace vigil {
class Clock;
}

namespace vigil::runtime {

// Whether lines can be written to this log file: it is created if it is missing. The error is the system's text alone.
Status checkLogFile(const std::string& path);

// Seconds by which local time is ahead of UTC at that moment (microseconds since 1970 UTC).
int localTimeOffset(int64_t wall);

class FileLogger final : public Logger {
 public:
  FileLogger(const Clock& clock, std::string path) : clock_(clock), path_(std::move(path)) {}
  ~FileLogger() override;

  // From now on lines go to the system's log too, under this name. `facility`: one of syslog.h's. Before there are other
  // threads.
  void useSyslog(std::string name, int facility);

 protected:
  void write(LogLevel level, std::string_view text) override;

 private:
  const Clock& clock_;
  const std::string path_;
  std::string syslogName_;  // empty: no
};

}  // namespace vigil::runtime
