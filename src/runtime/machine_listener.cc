#include "runtime/machine_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log_line.h"
#include "runtime/socket_address.h"
#include "runtime/tcp_stream.h"

namespace vigil::runtime {

namespace {

constexpr int kAcceptsPerTurn = 1000;
constexpr int64_t kPauseUs = 100'000;  // after "Too many open files"

Status failedCall(const char* call) {
  const int error = errno;
  return fail(std::string(call) + ": " + std::strerror(error), error);
}

Status bindAndListen(int descriptor, const SocketAddress& address, const ListenOptions& options) {
  const int yes = 1;
  if (address.family() == AF_INET6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) {
    return failedCall("setsockopt");
  }
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) {
    return failedCall("setsockopt SO_REUSEADDR");
  }
  const std::string path = address.family() == AF_UNIX ? address.endpoint().host : std::string();
  if (!path.empty()) unlink(path.c_str());
  if (bind(descriptor, address.get(), address.length) != 0) return failedCall("bind");
  if (!path.empty() && options.unixPermissions != 0) chmod(path.c_str(), options.unixPermissions);
  if (listen(descriptor, options.backlog) != 0) return failedCall("listen");
  return {};
}

std::string nameOf(const SocketAddress& from, const Endpoint& local) {
  if (from.family() == AF_UNIX) return "connection to " + local.host;
  const Endpoint peer = from.endpoint();
  return peer.host + ":" + std::to_string(peer.port);
}

}  // namespace

Result<std::unique_ptr<MachineListener>> MachineListener::open(MachineLoop& loop, const Endpoint& at,
                                                               const ListenOptions& options,
                                                               Network::AcceptHandler onAccept, Logger& log) {
  auto addresses = resolve(at, Resolve::kPassive);
  if (!addresses) return std::unexpected(addresses.error());
  const SocketAddress& address = addresses->front();
  auto descriptor = openSocket(address.family(), options.markId);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (auto bound = bindAndListen(*descriptor, address, options); !bound) {
    close(*descriptor);
    return std::unexpected(bound.error());
  }
  auto listener = std::make_unique<MachineListener>(loop, *descriptor, std::move(onAccept), log);
  if (const int error = loop.watch(*descriptor, EPOLLIN, *listener); error != 0) {
    return fail(std::string("epoll_ctl: ") + std::strerror(error), error);
  }
  return listener;
}

MachineListener::MachineListener(MachineLoop& loop, int descriptor, Network::AcceptHandler onAccept, Logger& log)
    : loop_(loop),
      descriptor_(descriptor),
      local_(localEndpoint(descriptor)),
      onAccept_(std::move(onAccept)),
      log_(log) {}

MachineListener::~MachineListener() {
  loop_.cancel(resume_);
  loop_.unwatch(descriptor_, *this);
  close(descriptor_);
  if (local_.isUnix()) unlink(local_.host.c_str());
}

void MachineListener::onEvents(uint32_t) {
  MachineLoop& loop = loop_;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    SocketAddress from;
    from.length = sizeof from.storage;
    const int descriptor = accept4(descriptor_, from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) onAcceptFailed(errno);
      return;
    }
    if (log_.level() <= LogLevel::kVerbose) log_.verbose("Accepted " + nameOf(from, local_));
    // A client of a Unix socket has no address: it is shown with the path that it connected to.
    onAccept_(std::make_unique<TcpStream>(descriptor, from.family() == AF_UNIX ? local_ : from.endpoint()));
    if (!loop.stillDelivering()) return;  // the handler destroyed this listener
  }
}

void MachineListener::onAcceptFailed(int error) {
  log_.warning(std::string("Accepting client connection: accept: ") + std::strerror(error));
  loop_.changeWatch(descriptor_, 0, *this);
  resume_ = loop_.after(kPauseUs, [this] {
    resume_ = 0;
    loop_.changeWatch(descriptor_, EPOLLIN, *this);
  });
}

}  // namespace vigil::runtime
