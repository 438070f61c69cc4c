// Servers of delegated zones, made when there is something to ask, and forgotten when there are too
// many.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "dsl/env/socket_address.h"
#include "mcns/forward/server.h"

namespace mcns {

// By their addresses, so that one that serves several zones has one health. Confined to its loop.
class DelegatedServers {
 public:
  explicit DelegatedServers(const Server::Shared& shared) : shared_(shared) {}

  // `zone`: of which it should know something. Lives on in the questions that it was asked.
  std::shared_ptr<Server> get(const dsl::env::SocketAddress& address, const Name& zone);

 private:
  struct Known {
    std::shared_ptr<Server> server;
    std::uint64_t used = 0;  // the turn in which it was last asked for
  };
  void make_room();

  const Server::Shared& shared_;
  std::unordered_map<std::string, Known> known_;
  std::uint64_t turn_ = 0;
};

}  // namespace mcns
