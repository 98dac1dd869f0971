// Network on the machine's sockets: TCP over IPv4 and IPv6, Unix sockets, and TLS. Its loops are MachineLoops. A second kind
// of loop brings its own Network beside this one, and Machine chooses the pair.
#pragma once

#include "base/ports/stream.h"
#include "runtime/tls_context.h"

namespace vigil {
class Logger;
class TaskPool;
}  // namespace vigil

namespace vigil::runtime {

class MachineNetwork final : public Network {
 public:
  // Names are resolved on `tasks`.
  MachineNetwork(TaskPool& tasks, Logger& log) : tasks_(tasks), log_(log) {}

  Result<std::unique_ptr<Listener>> listen(EventLoop& loop, const Endpoint& at, const ListenOptions& options,
                                           AcceptHandler onAccept) override;
  std::unique_ptr<Stream> connect(const Endpoint& to, const ConnectOptions& options) override;

  // What TLS is spoken with; until it is configured, nobody can.
  TlsContexts& tls() { return tls_; }

 private:
  TaskPool& tasks_;
  Logger& log_;
  TlsContexts tls_;
};

}  // namespace vigil::runtime
