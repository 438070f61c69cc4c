#include "dsl/config/key_state.h"

#include <type_traits>

namespace dsl::config {

std::string Origin::shown() const { return file ? at(*file, position) + text : text; }

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

std::string_view KeyState::section() const {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? std::string_view() : std::string_view(key).substr(0, dot);
}

std::string KeyState::name() const { return key.substr(key.rfind('.') + 1); }

void append_variable_name(std::string_view text, std::string& out) {
  const std::size_t from = out.size();
  out += text;
  for (std::size_t i = from; i < out.size(); ++i) {
    char& c = out[i];
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    } else if (c == '-' || c == '.') {
      c = '_';
    }
  }
}

std::string variable_name(std::string_view service, std::string_view key) {
  std::string out;
  append_variable_name(service, out);
  out += '_';
  append_variable_name(key, out);
  return out;
}

}  // namespace dsl::config
