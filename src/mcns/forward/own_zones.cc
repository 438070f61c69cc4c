#include "mcns/forward/own_zones.h"

#include <utility>

namespace mcns {

void Delegation::add(Name host, std::vector<std::string> addresses) {
  if (hosts.size() >= kHostsMax || (addresses.empty() && host.is_within(zone))) {
    return;
  }
  if (addresses.size() > kAddressesOfHost) {
    addresses.resize(kAddressesOfHost);
  }
  hosts.push_back({std::move(host), std::move(addresses)});
}

}  // namespace mcns
