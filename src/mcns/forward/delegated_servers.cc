#include "mcns/forward/delegated_servers.h"

#include <algorithm>

namespace mcns {

std::shared_ptr<Server> DelegatedServers::get(const dsl::env::SocketAddress& address,
                                              const Name& zone) {
  const std::string key = dsl::env::to_text(address);
  auto found = known_.find(key);
  if (found == known_.end()) {
    make_room();
    const Upstream upstream{.address = dsl::env::host_of(address),
                            .port = dsl::env::port_of(address)};
    found = known_
                .emplace(key, Known{std::make_shared<Server>(shared_, upstream, zone, nullptr,
                                                             Role::kServer)})
                .first;
  }
  found->second.used = ++turn_;
  return found->second.server;
}

void DelegatedServers::make_room() {
  if (known_.size() < shared_.options.delegated_servers_max) {
    return;
  }
  known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
    return a.second.used < b.second.used;
  }));
}

}  // namespace mcns
