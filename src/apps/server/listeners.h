// Where the server listens: TCP and TLS on each address of `bind`, and a Unix socket. CONFIG SET port, tls-port and bind
// move it.
//
// Listeners live on the control loop. open() and close() are called before the loop runs and after it ended; the
// others on any thread while it runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/server/server_options.h"
#include "base/ports/stream.h"
#include "base/result.h"
#include "engine/process_facts.h"

namespace vigil {
class EventLoop;
class Logger;
}  // namespace vigil

namespace vigil::apps {

class Listeners {
 public:
  Listeners(Network& network, EventLoop& control, const ServerOptions& options, uint32_t markId,
            Logger& logger, Network::AcceptHandler accept)
      : network_(network),
        control_(control),
        options_(options),
        markId_(markId),
        logger_(logger),
        accept_(std::move(accept)) {}

  // Before open(): how TLS connections are accepted.
  void setTls(TlsListenOptions tls) { tlsOptions_ = std::move(tls); }

  // The error is for the log; the process then exits with 1.
  Status open();
  void close();

  // Listens where the options say now. The error is CONFIG SET's; nothing listens there then until it is called again.
  Status move(ListenAt what, const std::string& problem);

  // In Redis's order, which numbers them: TCP, Unix socket, TLS.
  std::vector<engine::ListenerFacts> describe() const;

 private:
  using Group = std::vector<std::unique_ptr<Listener>>;

  Status openPort(const char* kind, int64_t port, const ListenOptions& how, Group& group);
  Status openTcp();
  Status openTls();
  Status openUnix();

  Network& network_;
  EventLoop& control_;
  const ServerOptions& options_;
  const uint32_t markId_;  // socket-mark-id
  Logger& logger_;
  const Network::AcceptHandler accept_;
  TlsListenOptions tlsOptions_;
  Group tcp_;
  Group tls_;
  std::unique_ptr<Listener> unix_;
};

}  // namespace vigil::apps
