// Where the server listens: TCP on each address of `bind`, and a Unix socket. CONFIG SET port and bind move it.
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

namespace vigil {
class EventLoop;
class Logger;
}  // namespace vigil

namespace vigil::apps {

class Listeners {
 public:
  Listeners(Network& network, EventLoop& control, const ServerOptions& options, Logger& logger,
            Network::AcceptHandler accept)
      : network_(network), control_(control), options_(options), logger_(logger), accept_(std::move(accept)) {}

  // The error is for the log; the process then exits with 1.
  Status open();
  void close();

  // Listens where port and bind say now. The error is CONFIG SET's; nothing listens then until it is called again.
  Status move(const std::string& problem);

  // INFO's lines: "name=tcp,bind=127.0.0.1,port=6379".
  std::vector<std::string> describe() const;

 private:
  Status openTcp();
  Status openUnix();

  Network& network_;
  EventLoop& control_;
  const ServerOptions& options_;
  Logger& logger_;
  const Network::AcceptHandler accept_;
  std::vector<std::unique_ptr<Listener>> tcp_;
  std::unique_ptr<Listener> unix_;
};

}  // namespace vigil::apps
