#include "mcns/zone/arena.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <sys/mman.h>

#include "dsl/result/result.h"

namespace mcns::zone {
namespace {

constexpr std::size_t kReserved = std::size_t{1} << 35U;  // every offset: 2^32 units
constexpr std::size_t kStep = std::size_t{2} << 20U;      // a huge page
// Below this the kernel's large pages would cost more memory than a small installation uses.
constexpr std::size_t kHugeFrom = std::size_t{32} << 20U;

std::size_t units_of(std::size_t size_bytes) { return (size_bytes + kUnit - 1) / kUnit; }

}  // namespace

Arena::Arena() {
  void* base =
      ::mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  MC_ASSERT(base != MAP_FAILED, "addresses for the zones can be reserved");
  base_ = static_cast<std::uint8_t*>(base);
}

Arena::~Arena() { (void)::munmap(base_, kReserved); }

Offset Arena::allocate(std::size_t size_bytes) {
  const std::size_t units = units_of(size_bytes);
  if (units < kSmallUnits && !free_[units].empty()) {
    const Offset block = free_[units].back();
    free_[units].pop_back();
    free_units_ -= units;
    return block;
  }
  if (units >= kSmallUnits) {
    if (const auto found = free_large_.find(units); found != free_large_.end()) {
      const Offset block = found->second;
      free_large_.erase(found);
      free_units_ -= units;
      return block;
    }
  }
  return extend(units);
}

Offset Arena::extend(std::size_t units) {
  const std::size_t end = end_ + units;
  MC_ASSERT(end * kUnit <= kReserved, "the zones fit into their addresses");
  if (end * kUnit > mapped_) {
    const std::size_t wanted = (end * kUnit + kStep - 1) / kStep * kStep;
    if (::mprotect(base_ + mapped_, wanted - mapped_, PROT_READ | PROT_WRITE) != 0) {
      std::perror("no memory for the zones");
      std::abort();
    }
    if (wanted > kHugeFrom) {
      // Best effort: fewer misses of the address cache with a million names.
      (void)::madvise(base_ + mapped_, wanted - mapped_, MADV_HUGEPAGE);
    }
    mapped_ = wanted;
  }
  const Offset block = end_;
  end_ = static_cast<Offset>(end);
  return block;
}

void Arena::release(Offset block, std::size_t size_bytes) {
  const std::size_t units = units_of(size_bytes);
  free_units_ += units;
  if (units < kSmallUnits) {
    free_[units].push_back(block);
  } else {
    free_large_.emplace(units, block);
  }
}

void Arena::cut(Offset end) {
  for (std::size_t units = 0; units < kSmallUnits; ++units) {
    free_units_ -=
        units * std::erase_if(free_[units], [end](Offset block) { return block >= end; });
  }
  for (auto block = free_large_.begin(); block != free_large_.end();) {
    if (block->second >= end) {
      free_units_ -= block->first;
      block = free_large_.erase(block);
    } else {
      ++block;
    }
  }
  end_ = end;
}

}  // namespace mcns::zone
