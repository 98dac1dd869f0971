#include "runtime/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace vigil::runtime {

namespace {

Endpoint unixEndpoint(const SocketAddress& address) {
  const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
  const size_t start = offsetof(sockaddr_un, sun_path);
  if (address.length <= start) return {};
  return Endpoint{std::string(un.sun_path, strnlen(un.sun_path, address.length - start)), 0};
}

Result<std::vector<SocketAddress>> unixAddress(const std::string& path) {
  SocketAddress address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.size() >= sizeof un.sun_path) {
    return fail("unix socket path too long (" + std::to_string(path.size()) + "), must be under " +
                    std::to_string(sizeof un.sun_path),
                ENAMETOOLONG);
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return std::vector{address};
}

}  // namespace

Endpoint SocketAddress::endpoint() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return Endpoint{text, ntohs(v4.sin_port)};
  }
  if (family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return Endpoint{text, ntohs(v6.sin6_port)};
  }
  return unixEndpoint(*this);
}

Result<std::vector<SocketAddress>> resolve(const Endpoint& at, Resolve how) {
  return at.isUnix() ? unixAddress(at.host) : resolveTcp(at.host, at.port, how);
}

Result<std::vector<SocketAddress>> resolveTcp(const std::string& name, uint16_t port, Resolve how) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const char* host = name.c_str();
  if (how == Resolve::kNumeric) hints.ai_flags = AI_NUMERICHOST;
  if (how == Resolve::kPassive) {
    hints.ai_flags = AI_PASSIVE;
    hints.ai_family = name.find(':') == std::string::npos ? AF_INET : AF_INET6;
    if (name == "*" || name == "::*") host = nullptr;
  }
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host, std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return fail(gai_strerror(error), error == EAI_SYSTEM ? errno : EADDRNOTAVAIL);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

Endpoint localEndpoint(int descriptor) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getsockname(descriptor, address.get(), &address.length) != 0) return {};
  return address.endpoint();
}

Result<int> openSocket(int family, uint32_t markId) {
  const int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    const int error = errno;
    return fail(std::string("socket: ") + std::strerror(error), error);
  }
  if (markId != 0 && setsockopt(descriptor, SOL_SOCKET, SO_MARK, &markId, sizeof markId) != 0) {
    const int error = errno;
    close(descriptor);
    return fail(std::string("setsockopt SO_MARK: ") + std::strerror(error), error);
  }
  return descriptor;
}

}  // namespace vigil::runtime
