#include "dsl/http/test_credentials.h"

#include <cstdio>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace dsl::http::test {

namespace {

void add_extension(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

tls::Context make_context(long serial, const std::string& ca_path) {
  tls::Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  const auto* name = reinterpret_cast<const unsigned char*>("server.test");
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, name, -1, -1,
                             0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  add_extension(certificate, NID_subject_alt_name, "DNS:server.test,IP:127.0.0.1");
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(ca_path.c_str(), "w");
  MC_ASSERT(file != nullptr && PEM_write_X509(file, certificate) == 1, "write a certificate");
  std::fclose(file);
  SSL_CTX_use_certificate(context.get(), certificate);
  SSL_CTX_use_PrivateKey(context.get(), key);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

}  // namespace

TestCredentials::TestCredentials(std::string ca_path) : ca_path_(std::move(ca_path)) { renew(); }

void TestCredentials::renew() {
  const std::lock_guard lock(mutex_);
  context_ = make_context(++serial_, ca_path_);
}

std::string TestCredentials::serial() const {
  const std::lock_guard lock(mutex_);
  char text[32];
  std::snprintf(text, sizeof text, "%lx", static_cast<unsigned long>(serial_));
  return text;
}

tls::Context TestCredentials::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace dsl::http::test
