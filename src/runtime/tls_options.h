// The options of TLS that say what is spoken: certificates, protocols, sessions. Where it is spoken (tls-port,
// tls-replication) belongs to whoever listens and connects.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/shared_value.h"
#include "runtime/tls_context.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::runtime {

struct TlsOptions {
  SharedString certFile, keyFile, keyPassword;
  SharedString clientCertFile, clientKeyFile, clientKeyPassword;
  SharedString dhParamsFile;
  SharedString caCertFile, caCertDir;
  SharedString protocols, ciphers, cipherSuites;
  std::atomic<bool> preferServerCiphers{false};
  std::atomic<bool> sessionCaching{true};
  std::atomic<int64_t> sessionCacheSize{20480};
  std::atomic<int64_t> sessionCacheSeconds{300};
  std::atomic<TlsClientAuth> clientAuth{TlsClientAuth::kYes};

  TlsSettings settings() const;
};

// `reconfigure` makes a running process follow: it reads the files again, also when a name is set to what it was.
// `authChanged` carries out tls-auth-clients alone.
void registerTlsOptions(ConfigRegistry& registry, TlsOptions& options, const std::function<Status()>& reconfigure,
                        std::function<void()> authChanged);

}  // namespace vigil::runtime
