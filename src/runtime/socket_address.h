// Socket addresses: between Endpoint, names and the kernel's structures; and the socket options that Redis sets.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "base/ports/stream.h"

namespace vigil::runtime {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  // The address in numbers, or the path of a Unix socket (empty if it has none) with port 0.
  Endpoint endpoint() const;
};

enum class Resolve {
  kNumeric,  // never waits: a name fails
  kName,     // may ask a name server, for seconds
  kPassive,  // to listen: numbers or names; "*" and "::*" are every address; IPv6 if there is a colon, else IPv4
};

// All addresses of `at`, in the order in which they should be tried. For a Unix socket its path, if that is not too
// long. An error has the resolver's text.
Result<std::vector<SocketAddress>> resolve(const Endpoint& at, Resolve how);
// The same for TCP alone, where the port may be 0: any free one.
Result<std::vector<SocketAddress>> resolveTcp(const std::string& host, uint16_t port, Resolve how);

Endpoint localEndpoint(int descriptor);

// A new non-blocking socket, closed on exec, with the mark set if it is not 0; the error has the errno value.
Result<int> openSocket(int family, uint32_t markId);

}  // namespace vigil::runtime
