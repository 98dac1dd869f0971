// vigil-server [file|-] [--option value ...], and the same program as a Sentinel: vigil-sentinel file
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "apps/server/configuration.h"
#include "apps/server/process_life.h"
#include "apps/server/sentinel_server.h"
#include "apps/server/server.h"
#include "engine/version.h"
#include "runtime/daemon.h"
#include "runtime/file_logger.h"
#include "runtime/host_facts.h"
#include "runtime/machine_clock.h"

using namespace vigil;

namespace {

constexpr char kUsage[] =
    "Usage: vigil-server [/path/to/redis.conf] [options] [-]\n"
    "       vigil-server - (read config from stdin)\n"
    "       vigil-server -v or --version\n"
    "       vigil-server -h or --help\n"
    "\n"
    "Examples:\n"
    "       vigil-server (run the server with default conf)\n"
    "       echo 'maxmemory 128mb' | vigil-server -\n"
    "       vigil-server /etc/redis/6379.conf\n"
    "       vigil-server --port 7777\n"
    "       vigil-server --port 7777 --replicaof 127.0.0.1 8888\n"
    "       vigil-server /etc/myredis.conf --loglevel verbose -\n"
    "\n"
    "Sentinel mode:\n"
    "       vigil-server /etc/sentinel.conf --sentinel\n"
    "       vigil-sentinel /etc/sentinel.conf\n";

// Serves until it is stopped; returns the exit code, if at all: the kernel takes back at once what would take seconds to
// be freed key by key.
template <typename App>
int run(App& app, const apps::Configuration& configuration, Logger& logger, const apps::ProcessLife& life) {
  if (auto started = app.start(); !started) {
    logger.warning(started.error().message);
    return 1;
  }
  std::string pidFile = configuration.server.pidFile.load();
  if (pidFile.empty() && life.daemonizes()) pidFile = "/var/run/redis.pid";
  if (!pidFile.empty()) {
    if (auto s = runtime::writePidFile(pidFile); !s) {
      logger.warning("Failed to write PID file " + pidFile + ": " + s.error().message);
    }
  }
  logger.notice("Server initialized");
  const int code = app.run();
  if (!pidFile.empty()) {
    logger.notice("Removing the pid file.");
    runtime::removePidFile(pidFile);
  }
  if (code == 0) logger.warning(std::string(App::kName) + " is now ready to exit, bye bye...");
#if !defined(VIGIL_SANITIZED)
  std::fflush(nullptr);
  std::_Exit(code);
#else
  return code;  // what was forgotten is to be found
#endif
}

// redis-sentinel and vigil-sentinel are links to this program; --sentinel says the same, anywhere.
apps::Configuration::Mode modeOf(std::string_view program, std::vector<std::string>& arguments) {
  program.remove_prefix(program.rfind('/') + 1);
  const size_t asked = std::erase(arguments, "--sentinel");
  const bool named = program.find("redis-sentinel") != std::string_view::npos ||
                     program.find("vigil-sentinel") != std::string_view::npos;
  return asked != 0 || named ? apps::Configuration::Mode::kSentinel : apps::Configuration::Mode::kServer;
}

// `given`: a file or options were.
int serve(apps::Configuration& configuration, runtime::ProcessTitle& title, bool given) {
  const apps::ServerOptions& options = configuration.server;
  runtime::MachineClock clock;
  runtime::FileLogger logger(clock, options.logFile.load());
  logger.setLevel(options.logLevel.load());
  configuration.setLogLevel = [&logger](LogLevel level) { logger.setLevel(level); };
  const apps::ProcessOptions& process = configuration.process;
  if (process.syslog.load()) logger.useSyslog(process.syslogIdent.load(), process.syslogFacility.load());
  logger.setRole('C');  // until the server itself begins
  apps::ProcessLife life(configuration, logger, title);
  if (life.daemonizes()) {
    if (auto s = runtime::daemonize(); !s) {
      std::fprintf(stderr, "Can't daemonize: %s\n", s.error().message.c_str());
      return 1;
    }
  }
  logger.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
  logger.notice("Redis version=" + std::string(engine::kRedisVersion) +
                ", bits=64, commit=00000000, modified=0, pid=" + std::to_string(getpid()) + ", just started");
  if (!given) {
    logger.warning(
        "Warning: no config file specified, using the default config. In order to specify a config file use "
        "vigil-server /path/to/redis.conf");
  } else {
    logger.notice("Configuration loaded");
  }
  const bool isSentinel = configuration.mode == apps::Configuration::Mode::kSentinel;
  logger.setRole(isSentinel ? 'X' : 'M');
  logger.notice("Vigil " + std::string(engine::kVigilVersion) + ", monotonic clock: " + clock.describe());
  const int64_t port = options.port.load() != 0 ? options.port.load() : options.tlsPort.load();
  const std::string_view mode = isSentinel                                   ? "sentinel"
                                : configuration.node.cluster.enabled.load() ? "cluster"
                                                                            : "standalone";
  logger.notice("Running mode=" + std::string(mode) + ", port=" + std::to_string(port) + ".");
  for (const std::string& option : configuration.registry.ineffective()) {
    logger.warning("Option '" + option + "' has no effect here: see docs/OPTIONS.md");
  }
  const uint64_t reserved = runtime::reservedDescriptors(isSentinel ? 1 : options.workerCount());
  const auto clients = static_cast<uint64_t>(configuration.node.engine.maxClients.load());
  if (auto limit = runtime::raiseOpenFileLimit(clients, reserved, logger)) {
    configuration.node.engine.maxClients.store(static_cast<int64_t>(*limit));
  } else {
    return 1;
  }
  configuration.node.engine.maxClientsChanged = [&configuration, &logger, reserved]() -> Status {
    const auto wanted = static_cast<uint64_t>(configuration.node.engine.maxClients.load());
    const uint64_t possible = runtime::raiseOpenFileLimit(wanted, reserved, logger).value_or(0);
    if (possible >= wanted) return {};
    return fail("The operating system is not able to handle the specified number of clients, try with " +
                std::to_string(possible));
  };
  for (const std::string& warning : runtime::hostWarnings(static_cast<int>(options.tcpBacklog.load()))) {
    logger.warning(warning);
  }
  life.begin();
  if (isSentinel) {
    apps::SentinelServer sentinel(configuration, logger, life);
    return run(sentinel, configuration, logger, life);
  }
  apps::Server server(configuration, logger, life);
  return run(server, configuration, logger, life);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  runtime::ProcessTitle title(argc, argv);
  const apps::Configuration::Mode mode = modeOf(title.program(), arguments);
  if (arguments.size() == 1) {
    const std::string& only = arguments.front();
    if (only == "-v" || only == "--version") {
      std::printf("Redis server v=%s sha=00000000:0 malloc=mimalloc-2.0 bits=64 build=vigil-%s\n",
                  std::string(engine::kRedisVersion).c_str(), std::string(engine::kVigilVersion).c_str());
      return 0;
    }
    if (only == "-h" || only == "--help") {
      std::fputs(kUsage, stderr);
      return 1;
    }
  }
  runtime::takeOverSignals();
  apps::Configuration configuration(mode);
  if (arguments.size() == 1 && arguments.front() == "--options-page") {  // how docs/OPTIONS.md is made
    std::fputs(optionsPage(configuration.registry).c_str(), stdout);
    return 0;
  }
  if (auto loaded = configuration.load(arguments); !loaded) {
    if (loaded.error().code == 0) {
      std::fprintf(stderr, "%s", loaded.error().message.c_str());
      return 1;
    }
    runtime::MachineClock clock;
    runtime::FileLogger logger(clock, "");
    logger.setRole('C');
    logger.warning(loaded.error().message);
    return 1;
  }
  return serve(configuration, title, !arguments.empty());
}
