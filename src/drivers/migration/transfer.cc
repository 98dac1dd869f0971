#include "drivers/migration/transfer.h"

#include <cerrno>
#include <utility>

#include "wire/resp_writer.h"

namespace vigil::drivers {

namespace {

constexpr size_t kReadBytes = 16 * 1024;

}  // namespace

Transfer::Transfer(EventLoop& loop, Peer peer, TransferJob& job, Ended ended)
    : loop_(loop), peer_(std::move(peer)), job_(job), ended_(std::move(ended)) {
  job_.accepted.assign(job_.keys, false);
  job_.targetError.reset();
  peer_.stream->attach(loop_, *this);
  progress();
  if (peer_.connected) {
    begin();
  } else {
    peer_.stream->wantWrite(true);
  }
}

Transfer::~Transfer() { loop_.cancel(timer_); }

// Whatever moves resets the clock: the time-out is for a peer that stands still.
void Transfer::progress() {
  loop_.cancel(timer_);
  timer_ = loop_.after(job_.timeoutUs, [this] { finish(peer_.connected ? broken() : End::kConnectFailed, true); });
}

void Transfer::begin() {
  head_ = job_.authentication;
  preludes_ = head_.empty() ? 0 : 1;
  if (peer_.db != job_.db) {
    wire::encodeCommand({"SELECT", std::to_string(job_.db)}, head_);
    ++preludes_;
  }
  send();
}

void Transfer::send() {
  const std::string_view head = std::string_view(head_).substr(std::min(sent_, head_.size()));
  const size_t before = sent_ > head_.size() ? sent_ - head_.size() : 0;
  const std::string_view pieces[] = {head, std::string_view(job_.restores).substr(before)};
  const bool onlyRest = head.empty();
  const IoResult result = peer_.stream->write(std::span(pieces).subspan(onlyRest ? 1 : 0));
  if (result.done()) {
    sent_ += result.bytes;
    progress();
  }
  if (result.broken()) return finish(End::kWriteFailed);
  peer_.stream->wantWrite(sent_ < head_.size() + job_.restores.size());
}

void Transfer::onWritable() {
  if (peer_.connected) return send();
  const int error = peer_.stream->connectError();
  if (error == EINPROGRESS) return;
  if (error != 0) return finish(End::kWriteFailed);  // Redis notices a refused connection at its first write
  peer_.connected = true;
  peer_.stream->setNoDelay(true);
  progress();
  begin();
}

void Transfer::onReadable() {
  if (!peer_.connected) return onWritable();
  const size_t before = input_.size();
  input_.resize(before + kReadBytes);
  const IoResult got = peer_.stream->read({input_.data() + before, kReadBytes});
  input_.resize(before + (got.done() ? got.bytes : 0));
  if (got.broken()) return finish(broken());
  if (!got.done()) return;
  progress();
  takeReplies();
}

void Transfer::takeReplies() {
  std::string_view unread = input_;
  while (answered_ < job_.keys) {
    size_t consumed = 0;
    const auto outcome = parser_.feed(unread, consumed);
    unread.remove_prefix(consumed);
    if (outcome == wire::ReplyParser::Outcome::kProtocolError) return finish(End::kReadFailed);
    if (outcome == wire::ReplyParser::Outcome::kNeedMore) break;
    onReply(parser_.value());
  }
  input_.erase(0, input_.size() - unread.size());
  if (answered_ == job_.keys) finish(End::kDone);
}

void Transfer::onReply(const wire::RespValue& reply) {
  anyAnswer_ = true;
  if (reply.isError() && !job_.targetError) job_.targetError = reply.text;
  if (preludes_ > 0) {
    --preludes_;
    refused_ = refused_ || reply.isError();
    return;
  }
  job_.accepted[answered_++] = !reply.isError() && !refused_;
}

void Transfer::finish(End end, bool timedOut) {
  if (!ended_) return;
  loop_.cancel(timer_);
  timer_ = 0;
  Outcome outcome{.end = end, .timedOut = timedOut, .answered = anyAnswer_, .peer = {}};
  peer_.stream->detach();
  // After an error it is not known what the target has selected; bytes that nobody asked for end the connection.
  if (end == End::kDone && input_.empty()) {
    peer_.db = job_.targetError ? -1 : job_.db;
    outcome.peer = std::move(peer_);
  }
  auto ended = std::exchange(ended_, nullptr);
  ended(std::move(outcome));
}

}  // namespace vigil::drivers
