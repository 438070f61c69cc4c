// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dsl::config {

// Empty when none is near: optimal string alignment distance above a third of the word (but 2 is
// always allowed), or no letter in common at all. The first of equals.
std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace dsl::config
