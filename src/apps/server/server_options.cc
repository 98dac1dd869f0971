#include "apps/server/server_options.h"

#include <climits>
#include <filesystem>
#include <system_error>

#include "base/config.h"
#include "base/text.h"
#include "runtime/daemon.h"
#include "runtime/usable_cores.h"

namespace vigil::apps {

namespace {

// Empty if somebody has removed it, as in Redis.
std::string workingDirectory() {
  std::error_code removed;
  return std::filesystem::current_path(removed).string();
}

}  // namespace

size_t ServerOptions::workerCount() const {
  const auto asked = static_cast<size_t>(threads.load());
  return asked != 0 ? asked : runtime::usableCores();
}

void registerOptions(ConfigRegistry& registry, ServerOptions& options, std::function<void(LogLevel)> setLevel,
                     std::function<Status(ListenAt, const std::string&)> listenAnew) {
  const std::string portTaken = "Unable to listen on this port. Check server logs.";
  registry.add({.name = "port", .apply = [=] { return listenAnew(ListenAt::kPort, portTaken); }},
               integerOption(options.port, {0, 65535}));
  registry.add({.name = "tls-port", .apply = [=] { return listenAnew(ListenAt::kTlsPort, portTaken); }},
               integerOption(options.tlsPort, {0, 65535}));
  registry.add({.name = "tcp-backlog", .immutable = true}, integerOption(options.tcpBacklog, {0, INT_MAX}));
  registry.add(
      {.name = "bind",
       .apply = [=] { return listenAnew(ListenAt::kAddresses, "Failed to bind to specified addresses."); }},
      addressListOption(options.bind));
  registry.add({.name = "unixsocket", .immutable = true}, stringOption(options.unixSocket));
  registry.add({.name = "unixsocketperm", .immutable = true},
               integerOption(options.unixSocketPermissions, {0, 0777, IntegerForm::kOctal}));
  registry.add({.name = "io-threads", .alias = "threads", .immutable = true}, integerOption(options.threads, {0, 128}));
  registry.add({.name = "reactor", .immutable = true},
               enumOption(options.reactor, {{"epoll", static_cast<int>(runtime::PollerKind::kEpoll)},
                                            {"io_uring", static_cast<int>(runtime::PollerKind::kUring)}}));
  registry.add({.name = "daemonize", .immutable = true}, boolOption(options.daemonize));
  registry.add({.name = "pidfile", .immutable = true}, stringOption(options.pidFile));
  registry.add({.name = "logfile", .immutable = true}, stringOption(options.logFile, nullptr, EmptyText::kValue));
  registry.add({.name = "loglevel",
                .apply =
                    [&options, setLevel] {
                      setLevel(options.logLevel.load());
                      return Status();
                    }},
               enumOption(options.logLevel, {{"debug", static_cast<int>(LogLevel::kDebug)},
                                             {"verbose", static_cast<int>(LogLevel::kVerbose)},
                                             {"notice", static_cast<int>(LogLevel::kNotice)},
                                             {"warning", static_cast<int>(LogLevel::kWarning)},
                                             {"nothing", static_cast<int>(LogLevel::kNothing)}}));
  registry.add({.name = "shutdown-on-sigint"}, shutdownFlagsOption(options.shutdownOnInterrupt));
  registry.add({.name = "shutdown-on-sigterm"}, shutdownFlagsOption(options.shutdownOnTerm));
  registry.add(
      {.name = "dir", .isProtected = true, .deniedWhileLoading = true, .defaultNote = "where the server was started"},
      specialOption({.get = workingDirectory,
                     .set = [](std::span<const std::string> words, ConfigPhase) -> Status {
                       if (auto s = runtime::changeWorkingDirectory(words[0]); !s) {
                         return fail(s.error().message);
                       }
                       return {};
                     },
                     .lines =
                         [](const std::string& name) {
                           return std::vector<RewriteLine>{
                               {name + " " + quoteArgument(workingDirectory())}};
                         },
                     .description = "a folder",
                     .severalWords = false}));
}

}  // namespace vigil::apps
