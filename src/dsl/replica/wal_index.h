// What SQLite's wal-index says is committed: also what another process wrote.
// https://www.sqlite.org/walformat.html#the_wal_index_file_format
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dsl/env/file_system.h"
#include "dsl/replica/wal.h"
#include "dsl/result/result.h"

namespace dsl::replica {

struct WalIndex {
  std::uint32_t page_bytes = 0;
  std::uint32_t frame_count = 0;   // committed; 0 after the log was emptied
  std::uint64_t salts = 0;         // as in WalHeader
  WalSum sum;                      // of the last committed frame
  std::uint32_t frames_moved = 0;  // into the database file, by checkpoints

  // Where the committed part of the log ends.
  std::uint64_t end() const {
    return frame_count == 0
               ? 0
               : kWalHeaderBytes + std::uint64_t{frame_count} * (kFrameHeaderBytes + page_bytes);
  }
};

// `index` is the -shm file. Nothing while no connection has set it up. kUnavailable when a writer
// kept changing it.
Result<std::optional<WalIndex>> read_wal_index(env::File& index);

}  // namespace dsl::replica
