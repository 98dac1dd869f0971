// One TLS connection as OpenSSL sees it, over an inner stream: no events, no threads.
//
// What is encrypted goes to the inner stream at once; what that does not take is kept (a bound of it) until flush(). So
// bytes that write() took are on their way for good, and whoever wrote them may go on with others: OpenSSL's own demand
// that a blocked write be repeated with the same bytes ends here.
//
// Not thread safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/ports/stream.h"
#include "runtime/tls_context.h"

struct ssl_st;
struct bio_st;

namespace vigil::runtime {

enum class TlsSide { kServer, kClient };

class TlsSession {
 public:
  // `auth` is for servers: clients always check the certificate of who they connect to. The context may be null: the
  // handshake then fails.
  TlsSession(Stream& inner, TlsContextPtr context, TlsSide side, TlsClientAuth auth);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  enum class Handshake { kUnderWay, kDone, kFailed };
  Handshake handshake();
  const std::string& errorText() const { return errorText_; }  // why it failed, in OpenSSL's words

  // As of Stream, once the handshake is done. A read fills `into` if there is enough.
  IoResult read(std::span<char> into);
  IoResult write(std::span<const std::string_view> pieces);
  // Bytes came in that the last read() has not taken, or it has an end or error to tell: the inner stream will not say so.
  bool hasInput() const { return hasInput_; }

  bool hasOutput() const { return sent_ < output_.size(); }
  IoResult::Kind flush();           // kDone: nothing is left
  std::string takeOutput();         // encrypted, not taken by the inner stream
  void sayGoodbye();                // close_notify, as far as the inner stream takes it

 private:
  static int bioRead(bio_st* bio, char* into, int size);
  static int bioWrite(bio_st* bio, const char* bytes, int size);
  static long bioControl(bio_st* bio, int command, long number, void* pointer);
  static bio_st* newBio();

  bool encrypt(std::string_view bytes);
  IoResult readOutcome(int result);

  Stream& inner_;
  const TlsContextPtr context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  std::string errorText_;
  std::string output_;
  size_t sent_ = 0;  // of output_
  bool hasInput_ = false;
  IoResult innerEnd_;  // how the inner stream ended, once it has
  IoResult end_;       // what read() says from now on, once it is over
};

}  // namespace vigil::runtime
