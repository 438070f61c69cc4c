#include "dsl/net/connection_limits.h"

#include <cstring>

#include <netinet/in.h>

namespace dsl::net {

std::string party_of(const env::SocketAddress& address) {
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      constexpr std::size_t kPrefixBytes = 8;
      std::string prefix(kPrefixBytes, '\0');
      std::memcpy(prefix.data(), &v6.sin6_addr, kPrefixBytes);
      return prefix;
    }
  }
  return host_of(address);
}

ConnectionLimits::ConnectionLimits(int total_max, int per_party_max) {
  set_max(total_max, per_party_max);
}

void ConnectionLimits::set_max(int total_max, int per_party_max) {
  const std::lock_guard lock(counts_->mutex);
  counts_->total_max = total_max;
  counts_->per_party_max = per_party_max;
}

std::optional<ConnectionLimits::Ticket> ConnectionLimits::take(const env::SocketAddress& peer) {
  std::string party = party_of(peer);
  const std::lock_guard lock(counts_->mutex);
  const auto found = counts_->parties.find(party);
  const int of_party = found == counts_->parties.end() ? 0 : found->second;
  if (counts_->total >= counts_->total_max || of_party >= counts_->per_party_max) {
    return std::nullopt;
  }
  ++counts_->parties[party];
  ++counts_->total;
  return Ticket(counts_, std::move(party));
}

int ConnectionLimits::taken() const {
  const std::lock_guard lock(counts_->mutex);
  return counts_->total;
}

ConnectionLimits::Ticket& ConnectionLimits::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    give_back();
    counts_ = std::move(other.counts_);
    party_ = std::move(other.party_);
  }
  return *this;
}

void ConnectionLimits::Ticket::give_back() {
  if (!counts_) {
    return;
  }
  {
    const std::lock_guard lock(counts_->mutex);
    --counts_->total;
    const auto found = counts_->parties.find(party_);
    if (--found->second == 0) {
      counts_->parties.erase(found);
    }
  }
  counts_.reset();
}

}  // namespace dsl::net
