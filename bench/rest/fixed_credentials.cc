#include "fixed_credentials.h"

#include <cstdio>
#include <cstdlib>

#include <openssl/ssl.h>

namespace bench {

namespace {

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

class FixedCredentials final : public dsl::tls::ServerCredentials {
 public:
  explicit FixedCredentials(dsl::tls::Context context) : context_(std::move(context)) {}

  dsl::tls::Context current() const override { return context_; }
  dsl::Result<bool> reload() override { return false; }
  void on_change(std::function<void()>) override {}
  std::shared_ptr<const Material> material() const override { return nullptr; }
  Status status() const override { return {}; }

 private:
  const dsl::tls::Context context_;
};

}  // namespace

std::shared_ptr<dsl::tls::ServerCredentials> fixed_credentials(const std::string& cert,
                                                               const std::string& key) {
  dsl::tls::Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context || SSL_CTX_use_certificate_chain_file(context.get(), cert.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    std::fprintf(stderr, "cannot use %s and %s\n", cert.c_str(), key.c_str());
    std::exit(1);
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, nullptr);
  return std::make_shared<FixedCredentials>(std::move(context));
}

}  // namespace bench
