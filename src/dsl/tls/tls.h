// TLS 1.3 on OpenSSL: contexts, certificates that are replaced while connections live, and the few
// certificate helpers that every service needs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/secret/secret.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // OpenSSL's SSL
struct ssl_session_st;

namespace dsl::tls {

// Shared by its connections: a context that was replaced lives until the last of them ends.
using Context = std::shared_ptr<ssl_ctx_st>;
// What a client takes up again in its next connection (RFC 8446 section 2.2): good for the server
// and the name that it was made with, and for nobody else.
using Session = std::shared_ptr<ssl_session_st>;

// Paths of PEM files: the chain with the leaf first, and its private key.
struct PairFiles {
  std::string cert;
  std::string key;
};

// What people and checks want to know of one certificate.
struct Certificate {
  std::string subject;  // RFC 2253 form
  std::string issuer;
  std::string serial;              // hex, lower case
  std::string fingerprint_sha256;  // hex, lower case
  std::vector<std::string> names;  // subject alternative names: "rift", "192.168.88.181"
  env::WallTime not_before{};
  env::WallTime not_after{};
};

// Every certificate of a PEM text, in its order. kInvalidArgument when there is none or one is
// damaged.
Result<std::vector<Certificate>> parse_certificates(std::string_view pem);
// The leaf, when chain and key belong together, the chain is in order, and the leaf is valid `now`.
// kInvalidArgument says which of these does not hold.
Result<Certificate> check_pair(std::string_view cert_pem, std::string_view key_pem,
                               env::WallTime now);

struct ServerOptions {
  std::vector<PairFiles> pairs;   // at least one; the first answers unknown names, the others SNI
  std::vector<std::string> alpn;  // in order of preference: "h2", "http/1.1"
  std::string client_ca;          // PEM file; empty = client certificates are not asked for
  bool client_required = false;   // only with client_ca
};

// The certificates a server shows. TLS 1.3 only. Thread-safe.
//
// The folders of the files are watched, so that a renewal is seen however it is written; SIGHUP
// calls `reload` as well. A new pair that `check_pair` refuses is reported and the old one goes on.
class ServerCredentials {
 public:
  static Result<std::unique_ptr<ServerCredentials>> open(env::Env& env, ServerOptions options);
  virtual ~ServerCredentials() = default;

  // What the next connection is to use.
  virtual Context current() const = 0;
  // True when another pair is in use now. An error leaves the old one in use.
  virtual Result<bool> reload() = 0;
  // Called on the watching thread after each change. To be set before anything changes, once for
  // each listener.
  virtual void on_change(std::function<void()> changed) = 0;
  // What is in use now, for a library that makes contexts of its own, as gRPC does. Another object
  // after each change.
  struct Pair {
    std::string cert_pem;
    Secret key_pem;
  };
  struct Material {
    std::vector<Pair> pairs;    // as in the options
    std::string client_ca_pem;  // empty = client certificates are not asked for
    bool client_required = false;
  };
  virtual std::shared_ptr<const Material> material() const = 0;

  struct Status {
    std::vector<Certificate> leaves;  // one for each pair
    env::WallTime loaded{};
    std::string error;  // why the last reload was refused; empty when it was not
  };
  virtual Status status() const = 0;
};

struct ClientOptions {
  std::string ca_file;            // PEM; empty = the system's
  PairFiles pair;                 // of a client certificate; empty = none
  std::vector<std::string> alpn;  // empty = none
  // False: for health gates only, which look at foreign peers as well and so speak TLS 1.2 too.
  bool verify = true;
};
// kInvalidArgument for files that are no certificates, and the errors of reading them.
Result<Context> client_context(env::Env& env, const ClientOptions& options);
// Makes a connection of such a context ask for `name`, a host name or an address literal, and take
// no certificate for another: the name belongs to each connection, not to the context.
void expect_name(ssl_st& connection, const std::string& name);

// The same, read and checked, for a library that makes contexts of its own, as gRPC does.
struct ClientMaterial {
  std::string ca_pem;                           // the system's authorities when no file is named
  std::optional<ServerCredentials::Pair> pair;  // nothing = no client certificate
};
Result<ClientMaterial> client_material(env::Env& env, const ClientOptions& options);

}  // namespace dsl::tls
