#include "apps/server/listeners.h"

#include <chrono>
#include <future>

#include "base/log_line.h"
#include "base/ports/event_loop.h"

namespace vigil::apps {

Status Listeners::open() {
  if (auto opened = openTcp(); !opened) return opened;
  if (auto opened = openUnix(); !opened) return opened;
  if (auto opened = openTls(); !opened) return opened;
  if (describe().empty()) return fail("Configured to not listen anywhere, exiting.");
  return {};
}

Status Listeners::openTcp() {
  ListenOptions how;
  how.backlog = static_cast<int>(options_.tcpBacklog.load());
  how.markId = markId_;
  return openPort("tcp", options_.port.load(), how, tcp_);
}

Status Listeners::openTls() {
  ListenOptions how;
  how.backlog = static_cast<int>(options_.tcpBacklog.load());
  how.markId = markId_;
  how.tls = tlsOptions_;
  return openPort("tls", options_.tlsPort.load(), how, tls_);
}

Status Listeners::openPort(const char* kind, int64_t number, const ListenOptions& how, Group& group) {
  const auto port = static_cast<uint16_t>(number);
  if (port == 0) return {};
  const std::string failed = "Failed listening on port " + std::to_string(port) + " (" + kind + "), aborting.";
  for (const std::string& word : options_.bind.load()) {
    const bool optional = word.starts_with('-');
    std::string address = optional ? word.substr(1) : word;
    if (address == "*") address = "0.0.0.0";
    if (address == "::*") address = "::";
    auto listener = network_.listen(control_, {address, port}, how, accept_);
    if (listener) {
      group.push_back(std::move(*listener));
      continue;
    }
    logger_.warning("Warning: Could not create server TCP listening socket " + address + ":" + std::to_string(port) + ": " +
                    listener.error().message);
    if (!optional) {
      group.clear();
      return fail(failed);
    }
  }
  return group.empty() ? fail(failed) : Status();
}

Status Listeners::openUnix() {
  const std::string path = options_.unixSocket.load();
  if (path.empty()) return {};
  ListenOptions how;
  how.backlog = static_cast<int>(options_.tcpBacklog.load());
  how.markId = markId_;
  how.unixPermissions = static_cast<uint32_t>(options_.unixSocketPermissions.load());
  auto listener = network_.listen(control_, {path, 0}, how, accept_);
  if (!listener) return fail("Failed opening Unix socket: " + listener.error().message);
  unix_ = std::move(*listener);
  return {};
}

void Listeners::close() {
  tcp_.clear();
  tls_.clear();
  unix_.reset();
}

Status Listeners::move(ListenAt what, const std::string& problem) {
  auto moved = std::make_shared<std::promise<bool>>();
  auto result = moved->get_future();
  control_.post([this, what, moved] {
    const bool tcp = what != ListenAt::kTlsPort;
    const bool tls = what != ListenAt::kPort;
    if (tcp) tcp_.clear();
    if (tls) tls_.clear();
    moved->set_value((!tcp || openTcp().has_value()) && (!tls || openTls().has_value()));
  });
  // The control loop is never busy for long; it is gone only while the process ends.
  constexpr auto kPatience = std::chrono::seconds(5);
  if (result.wait_for(kPatience) != std::future_status::ready || !result.get()) return fail(problem);
  return {};
}

std::vector<engine::ListenerFacts> Listeners::describe() const {
  std::string addresses;
  for (const std::string& address : options_.bind.load()) addresses += ",bind=" + address;
  std::vector<engine::ListenerFacts> listeners;
  const auto add = [&](int number, const std::string& kind, const std::string& where) {
    listeners.push_back({number, kind, "name=" + kind + where});
  };
  if (int64_t port = options_.port.load(); port != 0) add(0, "tcp", addresses + ",port=" + std::to_string(port));
  if (std::string path = options_.unixSocket.load(); !path.empty()) add(1, "unix", ",bind=" + path);
  if (int64_t port = options_.tlsPort.load(); port != 0) add(2, "tls", addresses + ",port=" + std::to_string(port));
  return listeners;
}

}  // namespace vigil::apps
