// A Stream that speaks TLS over another one.
//
//   connecting (clients: the inner stream's own attempt) -> handshake -> open
//         \_________________________ failed _______________/
//
// The handshake begins when the stream is attached, whether or not reading is wanted. Its end is told as that of a
// connection attempt is: onWritable() if writing is wanted, after a failure else onReadable() if reading is;
// connectError() is 0 then, or says that it failed. Until then read() and write() would block.
//
// What OpenSSL holds decrypted, or read ahead, no poller of sockets knows of: after a handler that left such bytes, a
// task on the loop calls it again. What the inner stream did not take of a write() is sent when it has room, also after
// this stream was destroyed (for kLinger at most), as a kernel does with a closed socket's bytes.
//
// Thread safety: as Stream says. The session is under a lock, since write() may come from another thread than read();
// all else belongs to the loop's thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "runtime/tls_session.h"

namespace vigil::runtime {

class TlsStream final : public Stream, private StreamHandler {
 public:
  TlsStream(std::unique_ptr<Stream> inner, TlsContextPtr context, TlsSide side, TlsClientAuth auth);
  ~TlsStream() override;

  void attach(EventLoop& loop, StreamHandler& handler) override;
  void detach() override;
  void wantRead(bool wanted) override;
  void wantWrite(bool wanted) override;

  using Stream::write;
  IoResult read(std::span<char> into) override EXCLUDES(mutex_);
  IoResult write(std::span<const std::string_view> pieces) override EXCLUDES(mutex_);

  int connectError() const override { return error_; }
  std::string connectErrorText() const override;
  Endpoint peer() const override { return inner_->peer(); }
  Endpoint local() const override { return inner_->local(); }
  int descriptor() const override { return inner_->descriptor(); }
  void setNoDelay(bool on) override { inner_->setNoDelay(on); }
  void setKeepAlive(int seconds) override { inner_->setKeepAlive(seconds); }

 private:
  enum class State : uint8_t { kConnecting, kHandshake, kOpen, kFailed };

  // Of this stream to a loop: what posted tasks hold, and find empty when it ended.
  struct Attachment {
    EventLoop& loop;
    TlsStream* stream;  // touched on the loop's thread alone
  };
  using AttachmentPtr = std::shared_ptr<Attachment>;

  void onReadable() override;
  void onWritable() override;
  void connected();
  void stepHandshake() EXCLUDES(mutex_);
  void end(int error, std::string text);
  void tellEnd();
  void callReader();
  void callLater();
  void onCall();
  void updateInterest() EXCLUDES(mutex_);

  std::unique_ptr<Stream> inner_;
  std::atomic<State> state_;  // changes on the loop's thread
  int error_ = EINPROGRESS;   // of the attempt
  std::string errorText_;
  EventLoop* loop_ = nullptr;  // set while attached
  StreamHandler* handler_ = nullptr;
  bool wantsRead_ = false;
  bool wantsWrite_ = false;
  bool callPosted_ = false;
  std::atomic<bool> hasInput_{false};  // as of the session, for who does not hold the lock

  mutable Mutex mutex_;
  TlsSession session_ GUARDED_BY(mutex_);
  AttachmentPtr attachment_ GUARDED_BY(mutex_);  // changes on the loop's thread
  bool flushPosted_ GUARDED_BY(mutex_) = false;
};

}  // namespace vigil::runtime
