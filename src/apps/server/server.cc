#include "apps/server/server.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

namespace vigil::apps {

namespace {

constexpr size_t kTaskThreads = 3;

size_t threadCount(const ServerOptions& options) {
  auto asked = static_cast<size_t>(options.threads.load());
  return asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Server::Server(Configuration& configuration, Logger& logger)
    : configuration_(configuration),
      logger_(logger),
      machine_(logger, kTaskThreads),
      control_(machine_.clock(), "vigil-control"),
      node_(machine_.system(), logger, configuration.node) {}

Server::~Server() = default;

Status Server::start() {
  configuration_.node.rdb.processId.store(getpid());
  size_t count = threadCount(configuration_.server);
  std::vector<EventLoop*> loops;
  for (size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<runtime::LoopThread>(machine_.clock(), "vigil-w" + std::to_string(i)));
    loops.push_back(&workers_.back()->loop());
  }
  if (auto s = node_.start(loops, control_.loop()); !s) return s;
  if (auto s = listen(); !s) return s;
  for (auto& worker : workers_) worker->start();
  return {};
}

Status Server::listen() {
  const ServerOptions& options = configuration_.server;
  ListenOptions how;
  how.backlog = static_cast<int>(options.tcpBacklog.load());
  auto accept = [this](std::unique_ptr<Stream> stream) { node_.accept(std::move(stream)); };
  auto port = static_cast<uint16_t>(options.port.load());
  size_t opened = 0;
  for (const std::string& word : options.bind.load()) {
    if (port == 0) break;
    bool optional = word.starts_with('-');
    std::string address = optional ? word.substr(1) : word;
    if (address == "*") address = "0.0.0.0";
    if (address == "::*") address = "::";
    auto listener = machine_.system().network.listen(control_.loop(), {address, port}, how, accept);
    if (!listener) {
      std::string problem = "Could not create server TCP listening socket " + address + ":" + std::to_string(port) +
                            ": " + listener.error().message;
      logger_.warning(problem);
      if (optional) continue;
      return fail("Failed listening on port " + std::to_string(port) + " (tcp), aborting.");
    }
    listeners_.push_back(std::move(*listener));
    ++opened;
  }
  if (port != 0 && opened == 0) return fail("Failed listening on port " + std::to_string(port) + " (tcp), aborting.");
  if (std::string path = options.unixSocket.load(); !path.empty()) {
    how.unixPermissions = static_cast<uint32_t>(options.unixSocketPermissions.load());
    auto listener = machine_.system().network.listen(control_.loop(), {path, 0}, how, accept);
    if (!listener) return fail("Failed opening Unix socket: " + listener.error().message);
    listeners_.push_back(std::move(*listener));
  }
  return {};
}

int Server::run() {
  std::mutex mutex;
  std::condition_variable done;
  bool stopping = false;
  int code = 0;
  runtime::Signals signals(control_.loop(), [&](int signal) {
    logger_.warning(signal == SIGINT ? "Received SIGINT scheduling shutdown..."
                                     : "Received SIGTERM scheduling shutdown...");
    std::lock_guard guard(mutex);
    stopping = true;
    done.notify_one();
  });
  control_.start();
  node_.load([&](Status loaded) {
    if (loaded) return logger_.notice("Ready to accept connections tcp");
    logger_.warning(loaded.error().message);
    std::lock_guard guard(mutex);
    stopping = true;
    code = 1;
    done.notify_one();
  });
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return stopping; });
  lock.unlock();
  if (code == 0) logger_.warning("User requested shutdown...");
  control_.stop();
  for (auto& worker : workers_) worker->stop();
  listeners_.clear();
  node_.stop();
  if (code == 0) logger_.warning("Redis is now ready to exit, bye bye...");
  return code;
}

}  // namespace vigil::apps
