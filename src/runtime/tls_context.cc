#include "runtime/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace vigil::runtime {

namespace {

constexpr unsigned kTls10 = 1, kTls11 = 2, kTls12 = 4, kTls13 = 8;

// nullopt: a word that is no protocol, or none at all.
std::optional<unsigned> protocolsOf(const std::string& text) {
  if (text.empty()) return kTls12 | kTls13;
  unsigned protocols = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = toLower(text.substr(at, end - at));
    at = end + 1;
    if (word.empty()) continue;
    if (word == "tlsv1") {
      protocols |= kTls10;
    } else if (word == "tlsv1.1") {
      protocols |= kTls11;
    } else if (word == "tlsv1.2") {
      protocols |= kTls12;
    } else if (word == "tlsv1.3") {
      protocols |= kTls13;
    } else {
      return std::nullopt;
    }
  }
  return protocols != 0 ? std::optional(protocols) : std::nullopt;
}

// Never asks at a terminal: without a password an encrypted key cannot be read.
int passwordCallback(char* into, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.empty() || text.size() > static_cast<size_t>(std::max(size, 0))) return -1;
  std::memcpy(into, text.data(), text.size());
  return static_cast<int>(text.size());
}

Status loadIdentity(SSL_CTX* context, const std::string& certFile, const std::string& keyFile,
                    const std::string& password) {
  if (SSL_CTX_use_certificate_chain_file(context, certFile.c_str()) <= 0) {
    return fail("Failed to load certificate: " + certFile + ": " + takeTlsError());
  }
  SSL_CTX_set_default_passwd_cb(context, passwordCallback);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&password));
  const int loaded = SSL_CTX_use_PrivateKey_file(context, keyFile.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (loaded <= 0) return fail("Failed to load private key: " + keyFile + ": " + takeTlsError());
  return {};
}

Status loadAuthorities(SSL_CTX* context, const TlsSettings& settings) {
  const auto orNull = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  if (settings.caCertFile.empty() && settings.caCertDir.empty()) return {};
  if (SSL_CTX_load_verify_locations(context, orNull(settings.caCertFile), orNull(settings.caCertDir)) > 0) return {};
  return fail("Failed to configure CA certificate(s) file/directory: " + takeTlsError());
}

Status loadDhParams(SSL_CTX* context, const std::string& path) {
  if (path.empty()) {
    SSL_CTX_set_dh_auto(context, 1);
    return {};
  }
  std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  if (!file) {
    ERR_clear_error();
    return fail("Failed to load " + path + ": " + std::strerror(errno));
  }
  EVP_PKEY* params = PEM_read_bio_Parameters(file.get(), nullptr);
  if (params == nullptr) {
    ERR_clear_error();
    return fail(path + ": failed to read DH params.");
  }
  if (SSL_CTX_set0_tmp_dh_pkey(context, params) <= 0) {
    EVP_PKEY_free(params);
    return fail("Failed to load DH params file: " + path + ": " + takeTlsError());
  }
  return {};
}

void setProtocols(SSL_CTX* context, const TlsSettings& settings, unsigned protocols) {
  uint64_t without = SSL_OP_NO_SSLv3;
  if ((protocols & kTls10) == 0) without |= SSL_OP_NO_TLSv1;
  if ((protocols & kTls11) == 0) without |= SSL_OP_NO_TLSv1_1;
  if ((protocols & kTls12) == 0) without |= SSL_OP_NO_TLSv1_2;
  if ((protocols & kTls13) == 0) without |= SSL_OP_NO_TLSv1_3;
  // The machine's own lower bound (openssl.cnf) gives way to what the user asks for.
  if (!settings.protocols.empty()) SSL_CTX_set_min_proto_version(context, 0);
  SSL_CTX_set_options(context, without);
}

void setSessionCache(SSL_CTX* context, const TlsSettings& settings) {
  if (!settings.sessionCaching) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);  // a ticket is a session kept by the client
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, static_cast<long>(settings.sessionCacheSize));
  SSL_CTX_set_timeout(context, static_cast<long>(settings.sessionCacheSeconds));
}

enum class Side { kServer, kClient };

Result<TlsContextPtr> makeContext(const TlsSettings& settings, unsigned protocols, Side side) {
  TlsContextPtr made(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  SSL_CTX* context = made.get();
  if (context == nullptr) return fail("Failed to configure TLS: " + takeTlsError());
  setProtocols(context, settings, protocols);
  SSL_CTX_set_options(context, SSL_OP_SINGLE_DH_USE | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (settings.preferServerCiphers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Retried writes come from other buffers; buffers of a connection that is idle are given back (34 KiB of it).
  SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  setSessionCache(context, settings);
  const bool ownIdentity = side == Side::kClient && !settings.clientCertFile.empty() && !settings.clientKeyFile.empty();
  Status done = ownIdentity ? loadIdentity(context, settings.clientCertFile, settings.clientKeyFile,
                                           settings.clientKeyPassword)
                            : loadIdentity(context, settings.certFile, settings.keyFile, settings.keyPassword);
  if (done) done = loadAuthorities(context, settings);
  if (done && !settings.ciphers.empty() && SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) <= 0) {
    done = fail("Failed to configure ciphers: " + settings.ciphers);
  }
  if (done && !settings.cipherSuites.empty() &&
      SSL_CTX_set_ciphersuites(context, settings.cipherSuites.c_str()) <= 0) {
    done = fail("Failed to configure ciphersuites: " + settings.cipherSuites);
  }
  if (done && side == Side::kServer) done = loadDhParams(context, settings.dhParamsFile);
  ERR_clear_error();
  if (!done) return std::unexpected(done.error());
  return made;
}

}  // namespace

Status TlsContexts::configure(const TlsSettings& settings) {
  if (settings.certFile.empty()) return fail("No tls-cert-file configured!");
  if (settings.keyFile.empty()) return fail("No tls-key-file configured!");
  if ((settings.checksServers || settings.clientAuth != TlsClientAuth::kNo) && settings.caCertFile.empty() &&
      settings.caCertDir.empty()) {
    return fail(
        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
        "tls-auth-clients are enabled!");
  }
  auto protocols = protocolsOf(settings.protocols);
  if (!protocols) {
    return fail(
        "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.");
  }
  auto server = makeContext(settings, *protocols, Side::kServer);
  if (!server) return std::unexpected(server.error());
  auto client = makeContext(settings, *protocols, Side::kClient);
  if (!client) return std::unexpected(client.error());
  setClientAuth(settings.clientAuth);
  MutexLock lock(mutex_);
  server_ = std::move(*server);
  client_ = std::move(*client);
  return {};
}

void TlsContexts::clear() {
  MutexLock lock(mutex_);
  server_.reset();
  client_.reset();
}

TlsContextPtr TlsContexts::server() const {
  MutexLock lock(mutex_);
  return server_;
}

TlsContextPtr TlsContexts::client() const {
  MutexLock lock(mutex_);
  return client_;
}

std::string takeTlsError() {
  char text[512];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return text;
}

}  // namespace vigil::runtime
