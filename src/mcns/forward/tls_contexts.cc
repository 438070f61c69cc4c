#include "mcns/forward/tls_contexts.h"

namespace mcns {
namespace {

using dsl::Result;

constexpr std::size_t kFileMax = 4u << 20;  // the bundle of a system has a few hundred KiB

}  // namespace

Result<TlsContexts> TlsAuthorities::contexts(const std::vector<ForwardGroup>& groups) {
  TlsContexts out;
  for (const ForwardGroup& group : groups) {
    for (const auto* upstreams : {&group.upstreams, &group.fallback}) {
      for (const Upstream& upstream : *upstreams) {
        if (upstream.transport == Upstream::Transport::kTls && !out.contains(upstream.ca_cert)) {
          MC_ASSIGN(out[upstream.ca_cert],
                    dsl::with_context(context(upstream.ca_cert),
                                      dsl::text("the authorities of {}", upstream.text())));
        }
      }
    }
  }
  return out;
}

Result<dsl::tls::Context> TlsAuthorities::context(const std::string& ca_cert) {
  std::string pem;  // the system's are read once: they are not the operator's to change
  if (!ca_cert.empty()) {
    MC_ASSIGN(pem, env_.files().read_file(ca_cert, kFileMax));
  }
  Known& known = known_[ca_cert];
  if (known.context == nullptr || known.pem != pem) {
    MC_ASSIGN(known.context,
              dsl::tls::client_context(env_, {.ca_file = ca_cert, .pair = {}, .alpn = {"dot"}}));
    known.pem = std::move(pem);
  }
  return known.context;
}

}  // namespace mcns
