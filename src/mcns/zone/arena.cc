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

// Blocks of pages that were released are kept for pages until they are so many units, and so large
// a share of all.
constexpr std::size_t kCarveFrom = 8192;
constexpr std::size_t kCarveShare = 64;

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
  if (const Offset block = take_free(units); block != 0) {
    free_units_ -= units;
    return block;
  }
  if (const Offset block = units < kPageUnits ? carve(units) : split(units); block != 0) {
    free_units_ -= units;
    return block;
  }
  return extend(units);
}

// The beginning of a free block that leaves a page's room at least, or none.
Offset Arena::split(std::size_t units) {
  for (std::size_t larger = units + kPageUnits; larger <= kPageUnitsMax; ++larger) {
    if (const Offset block = take_free(larger); block != 0) {
      put_free(block + static_cast<Offset>(units), larger - units);
      return block;
    }
  }
  return 0;
}

// A block of exactly that size, or none.
Offset Arena::take_free(std::size_t units) {
  Offset block = 0;
  if (units >= kSmallUnits) {
    if (const auto found = free_large_.find(units); found != free_large_.end()) {
      block = found->second;
      free_large_.erase(found);
    }
  } else if (!free_[units].empty()) {
    block = free_[units].back();
    free_[units].pop_back();
    free_in_pages_ -= units >= kPageUnits ? units : 0;
  }
  return block;
}

void Arena::put_free(Offset block, std::size_t units) {
  if (units >= kSmallUnits) {
    free_large_.emplace(units, block);
  } else {
    free_[units].push_back(block);
    free_in_pages_ += units >= kPageUnits ? units : 0;
  }
}

// A piece of a larger free block, when much lies in those; or none.
Offset Arena::carve(std::size_t units) {
  if (carved_units_ < units) {
    if (free_in_pages_ < kCarveFrom || free_in_pages_ < end_ / kCarveShare) {
      return 0;
    }
    if (carved_units_ > 0) {
      put_free(carved_, carved_units_);
    }
    carved_units_ = kPageUnits;
    while (free_[carved_units_].empty()) {
      ++carved_units_;
    }
    carved_ = take_free(carved_units_);
  }
  const Offset block = carved_;
  carved_ += static_cast<Offset>(units);
  carved_units_ -= units;
  return block;
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
  put_free(block, units);
}

void Arena::cut(Offset end) {
  if (carved_units_ > 0) {
    put_free(carved_, carved_units_);
    carved_units_ = 0;
  }
  for (std::size_t units = 0; units < kSmallUnits; ++units) {
    const std::size_t gone =
        units * std::erase_if(free_[units], [end](Offset block) { return block >= end; });
    free_units_ -= gone;
    free_in_pages_ -= units >= kPageUnits ? gone : 0;
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
