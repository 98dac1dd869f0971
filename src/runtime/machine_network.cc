#include "runtime/machine_network.h"

#include <utility>

#include "runtime/machine_loop.h"
#include "runtime/machine_listener.h"
#include "runtime/outgoing_stream.h"
#include "runtime/tls_acceptor.h"
#include "runtime/tls_stream.h"

namespace vigil::runtime {

Result<std::unique_ptr<Listener>> MachineNetwork::listen(EventLoop& loop, const Endpoint& at,
                                                         const ListenOptions& options, AcceptHandler onAccept) {
  if (options.tls) onAccept = tlsAcceptor(loop, *options.tls, tls_, std::move(onAccept), log_);
  auto listener = MachineListener::open(static_cast<MachineLoop&>(loop), at, options, std::move(onAccept), log_);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<Listener>(std::move(*listener));
}

std::unique_ptr<Stream> MachineNetwork::connect(const Endpoint& to, const ConnectOptions& options) {
  auto plain = std::make_unique<OutgoingStream>(to, options, tasks_);
  if (!options.tls) return plain;
  return std::make_unique<TlsStream>(std::move(plain), tls_.client(), TlsSide::kClient, TlsClientAuth::kYes);
}

}  // namespace vigil::runtime
