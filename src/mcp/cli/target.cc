#include "mcp/cli/target.h"

#include <algorithm>

namespace mcp::cli {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::size_t kNameMax = 63;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string Target::text() const { return component.empty() ? service : service + "/" + component; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax && is_letter_or_digit(text.front()) &&
         is_letter_or_digit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-';
         });
}

Result<Target> parse_target(std::string_view text) {
  const std::size_t slash = text.find('/');
  Target target{std::string(text.substr(0, slash)), {}};
  if (slash != std::string_view::npos) {
    target.component = text.substr(slash + 1);
  }
  const bool component_fits = slash == std::string_view::npos || is_name(target.component);
  if (!is_name(target.service) || !component_fits) {
    return fail(Code::kInvalidArgument, "\"{}\" names no service or component", text)
        .hint(
            "write SERVICE or SERVICE/COMPONENT; names have lower-case letters, digits and "
            "hyphens");
  }
  return target;
}

Result<std::vector<Target>> parse_targets(const std::vector<std::string>& texts) {
  std::vector<Target> targets;
  for (const std::string& text : texts) {
    MC_ASSIGN(Target target, parse_target(text));
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace mcp::cli
