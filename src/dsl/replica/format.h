// The first line of every object of a replica, inside compression and encryption: what it holds,
// and what it follows. docs/formats/replica.md describes it byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/replica/wal.h"
#include "dsl/result/result.h"

namespace dsl::replica {

// Longer first lines are damage. A commit takes some 30 bytes of it.
constexpr std::size_t kHeaderBytesMax = 64u << 20;

// A commit that can be restored to.
struct Commit {
  std::uint64_t end = 0;  // in the log of its generation
  env::WallTime time{};   // never before that of an earlier commit of the epoch
  bool operator==(const Commit&) const = default;
};

// A copy of the database, as `generation` began or within it: replaying the log of that generation
// from its start over the copy gives every commit from `position` on.
struct BaseHeader {
  std::string database;  // file name of the database
  std::string epoch;
  env::WallTime time{};        // of the copy, which holds every commit before
  std::uint64_t position = 0;  // in the log of generation 1
  std::uint32_t page_bytes = 0;
  std::uint64_t length = 0;  // of the payload, in bytes
  std::string sha256;        // of the payload, lower-case hex
  bool operator==(const BaseHeader&) const = default;
};

// A slice of the log. Also a record of a tail.
struct SegmentHeader {
  std::string database;
  std::string epoch;
  std::uint32_t generation = 0;
  std::uint64_t offset = 0;  // of the payload in the log
  std::uint64_t length = 0;
  std::uint32_t page_bytes = 0;
  std::uint64_t salts = 0;
  std::vector<Commit> commits;  // at least one; the last one ends the payload
  std::string sha256;
  std::string previous;  // SHA-256 of the header line of the object before, lower-case hex
  std::uint64_t log_before =
      0;  // at offset 0: the length that the log of the generation before had
  std::uint64_t end() const { return offset + length; }
  bool operator==(const SegmentHeader&) const = default;
};

// One line of JSON without the line feed. Its SHA-256 is what the next object names as `previous`.
std::string to_line(const BaseHeader& header);
std::string to_line(const SegmentHeader& header);

// kDataLoss, with what is wrong.
Result<BaseHeader> parse_base_header(std::string_view line);
Result<SegmentHeader> parse_segment_header(std::string_view line);

}  // namespace dsl::replica
