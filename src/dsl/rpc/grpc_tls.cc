#include "dsl/rpc/grpc_tls.h"

#include <cstdlib>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <sys/auxv.h>

#include "dsl/secret/secret.h"

namespace dsl::rpc {

namespace {

constexpr char kSuitesVariable[] = "GRPC_SSL_CIPHER_SUITES";
constexpr char kNoSuiteOfTls12[] = "PSK-AES256-GCM-SHA384";

// Before main, as long as no other thread reads the environment. Every user of gRPC's TLS links
// this unit, since it makes their credentials.
const bool kTls12Barred = ::setenv(kSuitesVariable, kNoSuiteOfTls12, 1) == 0;

std::string text_of(const Secret& secret) {
  const auto bytes = secret.expose();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

grpc_ssl_server_certificate_config* config_of(const tls::ServerCredentials::Material& material) {
  std::vector<std::string> keys;
  std::vector<grpc_ssl_pem_key_cert_pair> pairs;
  keys.reserve(material.pairs.size());
  for (const tls::ServerCredentials::Pair& pair : material.pairs) {
    keys.push_back(text_of(pair.key_pem));
    pairs.push_back({keys.back().c_str(), pair.cert_pem.c_str()});
  }
  // gRPC 1.51 asserts that there are authorities, asked for clients or not (request_of). Our own
  // chain stands in where there are none; nobody is measured by it.
  const std::string& authorities =
      material.client_ca_pem.empty() ? material.pairs.front().cert_pem : material.client_ca_pem;
  grpc_ssl_server_certificate_config* config =
      grpc_ssl_server_certificate_config_create(authorities.c_str(), pairs.data(), pairs.size());
  for (std::string& key : keys) {
    wipe(std::as_writable_bytes(std::span(key)));
  }
  return config;
}

grpc_ssl_client_certificate_request_type request_of(
    const tls::ServerCredentials::Material& material) {
  if (material.client_ca_pem.empty()) {
    return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  }
  return material.client_required ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                  : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
}

// gRPC's C library asks for the certificates at each handshake; its C++ library has no word for
// that, so this is the one class of it that is implemented here.
class AskedCredentials final : public grpc::ServerCredentials {
 public:
  explicit AskedCredentials(std::shared_ptr<tls::ServerCredentials> source)
      : source_(std::move(source)),
        handle_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                request_of(*source_->material()), fetch, this))) {}
  ~AskedCredentials() override { grpc_server_credentials_release(handle_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    MC_ASSERT(false, "the chain authenticates");
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), handle_);
  }

  // Called by gRPC under a lock of its own.
  static grpc_ssl_certificate_config_reload_status fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto& credentials = *static_cast<AskedCredentials*>(self);
    const auto material = credentials.source_->material();
    if (material == credentials.given_) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    *config = config_of(*material);
    credentials.given_ = material;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<tls::ServerCredentials> source_;
  std::shared_ptr<const tls::ServerCredentials::Material> given_;
  grpc_server_credentials* const handle_;  // last: making it may ask already
};

}  // namespace

Result<void> require_tls13() {
  if (!kTls12Barred || ::getauxval(AT_SECURE) != 0) {
    return fail(Code::kFailedPrecondition,
                "gRPC would speak TLS 1.2 in a process with raised privileges")
        .hint(
            "start it without set-uid and file capabilities; systemd gives a service its ports "
            "with AmbientCapabilities or a socket unit");
  }
  return {};
}

std::shared_ptr<grpc::ServerCredentials> tls_server_credentials(
    std::shared_ptr<tls::ServerCredentials> credentials) {
  return std::make_shared<AskedCredentials>(std::move(credentials));
}

Result<std::shared_ptr<grpc::ChannelCredentials>> tls_channel_credentials(
    env::Env& env, const TlsOptions& options) {
  MC_TRY(require_tls13());
  MC_ASSIGN(tls::ClientMaterial material,
            tls::client_material(env, {.ca_file = options.ca_file, .pair = options.pair}));
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = std::move(material.ca_pem);
  if (material.pair) {
    ssl.pem_cert_chain = std::move(material.pair->cert_pem);
    ssl.pem_private_key = text_of(material.pair->key_pem);
  }
  return grpc::SslCredentials(ssl);
}

}  // namespace dsl::rpc
