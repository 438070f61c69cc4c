#include "dsl/replica/wal.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dsl/replica/bytes.h"

namespace dsl::replica {
namespace {

constexpr std::uint32_t kMagicLittle = 0x377f0682;  // sums over little-endian words
constexpr std::uint32_t kMagicBig = 0x377f0683;
constexpr std::uint32_t kFormat = 3007000;
constexpr std::uint64_t kFramesAtOnce = 64;
constexpr std::uint32_t kPageBytesMin = 512;
constexpr std::uint32_t kPageBytesMax = 65536;

// Section 4.2. `bytes` is a multiple of 8 long.
WalSum add(WalSum sum, std::span<const std::byte> bytes, bool big_endian) {
  const bool swap = big_endian != (std::endian::native == std::endian::big);
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint32_t words[2];
    std::memcpy(words, bytes.data() + at, sizeof(words));
    sum.first += (swap ? __builtin_bswap32(words[0]) : words[0]) + sum.second;
    sum.second += (swap ? __builtin_bswap32(words[1]) : words[1]) + sum.first;
  }
  return sum;
}

WalSum sum_at(std::span<const std::byte> bytes, std::size_t at) {
  return {big_endian_32(bytes, at), big_endian_32(bytes, at + 4)};
}

Failure broken(std::uint64_t offset, std::string_view why) {
  return fail(Code::kDataLoss, "the log is broken at byte {}: {}", offset, why);
}

Result<void> take_frames(WalWalker& walker, std::span<const std::byte> piece,
                         std::vector<WalCommit>& commits) {
  const auto frame_bytes = static_cast<std::size_t>(walker.point().header.frame_bytes());
  for (; !piece.empty(); piece = piece.subspan(frame_bytes)) {
    MC_ASSIGN(const WalFrame frame, walker.take_frame(piece.first(frame_bytes)));
    if (frame.page_count != 0) {
      commits.push_back({.end = walker.point().offset, .page_count = frame.page_count});
    }
  }
  return {};
}

}  // namespace

Result<WalHeader> parse_wal_header(std::span<const std::byte> bytes) {
  MC_ASSERT(bytes.size() >= kWalHeaderBytes, "the caller has read a header");
  const std::uint32_t magic = big_endian_32(bytes, 0);
  if (magic != kMagicLittle && magic != kMagicBig) {
    return broken(0, "it does not begin like one");
  }
  if (big_endian_32(bytes, 4) != kFormat) {
    return broken(0, text("format {}", big_endian_32(bytes, 4)));
  }
  WalHeader header;
  header.sums_big_endian = magic == kMagicBig;
  header.page_bytes = big_endian_32(bytes, 8);
  header.salts = big_endian_64(bytes, 16);
  header.sum = add({}, bytes.first(24), header.sums_big_endian);
  if (header.page_bytes < kPageBytesMin || header.page_bytes > kPageBytesMax ||
      !std::has_single_bit(header.page_bytes)) {
    return broken(0, text("pages of {} bytes", header.page_bytes));
  }
  if (header.sum != sum_at(bytes, 24)) {
    return broken(0, "the checksum of the header");
  }
  return header;
}

Result<void> WalWalker::take_header(std::span<const std::byte> bytes) {
  MC_ASSERT(point_.offset == 0, "a log has one header");
  MC_ASSIGN(const WalHeader header, parse_wal_header(bytes));
  point_ = {.offset = kWalHeaderBytes, .header = header, .sum = header.sum};
  return {};
}

// A frame header: page, page count, salts, sum of its first 8 bytes and the page.
Result<WalFrame> WalWalker::take_frame(std::span<const std::byte> bytes) {
  const WalHeader& header = point_.header;
  MC_ASSERT(point_.offset >= kWalHeaderBytes && bytes.size() == header.frame_bytes(),
            "frames come whole and behind the header");
  if (big_endian_64(bytes, 8) != header.salts) {
    return broken(point_.offset, "a frame of an earlier log");
  }
  const auto content = bytes.subspan(kFrameHeaderBytes);
  WalSum sum = add(point_.sum, bytes.first(8), header.sums_big_endian);
  sum = add(sum, content, header.sums_big_endian);
  if (sum != sum_at(bytes, 16)) {
    return broken(point_.offset, "the checksum of a frame");
  }
  const WalFrame frame{
      .page = big_endian_32(bytes, 0), .page_count = big_endian_32(bytes, 4), .content = content};
  if (frame.page == 0) {
    return broken(point_.offset, "a frame of page 0");
  }
  point_.offset += bytes.size();
  point_.sum = sum;
  return frame;
}

Result<WalStretch> walk(env::File& log, const WalPoint& from, std::uint64_t end,
                        const std::function<Result<void>(std::span<const std::byte>)>& bytes) {
  WalWalker walker(from);
  std::vector<std::byte> piece(kWalHeaderBytes);
  WalStretch stretch;
  while (walker.point().offset < end) {
    const std::uint64_t offset = walker.point().offset;
    if (offset > 0) {
      const std::uint64_t frame_bytes = walker.point().header.frame_bytes();
      const std::uint64_t frames = std::min((end - offset) / frame_bytes, kFramesAtOnce);
      piece.resize(std::max<std::uint64_t>(frames, 1) * frame_bytes);
    }
    MC_ASSIGN(const std::size_t size, log.read_at(offset, piece));
    if (size < piece.size() || end - offset < piece.size()) {
      return broken(offset, "a frame is cut off");
    }
    if (offset == 0) {
      MC_TRY(walker.take_header(piece));
    } else {
      MC_TRY(take_frames(walker, piece, stretch.commits));
    }
    MC_TRY(bytes(piece));
  }
  stretch.end = walker.point();
  return stretch;
}

}  // namespace dsl::replica
