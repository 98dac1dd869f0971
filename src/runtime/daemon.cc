#include "runtime/daemon.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/log_line.h"

namespace vigil::runtime {

namespace {

std::unexpected<Error> failedCall() {
  const int error = errno;
  return fail(std::strerror(error), error);
}

// Raises the limit to `wanted`, or to the hard limit, beyond which only root may go. Returns the limit then in force;
// `error` is what refused the full raise.
uint64_t raiseAsFarAsPossible(const rlimit& present, uint64_t wanted, int& error) {
  const rlimit full{wanted, std::max<rlim_t>(wanted, present.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &full) == 0) return wanted;
  error = errno;
  const rlimit best{present.rlim_max, present.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &best) == 0 ? present.rlim_max : present.rlim_cur;
}

}  // namespace

Status daemonize() {
  const pid_t child = fork();
  if (child < 0) return failedCall();
  if (child > 0) std::_Exit(0);
  setsid();
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return failedCall();
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  if (null > STDERR_FILENO) close(null);
  return {};
}

Status changeWorkingDirectory(const std::string& path) {
  if (chdir(path.c_str()) != 0) return failedCall();
  return {};
}

Status writePidFile(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return failedCall();
  const std::string line = std::to_string(getpid()) + "\n";
  const bool written = write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int error = errno;
  close(file);
  errno = error;
  if (!written) return failedCall();
  return {};
}

void removePidFile(const std::string& path) { unlink(path.c_str()); }

uint64_t reservedDescriptors(size_t workers) {
  constexpr uint64_t kRedis = 32;
  return std::max<uint64_t>(kRedis, kRedis - 4 + 2 * workers);
}

std::optional<uint64_t> raiseOpenFileLimit(uint64_t maxClients, uint64_t reserved, Logger& log) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log.warning(std::string("Unable to obtain the current NOFILE limit (") + std::strerror(errno) +
                "), assuming 1024 and setting the max clients configuration accordingly.");
    return reserved < 1024 ? std::optional(1024 - reserved) : std::nullopt;
  }
  const uint64_t before = limit.rlim_cur;
  const uint64_t wanted = maxClients + reserved;
  if (before >= wanted) return maxClients;
  int error = 0;
  const uint64_t reached = raiseAsFarAsPossible(limit, wanted, error);
  if (reached >= wanted) {
    log.notice("Increased maximum number of open files to " + std::to_string(wanted) + " (it was originally set to " +
               std::to_string(before) + ").");
    return maxClients;
  }
  if (reached <= reserved) {
    log.warning("Your current 'ulimit -n' of " + std::to_string(before) +
                " is not enough for the server to start. Please increase your open file limit to at least " +
                std::to_string(wanted) + ". Exiting.");
    return std::nullopt;
  }
  const uint64_t clients = reached - reserved;
  log.warning("You requested maxclients of " + std::to_string(maxClients) + " requiring at least " +
              std::to_string(wanted) + " max file descriptors.");
  log.warning("Server can't set maximum open files to " + std::to_string(wanted) +
              " because of OS error: " + std::strerror(error) + ".");
  log.warning("Current maximum open files is " + std::to_string(reached) + ". maxclients has been reduced to " +
              std::to_string(clients) +
              " to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.");
  return clients;
}

}  // namespace vigil::runtime
