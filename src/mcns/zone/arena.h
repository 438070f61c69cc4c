// The memory of the zones: one growing range of addresses, cut into blocks of 8-byte units.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace mcns::zone {

// Where a block begins, in units from the start of the arena; 0 is no block.
using Offset = std::uint32_t;
constexpr std::size_t kUnit = 8;

struct Block {
  Offset at = 0;
  std::uint32_t size_bytes = 0;
};

// Reserves addresses for the largest offset (32 GiB) at once and touches only what is used, so that
// a block never moves and its address is one addition. Changed by one thread; blocks that were
// published are read by any.
class Arena {
 public:
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A block of at least `size_bytes`, with any content. Running out of memory ends the
  // process: what was committed comes back from the database.
  Offset allocate(std::size_t size_bytes);
  // Nobody reads it any more.
  void release(Offset block, std::size_t size_bytes);
  // Nobody reads any block from `end` on any more.
  void cut(Offset end);

  std::uint8_t* at(Offset block) { return base_ + block * kUnit; }
  const std::uint8_t* at(Offset block) const { return base_ + block * kUnit; }
  // Blocks from here on were not there before.
  Offset end() const { return end_; }

  std::size_t used_bytes() const { return (end_ - free_units_) * kUnit; }
  std::size_t resident_bytes() const { return end_ * kUnit; }

 private:
  Offset extend(std::size_t units);
  Offset carve(std::size_t units);
  Offset split(std::size_t units);
  Offset take_free(std::size_t units);
  void put_free(Offset block, std::size_t units);

  static constexpr std::size_t kSmallUnits = 1024;  // free lists by exact size below
  // Pages of tables, which grow and leave blocks that no page wants: names are put into them.
  static constexpr std::size_t kPageUnits = 64;
  static constexpr std::size_t kPageUnitsMax = 512;
  std::uint8_t* base_ = nullptr;
  Offset end_ = 1;          // next unit never used; unit 0 stays free
  std::size_t mapped_ = 0;  // bytes that may be touched
  std::size_t free_units_ = 0;
  std::array<std::vector<Offset>, kSmallUnits> free_;
  std::multimap<std::size_t, Offset> free_large_;  // units -> block
  std::size_t free_in_pages_ = 0;                  // units of those that may be carved
  Offset carved_ = 0;                              // what is left of the one that is
  std::size_t carved_units_ = 0;
};

}  // namespace mcns::zone
