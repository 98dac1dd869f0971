#include "drivers/cluster/bus_link.h"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace vigil::drivers {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kPiecesPerWrite = 64;

}  // namespace

BusLink::BusLink(EventLoop& loop, Owner& owner, cluster::LinkId id, std::unique_ptr<Stream> stream, MonoUs now)
    : owner_(owner), id_(id), stream_(std::move(stream)), created_(now), connecting_(!inbound()) {
  stream_->attach(loop, *this);
  if (connecting_) {
    stream_->wantWrite(true);
  } else {
    stream_->setNoDelay(true);
  }
}

void BusLink::onWritable() {
  if (ended_) return;
  if (connecting_) {
    const int error = stream_->connectError();
    if (error == EINPROGRESS) return;
    stream_->wantWrite(false);
    if (error != 0) return fail(error == ECONNREFUSED);
    connecting_ = false;
    stream_->setNoDelay(true);
    return owner_.linkConnected(*this);
  }
  flush();
}

void BusLink::send(std::shared_ptr<const std::string> packet) {
  if (ended_ || connecting_) return;
  pending_ += packet->size();
  output_.push_back(std::move(packet));
  if (output_.size() == 1) flush();
}

void BusLink::flush() {
  while (!output_.empty()) {
    std::vector<std::string_view> pieces;
    for (size_t i = 0; i < std::min(kPiecesPerWrite, output_.size()); ++i) pieces.emplace_back(*output_[i]);
    pieces.front().remove_prefix(sent_);
    const IoResult result = stream_->write(pieces);
    if (!result.done()) break;  // a broken one is found by reading
    pending_ -= result.bytes;
    sent_ += result.bytes;
    while (!output_.empty() && sent_ >= output_.front()->size()) {
      sent_ -= output_.front()->size();
      output_.pop_front();
    }
  }
  stream_->wantWrite(!output_.empty());
}

void BusLink::onReadable() {
  if (ended_ || connecting_) return;
  const size_t before = input_.size();
  input_.resize(before + kReadBytes);
  const IoResult got = stream_->read({input_.data() + before, kReadBytes});
  input_.resize(before + (got.done() ? got.bytes : 0));
  takePackets();
  if (!ended_ && got.broken()) fail(false);
}

void BusLink::takePackets() {
  size_t at = 0;
  while (!ended_ && input_.size() - at >= wire::kBusPrefixSize) {
    const std::string_view rest = std::string_view(input_).substr(at);
    const auto length = wire::busPacketLength(rest.substr(0, wire::kBusPrefixSize));
    if (!length) {
      // Where the next packet begins cannot be told any more.
      owner_.linkMalformed(*this, length.error().message);
      return fail(false);
    }
    if (rest.size() < *length) break;
    auto message = wire::decodeBusPacket(rest.substr(0, *length));
    at += *length;
    if (message) {
      owner_.linkPacket(*this, *std::move(message));
    } else {
      owner_.linkMalformed(*this, message.error().message);
    }
  }
  input_.erase(0, at);
}

void BusLink::fail(bool refused) {
  if (std::exchange(ended_, true)) return;
  stream_->detach();
  owner_.linkClosed(*this, refused);
}

}  // namespace vigil::drivers
