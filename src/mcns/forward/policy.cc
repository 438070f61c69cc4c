#include <algorithm>
#include <array>
#include <utility>

#include "mcns/forward/forwarder.h"

namespace mcns {
namespace {

constexpr std::array<std::pair<ForwardPolicy, std::string_view>, 3> kPolicies{
    {{ForwardPolicy::kOrdered, "ordered"},
     {ForwardPolicy::kFastest, "fastest"},
     {ForwardPolicy::kParallel, "parallel"}}};

}  // namespace

std::string_view text(ForwardPolicy policy) {
  return std::find_if(kPolicies.begin(), kPolicies.end(),
                      [&](const auto& row) { return row.first == policy; })
      ->second;
}

std::optional<ForwardPolicy> parse_forward_policy(std::string_view text) {
  const auto row = std::find_if(kPolicies.begin(), kPolicies.end(),
                                [&](const auto& known) { return known.second == text; });
  return row == kPolicies.end() ? std::nullopt : std::optional(row->first);
}

}  // namespace mcns
