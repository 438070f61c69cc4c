#include <algorithm>
#include <charconv>
#include <optional>

#include "dsl/env/socket_address.h"
#include "mcns/forward/forwarder.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

using Transport = Upstream::Transport;

constexpr std::string_view kHint =
    "write udp://192.0.2.1:53, tcp://[2001:db8::1]:53, tls://192.0.2.1:853#dns.example.net, "
    "https://192.0.2.1/dns-query#dns.example.net or 192.0.2.1";
constexpr std::uint16_t kPort = 53;
constexpr std::uint16_t kTlsPort = 853;  // RFC 7858 section 3.1
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::string_view kPath = "/dns-query";  // what nearly everybody has (RFC 8484 section 4)

// "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53".
std::optional<dsl::env::HostPort> read_place(std::string_view place, std::uint16_t port) {
  if (dsl::env::is_address_literal(std::string(place))) {
    return dsl::env::HostPort{std::string(place), port};
  }
  const bool only_brackets = place.size() > 2 && place.front() == '[' && place.back() == ']';
  auto parts =
      only_brackets
          ? std::optional(dsl::env::HostPort{std::string(place.substr(1, place.size() - 2)), port})
          : dsl::env::split_host_port(place);
  if (!parts || parts->port == 0 || !dsl::env::is_address_literal(parts->host)) {
    return std::nullopt;
  }
  return parts;
}

std::string_view scheme_of(Transport transport) {
  switch (transport) {
    case Transport::kTcp:
      return "tcp";
    case Transport::kTls:
      return "tls";
    case Transport::kHttps:
      return "https";
    case Transport::kUdp:
      break;
  }
  return "udp";
}

std::optional<Transport> transport_of(std::string_view scheme) {
  for (const Transport each :
       {Transport::kUdp, Transport::kTcp, Transport::kTls, Transport::kHttps}) {
    if (scheme == scheme_of(each)) {
      return each;
    }
  }
  return std::nullopt;
}

std::uint16_t port_of(Transport transport) {
  switch (transport) {
    case Transport::kTls:
      return kTlsPort;
    case Transport::kHttps:
      return kHttpsPort;
    default:
      return kPort;
  }
}

// RFC 1123 section 2.1. Whoever has an address in the certificate needs no name.
bool is_host_name(std::string_view name) {
  const bool has_only_ldh = std::all_of(name.begin(), name.end(), [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  return has_only_ldh && !name.empty() && name.back() != '.' && Name::parse(name).has_value() &&
         !dsl::env::is_address_literal(std::string(name));
}

// Of "192.0.2.1:853#dns.example.net" the name, which is then taken off; empty without one.
Result<std::string> take_name(std::string_view& place, std::string_view text) {
  const std::size_t mark = place.find('#');
  if (mark == std::string_view::npos) {
    return std::string();
  }
  std::string name(place.substr(mark + 1));
  if (!is_host_name(name)) {
    return fail(Code::kInvalidArgument, "the upstream '{}' has no host name behind the #", text)
        .hint(
            "the name that its certificate is for, as in tls://192.0.2.1:853#dns.example.net; "
            "without # the certificate has to be for the address");
  }
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  place = place.substr(0, mark);
  return name;
}

// RFC 3986 section 3.3; without the comma, which stands between upstreams.
bool is_path(std::string_view path) {
  constexpr std::string_view kOthers = "-._~!$&'()*+;=:@%/";
  return std::all_of(path.begin(), path.end(), [&](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

// Of "192.0.2.1:443/dns-query" the path, which is then taken off.
Result<std::string> take_path(std::string_view& place, std::string_view text) {
  const std::size_t slash = place.find('/');
  if (slash == std::string_view::npos) {
    return std::string(kPath);
  }
  const std::string_view path = place.substr(slash);
  if (!is_path(path)) {
    return fail(Code::kInvalidArgument, "the upstream '{}' has no path of a URL", text)
        .hint(
            "as in https://192.0.2.1/dns-query#dns.example.net, without {?dns}: it is asked by "
            "POST");
  }
  place = place.substr(0, slash);
  return std::string(path);
}

}  // namespace

Result<Upstream> Upstream::parse(std::string_view text) {
  Upstream upstream;
  std::string_view place = text;
  if (const std::size_t scheme_end = text.find("://"); scheme_end != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, scheme_end);
    place = text.substr(scheme_end + 3);
    const auto transport = transport_of(scheme);
    if (!transport) {
      return fail(Code::kInvalidArgument, "the upstream '{}' has an unknown transport", text)
          .hint(std::string(kHint));
    }
    upstream.transport = *transport;
  }
  if (upstream.has_tls()) {
    MC_ASSIGN(upstream.name, take_name(place, text));
  }
  if (upstream.transport == Transport::kHttps) {
    MC_ASSIGN(upstream.path, take_path(place, text));
  }
  const auto parts = read_place(place, port_of(upstream.transport));
  if (!parts) {
    return fail(Code::kInvalidArgument, "the upstream '{}' is not a literal address", text)
        .hint(std::string(kHint) + "; names are not resolved, since this server is what resolves");
  }
  // One way to write each address, so that equal ones are found.
  const auto address =
      dsl::env::parse_socket_address(dsl::env::join_host_port(parts->host, parts->port));
  upstream.address = dsl::env::host_of(*address);
  upstream.port = parts->port;
  return upstream;
}

std::string Upstream::text() const {
  return dsl::text("{}://{}{}{}{}", scheme_of(transport), dsl::env::join_host_port(address, port),
                   path, name.empty() ? "" : "#", name);
}

}  // namespace mcns
