// A hit in the cache of forwarded answers: target 300 ns (MCNS P10: near the authoritative rate).
//
//   hit/N    random ones of N names that are all kept, in batches of 32 as a worker reads them;
//   from
//            some 10 000 names on they are not in the processor's caches
//   read/N   what of that is to read the queries, which here lie all over the memory, too
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "mcns/cache/cache.h"
#include "mcns/wire/message.h"
#include "mcns/wire/query.h"

namespace mcns {
namespace {

constexpr std::int64_t kNow = 1'000'000;  // ms

Bytes question(std::size_t number) {
  Message message;
  message.recursion_desired = true;
  message.edns = Edns{};
  const auto name = Name::parse(dsl::text("host-{}.some.example.test.", number * 7919));
  message.questions.push_back({*name, Type::kA, Class::kIn});
  return message.encode();
}

Bytes response(const Bytes& query) {
  Message message = *Message::parse(query);
  message.response = true;
  message.edns.reset();
  for (char i = 1; i <= 2; ++i) {
    message.answers.push_back(
        {message.questions[0].name, Type::kA, Class::kIn, 300, Bytes("\xc0\x00\x02", 3) + i});
  }
  return message.encode();
}

struct Setup {
  explicit Setup(std::size_t count) : cache(Cache::make({.size_bytes = 1u << 30}, 5)) {
    for (std::size_t i = 0; i < count; ++i) {
      packets.push_back(question(i));
      Query query;
      (void)parse_query(packets.back(), query);
      cache->insert(query, response(packets.back()), kNow);
    }
  }

  std::unique_ptr<Cache> cache;
  std::vector<Bytes> packets;
};

// The same for all benches of one size: to fill it takes long.
Setup& setup(std::size_t count) {
  static std::unique_ptr<Setup> current;
  if (!current || current->packets.size() != count) {
    current = std::make_unique<Setup>(count);
  }
  return *current;
}

constexpr std::size_t kBatch = 32;

// Numbers that come in no order.
std::size_t scattered(std::uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return state >> 33U;
}

void read_batch(const Setup& kept, std::uint64_t& state, std::array<Query, kBatch>& batch) {
  for (Query& query : batch) {
    (void)parse_query(kept.packets[scattered(state) % kept.packets.size()], query);
  }
}

void hit(benchmark::State& state) {
  const Setup& kept = setup(static_cast<std::size_t>(state.range(0)));
  std::array<char, 4096> buffer;
  std::array<Query, kBatch> batch;
  std::uint64_t random = 1;
  std::size_t bytes = 0;
  while (state.KeepRunningBatch(kBatch)) {
    read_batch(kept, random, batch);
    for (const Ahead step : {Ahead::kTable, Ahead::kSlot, Ahead::kEntry}) {
      for (const Query& query : batch) {
        kept.cache->prefetch(query, step);
      }
    }
    for (const Query& query : batch) {
      bytes += kept.cache->lookup(query, kNow + 5'000, false, buffer.data(), buffer.size()).size;
    }
  }
  benchmark::DoNotOptimize(bytes);
}
BENCHMARK(hit)->Arg(100)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

void read(benchmark::State& state) {
  const Setup& kept = setup(static_cast<std::size_t>(state.range(0)));
  std::array<Query, kBatch> batch;
  std::uint64_t random = 1;
  while (state.KeepRunningBatch(kBatch)) {
    read_batch(kept, random, batch);
    benchmark::DoNotOptimize(batch);
  }
}
BENCHMARK(read)->Arg(100)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace mcns
