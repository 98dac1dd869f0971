// What a supervisor of the process (systemd, upstart) is told. systemd: datagrams to the socket that NOTIFY_SOCKET names
// (the sd_notify protocol). upstart: the process stops itself once, and is then known to be ready.
//
// begin() is for the main thread before there are others; tell() may be called from any thread.
#pragma once

#include <string>
#include <string_view>

namespace vigil {
class Logger;
}

namespace vigil::runtime {

enum class Supervisor { kUpstart, kSystemd, kAuto, kNone };

class Supervision {
 public:
  // Finds out whether the process is supervised in the way asked for, with Redis's log lines, and tells the supervisor
  // that it loads.
  void begin(Supervisor asked, Logger& log);

  bool supervised() const { return supervisor_ != Supervisor::kNone; }
  Supervisor supervisor() const { return supervisor_; }
  // "systemd", "upstart" or "no": INFO's process_supervised.
  std::string_view name() const;

  // systemd: lines such as "READY=1". Nothing otherwise.
  void tell(std::string_view lines) const;
  void status(std::string_view text) const;  // "STATUS=…"

 private:
  bool beginSystemd();
  bool beginUpstart();

  Supervisor supervisor_ = Supervisor::kNone;
  std::string socket_;  // NOTIFY_SOCKET
  Logger* log_ = nullptr;
};

}  // namespace vigil::runtime
