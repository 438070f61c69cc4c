#include "mcns/store/sort_key.h"

#include <algorithm>
#include <array>

namespace mcns::store {

Bytes sort_key(const Name& name, const Name& origin) {
  const BytesView wire = name.wire();
  const std::size_t end = wire.size() - origin.size();
  std::array<std::uint8_t, kNameMax / 2> starts;  // of labels
  std::size_t labels = 0;
  for (std::size_t at = 0; at < end; at += 1U + static_cast<std::uint8_t>(wire[at])) {
    starts[labels++] = static_cast<std::uint8_t>(at);
  }
  Bytes key;
  key.reserve(end);
  while (labels > 0) {
    const std::size_t start = starts[--labels];
    if (!key.empty()) {
      key += '\0';
    }
    for (const char c : wire.substr(start + 1, static_cast<std::uint8_t>(wire[start]))) {
      if (c == '\0' || c == '\1') {
        key += '\1';
        key += static_cast<char>(c + 1);
      } else {
        key += to_lower(c);
      }
    }
  }
  return key;
}

std::optional<Name> name_of(BytesView key, const Name& origin) {
  Name name = origin;
  while (!key.empty()) {
    Bytes label;
    std::size_t at = 0;
    for (; at < key.size() && key[at] != '\0'; ++at) {
      const bool escaped = key[at] == '\1' && at + 1 < key.size();
      label += escaped ? static_cast<char>(key[++at] - 1) : key[at];
    }
    auto child = name.child(label);
    if (!child) {
      return std::nullopt;
    }
    name = *std::move(child);
    key.remove_prefix(std::min(at + 1, key.size()));
  }
  return name;
}

}  // namespace mcns::store
