#include "mcns/forward/groups.h"

#include <set>

#include <ifaddrs.h>
#include <netinet/in.h>

#include "dsl/env/socket_address.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::env::SocketAddress;

bool is_wildcard(const SocketAddress& address) {
  const std::string host = dsl::env::host_of(address);
  return host == "0.0.0.0" || host == "::";
}

// Of this machine's interfaces. Without them only what is written literally is compared.
std::set<std::string> machine_addresses() {
  std::set<std::string> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return addresses;
  }
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr) {
      addresses.insert(dsl::env::address_text(*each->ifa_addr));
    }
  }
  ::freeifaddrs(list);
  return addresses;
}

Result<void> check_upstream(const Upstream& upstream, const OwnAddresses& own) {
  MC_ASSIGN(const SocketAddress address, dsl::env::parse_socket_address(dsl::env::join_host_port(
                                             upstream.address, upstream.port)));
  if (upstream.port == 0 || is_wildcard(address)) {
    return fail(Code::kInvalidArgument, "nobody can be asked at {}", upstream.text())
        .hint("name the address and the port of a resolver");
  }
  if (own.has(address)) {
    return fail(Code::kInvalidArgument, "the upstream {} is this server itself", upstream.text())
        .hint("name a resolver on another machine, or another port of this one");
  }
  return {};
}

Result<void> check_group(const ForwardGroup& group, const OwnAddresses& own) {
  if (group.upstreams.empty()) {
    return fail(Code::kInvalidArgument, "no upstream is given")
        .hint("name at least one; fallback ones are asked only while all others are down");
  }
  for (const auto* upstreams : {&group.upstreams, &group.fallback}) {
    for (const Upstream& upstream : *upstreams) {
      MC_TRY(check_upstream(upstream, own));
    }
  }
  return {};
}

}  // namespace

Result<OwnAddresses> OwnAddresses::parse(const std::vector<std::string>& texts) {
  OwnAddresses own;
  for (const std::string& text : texts) {
    MC_ASSIGN(const SocketAddress address, dsl::env::parse_socket_address(text));
    own.exact_.insert(dsl::env::to_text(address));
    if (is_wildcard(address)) {
      own.wildcard_ports_.insert(dsl::env::port_of(address));
      own.machine_ = machine_addresses();
    }
  }
  return own;
}

bool OwnAddresses::has(const SocketAddress& address) const {
  return exact_.contains(dsl::env::to_text(address)) ||
         (wildcard_ports_.contains(dsl::env::port_of(address)) &&
          (is_wildcard(address) || dsl::env::is_loopback(address) ||
           machine_.contains(dsl::env::host_of(address))));
}

Result<void> check_groups(const std::vector<ForwardGroup>& groups, const OwnAddresses& own) {
  std::set<Bytes> zones;
  for (const ForwardGroup& group : groups) {
    if (!zones.insert(group.zone.lower()).second) {
      return fail(Code::kInvalidArgument, "the zone {} has two forward groups", group.zone.text())
          .hint("one group may have several upstreams");
    }
    MC_TRY(dsl::with_context(check_group(group, own),
                             dsl::text("forward group {}", group.zone.text())));
  }
  return {};
}

}  // namespace mcns
