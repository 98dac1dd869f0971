#include "runtime/outgoing_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/mutex.h"
#include "base/ports/executor.h"

namespace vigil::runtime {

struct OutgoingStream::Found {
  std::vector<SocketAddress> addresses;  // the first to try last
  std::optional<SocketAddress> source;
  int error = 0;
};

struct OutgoingStream::Resolution {
  Mutex lock;
  OutgoingStream* stream GUARDED_BY(lock) = nullptr;  // null once it is gone
  EventLoop* loop GUARDED_BY(lock) = nullptr;         // where it is attached
  bool done GUARDED_BY(lock) = false;
  Found found GUARDED_BY(lock);
};

OutgoingStream::Found OutgoingStream::find(const Endpoint& to, const std::string& source, Resolve how) {
  Found found;
  auto addresses = resolve(to, how);
  if (!addresses) {
    found.error = addresses.error().code;
    return found;
  }
  found.addresses = std::move(*addresses);
  std::reverse(found.addresses.begin(), found.addresses.end());
  if (source.empty() || to.isUnix()) return found;
  auto from = resolveTcp(source, 0, how);
  if (from) {
    found.source = from->front();
  } else {
    found.error = from.error().code;
  }
  return found;
}

OutgoingStream::OutgoingStream(const Endpoint& to, const ConnectOptions& options, TaskPool& tasks)
    : TcpStream(-1, to), markId_(options.markId), error_(EINPROGRESS) {
  Found found = find(to, options.sourceAddress, Resolve::kNumeric);
  if (found.error == 0) {
    begin(std::move(found));
  } else {
    resolveNames(to, options.sourceAddress, tasks);
  }
}

void OutgoingStream::resolveNames(const Endpoint& to, const std::string& sourceAddress, TaskPool& tasks) {
  resolution_ = std::make_shared<Resolution>();
  {
    MutexLock lock(resolution_->lock);
    resolution_->stream = this;
  }
  tasks.submit([resolution = resolution_, to, source = sourceAddress] {
    Found names = find(to, source, Resolve::kName);
    MutexLock lock(resolution->lock);
    resolution->found = std::move(names);
    resolution->done = true;
    if (resolution->loop != nullptr) postResume(*resolution->loop, resolution);
  });
}

OutgoingStream::~OutgoingStream() {
  OutgoingStream::detach();
  if (resolution_) {
    MutexLock lock(resolution_->lock);
    resolution_->stream = nullptr;
  }
}

void OutgoingStream::postResume(EventLoop& loop, const std::shared_ptr<Resolution>& resolution) {
  loop.post([resolution] {
    OutgoingStream* stream = nullptr;
    Found found;
    {
      MutexLock lock(resolution->lock);
      // It may have moved to another loop meanwhile, which then got a post of its own.
      if (resolution->loop == nullptr || !resolution->loop->onLoopThread()) return;
      stream = std::exchange(resolution->stream, nullptr);
      found = std::move(resolution->found);
    }
    if (stream == nullptr) return;
    stream->resolution_ = nullptr;
    stream->begin(std::move(found));
  });
}

void OutgoingStream::begin(Found found) {
  addresses_ = std::move(found.addresses);
  source_ = found.source;
  if (found.error != 0) addresses_.clear();
  connectNext(found.error);
}

void OutgoingStream::connectNext(int errorSoFar) {
  closeSocket();
  while (!addresses_.empty()) {
    const SocketAddress address = addresses_.back();
    addresses_.pop_back();
    errorSoFar = tryConnect(address);
    if (errorSoFar == 0) return arm();
    closeSocket();
  }
  error_ = errorSoFar;
  arm();
}

int OutgoingStream::tryConnect(const SocketAddress& address) {
  auto socket = openSocket(address.family(), markId_);
  if (!socket) return socket.error().code;
  descriptor_ = *socket;
  if (source_) {
    const int yes = 1;
    setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(descriptor_, source_->get(), source_->length) != 0) return errno;
  }
  if (noDelay_) TcpStream::setNoDelay(*noDelay_);
  if (keepAlive_) TcpStream::setKeepAlive(*keepAlive_);
  peer_ = address.endpoint();
  if (connect(descriptor_, address.get(), address.length) == 0) {
    error_ = 0;
  } else if (errno != EINPROGRESS) {
    return errno;
  }
  return 0;
}

void OutgoingStream::closeSocket() {
  if (descriptor_ < 0) return;
  if (watched_) loop_->unwatch(descriptor_, *this);
  watched_ = false;
  armed_ = 0;
  close(descriptor_);
  descriptor_ = -1;
}

void OutgoingStream::attach(EventLoop& loop, StreamHandler& handler) {
  TcpStream::attach(loop, handler);
  if (!resolution_) return;
  MutexLock lock(resolution_->lock);
  resolution_->loop = &loop;
  if (resolution_->done) postResume(loop, resolution_);
}

void OutgoingStream::detach() {
  if (resolution_) {
    MutexLock lock(resolution_->lock);
    resolution_->loop = nullptr;
  }
  if (tellsSoon_) {
    *tellsSoon_ = nullptr;
    tellsSoon_ = nullptr;
  }
  TcpStream::detach();
}

void OutgoingStream::arm() {
  if (error_ == 0) return TcpStream::arm();
  if (loop_ == nullptr) return;
  if (error_ != EINPROGRESS) return tellFailure();
  if (descriptor_ < 0 || watched_) return;
  watched_ = loop_->watch(descriptor_, EPOLLOUT, *this) == 0;
  armed_ = EPOLLOUT;
}

void OutgoingStream::onEvents(uint32_t events) {
  if (error_ != EINPROGRESS) return TcpStream::onEvents(events);
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) return connectNext(error);
  error_ = 0;
  arm();
  if ((wanted_ & EPOLLOUT) != 0) handler_->onWritable();
}

void OutgoingStream::tellFailure() {
  if (tellsSoon_ || wanted_ == 0) return;
  tellsSoon_ = std::make_shared<OutgoingStream*>(this);
  loop_->post([holder = tellsSoon_] {
    OutgoingStream* stream = *holder;
    if (stream == nullptr) return;
    stream->tellsSoon_ = nullptr;
    if ((stream->wanted_ & EPOLLOUT) != 0) {
      stream->handler_->onWritable();
    } else if ((stream->wanted_ & EPOLLIN) != 0) {
      stream->handler_->onReadable();
    }
  });
}

IoResult OutgoingStream::notConnected() const {
  if (error_ == EINPROGRESS) return {IoResult::Kind::kWouldBlock};
  return {IoResult::Kind::kFailed, 0, error_};
}

IoResult OutgoingStream::read(std::span<char> into) { return error_ == 0 ? TcpStream::read(into) : notConnected(); }

IoResult OutgoingStream::write(std::span<const std::string_view> pieces) {
  return error_ == 0 ? TcpStream::write(pieces) : notConnected();
}

void OutgoingStream::setNoDelay(bool on) {
  noDelay_ = on;
  if (descriptor_ >= 0) TcpStream::setNoDelay(on);
}

void OutgoingStream::setKeepAlive(int seconds) {
  keepAlive_ = seconds;
  if (descriptor_ >= 0) TcpStream::setKeepAlive(seconds);
}

}  // namespace vigil::runtime
