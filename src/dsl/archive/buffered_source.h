// A source that can be looked at before it is read, and read by lines.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "dsl/archive/stream.h"
#include "dsl/result/result.h"

namespace dsl::archive {

// Confined to its owner.
class BufferedSource {
 public:
  explicit BufferedSource(Source source);

  // The next `count` bytes without taking them; fewer only at the end. Valid until the next call.
  Result<std::string_view> peek(std::size_t count);
  // Takes the next line, its LF included; without one when the source ends first or `max_bytes` are
  // reached. Empty at the end. Valid until the next call.
  Result<std::string_view> line(std::size_t max_bytes);
  // Takes bytes until `out` is full or the source ends. What is not buffered yet goes straight to
  // `out`.
  Result<std::size_t> fill(std::span<std::byte> out);

 private:
  // Small, since what lies here when the lines end is copied once more.
  static constexpr std::size_t kStepBytes = 4096;

  std::string_view buffered() const { return std::string_view(buffer_).substr(taken_); }
  Result<bool> more();  // false at the end

  Source source_;
  std::string buffer_;
  std::size_t taken_ = 0;  // bytes of buffer_ that were handed out
  bool ended_ = false;
};

}  // namespace dsl::archive
