#include "runtime/tls_acceptor.h"

#include <cerrno>
#include <string>
#include <utility>

#include "base/log_line.h"
#include "base/ports/event_loop.h"
#include "runtime/tls_stream.h"

namespace vigil::runtime {

namespace {

// Shared by the listener and its handshakes, on several loops.
struct Acceptor {
  std::vector<EventLoop*> loops;
  std::function<std::shared_ptr<void>()> admit;
  const TlsContexts& contexts;
  Network::AcceptHandler onAccept;
  Logger& log;
  int64_t handshakeUs;
  size_t next = 0;  // of loops; the listener's thread alone
};

std::string text(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

// Belongs to its timer's task on the loop, and so goes with the loop at the latest.
class Handshake final : public StreamHandler, public std::enable_shared_from_this<Handshake> {
 public:
  Handshake(std::shared_ptr<Acceptor> acceptor, EventLoop& loop, std::unique_ptr<Stream> stream,
            std::shared_ptr<void> place)
      : acceptor_(std::move(acceptor)), loop_(loop), place_(std::move(place)), stream_(std::move(stream)) {}

  void begin() {
    timer_ = loop_.after(acceptor_->handshakeUs, [self = shared_from_this()] { self->failed("handshake timed out"); });
    stream_->attach(loop_, *this);
    stream_->wantRead(false);
    stream_->wantWrite(true);
  }

 private:
  void onReadable() override {}  // never wanted
  void onWritable() override {
    auto self = shared_from_this();
    if (stream_->connectError() == EINPROGRESS) return;
    loop_.cancel(timer_);
    if (stream_->connectError() != 0) return failed(stream_->connectErrorText());
    stream_->detach();
    place_.reset();
    acceptor_->onAccept(std::move(stream_));
  }
  void failed(const std::string& why) {
    acceptor_->log.warning("Error accepting a client connection: " + why + " (addr=" + text(stream_->peer()) +
                           " laddr=" + text(stream_->local()) + ")");
    stream_.reset();
    place_.reset();
  }

  const std::shared_ptr<Acceptor> acceptor_;
  EventLoop& loop_;
  std::shared_ptr<void> place_;
  std::unique_ptr<Stream> stream_;
  TimerId timer_ = 0;
};

void accept(const std::shared_ptr<Acceptor>& acceptor, std::unique_ptr<Stream> plain) {
  TlsContextPtr context = acceptor->contexts.server();
  std::shared_ptr<void> place = acceptor->admit ? acceptor->admit() : nullptr;
  if (context == nullptr || (acceptor->admit && place == nullptr)) return;
  auto stream = std::make_unique<TlsStream>(std::move(plain), std::move(context), TlsSide::kServer,
                                            acceptor->contexts.clientAuth());
  EventLoop& loop = *acceptor->loops[acceptor->next++ % acceptor->loops.size()];
  auto handshake = std::make_shared<Handshake>(acceptor, loop, std::move(stream), std::move(place));
  loop.post([handshake = std::move(handshake)] { handshake->begin(); });
}

}  // namespace

Network::AcceptHandler tlsAcceptor(EventLoop& loop, TlsListenOptions options, const TlsContexts& contexts,
                                   Network::AcceptHandler onAccept, Logger& log, int64_t handshakeUs) {
  if (options.loops.empty()) options.loops.push_back(&loop);
  auto acceptor = std::make_shared<Acceptor>(std::move(options.loops), std::move(options.admit), contexts,
                                             std::move(onAccept), log, handshakeUs);
  return [acceptor](std::unique_ptr<Stream> plain) { accept(acceptor, std::move(plain)); };
}

}  // namespace vigil::runtime
