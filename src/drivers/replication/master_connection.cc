#include "drivers/replication/master_connection.h"

#include <cerrno>
#include <cstring>

#include "drivers/replication/snapshot_loader.h"

namespace vigil::drivers {

using replication::LinkEvent;

namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kMaxLine = 64 * 1024;
constexpr int kReadsPerTurn = 4;

}  // namespace

MasterConnection::MasterConnection(EventLoop& loop, std::unique_ptr<Stream> stream, std::atomic<int64_t>& received,
                                   Events events)
    : loop_(loop), stream_(std::move(stream)), received_(received), events_(std::move(events)) {
  stream_->attach(loop_, *this);
  stream_->wantWrite(true);
}

MasterConnection::~MasterConnection() {
  *alive_ = false;
  if (loader_) loader_->abandon();
}

// False: this connection is over.
bool MasterConnection::tell(LinkEvent event) {
  auto alive = alive_;
  events_(std::move(event));
  return *alive && stream_ != nullptr;
}

void MasterConnection::onWritable() {
  if (mode_ == Mode::kConnecting) {
    int error = stream_->connectError();
    if (error == EINPROGRESS) return;
    stream_->wantWrite(false);
    if (error != 0) {
      tell({.kind = LinkEvent::Kind::kConnectFailed, .text = stream_->connectErrorText()});
      return;
    }
    mode_ = Mode::kLines;
    stream_->setNoDelay(true);
    tell({.kind = LinkEvent::Kind::kConnected});
    return;
  }
  send({});
}

void MasterConnection::send(std::string_view bytes) {
  output_ += bytes;
  if (output_.empty()) return;
  IoResult sent = stream_->write(output_);
  if (sent.done()) output_.erase(0, sent.bytes);
  stream_->wantWrite(!output_.empty() && !sent.broken());  // a broken one is found by reading
}

void MasterConnection::onReadable() {
  auto alive = alive_;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    if (!read()) return;
    if (mode_ == Mode::kLines) takeLines();
    if (*alive && stream_ && mode_ == Mode::kTransfer) takeTransfer();
    if (!*alive || !stream_ || mode_ >= Mode::kLoading || (loader_ && loader_->full())) return;
  }
}

bool MasterConnection::read() {
  size_t before = input_.size();
  input_.resize(before + kReadBytes);
  IoResult got = stream_->read({input_.data() + before, kReadBytes});
  input_.resize(before + (got.done() ? got.bytes : 0));
  if (got.done()) received_.fetch_add(static_cast<int64_t>(got.bytes), std::memory_order_relaxed);
  if (got.broken()) tell({.kind = LinkEvent::Kind::kBroken, .text = "connection lost"});
  return got.done();
}

void MasterConnection::takeLines() {
  auto alive = alive_;
  while (mode_ == Mode::kLines) {
    size_t end = input_.find('\n');
    if (end == std::string::npos) {
      if (input_.size() > kMaxLine)
        tell({.kind = LinkEvent::Kind::kBroken, .text = "a line of the master is too long"});
      return;
    }
    std::string line = input_.substr(0, end);
    if (line.ends_with('\r')) line.pop_back();
    input_.erase(0, end + 1);
    if (!tell({.kind = LinkEvent::Kind::kLine, .text = std::move(line)})) return;
  }
}

void MasterConnection::receiveSnapshot(std::shared_ptr<SnapshotLoader> loader, std::function<void()> complete) {
  mode_ = Mode::kTransfer;
  loader_ = std::move(loader);
  complete_ = std::move(complete);
}

void MasterConnection::takeTransfer() {
  auto got = transfer_.feed(input_, [this](std::string_view piece) { loader_->feed(piece); });
  if (!got) {
    tell({.kind = LinkEvent::Kind::kLoadFailed, .text = got.error().message});
    return;
  }
  input_.erase(0, *got);
  if (!begun_ && transfer_.begun()) {
    begun_ = true;
    if (!tell({.kind = LinkEvent::Kind::kTransferBegins, .offset = transfer_.length()})) return;
  } else if (!tell({.kind = LinkEvent::Kind::kProgress})) {
    return;
  }
  if (transfer_.complete() || loader_->failed()) {
    mode_ = Mode::kLoading;
    stream_->wantRead(false);
    complete_();
  } else if (loader_->full()) {
    stream_->wantRead(false);
  }
}

void MasterConnection::hold() {
  mode_ = Mode::kHeld;
  if (stream_) stream_->wantRead(false);
}

void MasterConnection::resume() {
  if (mode_ == Mode::kTransfer && stream_) stream_->wantRead(true);
}

void MasterConnection::keepAlive() {
  if (mode_ != Mode::kLoading || !stream_) return;
  send("\n");
  tell({.kind = LinkEvent::Kind::kProgress});
}

std::unique_ptr<Stream> MasterConnection::release(std::string& unread) {
  stream_->detach();
  unread = std::move(input_);
  loader_.reset();
  return std::move(stream_);
}

}  // namespace vigil::drivers
