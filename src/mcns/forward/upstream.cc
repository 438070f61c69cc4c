#include <charconv>
#include <optional>

#include "dsl/env/socket_address.h"
#include "mcns/forward/forwarder.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::string_view kHint = "write udp://192.0.2.1:53, tcp://[2001:db8::1]:53 or 192.0.2.1";

// "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53".
std::optional<dsl::env::HostPort> read_place(std::string_view place) {
  if (dsl::env::is_address_literal(std::string(place))) {
    return dsl::env::HostPort{std::string(place), 53};
  }
  const bool only_brackets = place.size() > 2 && place.front() == '[' && place.back() == ']';
  auto parts =
      only_brackets
          ? std::optional(dsl::env::HostPort{std::string(place.substr(1, place.size() - 2)), 53})
          : dsl::env::split_host_port(place);
  if (!parts || parts->port == 0 || !dsl::env::is_address_literal(parts->host)) {
    return std::nullopt;
  }
  return parts;
}

}  // namespace

Result<Upstream> Upstream::parse(std::string_view text) {
  Upstream upstream;
  std::string_view place = text;
  if (const std::size_t scheme_end = text.find("://"); scheme_end != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, scheme_end);
    place = text.substr(scheme_end + 3);
    if (scheme == "tls" || scheme == "https") {
      return fail(Code::kInvalidArgument,
                  "the upstream '{}' asks for encryption, which is not supported", text)
          .hint("use udp:// or tcp://");
    }
    if (scheme != "udp" && scheme != "tcp") {
      return fail(Code::kInvalidArgument, "the upstream '{}' has an unknown transport", text)
          .hint(std::string(kHint));
    }
    upstream.transport = scheme == "tcp" ? Transport::kTcp : Transport::kUdp;
  }
  const auto parts = read_place(place);
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
  return dsl::text("{}://{}", transport == Transport::kTcp ? "tcp" : "udp",
                   dsl::env::join_host_port(address, port));
}

}  // namespace mcns
