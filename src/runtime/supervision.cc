#include "runtime/supervision.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/log_line.h"

namespace vigil::runtime {

namespace {

// 0 or the errno value.
int sendDatagram(const std::string& path, std::string_view bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return EINVAL;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // a name that is no file
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const ssize_t sent = sendto(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), length);
  const int error = sent < 0 ? errno : 0;
  close(descriptor);
  return error;
}

}  // namespace

void Supervision::begin(Supervisor asked, Logger& log) {
  log_ = &log;
  if (asked == Supervisor::kAuto) {
    if (std::getenv("UPSTART_JOB") != nullptr) {
      log.notice("Upstart supervision detected.");
      asked = Supervisor::kUpstart;
    } else if (std::getenv("NOTIFY_SOCKET") != nullptr) {
      log.notice("Systemd supervision detected.");
      asked = Supervisor::kSystemd;
    }
  }
  if (asked == Supervisor::kSystemd && beginSystemd()) supervisor_ = Supervisor::kSystemd;
  if (asked == Supervisor::kUpstart && beginUpstart()) supervisor_ = Supervisor::kUpstart;
}

bool Supervision::beginSystemd() {
  log_->notice(
      "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your "
      "service unit.");
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (socket == nullptr || *socket == '\0') {
    log_->warning("systemd supervision error: NOTIFY_SOCKET not found!");
    return false;
  }
  socket_ = socket;
  supervisor_ = Supervisor::kSystemd;
  status("Redis is loading...");
  return true;
}

bool Supervision::beginUpstart() {
  if (std::getenv("UPSTART_JOB") == nullptr) {
    log_->warning("upstart supervision requested, but UPSTART_JOB not found!");
    return false;
  }
  log_->notice("supervised by upstart, will stop to signal readiness.");
  std::raise(SIGSTOP);
  unsetenv("UPSTART_JOB");
  return true;
}

std::string_view Supervision::name() const {
  switch (supervisor_) {
    case Supervisor::kSystemd:
      return "systemd";
    case Supervisor::kUpstart:
      return "upstart";
    default:
      return "no";
  }
}

void Supervision::tell(std::string_view lines) const {
  if (supervisor_ != Supervisor::kSystemd) return;
  const int error = sendDatagram(socket_, lines);
  if (error != 0) log_->warning("systemd supervision error: sd_notify: " + std::to_string(-error));
}

void Supervision::status(std::string_view text) const { tell("STATUS=" + std::string(text) + "\n"); }

}  // namespace vigil::runtime
