// What systemd says to a process in its environment.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace dsl::service {

// A whole decimal number, or nothing.
inline std::optional<std::int64_t> number_in(const std::optional<std::string>& value) {
  std::int64_t number = 0;
  if (!value) {
    return std::nullopt;
  }
  const char* end = value->data() + value->size();
  const auto parsed = std::from_chars(value->data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

// What is said to us is not said to our children.
inline void forget_variable(const char* name) {
  (void)::unsetenv(name);  // fails for a malformed name only
}

}  // namespace dsl::service
