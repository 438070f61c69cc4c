#include "mcns/forward/descent.h"

namespace mcns {

std::vector<std::string> Descent::known_addresses() const {
  std::vector<std::string> addresses;
  for (const Delegation::Host& host : at_.hosts) {
    addresses.insert(addresses.end(), host.addresses.begin(), host.addresses.end());
  }
  return addresses;
}

std::optional<Name> Descent::next_unknown() {
  while (next_ < at_.hosts.size() && looked_up_ < kLookedUpMax) {
    const Delegation::Host& host = at_.hosts[next_++];
    if (host.addresses.empty()) {
      ++looked_up_;
      return host.name;
    }
  }
  return std::nullopt;
}

bool Descent::descend(Delegation deeper, Reach referrer) {
  if (steps_ >= kStepsMax) {
    return false;
  }
  ++steps_;
  nearest_ = referrer;
  at_ = std::move(deeper);
  next_ = 0;
  looked_up_ = 0;
  return true;
}

}  // namespace mcns
