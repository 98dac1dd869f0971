#include "apps/server/server.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <future>

#include "apps/server/process.h"
#include "engine/engine.h"

namespace vigil::apps {

namespace {

constexpr size_t kTaskThreads = 3;

}  // namespace

Server::Server(Configuration& configuration, Logger& logger, ProcessLife& life)
    : configuration_(configuration),
      logger_(logger),
      life_(life),
      machine_(logger, kTaskThreads, life.taskStart()),
      reactor_(chooseReactor(configuration.server, logger)),
      control_(machine_.clock(), "vigil-control", reactor_),
      node_(machine_.system(), logger, configuration.node),
      configControl_(configuration.registry),
      listeners_(machine_.system().network, control_.loop(), configuration.server,
                 static_cast<uint32_t>(configuration.node.engine.outgoing.markId.load()), logger,
                 [this](std::unique_ptr<Stream> stream) { node_.accept(std::move(stream)); }) {}

Server::~Server() { life_.unwatch(); }

Status Server::start() {
  configuration_.node.rdb.processId.store(getpid());
  tellPorts();
  size_t count = configuration_.server.workerCount();
  std::vector<EventLoop*> loops;
  for (size_t i = 0; i < count; ++i) {
    workers_.push_back(
        std::make_unique<runtime::LoopThread>(machine_.clock(), "vigil-w" + std::to_string(i), reactor_));
    loops.push_back(&workers_.back()->loop());
  }
  engine::Engine& engine = node_.engine();
  engine::ProcessFacts& facts = engine.process();
  fillProcessFacts(facts, reactor_);
  facts.monotonicClock = machine_.clock().describe();
  facts.configFile = configuration_.file;
  facts.tcpPort = [&options = configuration_.server] {
    const int64_t port = options.port.load();
    return port != 0 ? port : options.tlsPort.load();
  };
  facts.listeners = [this] { return listeners_.describe(); };
  engine.addCommands(engine::configCommands(), &configControl_);
  engine::addDebugConfig(engine, configControl_);
  configuration_.listenAnew = [this](ListenAt what, const std::string& problem) { return listenAnew(what, problem); };
  if (auto s = node_.start(loops, control_.loop()); !s) return s;
  for (const auto& [name, newName] : configuration_.renamedCommands) {
    if (auto s = engine.commands().rename(name, newName); !s) return s;
  }
  if (auto s = startTls(loops); !s) return s;
  if (auto s = listeners_.open(); !s) return s;
  if (auto s = node_.listen(); !s) return s;
  std::vector<runtime::LoopThread*> threads;
  for (auto& worker : workers_) threads.push_back(worker.get());
  life_.watch(engine, control_.loop(), std::move(threads));
  housekeeping_.emplace(control_.loop(), engine, [this](bool replica) { life_.followRole(replica); });
  for (auto& worker : workers_) worker->start(life_.workerStart());
  return {};
}

void Server::tellPorts() {
  configuration_.node.replication.listeningPort.store(configuration_.server.port.load());
  configuration_.node.replication.tlsListeningPort.store(configuration_.server.tlsPort.load());
  configuration_.node.cluster.listeningPort.store(configuration_.server.port.load());
  configuration_.node.cluster.tlsListeningPort.store(configuration_.server.tlsPort.load());
  configuration_.node.cluster.bind.store(configuration_.server.bind.load());
}

Status Server::startTls(const std::vector<EventLoop*>& workers) {
  listeners_.setTls(
      {.loops = workers, .admit = [this] { return node_.engine().holdPlace(); }});
  configuration_.configureTls = [this] { return configureTls(); };
  configuration_.clientAuthChanged = [this] { machine_.tls().setClientAuth(configuration_.tls.clientAuth.load()); };
  if (configureTls()) return {};
  return fail("Failed to configure TLS. Check logs for more info.");
}

Status Server::configureTls() {
  const bool replication = configuration_.node.replication.tls.load() || configuration_.node.cluster.tls.load();
  if (configuration_.server.tlsPort.load() == 0 && !replication) {
    machine_.tls().clear();
    return {};
  }
  runtime::TlsSettings settings = configuration_.tls.settings();
  settings.checksServers = replication;
  if (settings.clientCertFile.empty() != settings.clientKeyFile.empty()) {
    logger_.warning("tls-client-cert-file and tls-client-key-file count only together: the server's are used instead.");
  }
  auto configured = machine_.tls().configure(settings);
  if (configured) return {};
  logger_.warning(configured.error().message);
  return fail("Unable to update TLS configuration. Check server logs.");
}

Status Server::listenAnew(ListenAt what, const std::string& problem) {
  tellPorts();
  if (what == ListenAt::kTlsPort && (!machine_.tls().configured() || configuration_.server.tlsPort.load() == 0)) {
    if (auto s = configureTls(); !s) return s;
  }
  return listeners_.move(what, problem);
}

void Server::announceReady() {
  for (const engine::ListenerFacts& listener : listeners_.describe()) {
    logger_.notice("Ready to accept connections " + listener.kind);
  }
}

void Server::onSignal(int signal) {
  const ServerOptions& options = configuration_.server;
  engine::Shutdown& shutdown = node_.engine().shutdown();
  if (signal == SIGINT && shutdown.inProgress()) {
    logger_.warning("You insist... exiting now.");
    std::_Exit(1);
  }
  logger_.warning(signal == SIGINT ? "Received SIGINT scheduling shutdown..."
                                   : "Received SIGTERM scheduling shutdown...");
  const int flags = signal == SIGINT ? options.shutdownOnInterrupt.load() : options.shutdownOnTerm.load();
  engine::Shutdown::Request request;
  request.save = (flags & shutdownFlag::kSave) != 0;
  request.noSave = (flags & shutdownFlag::kNoSave) != 0 || node_.engine().state().loading.load();
  request.now = (flags & shutdownFlag::kNow) != 0;
  request.force = (flags & shutdownFlag::kForce) != 0;
  shutdown.request(request, {});
}

int Server::run() {
  std::promise<int> stopping;
  // Loading may fail on any thread, and while a stop is under way.
  auto stop = [&stopping, once = std::make_shared<std::atomic_flag>()](int code) {
    if (!once->test_and_set()) stopping.set_value(code);
  };
  engine::Shutdown& shutdown = node_.engine().shutdown();
  shutdown.setExit([stop] { stop(0); });
  shutdown.setBegun([this] { life_.supervision().tell("STOPPING=1\n"); });
  runtime::Signals signals(control_.loop(), [this](int signal) { onSignal(signal); });
  control_.start(life_.workerStart());
  node_.load([this, stop](Status loaded) {
    if (!loaded) {
      logger_.warning(loaded.error().message);
      return stop(1);
    }
    announceReady();
    life_.ready(node_.engine().state().replica.load());
  });
  const int code = stopping.get_future().get();
  runtime::exitAtInterrupt(configuration_.server.logFile.load());  // a worker may be busy for long yet
  control_.stop();
  for (auto& worker : workers_) worker->stop();
  listeners_.close();
  life_.unwatch();
  node_.stop();
  machine_.finishTasks();
  return code;
}

}  // namespace vigil::apps
