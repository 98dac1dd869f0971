// The certificates, keys and rules by which this process speaks TLS, as OpenSSL contexts: one for the connections that it
// accepts, one for those that it makes.
//
// Thread safe. configure() builds new contexts from the files as they are now and puts them in the place of the old ones
// only if all of it succeeded; connections keep the context that they began with. New contexts resume no session of old
// ones, so a client is checked anew after the authorities changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace vigil::runtime {

using TlsContextPtr = std::shared_ptr<ssl_ctx_st>;

// Whether clients show a certificate. The values are those of the option tls-auth-clients.
enum class TlsClientAuth : int { kNo = 0, kYes = 1, kOptional = 2 };

struct TlsSettings {
  std::string certFile, keyFile, keyPassword;
  std::string clientCertFile, clientKeyFile, clientKeyPassword;  // for connections that we make; none: the above
  std::string dhParamsFile;                                      // none: parameters that fit the key
  std::string caCertFile, caCertDir;
  std::string protocols;     // of "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", any case; none: the last two
  std::string ciphers;       // up to TLS 1.2, in OpenSSL's syntax; none: its default
  std::string cipherSuites;  // of TLS 1.3
  bool preferServerCiphers = false;
  bool sessionCaching = true;
  int64_t sessionCacheSize = 20480;
  int64_t sessionCacheSeconds = 300;
  TlsClientAuth clientAuth = TlsClientAuth::kYes;
  bool checksServers = false;  // we connect to others, whose certificates are to be checked
};

class TlsContexts {
 public:
  // The error is Redis's log line.
  Status configure(const TlsSettings& settings) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);

  bool configured() const { return server() != nullptr; }
  TlsContextPtr server() const EXCLUDES(mutex_);  // null: not configured
  TlsContextPtr client() const EXCLUDES(mutex_);

  // Counts from the next handshake on.
  void setClientAuth(TlsClientAuth auth) { clientAuth_.store(auth, std::memory_order_relaxed); }
  TlsClientAuth clientAuth() const { return clientAuth_.load(std::memory_order_relaxed); }

 private:
  mutable Mutex mutex_;
  TlsContextPtr server_ GUARDED_BY(mutex_);
  TlsContextPtr client_ GUARDED_BY(mutex_);
  std::atomic<TlsClientAuth> clientAuth_{TlsClientAuth::kYes};
};

// The first error on OpenSSL's queue of this thread, as Redis logs it ("error:0A000086:SSL routines::certificate verify
// failed"), and the queue emptied.
std::string takeTlsError();

}  // namespace vigil::runtime
