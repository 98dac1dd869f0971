// Accepts TLS connections: takes them from a plain listener, brings their handshakes to an end on the loops that it was
// given, in turn, and hands over those that succeeded. What fails, or takes longer than kHandshakeUs, is logged in
// Redis's words and closed.
//
// Thread safety: as MachineListener. Handshakes under way go on when the listener is gone.
#pragma once

#include <memory>

#include "base/ports/stream.h"
#include "runtime/tls_context.h"

namespace vigil {
class EventLoop;
class Logger;
}  // namespace vigil

namespace vigil::runtime {

inline constexpr int64_t kTlsHandshakeUs = 15'000'000;

// What the plain listener calls for each connection: begins its handshake.
Network::AcceptHandler tlsAcceptor(EventLoop& loop, TlsListenOptions options, const TlsContexts& contexts,
                                   Network::AcceptHandler onAccept, Logger& log,
                                   int64_t handshakeUs = kTlsHandshakeUs);

}  // namespace vigil::runtime
