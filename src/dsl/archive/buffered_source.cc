#include "dsl/archive/buffered_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dsl::archive {

BufferedSource::BufferedSource(Source source) : source_(std::move(source)) {}

Result<bool> BufferedSource::more() {
  if (ended_) {
    return false;
  }
  buffer_.erase(0, taken_);
  taken_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kStepBytes);
  auto size = source_(std::as_writable_bytes(std::span(buffer_)).subspan(before));
  buffer_.resize(before + size.value_or(0));
  MC_TRY(size);
  ended_ = *size == 0;
  return !ended_;
}

Result<std::string_view> BufferedSource::peek(std::size_t count) {
  while (buffered().size() < count) {
    MC_ASSIGN(const bool grown, more());
    if (!grown) {
      break;
    }
  }
  return buffered().substr(0, count);
}

Result<std::string_view> BufferedSource::line(std::size_t max_bytes) {
  std::size_t looked_at = 0;
  std::size_t size = std::string_view::npos;
  while (true) {
    const std::size_t lf = buffered().find('\n', looked_at);
    if (lf != std::string_view::npos) {
      size = lf + 1;
      break;
    }
    looked_at = buffered().size();
    if (looked_at >= max_bytes) {
      break;
    }
    MC_ASSIGN(const bool grown, more());
    if (!grown) {
      break;
    }
  }
  const std::string_view line = buffered().substr(0, std::min(size, max_bytes));
  taken_ += line.size();
  return line;
}

Result<std::size_t> BufferedSource::fill(std::span<std::byte> out) {
  const std::size_t ready = std::min(out.size(), buffered().size());
  if (ready > 0) {
    std::memcpy(out.data(), buffered().data(), ready);
    taken_ += ready;
  }
  std::size_t filled = ready;
  while (filled < out.size() && !ended_) {
    MC_ASSIGN(const std::size_t size, source_(out.subspan(filled)));
    MC_ASSERT(size <= out.size() - filled, "a source writes where it may");
    ended_ = size == 0;
    filled += size;
  }
  return filled;
}

}  // namespace dsl::archive
