#include "runtime/lingering_output.h"

#include <string_view>
#include <utility>

namespace vigil::runtime {

namespace {
constexpr int64_t kLingerUs = 30'000'000;
}

void LingeringOutput::begin(EventLoop& loop, std::unique_ptr<Stream> stream, std::string bytes) {
  auto self = std::make_shared<LingeringOutput>(loop, std::move(stream), std::move(bytes));
  self->timer_ = loop.after(kLingerUs, [self] {});  // what the task holds goes with it
  self->stream_->attach(loop, *self);
  self->stream_->wantRead(false);
  self->stream_->wantWrite(true);
}

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
