#include "runtime/tls_options.h"

#include <climits>

#include "base/config.h"

namespace vigil::runtime {

TlsSettings TlsOptions::settings() const {
  return {.certFile = certFile.load(),
          .keyFile = keyFile.load(),
          .keyPassword = keyPassword.load(),
          .clientCertFile = clientCertFile.load(),
          .clientKeyFile = clientKeyFile.load(),
          .clientKeyPassword = clientKeyPassword.load(),
          .dhParamsFile = dhParamsFile.load(),
          .caCertFile = caCertFile.load(),
          .caCertDir = caCertDir.load(),
          .protocols = protocols.load(),
          .ciphers = ciphers.load(),
          .cipherSuites = cipherSuites.load(),
          .preferServerCiphers = preferServerCiphers.load(),
          .sessionCaching = sessionCaching.load(),
          .sessionCacheSize = sessionCacheSize.load(),
          .sessionCacheSeconds = sessionCacheSeconds.load(),
          .clientAuth = clientAuth.load()};
}

void registerTlsOptions(ConfigRegistry& registry, TlsOptions& options, const std::function<Status()>& reconfigure,
                        std::function<void()> authChanged) {
  const auto file = [&](const char* name, SharedString& value) {
    registry.add({.name = name, .appliedWhenEqual = true, .apply = reconfigure}, stringOption(value));
  };
  const auto password = [&](const char* name, SharedString& value) {
    registry.add({.name = name, .sensitive = true, .appliedWhenEqual = true, .apply = reconfigure},
                 stringOption(value));
  };
  file("tls-cert-file", options.certFile);
  file("tls-key-file", options.keyFile);
  password("tls-key-file-pass", options.keyPassword);
  file("tls-client-cert-file", options.clientCertFile);
  file("tls-client-key-file", options.clientKeyFile);
  password("tls-client-key-file-pass", options.clientKeyPassword);
  file("tls-dh-params-file", options.dhParamsFile);
  file("tls-ca-cert-file", options.caCertFile);
  file("tls-ca-cert-dir", options.caCertDir);
  registry.add({.name = "tls-protocols", .apply = reconfigure}, stringOption(options.protocols));
  registry.add({.name = "tls-ciphers", .apply = reconfigure}, stringOption(options.ciphers));
  registry.add({.name = "tls-ciphersuites", .apply = reconfigure}, stringOption(options.cipherSuites));
  registry.add({.name = "tls-prefer-server-ciphers", .apply = reconfigure}, boolOption(options.preferServerCiphers));
  registry.add({.name = "tls-session-caching", .apply = reconfigure}, boolOption(options.sessionCaching));
  registry.add({.name = "tls-session-cache-size", .apply = reconfigure},
               integerOption(options.sessionCacheSize, {0, INT_MAX}));
  registry.add({.name = "tls-session-cache-timeout", .apply = reconfigure},
               integerOption(options.sessionCacheSeconds, {0, INT_MAX}));
  registry.add({.name = "tls-auth-clients",
                .apply =
                    [authChanged = std::move(authChanged)] {
                      authChanged();
                      return Status();
                    }},
               enumOption(options.clientAuth, {{"no", static_cast<int>(TlsClientAuth::kNo)},
                                               {"yes", static_cast<int>(TlsClientAuth::kYes)},
                                               {"optional", static_cast<int>(TlsClientAuth::kOptional)}}));
}

}  // namespace vigil::runtime
