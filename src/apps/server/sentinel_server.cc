#include "apps/server/sentinel_server.h"

#include <unistd.h>

#include <csignal>
#include <future>

#include "apps/server/process.h"
#include "base/ports/entropy.h"
#include "runtime/file_logger.h"
#include "runtime/signals.h"

namespace vigil::apps {

namespace {

constexpr size_t kTaskThreads = 2;  // names are resolved there

keyspace::Keyspace::Options emptyKeyspace(Entropy& entropy) {
  keyspace::Keyspace::Options options;
  options.shards = 1;
  options.databases = 1;
  options.hashSeed = entropy.next64();
  return options;
}

}  // namespace

SentinelServer::SentinelServer(Configuration& configuration, Logger& logger, ProcessLife& life)
    : configuration_(configuration),
      logger_(logger),
      life_(life),
      machine_(logger, kTaskThreads, life.taskStart()),
      reactor_(chooseReactor(configuration.server, logger)),
      thread_(machine_.clock(), "vigil-sentinel", reactor_),
      engine_(machine_.system(), logger, configuration.node.engine, emptyKeyspace(machine_.system().entropy),
              oplog::History{machine_.system().entropy.hex(40)}),
      driver_(engine_, configuration.sentinel, surroundings()),
      listeners_(machine_.system().network, thread_.loop(), configuration.server,
                 static_cast<uint32_t>(configuration.node.engine.outgoing.markId.load()), logger,
                 [this](std::unique_ptr<Stream> stream) { engine_.accept(std::move(stream)); }) {}

SentinelServer::~SentinelServer() { life_.unwatch(); }

drivers::SentinelDriver::Surroundings SentinelServer::surroundings() {
  const bool tls = configuration_.node.replication.tls.load();
  return {
      .registry = configuration_.registry,
      .configFile = configuration_.file,
      .connect =
          [this, tls] {
            ConnectOptions options = configuration_.node.engine.outgoing.connect();
            options.tls = tls;
            return options;
          },
      .port =
          [this, tls] {
            const int64_t tlsPort = configuration_.server.tlsPort.load();
            return static_cast<uint16_t>(tls && tlsPort != 0 ? tlsPort : configuration_.server.port.load());
          },
      .isExecutable = isExecutable,
      .processes = processes_,
      .utcOffset = runtime::localTimeOffset,
      .crash = [] { _exit(99); },
  };
}

Status SentinelServer::start() {
  const std::string& file = configuration_.file;
  if (file.empty()) return fail("Sentinel needs config file on disk in order to save state. Exiting...");
  if (access(file.c_str(), W_OK) != 0) {
    return fail("Sentinel config file " + file + " is not writable: " + std::strerror(errno) + ". Exiting...");
  }
  engine::ProcessFacts& facts = engine_.process();
  fillProcessFacts(facts, reactor_);
  facts.mode = "sentinel";
  facts.monotonicClock = machine_.clock().describe();
  facts.configFile = file;
  facts.tcpPort = [&options = configuration_.server] {
    const int64_t port = options.port.load();
    return port != 0 ? port : options.tlsPort.load();
  };
  facts.listeners = [this] { return listeners_.describe(); };
  engine_.addSentinelCommands();
  driver_.registerCommands();
  engine_.start({&thread_.loop()}, thread_.loop());
  if (auto s = engine_.acl().start(engine_.system().files); !s) return s;
  for (const auto& [name, newName] : configuration_.renamedCommands) {
    if (auto s = engine_.commands().rename(name, newName); !s) return s;
  }
  if (auto s = startTls(); !s) return s;
  if (auto s = listeners_.open(); !s) return s;
  if (auto s = driver_.start(); !s) return s;
  life_.watch(engine_, thread_.loop(), {&thread_});
  housekeeping_.emplace(thread_.loop(), engine_, [](bool) {});
  return {};
}

Status SentinelServer::startTls() {
  listeners_.setTls({.loops = {&thread_.loop()},
                     .admit = [this] { return engine_.holdPlace(); }});
  const bool towardsInstances = configuration_.node.replication.tls.load();
  if (configuration_.server.tlsPort.load() == 0 && !towardsInstances) return {};
  runtime::TlsSettings settings = configuration_.tls.settings();
  settings.checksServers = towardsInstances;
  if (auto configured = machine_.tls().configure(settings); !configured) {
    logger_.warning(configured.error().message);
    return fail("Failed to configure TLS. Check logs for more info.");
  }
  return {};
}

void SentinelServer::onSignal(int signal) {
  engine::Shutdown& shutdown = engine_.shutdown();
  if (signal == SIGINT && shutdown.inProgress()) {
    logger_.warning("You insist... exiting now.");
    std::_Exit(1);
  }
  logger_.warning(signal == SIGINT ? "Received SIGINT scheduling shutdown..."
                                   : "Received SIGTERM scheduling shutdown...");
  shutdown.request({.noSave = true}, {});
}

int SentinelServer::run() {
  std::promise<int> stopping;
  engine::Shutdown& shutdown = engine_.shutdown();
  shutdown.setExit([&stopping] { stopping.set_value(0); });
  shutdown.setBegun([this] { life_.supervision().tell("STOPPING=1\n"); });
  runtime::Signals signals(thread_.loop(), [this](int signal) { onSignal(signal); });
  thread_.loop().post([this] {
    driver_.run();
    life_.ready(false);
  });
  thread_.start(life_.workerStart());
  const int code = stopping.get_future().get();
  runtime::exitAtInterrupt(configuration_.server.logFile.load());
  thread_.stop();
  listeners_.close();
  life_.unwatch();
  driver_.stop();
  engine_.stop();
  machine_.finishTasks();
  return code;
}

}  // namespace vigil::apps
