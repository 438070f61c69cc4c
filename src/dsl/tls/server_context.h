// OpenSSL's contexts of a server, made from PEM texts that were read.
#pragma once

#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/tls/pair.h"

namespace dsl::tls {

struct ServerContextOptions {
  std::vector<std::string> alpn;
  std::string client_ca_pem;  // empty = client certificates are not asked for
  bool client_required = false;
};

// The context of the first pair, which hands connections to those of the others by SNI. Whatever it
// refers to lives as long as OpenSSL's own count of it, so connections alone keep all of it alive;
// only `env` must outlive them. Its ticket keys are its own: a ticket of an earlier context opens
// nothing here, so each connection after a reload is shown the new certificate.
Result<Context> server_context(env::Env& env, const std::vector<LoadedPair>& pairs,
                               const ServerContextOptions& options);

// TLS 1.3 and nothing older, for either side.
Context new_context(const SSL_METHOD* method);
// Protocol names as RFC 7301 puts them on the wire. kInvalidArgument when one is empty or too long.
Result<std::string> alpn_wire(const std::vector<std::string>& names);
// Makes `context` show `pair`.
Result<void> use_pair(SSL_CTX& context, const LoadedPair& pair);
// Makes `context` trust the certificates of `pem` and no others.
Result<void> trust(SSL_CTX& context, std::string_view pem);

}  // namespace dsl::tls
