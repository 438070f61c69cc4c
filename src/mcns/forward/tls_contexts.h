// Whom upstreams over TLS are vouched for by.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/tls/tls.h"
#include "mcns/forward/forwarder.h"

namespace mcns {

// By the path of the authorities (Upstream::ca_cert).
using TlsContexts = std::map<std::string, dsl::tls::Context>;

// Guarded by its owner.
class TlsAuthorities {
 public:
  // `env` outlives it.
  explicit TlsAuthorities(dsl::env::Env& env) : env_(env) {}

  // A context for each file that the upstreams of `groups` name, read anew: the same one as long as
  // the file says the same. kInvalidArgument and the errors of reading name the file.
  dsl::Result<TlsContexts> contexts(const std::vector<ForwardGroup>& groups);

 private:
  struct Known {
    std::string pem;
    dsl::tls::Context context;
  };
  dsl::Result<dsl::tls::Context> context(const std::string& ca_cert);

  dsl::env::Env& env_;
  std::map<std::string, Known> known_;
};

}  // namespace mcns
