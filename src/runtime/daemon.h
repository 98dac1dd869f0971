// What a server does to its own process when it starts and stops: daemonize, pid file, working directory, limit of
// open files. Not thread safe: for the main thread before there are others (removePidFile(): at the end).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace vigil {
class Logger;
}

namespace vigil::runtime {

// Goes on in a child process of its own session, with /dev/null as standard input, output and error. The parent exits
// with 0 and does not return.
Status daemonize();

// "Can't chdir to 'x': No such file or directory" is the caller's to say; the error has strerror's text.
Status changeWorkingDirectory(const std::string& path);

// The process id and a newline, as Redis writes it.
Status writePidFile(const std::string& path);
void removePidFile(const std::string& path);

// What a process with so many workers needs open beside its clients: files, listeners, replication, and two descriptors for
// each loop. Up to two workers Redis's number.
uint64_t reservedDescriptors(size_t workers);

// Raises the limit of open files to maxClients + `reserved`, or as far as it goes, with Redis's log lines. Returns how many clients there can be: maxClients, or less; nothing if not even the reserved ones fit, and then the
// server must not start (the log says why).
std::optional<uint64_t> raiseOpenFileLimit(uint64_t maxClients, uint64_t reserved, Logger& log);

}  // namespace vigil::runtime
