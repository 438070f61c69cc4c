#include "mcp/runtime/libpod_frames.h"

#include <algorithm>

namespace mcp::runtime {

using dsl::Code;
using dsl::fail;

namespace {

constexpr std::size_t kHeaderBytes = 8;

std::size_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

}  // namespace

dsl::Result<bool> FrameReader::feed(std::string_view bytes, const OnPiece& on_piece) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const std::string_view piece = bytes.substr(0, left_);
      left_ -= piece.size();
      bytes.remove_prefix(piece.size());
      if (!on_piece(stream_, piece)) {
        return false;
      }
      continue;
    }
    const std::size_t wanted = std::min(kHeaderBytes - header_.size(), bytes.size());
    header_ += bytes.substr(0, wanted);
    bytes.remove_prefix(wanted);
    if (header_.size() < kHeaderBytes) {
      break;
    }
    if (byte_at(header_, 0) > 2 || header_[1] != 0 || header_[2] != 0 || header_[3] != 0) {
      return fail(Code::kDataLoss, "container output is not framed as expected");
    }
    stream_ = static_cast<FrameStream>(byte_at(header_, 0));
    left_ = byte_at(header_, 4) << 24 | byte_at(header_, 5) << 16 | byte_at(header_, 6) << 8 |
            byte_at(header_, 7);
    header_.clear();
  }
  return true;
}

bool LineReader::feed(std::string_view bytes, const OnLine& on_line) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const std::string_view taken = part.substr(0, line_max_ - pending_.size());
    pending_ += taken;
    const bool ended = taken.size() == part.size() && end != std::string_view::npos;
    bytes.remove_prefix(taken.size() + (ended ? 1 : 0));
    if (ended || pending_.size() == line_max_) {
      const std::string line = std::exchange(pending_, {});
      if (!on_line(line)) {
        return false;
      }
    }
  }
  return true;
}

bool LineReader::finish(const OnLine& on_line) {
  const std::string line = std::exchange(pending_, {});
  return line.empty() || on_line(line);
}

}  // namespace mcp::runtime
