#include "drivers/sentinel/instance_connection.h"

#include <cerrno>
#include <utility>

#include "wire/resp_writer.h"
#include "wire/sentinel_hello.h"

namespace vigil::drivers {

using sentinel::Channel;
using sentinel::Event;
using sentinel::Request;

namespace {

constexpr size_t kReadBytes = 16 * 1024;
constexpr size_t kMaxReply = 16 << 20;  // INFO of a server with very many clients and commands is far below

}  // namespace

InstanceConnection::InstanceConnection(EventLoop& loop, std::unique_ptr<Stream> stream, const sentinel::Effect& effect,
                                       Events events)
    : stream_(std::move(stream)),
      about_{.instance = effect.instance, .channel = effect.channel, .attempt = effect.attempt},
      events_(std::move(events)),
      parser_({.maxBulk = kMaxReply}) {
  stream_->attach(loop, *this);
  stream_->wantWrite(true);
}

Event InstanceConnection::event(Event::Kind kind) const {
  Event event = about_;
  event.kind = kind;
  return event;
}

void InstanceConnection::send(const std::vector<std::string>& words, Request request) {
  std::vector<std::string_view> views(words.begin(), words.end());
  wire::encodeCommand(views, output_);
  expected_.push_back(request);
}

void InstanceConnection::flush() {
  if (stream_ == nullptr || !connected_ || output_.empty()) return;
  const IoResult sent = stream_->write(output_);
  if (sent.done()) output_.erase(0, sent.bytes);
  stream_->wantWrite(!output_.empty() && !sent.broken());  // a broken one is found by reading
}

std::optional<std::string> InstanceConnection::tried() const {
  if (stream_ == nullptr || connected_) return std::nullopt;
  return stream_->peer().host;
}

void InstanceConnection::close() {
  if (stream_ == nullptr) return;
  stream_->detach();
  stream_.reset();
}

void InstanceConnection::onWritable() {
  if (connected_) return flush();
  const int error = stream_->connectError();
  if (error == EINPROGRESS) return;
  if (error == 0) return connected();
  Event resolved = event(Event::Kind::kResolved);
  resolved.text = stream_->peer().host;
  Event failed = event(Event::Kind::kConnectFailed);
  failed.refused = error == ECONNREFUSED;
  close();
  events_(resolved);
  events_(failed);
}

void InstanceConnection::connected() {
  connected_ = true;
  stream_->setNoDelay(true);
  stream_->wantWrite(false);
  Event connected = event(Event::Kind::kConnected);
  connected.text = stream_->peer().host;
  connected.self = stream_->local().host;
  events_(connected);
}

void InstanceConnection::onReadable() {
  if (!connected_) return onWritable();
  const size_t before = input_.size();
  input_.resize(before + kReadBytes);
  const IoResult got = stream_->read({input_.data() + before, kReadBytes});
  input_.resize(before + (got.done() ? got.bytes : 0));
  if (got.broken()) return broken();
  if (got.done()) takeReplies();
}

void InstanceConnection::takeReplies() {
  std::string_view unread = input_;
  while (stream_ != nullptr) {
    size_t consumed = 0;
    const auto outcome = parser_.feed(unread, consumed);
    unread.remove_prefix(consumed);
    if (outcome == wire::ReplyParser::Outcome::kProtocolError) return broken();
    if (outcome == wire::ReplyParser::Outcome::kNeedMore) break;
    onReply(std::move(parser_.value()));
  }
  input_.erase(0, input_.size() - unread.size());
  if (input_.size() > kMaxReply) broken();
}

void InstanceConnection::onReply(wire::RespValue reply) {
  if (about_.channel == Channel::kMessages) {
    const bool isMessage = reply.isAggregate() && reply.items.size() == 3 && reply.items[0].text == "message" &&
                           reply.items[1].text == wire::kHelloChannel;
    if (!isMessage) return;  // answers to what set the connection up
    Event message = event(Event::Kind::kMessage);
    message.text = std::move(reply.items[2].text);
    return events_(message);
  }
  if (expected_.empty()) return broken();  // nobody asked
  Event answer = event(Event::Kind::kReply);
  answer.request = expected_.front();
  expected_.pop_front();
  answer.reply = std::move(reply);
  events_(answer);
}

void InstanceConnection::broken() {
  close();
  events_(event(Event::Kind::kBroken));
}

}  // namespace vigil::drivers
