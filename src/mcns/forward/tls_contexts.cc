#include "mcns/forward/tls_contexts.h"

namespace mcns {
namespace {

using dsl::Result;

constexpr std::size_t kFileMax = 4u << 20;  // the bundle of a system has a few hundred KiB

}  // namespace

TlsKey tls_key(const Upstream& upstream) { return {upstream.ca_cert, upstream.transport}; }

Result<TlsContexts> TlsAuthorities::contexts(const std::vector<ForwardGroup>& groups) {
  TlsContexts out;
  for (const ForwardGroup& group : groups) {
    for (const auto* upstreams : {&group.upstreams, &group.fallback}) {
      for (const Upstream& upstream : *upstreams) {
        const TlsKey key = tls_key(upstream);
        if (upstream.has_tls() && !out.contains(key)) {
          MC_ASSIGN(out[key], dsl::with_context(context(key), dsl::text("the authorities of {}",
                                                                        upstream.text())));
        }
      }
    }
  }
  return out;
}

Result<dsl::tls::Context> TlsAuthorities::context(const TlsKey& key) {
  const auto& [ca_cert, transport] = key;
  std::string pem;  // the system's are read once: they are not the operator's to change
  if (!ca_cert.empty()) {
    MC_ASSIGN(pem, env_.files().read_file(ca_cert, kFileMax));
  }
  Known& known = known_[key];
  if (known.context == nullptr || known.pem != pem) {
    MC_ASSIGN(known.context,
              dsl::tls::client_context(
                  env_, {.ca_file = ca_cert,
                         .pair = {},
                         .alpn = {transport == Upstream::Transport::kHttps ? "h2" : "dot"}}));
    known.pem = std::move(pem);
  }
  return known.context;
}

}  // namespace mcns
