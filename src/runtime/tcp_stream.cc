#include "runtime/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "runtime/socket_address.h"

namespace vigil::runtime {

namespace {

// More pieces than this are left to the next call: kDone with fewer bytes says so.
constexpr size_t kPiecesPerWrite = 128;

IoResult failure() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::kWouldBlock};
  return {IoResult::Kind::kFailed, 0, errno};
}

void setOption(int descriptor, int level, int name, int value) {
  // Fails on a Unix socket, where these mean nothing, and on one that broke, which the next read tells.
  setsockopt(descriptor, level, name, &value, sizeof value);
}

}  // namespace

TcpStream::TcpStream(int descriptor, Endpoint peer) : descriptor_(descriptor), peer_(std::move(peer)) {}

TcpStream::~TcpStream() {
  if (loop_ != nullptr) TcpStream::detach();
  if (descriptor_ >= 0) close(descriptor_);
}

void TcpStream::attach(EventLoop& loop, StreamHandler& handler) {
  assert(loop_ == nullptr && "attached twice");
  // Every loop of a process comes from the same Machine, as its network does.
  loop_ = static_cast<MachineLoop*>(&loop);
  handler_ = &handler;
  wanted_ = EPOLLIN;
  arm();
}

void TcpStream::detach() {
  if (loop_ == nullptr) return;
  if (watched_) loop_->unwatch(descriptor_, *this);
  watched_ = false;
  armed_ = 0;
  loop_ = nullptr;
  handler_ = nullptr;
}

void TcpStream::wantRead(bool wanted) {
  wanted_ = wanted ? wanted_ | EPOLLIN : wanted_ & ~EPOLLIN;
  if (wanted) arm();
}

void TcpStream::wantWrite(bool wanted) {
  const uint32_t before = wanted_;
  wanted_ = wanted ? wanted_ | EPOLLOUT : wanted_ & ~EPOLLOUT;
  // Not put off like reading: there nearly always is room, and a wakeup for nothing would follow.
  if (wanted_ != before) arm();
}

void TcpStream::arm() {
  if (loop_ == nullptr || descriptor_ < 0) return;
  if (!watched_) {
    if (wanted_ == 0) return;
    watched_ = loop_->watch(descriptor_, wanted_, *this) == 0;
    armed_ = wanted_;
  } else if ((wanted_ & ~armed_) != 0 || ((armed_ & ~wanted_) & EPOLLOUT) != 0) {
    loop_->changeWatch(descriptor_, wanted_, *this);
    armed_ = wanted_;
  }
}

void TcpStream::onEvents(uint32_t events) {
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (broken) events |= EPOLLIN | EPOLLOUT;
  if ((events & wanted_) != 0) return callHandler(events & wanted_);
  if (broken && wanted_ == 0) {
    loop_->unwatch(descriptor_, *this);
    watched_ = false;
    armed_ = 0;
  } else {
    loop_->changeWatch(descriptor_, wanted_, *this);
    armed_ = wanted_;
  }
}

void TcpStream::callHandler(uint32_t events) {
  MachineLoop& loop = *loop_;
  if ((events & EPOLLIN) != 0) {
    handler_->onReadable();
    if (!loop.stillDelivering()) return;  // detached, and perhaps gone
  }
  if ((events & wanted_ & EPOLLOUT) != 0) handler_->onWritable();
}

IoResult TcpStream::read(std::span<char> into) {
  assert(!into.empty());
  for (;;) {
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got > 0) return {IoResult::Kind::kDone, static_cast<size_t>(got)};
    if (got == 0) return {IoResult::Kind::kClosed};
    if (errno != EINTR) return failure();
  }
}

IoResult TcpStream::write(std::span<const std::string_view> pieces) {
  iovec vectors[kPiecesPerWrite];
  size_t count = 0;
  for (const std::string_view piece : pieces.first(std::min(pieces.size(), kPiecesPerWrite))) {
    vectors[count++] = iovec{const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t sent = count == 1 ? ::send(descriptor_, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL)
                                    : ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (sent >= 0) return {IoResult::Kind::kDone, static_cast<size_t>(sent)};
    if (errno != EINTR) return failure();
  }
}

Endpoint TcpStream::local() const {
  if (!local_ && descriptor_ >= 0) local_ = localEndpoint(descriptor_);
  return local_.value_or(Endpoint{});
}

void TcpStream::setNoDelay(bool on) { setOption(descriptor_, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

void TcpStream::setKeepAlive(int seconds) {
  setOption(descriptor_, SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
  if (seconds <= 0) return;
  // First probe after `seconds` of silence, three more at a third of that: gone after twice the time, as in Redis.
  setOption(descriptor_, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  setOption(descriptor_, IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 3, 1));
  setOption(descriptor_, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

}  // namespace vigil::runtime
