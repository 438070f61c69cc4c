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
    "write udp://192.0.2.1:53, tcp://[2001:db8::1]:53, tls://192.0.2.1:853#dns.example.net or "
    "192.0.2.1";
constexpr std::uint16_t kPort = 53;
constexpr std::uint16_t kTlsPort = 853;  // RFC 7858 section 3.1

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
    case Transport::kUdp:
      break;
  }
  return "udp";
}

std::optional<Transport> transport_of(std::string_view scheme) {
  for (const Transport each : {Transport::kUdp, Transport::kTcp, Transport::kTls}) {
    if (scheme == scheme_of(each)) {
      return each;
    }
  }
  return std::nullopt;
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

}  // namespace

Result<Upstream> Upstream::parse(std::string_view text) {
  Upstream upstream;
  std::string_view place = text;
  if (const std::size_t scheme_end = text.find("://"); scheme_end != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, scheme_end);
    place = text.substr(scheme_end + 3);
    if (scheme == "https") {
      return fail(Code::kInvalidArgument,
                  "the upstream '{}' would be asked over HTTPS, which is not supported", text)
          .hint("those who offer it mostly offer tls:// too, on port 853");
    }
    const auto transport = transport_of(scheme);
    if (!transport) {
      return fail(Code::kInvalidArgument, "the upstream '{}' has an unknown transport", text)
          .hint(std::string(kHint));
    }
    upstream.transport = *transport;
  }
  if (upstream.transport == Transport::kTls) {
    MC_ASSIGN(upstream.name, take_name(place, text));
  }
  const auto parts = read_place(place, upstream.transport == Transport::kTls ? kTlsPort : kPort);
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
  return dsl::text("{}://{}{}{}", scheme_of(transport), dsl::env::join_host_port(address, port),
                   name.empty() ? "" : "#", name);
}

}  // namespace mcns
