#include "support/seeded_random.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "dsl/env/env.h"

namespace dsl::test {
namespace {

std::uint64_t choose_seed() {
  const auto given = env::system_env().variable("MC_TEST_SEED");
  const std::uint64_t seed =
      given ? std::stoull(*given) : env::system_env().random().below(1'000'000'000);
  std::printf("replay with MC_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace

SeededRandom::SeededRandom() : state_(choose_seed()) {}

void SeededRandom::fill(std::span<std::byte> out) {
  const std::lock_guard guard(mutex_);
  while (!out.empty()) {
    const std::uint64_t value = next();
    const std::size_t size = std::min(out.size(), sizeof value);
    std::memcpy(out.data(), &value, size);
    out = out.subspan(size);
  }
}

std::uint64_t SeededRandom::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t value = state_;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace dsl::test
