#include "dsl/config/key_state.h"

#include <type_traits>

namespace dsl::config {

Value KeyState::current() const {
  return std::visit(
      [](const auto& bound) -> Value {
        if constexpr (std::is_pointer_v<std::decay_t<decltype(bound)>>) {
          return *bound;
        } else {
          return std::monostate();
        }
      },
      target);
}

void KeyState::set(Value value) const {
  std::visit(
      [&](const auto& bound) {
        using Bound = std::decay_t<decltype(bound)>;
        if constexpr (std::is_pointer_v<Bound>) {
          *bound = std::get<std::remove_pointer_t<Bound>>(std::move(value));
        }
      },
      target);
}

std::string KeyState::section() const {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? std::string() : key.substr(0, dot);
}

std::string KeyState::name() const { return key.substr(key.rfind('.') + 1); }

std::string variable_name(std::string_view service, std::string_view key) {
  std::string out;
  out.reserve(service.size() + 1 + key.size());
  out += service;
  out += '_';
  out += key;
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    } else if (c == '-' || c == '.') {
      c = '_';
    }
  }
  return out;
}

}  // namespace dsl::config
