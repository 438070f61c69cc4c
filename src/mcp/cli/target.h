// What a command works on, as written on the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/result/result.h"

namespace mcp::cli {

using dsl::Result;

// "mcr" or "mcr/api".
struct Target {
  std::string service;
  std::string component;  // empty = all
  bool operator==(const Target&) const = default;

  std::string text() const;
};

// kInvalidArgument unless both parts are names as definitions have them.
Result<Target> parse_target(std::string_view text);
Result<std::vector<Target>> parse_targets(const std::vector<std::string>& texts);

// [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?
bool is_name(std::string_view text);

}  // namespace mcp::cli
