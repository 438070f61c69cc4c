// Small text building without a formatting library in the header.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dsl {

namespace detail {

inline std::string to_text(std::string_view value) { return std::string(value); }
inline std::string to_text(const char* value) { return value; }
inline std::string to_text(const std::string& value) { return value; }
inline std::string to_text(char value) { return std::string(1, value); }
inline std::string to_text(bool value) { return value ? "true" : "false"; }
template <std::integral T>
std::string to_text(T value) {
  return std::to_string(value);
}
std::string to_text(double value);

std::string fill(std::string_view pattern, std::initializer_list<std::string> values);

}  // namespace detail

// Replaces each "{}" of `pattern` by the next argument, in order: text("{} of {}", 3, "zone").
// The counts must agree (asserted).
template <class... Args>
std::string text(std::string_view pattern, const Args&... args) {
  return detail::fill(pattern, {detail::to_text(args)...});
}

}  // namespace dsl
