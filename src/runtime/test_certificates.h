// For tests: a certificate that is its own authority, made anew for each test.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <string>

#include "runtime/test_machine.h"
#include "runtime/tls_context.h"

namespace vigil::runtime {

class TestCertificate {
 public:
  TestCertificate() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600L * 24);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("vigil test"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
    std::FILE* file = std::fopen(certFile().c_str(), "w");
    EXPECT_EQ(PEM_write_X509(file, certificate), 1);
    std::fclose(file);
    file = std::fopen(keyFile().c_str(), "w");
    EXPECT_EQ(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string certFile() const { return folder_ / "cert.pem"; }
  std::string keyFile() const { return folder_ / "key.pem"; }

  // Of somebody who shows this certificate and trusts it.
  TlsSettings settings() const {
    TlsSettings settings;
    settings.certFile = certFile();
    settings.keyFile = keyFile();
    settings.caCertFile = certFile();
    return settings;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace vigil::runtime
