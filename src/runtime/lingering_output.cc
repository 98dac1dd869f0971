#include "runtime/lingering_output.h"

#include <atomic>
#include <string_view>
#include <utility>

namespace vigil::runtime {

namespace {
constexpr int64_t kLingerUs = 30'000'000;
constexpr int kMost = 16;  // at a time: they are sockets that no limit of clients counts
std::atomic<int> lingering{0};
}  // namespace

void LingeringOutput::begin(EventLoop& loop, std::unique_ptr<Stream> stream, std::string bytes) {
  if (lingering.load() >= kMost) return;
  auto self = std::make_shared<LingeringOutput>(loop, std::move(stream), std::move(bytes));
  self->timer_ = loop.after(kLingerUs, [self] {});  // what the task holds goes with it
  self->stream_->attach(loop, *self);
  self->stream_->wantRead(false);
  self->stream_->wantWrite(true);
}

LingeringOutput::LingeringOutput(EventLoop& loop, std::unique_ptr<Stream> stream, std::string bytes)
    : loop_(loop), stream_(std::move(stream)), bytes_(std::move(bytes)) {
  ++lingering;
}

LingeringOutput::~LingeringOutput() { --lingering; }

void LingeringOutput::onWritable() {
  auto self = shared_from_this();
  while (sent_ < bytes_.size()) {
    const IoResult sent = stream_->write(std::string_view(bytes_).substr(sent_));
    if (sent.wouldBlock()) return;
    if (sent.broken()) break;
    sent_ += sent.bytes;
  }
  stream_.reset();
  loop_.cancel(timer_);
}

}  // namespace vigil::runtime
