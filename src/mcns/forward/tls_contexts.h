// Whom upstreams over TLS are vouched for by.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/tls/tls.h"
#include "mcns/forward/forwarder.h"

namespace mcns {

// What a context is for: the authorities' path (Upstream::ca_cert), and what is spoken.
using TlsKey = std::pair<std::string, Upstream::Transport>;
using TlsContexts = std::map<TlsKey, dsl::tls::Context>;
TlsKey tls_key(const Upstream& upstream);

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
  dsl::Result<dsl::tls::Context> context(const TlsKey& key);

  dsl::env::Env& env_;
  std::map<TlsKey, Known> known_;
};

}  // namespace mcns
