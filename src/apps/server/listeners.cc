#include "apps/server/listeners.h"

#include <chrono>
#include <future>

#include "base/log_line.h"
#include "base/ports/event_loop.h"

namespace vigil::apps {

Status Listeners::open() {
  if (auto opened = openTcp(); !opened) return opened;
  return openUnix();
}

Status Listeners::openTcp() {
  const auto port = static_cast<uint16_t>(options_.port.load());
  if (port == 0) return {};
  ListenOptions how;
  how.backlog = static_cast<int>(options_.tcpBacklog.load());
  const std::string failed = "Failed listening on port " + std::to_string(port) + " (tcp), aborting.";
  for (const std::string& word : options_.bind.load()) {
    const bool optional = word.starts_with('-');
    std::string address = optional ? word.substr(1) : word;
    if (address == "*") address = "0.0.0.0";
    if (address == "::*") address = "::";
    auto listener = network_.listen(control_, {address, port}, how, accept_);
    if (listener) {
      tcp_.push_back(std::move(*listener));
      continue;
    }
    logger_.warning("Warning: Could not create server TCP listening socket " + address + ":" + std::to_string(port) + ": " +
                    listener.error().message);
    if (!optional) {
      tcp_.clear();
      return fail(failed);
    }
  }
  return tcp_.empty() ? fail(failed) : Status();
}

Status Listeners::openUnix() {
  const std::string path = options_.unixSocket.load();
  if (path.empty()) return {};
  ListenOptions how;
  how.backlog = static_cast<int>(options_.tcpBacklog.load());
  how.unixPermissions = static_cast<uint32_t>(options_.unixSocketPermissions.load());
  auto listener = network_.listen(control_, {path, 0}, how, accept_);
  if (!listener) return fail("Failed opening Unix socket: " + listener.error().message);
  unix_ = std::move(*listener);
  return {};
}

void Listeners::close() {
  tcp_.clear();
  unix_.reset();
}

Status Listeners::move(const std::string& problem) {
  auto moved = std::make_shared<std::promise<bool>>();
  auto result = moved->get_future();
  control_.post([this, moved] {
    tcp_.clear();
    moved->set_value(openTcp().has_value());
  });
  // The control loop is never busy for long; it is gone only while the process ends.
  constexpr auto kPatience = std::chrono::seconds(5);
  if (result.wait_for(kPatience) != std::future_status::ready || !result.get()) return fail(problem);
  return {};
}

std::vector<std::string> Listeners::describe() const {
  std::vector<std::string> lines;
  if (const int64_t port = options_.port.load(); port != 0) {
    std::string line = "name=tcp";
    for (const std::string& address : options_.bind.load()) line += ",bind=" + address;
    lines.push_back(line + ",port=" + std::to_string(port));
  }
  if (std::string path = options_.unixSocket.load(); !path.empty()) lines.push_back("name=unix,bind=" + path);
  return lines;
}

}  // namespace vigil::apps
