// The networks that clients and addresses lie in, for answers that fit the client.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mcns/answer/answer.h"
#include "mcns/resolve/prefixes.h"

namespace mcns {

struct Network {
  std::string name;
  Prefixes prefixes;
};

// Thread-safe to read. Stays where it is made, and outlives the answers that are made by it.
class Networks {
 public:
  // `only_reachable`: addresses of a network that the client is not in are left out of its answers.
  Networks(std::vector<Network> networks, bool only_reachable);
  Networks(const Networks&) = delete;
  Networks& operator=(const Networks&) = delete;

  // What a client of that address has around it: the first network that it is in, or none.
  const Vicinity& around(const dsl::env::AddressBits& client) const;

 private:
  class Inside;

  std::vector<Network> networks_;
  std::vector<std::unique_ptr<const Vicinity>> inside_;  // by network, then that of who is in none
};

}  // namespace mcns
