// A systemd unit of an agent that starts podman's API itself: what of it takes newuidmap's
// privilege away, or ends the containers with the agent. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mcp::agent {

struct UnitProblem {
  std::size_t line = 0;  // 0 = of the whole unit: something is missing
  std::string directive;
  std::string why;
};

// For spawn mode; with podman's API in the user manager (socket mode) these directives are right.
// Of a switch the last line counts, as for systemd.
std::vector<UnitProblem> unit_problems(const std::string& unit);

}  // namespace mcp::agent
