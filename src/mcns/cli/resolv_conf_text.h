// How clients are told whom to ask.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace mcns::cli {

struct Resolvers {
  std::vector<std::string> servers;   // ours; literals
  std::vector<std::string> fallback;  // somebody else's, asked when ours are down
  std::string search;                 // completes short names; may be empty
};

// kInvalidArgument: an address that is none, no server, no fallback, or a fallback that is one of
// the servers and so goes down with them.
dsl::Result<void> check_resolvers(const Resolvers& resolvers);

// `format`: "resolved" (a drop-in of systemd-resolved), "nixos", "resolv.conf".
std::string resolv_conf_text(std::string_view format, const Resolvers& resolvers);

}  // namespace mcns::cli
