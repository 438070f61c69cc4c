// SQLite's write-ahead log as bytes. https://www.sqlite.org/fileformat2.html#the_write_ahead_log
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "dsl/env/file_system.h"
#include "dsl/result/result.h"

namespace dsl::replica {

constexpr std::uint64_t kWalHeaderBytes = 32;
constexpr std::uint64_t kFrameHeaderBytes = 24;

// Cumulative over the header and every frame so far.
struct WalSum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const WalSum&) const = default;
};

struct WalHeader {
  bool sums_big_endian = false;
  std::uint32_t page_bytes = 0;
  std::uint64_t salts = 0;  // both, first one high; new whenever the log starts over
  WalSum sum;

  std::uint64_t frame_bytes() const { return kFrameHeaderBytes + page_bytes; }
  bool operator==(const WalHeader&) const = default;
};

// `bytes` has at least kWalHeaderBytes. kDataLoss for another magic, version, page size or
// checksum.
Result<WalHeader> parse_wal_header(std::span<const std::byte> bytes);

// A place between two frames. At `offset` 0 the header is still to come and `header` says nothing.
struct WalPoint {
  std::uint64_t offset = 0;
  WalHeader header;
  WalSum sum;  // of everything before
  bool operator==(const WalPoint&) const = default;
};

// The last frame of a transaction.
struct WalCommit {
  std::uint64_t end = 0;         // offset behind it
  std::uint32_t page_count = 0;  // of the database after it
  bool operator==(const WalCommit&) const = default;
};

struct WalFrame {
  std::uint32_t page = 0;              // from 1
  std::uint32_t page_count = 0;        // of the database when it ends a transaction, else 0
  std::span<const std::byte> content;  // the page
};

// Follows a log frame by frame and checks every salt and sum on the way.
//
// Confined to its owner.
class WalWalker {
 public:
  explicit WalWalker(const WalPoint& from) : point_(from) {}

  // Takes the next bytes of the log, whole pieces only: the header first at offset 0, then a frame
  // at a time. kDataLoss when one does not belong here; nothing is taken then.
  Result<void> take_header(std::span<const std::byte> bytes);
  Result<WalFrame> take_frame(std::span<const std::byte> bytes);

  const WalPoint& point() const { return point_; }

 private:
  WalPoint point_;
};

// What a stretch of the log holds.
struct WalStretch {
  WalPoint end;
  std::vector<WalCommit> commits;
};

// Reads [from.offset, end) of `log` and checks it; `bytes` sees it in pieces, in order. `end` lies
// behind a frame. kDataLoss when the log does not continue `from`.
Result<WalStretch> walk(env::File& log, const WalPoint& from, std::uint64_t end,
                        const std::function<Result<void>(std::span<const std::byte>)>& bytes);

}  // namespace dsl::replica
