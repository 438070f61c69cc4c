#include "dsl/rpc/handshake_error.h"

#include "dsl/env/socket_address.h"
#include "dsl/tls/peer.h"

namespace dsl::rpc {

namespace {

// Long enough for a far peer that has just answered; the call has failed already.
constexpr std::chrono::milliseconds kLookPatience{2000};

bool is_about_handshake(const std::string& message) {
  // Of gRPC 1.51: "Ssl handshake failed: ...", "Handshake failed", "Peer name X is not in peer
  // certificate". A connection that was refused or timed out says none of them.
  return message.find("andshak") != std::string::npos ||
         message.find("not in peer certificate") != std::string::npos;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out += out.empty() ? name : ", " + name;
  }
  return out.empty() ? "no name at all" : out;
}

Error explain(const tls::PeerLook& look, const std::string& name, const std::string& address) {
  const tls::Certificate& leaf = look.chain.front();
  Error error(Code::kUnavailable,
              look.wrong_name
                  ? text("the certificate of {} is not for {}, but for {}", address, name,
                         joined(leaf.names))
                  : text("the certificate of {} is not trusted: {}", address, look.fault));
  error.set_hint(look.wrong_name
                     ? "use one of the names it is for, or issue it a certificate for this one"
                     : "name the CA that issued it (ca_file)");
  error.add_detail(
      "certificate",
      text("subject {}, issuer {}, serial {}, valid {} to {}", leaf.subject, leaf.issuer,
           leaf.serial, env::format_time(leaf.not_before), env::format_time(leaf.not_after)));
  error.add_detail("names", joined(leaf.names));
  return error;
}

}  // namespace

std::string failed_address(const std::string& message) {
  // "last error: UNKNOWN: ipv4:127.0.0.1:9444: ...", "ipv6:%5B::1%5D:9444: ...".
  for (const std::string_view family : {"ipv4:", "ipv6:"}) {
    const std::size_t at = message.rfind(family);
    if (at == std::string::npos) {
      continue;
    }
    const std::size_t from = at + family.size();
    std::string address = message.substr(from, message.find(": ", from) - from);
    for (const auto& [escaped, plain] : {std::pair("%5B", "["), std::pair("%5D", "]")}) {
      if (const std::size_t found = address.find(escaped); found != std::string::npos) {
        address.replace(found, 3, plain);
      }
    }
    return env::parse_socket_address(address) ? address : std::string();
  }
  return {};
}

Error explain_handshake(env::Env& env, const TlsOptions& options, const std::string& address,
                        Error error) {
  if (!is_about_handshake(error.message())) {
    return error;
  }
  std::string target = failed_address(error.message());
  if (target.empty()) {
    target = address;
  }
  const auto host = env::split_host_port(address);
  const std::string name = options.name.empty() && host ? host->host : options.name;
  const auto context = tls::client_context(env, {options.ca_file, options.pair, {"h2"}});
  if (!context) {
    return error;
  }
  const auto look = tls::look_at_peer(env, target, name, *context, kLookPatience);
  if (!look) {
    return Error(Code::kUnavailable,
                 text("{} does not speak TLS 1.3: {}", address, look.error().message()))
        .set_hint("is that the gRPC port?");
  }
  if (look->chain.empty() || look->fault.empty()) {
    return error;  // it is trusted by now, or fails for another reason
  }
  return explain(*look, name, address);
}

}  // namespace dsl::rpc
