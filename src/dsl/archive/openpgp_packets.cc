#include "dsl/archive/openpgp_packets.h"

#include <algorithm>
#include <array>
#include <limits>

namespace dsl::archive {

Failure pgp_damaged(std::string_view what) {
  return fail(Code::kDataLoss, "OpenPGP: {}", what)
      .hint("fetch the file again, or use another copy");
}

std::string pgp_length(std::size_t size) {
  MC_ASSERT(size <= std::numeric_limits<std::uint32_t>::max(), "parts are small");
  const auto octet = [](std::size_t value) { return static_cast<char>(value & 255U); };
  if (size < 192) {
    return {octet(size)};
  }
  if (size < 8384) {
    const std::size_t rest = size - 192;
    return {octet((rest >> 8U) + 192), octet(rest)};
  }
  return {octet(255), octet(size >> 24U), octet(size >> 16U), octet(size >> 8U), octet(size)};
}

Result<std::uint32_t> PgpPackets::number(std::size_t octets) {
  std::array<std::byte, 4> bytes;
  MC_ASSIGN(const std::size_t size, input_.fill(std::span(bytes).first(octets)));
  if (size < octets) {
    return pgp_damaged("the file ends inside the head of a packet");
  }
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < octets; ++i) {
    value = (value << 8U) | std::to_integer<std::uint32_t>(bytes[i]);
  }
  return value;
}

Result<void> PgpPackets::read_length() {
  MC_ASSIGN(const std::uint32_t first, number(1));
  parts_follow_ = first >= 224 && first < 255;
  if (parts_follow_) {
    left_ = std::uint64_t{1} << (first & 31U);
  } else if (first == 255) {
    MC_ASSIGN(left_, number(4));
  } else if (first >= 192) {
    MC_ASSIGN(const std::uint32_t second, number(1));
    left_ = ((first - 192) << 8U) + second + 192;
  } else {
    left_ = first;
  }
  return {};
}

Result<std::optional<int>> PgpPackets::next() {
  MC_ASSERT(left_ == 0 && !parts_follow_ && !to_the_end_, "bodies are read to their ends");
  MC_ASSIGN(const std::string_view start, input_.peek(1));
  if (start.empty()) {
    return std::optional<int>();
  }
  MC_ASSIGN(const std::uint32_t head, number(1));
  if ((head & 0x80U) == 0) {
    return pgp_damaged("there is no packet where one should be");
  }
  if ((head & 0x40U) != 0) {
    MC_TRY(read_length());
    return static_cast<int>(head & 63U);
  }
  // Section 4.2.1: the old format.
  const std::uint32_t octets = head & 3U;
  to_the_end_ = octets == 3;
  if (!to_the_end_) {
    MC_ASSIGN(left_, number(std::size_t{1} << octets));
  }
  return static_cast<int>((head >> 2U) & 15U);
}

Result<std::size_t> PgpPackets::read(std::span<std::byte> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    if (to_the_end_) {
      MC_ASSIGN(const std::size_t size, input_.fill(out.subspan(filled)));
      filled += size;
      to_the_end_ = filled == out.size();
      break;
    }
    if (left_ == 0) {
      if (!parts_follow_) {
        break;
      }
      MC_TRY(read_length());
      continue;
    }
    const auto part = out.subspan(
        filled, static_cast<std::size_t>(std::min<std::uint64_t>(left_, out.size() - filled)));
    MC_ASSIGN(const std::size_t size, input_.fill(part));
    if (size < part.size()) {
      return pgp_damaged("the file ends inside a packet: it was cut");
    }
    filled += size;
    left_ -= size;
  }
  return filled;
}

Result<std::string> PgpPackets::read_all(std::size_t max_bytes) {
  std::string body(max_bytes + 1, '\0');
  MC_ASSIGN(const std::size_t size,
            read(std::as_writable_bytes(std::span(body.data(), body.size()))));
  if (size > max_bytes) {
    return pgp_damaged("a packet is longer than it may be");
  }
  body.resize(size);
  return body;
}

Result<void> PgpPackets::skip() {
  std::array<std::byte, 4096> room;
  std::size_t size = room.size();
  while (size == room.size()) {
    MC_ASSIGN(size, read(room));
  }
  return {};
}

}  // namespace dsl::archive
