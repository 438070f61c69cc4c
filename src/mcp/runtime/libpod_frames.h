// The framing of attached output: 1 byte stream, 3 bytes zero, 4 bytes length (big-endian), bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace mcp::runtime {

enum class FrameStream { kStdin = 0, kStdout = 1, kStderr = 2 };

// Takes bytes as they arrive and hands frames over in pieces, so that no frame is ever held whole.
// Confined to one thread.
class FrameReader {
 public:
  // False stops; further bytes are then ignored.
  using OnPiece = std::function<bool(FrameStream, std::string_view)>;

  // kDataLoss when the bytes are not frames; the reader is then unusable.
  dsl::Result<bool> feed(std::string_view bytes, const OnPiece& on_piece);
  // Whether the bytes so far end at the end of a frame.
  bool at_boundary() const { return left_ == 0 && header_.empty(); }

 private:
  std::string header_;  // up to 8 bytes of the next header
  std::size_t left_ = 0;
  FrameStream stream_ = FrameStream::kStdout;
};

// Cuts a byte stream into lines. A line longer than `line_max` is handed over in pieces of that
// size. Confined to one thread.
class LineReader {
 public:
  explicit LineReader(std::size_t line_max) : line_max_(line_max) {}

  using OnLine = std::function<bool(std::string_view)>;
  // False when `on_line` said so.
  bool feed(std::string_view bytes, const OnLine& on_line);
  // What follows the last line break.
  bool finish(const OnLine& on_line);

 private:
  std::size_t line_max_;
  std::string pending_;
};

}  // namespace mcp::runtime
