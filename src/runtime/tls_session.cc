#include "runtime/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace vigil::runtime {

namespace {

constexpr size_t kRecord = 16 * 1024;          // a TLS record's most
constexpr size_t kPerWrite = 4 * kRecord;      // taken by one write()
constexpr size_t kOutputKept = 4096;           // capacity of an idle connection's output
constexpr size_t kMostOutput = 256 * 1024;     // unsent answers of the protocol itself; who does not read is not read

}  // namespace

TlsSession::TlsSession(Stream& inner, TlsContextPtr context, TlsSide side, TlsClientAuth auth)
    : inner_(inner), context_(std::move(context)), ssl_(SSL_new(context_.get()), SSL_free) {
  BIO* bio = ssl_ ? newBio() : nullptr;
  if (bio == nullptr) {
    ssl_.reset();
    errorText_ = takeTlsError();
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (side == TlsSide::kClient) {
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_set_connect_state(ssl_.get());
    return;
  }
  const int checked = auth == TlsClientAuth::kNo         ? SSL_VERIFY_NONE
                      : auth == TlsClientAuth::kOptional ? SSL_VERIFY_PEER
                                                         : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(ssl_.get(), checked, nullptr);
  // A session that began under a weaker rule is not resumed under a stronger one.
  const std::string group = "vigil" + std::to_string(static_cast<int>(auth));
  SSL_set_session_id_context(ssl_.get(), reinterpret_cast<const unsigned char*>(group.data()),
                             static_cast<unsigned>(group.size()));
  SSL_set_accept_state(ssl_.get());
}

TlsSession::~TlsSession() = default;

// --- Below OpenSSL ---------------------------------------------------------------------------------------------

BIO* TlsSession::newBio() {
  // Made once for the process, and never freed.
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vigil stream");
    BIO_meth_set_read(method, bioRead);
    BIO_meth_set_write(method, bioWrite);
    BIO_meth_set_ctrl(method, bioControl);
    return method;
  }();
  return BIO_new(kMethod);
}

int TlsSession::bioRead(bio_st* bio, char* into, int size) {
  auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const IoResult got = self->inner_.read({into, static_cast<size_t>(size)});
  if (got.done()) return static_cast<int>(got.bytes);
  if (got.wouldBlock()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  self->innerEnd_ = got;
  return got.kind == IoResult::Kind::kClosed ? 0 : -1;
}

int TlsSession::bioWrite(bio_st* bio, const char* bytes, int size) {
  auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  self->output_.append(bytes, static_cast<size_t>(std::max(size, 0)));
  return size;
}

long TlsSession::bioControl(bio_st* bio, int command, long, void*) {
  auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return self->innerEnd_.kind == IoResult::Kind::kClosed ? 1 : 0;
  return 0;
}

IoResult::Kind TlsSession::flush() {
  while (sent_ < output_.size()) {
    const IoResult sent = inner_.write(std::string_view(output_).substr(sent_));
    if (!sent.done()) return sent.kind;
    sent_ += sent.bytes;
  }
  sent_ = 0;
  output_.clear();
  if (output_.capacity() > kOutputKept) std::string().swap(output_);
  return IoResult::Kind::kDone;
}

std::string TlsSession::takeOutput() {
  output_.erase(0, std::exchange(sent_, 0));
  return std::exchange(output_, {});
}

// --- Above it --------------------------------------------------------------------------------------------------

TlsSession::Handshake TlsSession::handshake() {
  if (!ssl_) return Handshake::kFailed;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  if (result == 1) {
    hasInput_ = SSL_has_pending(ssl_.get()) == 1;
    // RESP frames itself: an end without goodbye is an end, as on TCP, and who closed only its own side is still answered.
    SSL_set_options(ssl_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  } else if (error != SSL_ERROR_WANT_READ) {
    errorText_ = error == SSL_ERROR_SYSCALL && innerEnd_.error != 0 ? std::strerror(innerEnd_.error) : takeTlsError();
  }
  flush();  // a failure too has its alert; what cannot be sent shows at the next read
  if (result == 1) return Handshake::kDone;
  return error == SSL_ERROR_WANT_READ ? Handshake::kUnderWay : Handshake::kFailed;
}

IoResult TlsSession::read(std::span<char> into) {
  if (end_.broken()) return end_;
  if (hasOutput()) flush();
  if (output_.size() - sent_ > kMostOutput) return {};
  ERR_clear_error();
  size_t total = 0;
  while (total < into.size()) {
    const size_t most = std::min<size_t>(into.size() - total, INT32_MAX);
    const int got = SSL_read(ssl_.get(), into.data() + total, static_cast<int>(most));
    if (got > 0) {
      total += static_cast<size_t>(got);
      hasInput_ = SSL_has_pending(ssl_.get()) == 1;
      continue;
    }
    const IoResult outcome = readOutcome(got);
    hasInput_ = outcome.broken() && total > 0;
    if (outcome.broken()) end_ = outcome;
    if (total == 0) return outcome;
    break;
  }
  if (hasOutput()) flush();
  return {IoResult::Kind::kDone, total, 0};
}

IoResult TlsSession::readOutcome(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return {};
  if (error == SSL_ERROR_ZERO_RETURN || innerEnd_.kind == IoResult::Kind::kClosed) return {IoResult::Kind::kClosed};
  if (innerEnd_.broken()) return innerEnd_;
  errorText_ = takeTlsError();
  return {IoResult::Kind::kFailed, 0, EPROTO};
}

bool TlsSession::encrypt(std::string_view bytes) {
  return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
}

IoResult TlsSession::write(std::span<const std::string_view> pieces) {
  if (hasOutput()) {
    const IoResult::Kind flushed = flush();
    if (flushed == IoResult::Kind::kWouldBlock) return {};
    if (flushed != IoResult::Kind::kDone) return {IoResult::Kind::kFailed, 0, EPIPE};
  }
  // After a fatal error OpenSSL must not be asked again.
  if (end_.kind == IoResult::Kind::kFailed) return end_;
  ERR_clear_error();
  char record[kRecord];  // small pieces share one
  size_t filled = 0;
  size_t taken = 0;
  for (std::string_view piece : pieces) {
    piece = piece.substr(0, kPerWrite - taken);
    taken += piece.size();
    while (!piece.empty()) {
      if (filled == 0 && piece.size() >= kRecord) {
        if (!encrypt(piece.substr(0, kRecord))) return end_ = {IoResult::Kind::kFailed, 0, EPROTO};
        piece.remove_prefix(kRecord);
        continue;
      }
      const size_t part = std::min(piece.size(), kRecord - filled);
      std::memcpy(record + filled, piece.data(), part);
      piece.remove_prefix(part);
      filled += part;
      if (filled < kRecord) continue;
      if (!encrypt({record, std::exchange(filled, 0)})) return end_ = {IoResult::Kind::kFailed, 0, EPROTO};
    }
    if (taken == kPerWrite) break;
  }
  if (filled > 0 && !encrypt({record, filled})) return end_ = {IoResult::Kind::kFailed, 0, EPROTO};
  const IoResult::Kind flushed = flush();
  if (flushed == IoResult::Kind::kClosed || flushed == IoResult::Kind::kFailed) {
    return {IoResult::Kind::kFailed, 0, EPIPE};
  }
  return {IoResult::Kind::kDone, taken, 0};
}

void TlsSession::sayGoodbye() {
  if (!ssl_ || end_.kind == IoResult::Kind::kFailed || innerEnd_.broken()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  flush();
}

}  // namespace vigil::runtime
