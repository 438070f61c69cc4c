// Which entries have been evicted not long ago: those that come back are worth more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mcns {

// Remembers the last so many hashes, some of them not: one pushes another out of its place. Guarded
// by its owner.
class Ghost {
 public:
  // `size` is a power of two.
  explicit Ghost(std::size_t size) : slots_(size) {}

  void remember(std::uint64_t hash) { slots_[hash & (slots_.size() - 1)] = {tag(hash), ++count_}; }
  bool knows(std::uint64_t hash) const {
    const Slot& slot = slots_[hash & (slots_.size() - 1)];
    return slot.number != 0 && slot.tag == tag(hash) && count_ - slot.number < slots_.size();
  }
  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  // of the eviction; 0 = never
  };
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

  std::vector<Slot> slots_;
  std::uint32_t count_ = 0;
};

}  // namespace mcns
