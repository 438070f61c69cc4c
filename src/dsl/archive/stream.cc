#include "dsl/archive/stream.h"

#include <algorithm>
#include <cstring>

namespace dsl::archive {

Sink append_to(std::string& out) {
  return [&out](std::span<const std::byte> bytes) -> Result<void> {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  };
}

Source source_of(std::string_view bytes) {
  return [rest = bytes](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t size = std::min(out.size(), rest.size());
    if (size > 0) {
      std::memcpy(out.data(), rest.data(), size);
    }
    rest.remove_prefix(size);
    return size;
  };
}

Result<std::size_t> read_full(const Source& source, std::span<std::byte> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    MC_ASSIGN(const std::size_t size, source(out.subspan(filled)));
    MC_ASSERT(size <= out.size() - filled, "a source writes where it may");
    if (size == 0) {
      break;
    }
    filled += size;
  }
  return filled;
}

}  // namespace dsl::archive
