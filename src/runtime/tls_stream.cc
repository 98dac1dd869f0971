#include "runtime/tls_stream.h"

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/lingering_output.h"

namespace vigil::runtime {

TlsStream::TlsStream(std::unique_ptr<Stream> inner, TlsContextPtr context, TlsSide side, TlsClientAuth auth)
    : inner_(std::move(inner)),
      state_(side == TlsSide::kClient ? State::kConnecting : State::kHandshake),
      session_(*inner_, std::move(context), side, auth) {}

TlsStream::~TlsStream() {
  EventLoop* const loop = loop_;
  std::string left;
  if (state_ == State::kOpen) {
    MutexLock lock(mutex_);
    session_.sayGoodbye();
    left = session_.takeOutput();
  }
  TlsStream::detach();
  if (!left.empty() && loop != nullptr) LingeringOutput::begin(*loop, std::move(inner_), std::move(left));
}

// --- Loop and handler ------------------------------------------------------------------------------------------

void TlsStream::attach(EventLoop& loop, StreamHandler& handler) {
  assert(loop_ == nullptr && "attached twice");
  loop_ = &loop;
  handler_ = &handler;
  wantsRead_ = true;
  wantsWrite_ = false;
  {
    MutexLock lock(mutex_);
    attachment_ = std::make_shared<Attachment>(loop, this);
  }
  inner_->attach(loop, *this);
  updateInterest();
  if (hasInput_ || state_ == State::kFailed) callLater();
}

void TlsStream::detach() {
  if (loop_ == nullptr) return;
  inner_->detach();
  {
    MutexLock lock(mutex_);
    attachment_->stream = nullptr;
    attachment_.reset();
    flushPosted_ = false;
  }
  loop_ = nullptr;
  handler_ = nullptr;
  callPosted_ = false;
}

void TlsStream::wantRead(bool wanted) {
  wantsRead_ = wanted;
  updateInterest();
  if (wanted && (hasInput_ || state_ == State::kFailed)) callLater();
}

void TlsStream::wantWrite(bool wanted) {
  wantsWrite_ = wanted;
  updateInterest();
  if (wanted && state_ == State::kFailed) callLater();
}

// What the inner stream is watched for.
void TlsStream::updateInterest() {
  if (loop_ == nullptr) return;
  switch (state_) {
    case State::kConnecting:
      inner_->wantWrite(true);
      return;
    case State::kFailed:
      inner_->wantRead(false);
      inner_->wantWrite(false);
      return;
    case State::kHandshake:
    case State::kOpen:
      break;
  }
  bool unsent = false;
  {
    MutexLock lock(mutex_);
    unsent = session_.hasOutput();
  }
  const bool open = state_ == State::kOpen;
  inner_->wantRead(!open || wantsRead_);
  inner_->wantWrite(unsent || (open && wantsWrite_));
}

void TlsStream::onReadable() {
  if (state_ == State::kOpen) return callReader();
  if (state_ == State::kHandshake) return stepHandshake();
  if (state_ == State::kConnecting) connected();  // it failed: the inner stream tells its reader
}

void TlsStream::onWritable() {
  if (state_ == State::kConnecting) return connected();
  if (state_ == State::kHandshake) return stepHandshake();
  if (state_ != State::kOpen) return;
  bool unsent = false;
  {
    MutexLock lock(mutex_);
    if (session_.hasOutput()) session_.flush();  // a broken one is found by reading
    unsent = session_.hasOutput();
  }
  if (!unsent && wantsWrite_) return handler_->onWritable();
  updateInterest();
}

void TlsStream::callReader() {
  if (!wantsRead_) return updateInterest();
  AttachmentPtr attachment;
  {
    MutexLock lock(mutex_);
    attachment = attachment_;
  }
  handler_->onReadable();
  if (attachment->stream != nullptr && hasInput_ && wantsRead_) callLater();
}

// Calls the handler from the loop: for what no event of the inner stream will tell.
void TlsStream::callLater() {
  if (callPosted_ || loop_ == nullptr) return;
  callPosted_ = true;
  MutexLock lock(mutex_);
  loop_->post([attachment = attachment_] {
    if (attachment->stream != nullptr) attachment->stream->onCall();
  });
}

void TlsStream::onCall() {
  callPosted_ = false;
  if (state_ == State::kFailed) return tellEnd();
  if (state_ == State::kOpen && hasInput_ && wantsRead_) callReader();
}

// --- The attempt -----------------------------------------------------------------------------------------------

void TlsStream::connected() {
  const int error = inner_->connectError();
  if (error == EINPROGRESS) return;
  if (error != 0) return end(error, inner_->connectErrorText());
  state_ = State::kHandshake;
  stepHandshake();
}

void TlsStream::stepHandshake() {
  TlsSession::Handshake outcome;
  std::string text;
  {
    MutexLock lock(mutex_);
    outcome = session_.handshake();
    if (outcome == TlsSession::Handshake::kFailed) text = session_.errorText();
    if (outcome == TlsSession::Handshake::kDone) hasInput_ = session_.hasInput();
  }
  if (outcome == TlsSession::Handshake::kFailed) return end(EPROTO, std::move(text));
  if (outcome == TlsSession::Handshake::kDone) {
    state_ = State::kOpen;
    error_ = 0;
    if (hasInput_) callLater();
  }
  updateInterest();
  if (outcome == TlsSession::Handshake::kDone && wantsWrite_) handler_->onWritable();
}

void TlsStream::end(int error, std::string text) {
  error_ = error;  // before the state: another thread's write() looks at it then
  state_ = State::kFailed;
  errorText_ = std::move(text);
  updateInterest();
  tellEnd();
}

void TlsStream::tellEnd() {
  if (wantsWrite_) {
    handler_->onWritable();
  } else if (wantsRead_) {
    handler_->onReadable();
  }
}

std::string TlsStream::connectErrorText() const { return errorText_.empty() ? std::strerror(error_) : errorText_; }

// --- Bytes -----------------------------------------------------------------------------------------------------

IoResult TlsStream::read(std::span<char> into) {
  if (state_ == State::kFailed) return {IoResult::Kind::kFailed, 0, error_};
  if (state_ != State::kOpen) return {};
  IoResult result;
  bool unsent = false;
  {
    MutexLock lock(mutex_);
    result = session_.read(into);
    hasInput_ = session_.hasInput();
    unsent = session_.hasOutput();
  }
  if (unsent) updateInterest();
  return result;
}

IoResult TlsStream::write(std::span<const std::string_view> pieces) {
  if (state_ == State::kFailed) return {IoResult::Kind::kFailed, 0, error_};
  if (state_ != State::kOpen) return {};
  MutexLock lock(mutex_);
  const IoResult result = session_.write(pieces);
  if (!session_.hasOutput() || attachment_ == nullptr || flushPosted_) return result;
  // By way of the loop: only its thread may ask the inner stream to tell when there is room.
  flushPosted_ = true;
  attachment_->loop.post([attachment = attachment_] {
    if (attachment->stream == nullptr) return;
    {
      MutexLock guard(attachment->stream->mutex_);
      attachment->stream->flushPosted_ = false;
    }
    attachment->stream->updateInterest();
  });
  return result;
}

}  // namespace vigil::runtime
