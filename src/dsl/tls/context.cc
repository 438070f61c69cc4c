// What contexts of both sides have in common, and that of a client.
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "dsl/env/socket_address.h"
#include "dsl/secret/secret.h"
#include "dsl/tls/server_context.h"

namespace dsl::tls {

namespace {

constexpr std::size_t kFileBytesMax = 4u << 20;

// Of Debian; OpenSSL finds single certificates beside it, a library that wants a text takes it
// whole.
constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

Result<ServerCredentials::Pair> read_client_files(env::Env& env, const PairFiles& files) {
  MC_ASSIGN(std::string cert, env.files().read_file(files.cert, kFileBytesMax));
  MC_ASSIGN(std::string key, env.files().read_file(files.key, kFileBytesMax));
  ServerCredentials::Pair pair{std::move(cert), Secret::from(key)};
  wipe(std::as_writable_bytes(std::span(key)));
  return pair;
}

Result<LoadedPair> load_client_pair(env::Env& env, const PairFiles& files,
                                    const ServerCredentials::Pair& pair) {
  const auto key = pair.key_pem.expose();
  const std::string_view key_pem(reinterpret_cast<const char*>(key.data()), key.size());
  return with_context(read_pair(pair.cert_pem, key_pem, env.clock().now()),
                      text("client certificate {}", files.cert));
}

}  // namespace

Context new_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method), [](SSL_CTX* handle) { SSL_CTX_free(handle); });
  MC_ASSERT(context != nullptr, "SSL_CTX_new: out of memory");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<std::string> alpn_wire(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      return fail(Code::kInvalidArgument, "'{}' cannot be a protocol of ALPN", name);
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

Result<void> use_pair(SSL_CTX& context, const LoadedPair& pair) {
  // The library has a policy of its own (key sizes, digests), which is told apart here.
  bool used = SSL_CTX_use_certificate(&context, pair.chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(&context, pair.key.get()) == 1;
  for (std::size_t i = 1; used && i < pair.chain.size(); ++i) {
    // SSL_CTX_add1_chain_cert, spelt out: the macro has a C cast.
    used = SSL_CTX_ctrl(&context, SSL_CTRL_CHAIN_CERT, 1, pair.chain[i].get()) == 1;
  }
  if (!used) {
    return fail(Code::kInvalidArgument, "OpenSSL refuses the certificate: {}", openssl_reason())
        .hint("use ECDSA P-256, Ed25519 or RSA of at least 2048 bits, signed with SHA-256");
  }
  return {};
}

Result<void> trust(SSL_CTX& context, std::string_view pem) {
  MC_ASSIGN(const std::vector<Owned<X509>> authorities, read_certificates(pem));
  X509_STORE* store = SSL_CTX_get_cert_store(&context);
  for (const Owned<X509>& authority : authorities) {
    MC_ASSERT(X509_STORE_add_cert(store, authority.get()) == 1, "a store takes certificates");
  }
  return {};
}

Result<Context> client_context(env::Env& env, const ClientOptions& options) {
  Context context = new_context(TLS_client_method());
  if (!options.verify) {
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  }
  if (options.verify && options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (options.verify) {
    MC_ASSIGN(const std::string pem, env.files().read_file(options.ca_file, kFileBytesMax));
    MC_TRY(with_context(trust(*context, pem), text("CA file {}", options.ca_file)));
  }
  SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.pair.cert.empty()) {
    MC_ASSIGN(const ServerCredentials::Pair files, read_client_files(env, options.pair));
    MC_ASSIGN(const LoadedPair pair, load_client_pair(env, options.pair, files));
    MC_TRY(use_pair(*context, pair));
  }
  MC_ASSIGN(const std::string wire, alpn_wire(options.alpn));
  if (!wire.empty()) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(wire.data());
    MC_ASSERT(
        SSL_CTX_set_alpn_protos(context.get(), bytes, static_cast<unsigned int>(wire.size())) == 0,
        "the wire form is right");
  }
  return context;
}

void expect_name(ssl_st& connection, const std::string& name) {
  if (env::is_address_literal(name)) {
    // RFC 6066 section 3: an address is not sent as a server's name.
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(&connection), name.c_str());
    return;
  }
  SSL_set1_host(&connection, name.c_str());
  // SSL_set_tlsext_host_name, spelt out: the macro has a C cast.
  std::string sni = name;
  SSL_ctrl(&connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sni.data());
}

Result<ClientMaterial> client_material(env::Env& env, const ClientOptions& options) {
  ClientMaterial material;
  const std::string& ca = options.ca_file.empty() ? kSystemAuthorities : options.ca_file;
  MC_ASSIGN(material.ca_pem, env.files().read_file(ca, kFileBytesMax));
  MC_TRY(with_context(parse_certificates(material.ca_pem), text("CA file {}", ca)));
  if (!options.pair.cert.empty()) {
    MC_ASSIGN(material.pair, read_client_files(env, options.pair));
    MC_TRY(load_client_pair(env, options.pair, *material.pair));
  }
  return material;
}

}  // namespace dsl::tls
