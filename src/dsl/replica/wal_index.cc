#include "dsl/replica/wal_index.h"

#include <array>
#include <cstring>
#include <span>
#include <thread>

#include "dsl/replica/bytes.h"

namespace dsl::replica {
namespace {

constexpr std::size_t kCopyBytes = 48;  // the header stands there twice
constexpr std::size_t kReadBytes = 2 * kCopyBytes + 4;
constexpr std::uint32_t kFormat = 3007000;
constexpr int kTriesMax = 100;

// Native byte order, except for the salts.
std::uint32_t native_32(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::uint32_t page_bytes_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint16_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return (value & 0xfe00u) + ((value & 1u) << 16);  // 1 stands for 65536
}

// SQLite's own check for a header that is being written.
bool is_whole(std::span<const std::byte> bytes) {
  if (std::memcmp(bytes.data(), bytes.data() + kCopyBytes, kCopyBytes) != 0) {
    return false;
  }
  WalSum sum;
  for (std::size_t at = 0; at < 40; at += 8) {
    sum.first += native_32(bytes, at) + sum.second;
    sum.second += native_32(bytes, at + 4) + sum.first;
  }
  return sum == WalSum{native_32(bytes, 40), native_32(bytes, 44)};
}

}  // namespace

Result<std::optional<WalIndex>> read_wal_index(env::File& index) {
  std::array<std::byte, kReadBytes> bytes{};
  for (int tries = 0; tries < kTriesMax; ++tries) {
    MC_ASSIGN(const std::size_t size, index.read_at(0, bytes));
    if (size < bytes.size() || bytes[12] == std::byte{0}) {
      return std::nullopt;
    }
    if (is_whole(bytes)) {
      if (native_32(bytes, 0) != kFormat) {
        return fail(Code::kUnimplemented, "a wal-index of format {}", native_32(bytes, 0));
      }
      return WalIndex{.page_bytes = page_bytes_at(bytes, 14),
                      .frame_count = native_32(bytes, 16),
                      .salts = big_endian_64(bytes, 32),
                      .sum = {native_32(bytes, 24), native_32(bytes, 28)},
                      .frames_moved = native_32(bytes, 96)};
    }
    std::this_thread::yield();
  }
  return fail(Code::kUnavailable, "the wal-index changed at every look");
}

}  // namespace dsl::replica
