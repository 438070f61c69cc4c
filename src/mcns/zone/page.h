// One page of a zone's table: open addressing inside a block of the arena. Private to mcns::zone.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "mcns/zone/arena.h"

namespace mcns::zone {

struct Slot {
  std::uint32_t tag = 0;  // the upper half of the name's hash
  Offset node = 0;        // 0 = free
};

// Lies in the arena: its slots follow it. It grows by about a quarter, as all pages of a zone are
// about equally full and what they leave free adds up; with its head it is a multiple of 64 bytes,
// at most 4 KiB. The largest is split when it is nearly full.
class Page {
 public:
  static constexpr unsigned kSlotsMin = 7;
  static constexpr unsigned kSlotsMax = 511;

  static constexpr std::size_t size_bytes(unsigned slots) { return (slots + 1U) * sizeof(Slot); }
  std::size_t size_bytes() const { return size_bytes(slots_); }
  // The next size after `slots`, which is not the largest.
  static unsigned larger(unsigned slots) {
    return slots + std::max(kSlotsMin + 1U, std::bit_floor(slots + 1U) / 4U);
  }
  // The smallest size with a place for one more beside `used`.
  static unsigned slots_for(unsigned used) {
    unsigned slots = kSlotsMin;
    while (slots < kSlotsMax && used >= filled_max(slots)) {
      slots = larger(slots);
    }
    return slots;
  }

  void clear(unsigned slots, unsigned depth) {
    slots_ = static_cast<std::uint16_t>(slots);
    used_ = 0;
    depth_ = depth;
    std::fill_n(begin(), slots, Slot());
  }
  unsigned slots() const { return slots_; }
  unsigned used() const { return used_; }
  // How many of the highest bits all its hashes have in common.
  unsigned depth() const { return depth_; }
  // 7 of 8 slots: a miss then looks at few slots, which lie side by side.
  bool is_full() const { return used_ >= filled_max(slots_); }

  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }
  // Where to look first. By the tag, so that a page can be made anew without its names; stirred, as
  // the tag's highest bits are the same throughout the page.
  unsigned first(std::uint32_t tag) const {
    return static_cast<unsigned>((std::uint64_t{tag * 0x9e3779b1U} * slots_) >> 32U);
  }
  unsigned next(unsigned i) const { return i + 1 == slots_ ? 0 : i + 1; }
  Slot slot(unsigned i) const { return begin()[i]; }
  const void* address(std::uint32_t tag) const { return begin() + first(tag); }

  // There is a free slot, and no other for this name.
  void insert(Slot slot) {
    unsigned i = first(slot.tag);
    while (begin()[i].node != 0) {
      i = next(i);
    }
    begin()[i] = slot;
    ++used_;
  }
  void set(unsigned i, Offset node) { begin()[i].node = node; }

  template <class Use>
  void each(Use&& use) const {
    for (unsigned i = 0; i < slots_; ++i) {
      if (begin()[i].node != 0) {
        use(begin()[i]);
      }
    }
  }

 private:
  static constexpr unsigned filled_max(unsigned slots) { return slots - slots / 8U - 1U; }

  Slot* begin() { return reinterpret_cast<Slot*>(this + 1); }
  const Slot* begin() const { return reinterpret_cast<const Slot*>(this + 1); }

  std::uint16_t slots_;
  std::uint16_t used_;
  std::uint32_t depth_;
};
static_assert(sizeof(Page) == sizeof(Slot), "the head takes the place of one slot");

}  // namespace mcns::zone
