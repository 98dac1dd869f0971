#include "apps/server/process_life.h"

#include <algorithm>

#include "base/log_line.h"
#include "engine/client_list.h"
#include "engine/engine.h"
#include "engine/running_command.h"
#include "engine/version.h"
#include "runtime/cpu_list.h"
#include "runtime/signal_log.h"

namespace vigil::apps {

namespace {

std::string listOfClients(engine::Engine& engine) {
  const MonoUs now = engine.system().clock.mono();
  std::string text;
  for (const auto& client : engine.clients().all()) text += engine::describeClient(*client, now) + "\n";
  return text;
}

// In the signal handler of the thread that crashed: the client whose command it ran, and the command, but for arguments
// that may be passwords.
void writeCurrentClient(runtime::SignalLog& log) {
  constexpr size_t kMostArguments = 32;
  constexpr size_t kMostBytes = 128;
  const engine::RunningCommand* running = engine::RunningCommand::here();
  if (running == nullptr || running->client == nullptr) return;
  const engine::ClientInfo& client = *running->client;
  log.text("\n------ CURRENT CLIENT INFO ------\nid=").number(static_cast<int64_t>(client.id));
  log.text(" addr=").text(client.address).text(" laddr=").text(client.localAddress);
  log.text(" db=").number(client.db.load(std::memory_order_relaxed));
  log.text("\nargc: '").number(static_cast<int64_t>(running->args.size())).text("'\n");
  size_t shown = std::min(running->args.size(), kMostArguments);
  if (running->entry != nullptr) {
    const command::CommandEntry& entry = *running->entry;
    if ((entry.spec->flags & command::kAdmin) != 0) shown = std::min<size_t>(shown, 2);
    if ((entry.spec->flags & command::kNoAuth) != 0) shown = std::min<size_t>(shown, 1);
    if (entry.fullName == "migrate") shown = std::min<size_t>(shown, 6);
  }
  for (size_t i = 0; i < shown; ++i) {
    log.text("argv[").number(static_cast<int64_t>(i)).text("]: '").quoted(running->args[i].substr(0, kMostBytes)).text("'\n");
  }
}

}  // namespace

ProcessLife::ProcessLife(Configuration& configuration, Logger& logger, runtime::ProcessTitle& title)
    : configuration_(configuration),
      options_(configuration.process),
      logger_(logger),
      title_(title),
      oomScore_(logger) {
  supervision_.begin(options_.supervised.load(), logger);
}

ProcessLife::~ProcessLife() {
  options_.titleChanged = nullptr;
  options_.oomChanged = nullptr;
}

bool ProcessLife::daemonizes() const { return configuration_.server.daemonize.load() && !supervision_.supervised(); }

void ProcessLife::begin() {
  runtime::bindThisThread(options_.serverCpus.load());
  (void)updateOomScore();
  (void)updateTitle();
  options_.titleChanged = [this] { return updateTitle(); };
  options_.oomChanged = [this]() -> Status {
    if (!updateOomScore()) return fail("Failed to set current oom_score_adj. Check server logs.");
    return {};
  };
}

std::function<void()> ProcessLife::workerStart() const {
  return [cpus = options_.serverCpus.load()] {
    runtime::bindThisThread(cpus);
    runtime::CrashReport::prepareThread();
  };
}

std::function<void()> ProcessLife::taskStart() const {
  return [cpus = options_.taskCpus.load()] {
    runtime::bindThisThread(cpus);
    runtime::CrashReport::prepareThread();
  };
}

void ProcessLife::watch(engine::Engine& engine, EventLoop& control, std::vector<runtime::LoopThread*> workers) {
  const std::string logFile = configuration_.server.logFile.load();
  crashReport_.emplace(runtime::CrashReport::Sources{
      .version = std::string(engine::kRedisVersion),
      .logFile = logFile,
      .pidFile = daemonizes() ? configuration_.server.pidFile.load() : std::string(),
      .info = [&engine] { return engine.info().write({"everything"}); },
      .current = writeCurrentClient,
      .clients = [&engine] { return listOfClients(engine); }});
  crashReport_->enable(options_.crashLog.load());
  options_.crashLogChanged = [this] {
    crashReport_->enable(options_.crashLog.load());
    return Status();
  };
  watchdog_.emplace(control, std::move(workers), logFile);
  options_.watchdogChanged = [this] {
    watchdog_->setPeriod(options_.watchdogPeriod.load());
    return Status();
  };
  watchdog_->setPeriod(options_.watchdogPeriod.load());
  engine::ProcessFacts& facts = engine.process();
  facts.supervised = supervision_.name();
  facts.tellSupervisor = [this](std::string_view lines) { supervision_.tell(lines); };
  facts.supervisorStatus = [this](std::string_view text) { supervision_.status(text); };
}

void ProcessLife::unwatch() {
  options_.crashLogChanged = nullptr;
  options_.watchdogChanged = nullptr;
  watchdog_.reset();
  crashReport_.reset();
}

void ProcessLife::ready(bool replica) {
  supervision_.status(replica ? "Ready to accept connections in read-only mode. Waiting for MASTER <-> REPLICA sync"
                              : "Ready to accept connections");
  supervision_.tell("READY=1\n");
}

void ProcessLife::followRole(bool replica) {
  if (replica_.exchange(replica) != replica) (void)updateOomScore();  // an error is in the log
}

Status ProcessLife::updateTitle() {
  if (!options_.setTitle.load()) return {};
  const ServerOptions& server = configuration_.server;
  auto option = [this](std::string_view name) {
    const auto* found = configuration_.registry.find(name);
    return found != nullptr ? found->type->get() : std::string();
  };
  runtime::TitleParts parts;
  parts.title = title_.program();
  parts.port = option("port");
  parts.tlsPort = option("tls-port");
  parts.unixSocket = server.unixSocket.load();
  parts.configFile = configuration_.file;
  if (option("cluster-enabled") == "yes") parts.serverMode = "[cluster]";
  if (configuration_.mode == Configuration::Mode::kSentinel) parts.serverMode = "[sentinel]";
  const std::string& port = parts.port != "0" ? parts.port : parts.tlsPort;
  const AddressList addresses = server.bind.load();
  parts.listenAddress =
      port != "0" ? (addresses.empty() ? "*" : addresses.front()) + ":" + port : parts.unixSocket;
  title_.set(runtime::fillTitle(options_.titleTemplate.load(), parts));
  return {};
}

Status ProcessLife::updateOomScore() {
  const auto values = options_.oomValues.load();
  const int64_t value = values[replica_.load() ? 1 : 0];
  switch (options_.oomAdjust.load()) {
    case OomAdjust::kRelative:
      return oomScore_.set(runtime::OomScore::Mode::kRelative, value);
    case OomAdjust::kAbsolute:
      return oomScore_.set(runtime::OomScore::Mode::kAbsolute, value);
    case OomAdjust::kNo:
      break;
  }
  return oomScore_.set(runtime::OomScore::Mode::kNo, 0);
}

}  // namespace vigil::apps
