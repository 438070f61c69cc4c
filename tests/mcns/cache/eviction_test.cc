// What is kept when there is more than fits, and the table under a great many changes.
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mcns/cache/cache.h"
#include "mcns/cache/ghost.h"
#include "mcns/cache/messages.h"
#include "support/seeded_random.h"

namespace mcns {
namespace {

using test::a_record;
using test::Asked;
using test::response_to;

constexpr std::int64_t kNow = 1'000'000;  // ms

std::string numbered(std::size_t number) { return dsl::text("host-{}.example.test.", number); }

bool knows(Cache& cache, const std::string& name) {
  std::array<char, 512> buffer;
  const Asked asked(name);
  return cache.lookup(asked.query, kNow, false, buffer.data(), buffer.size()).size > 0;
}

void keep(Cache& cache, const std::string& name, char last = 1) {
  const Asked asked(name);
  cache.insert(asked.query, response_to(asked, {a_record(name, 300, last)}).encode(), kNow);
}

TEST(Eviction, TheBoundIsKeptAlways) {
  for (const std::uint64_t size_bytes : {4096u, 100'000u, 3'000'000u}) {
    const auto cache = Cache::make({.size_bytes = size_bytes}, 3);

    for (std::size_t i = 0; i < 3'000; ++i) {
      keep(*cache, numbered(i));
      if (i % 100 == 0) {
        ASSERT_LE(cache->stats().bytes, size_bytes);
      }
    }

    const CacheStats stats = cache->stats();
    EXPECT_LE(stats.bytes, size_bytes);
    EXPECT_GT(stats.entries, size_bytes == 4096 ? 0u : 300u);
    EXPECT_EQ(stats.entries + stats.evictions, 3'000u);
  }
}

TEST(Eviction, AMessageLargerThanItsShareIsNotKept) {
  const auto cache = Cache::make({.size_bytes = 100'000}, 3);
  const Asked asked("big.example.test.");
  std::vector<Record> records;
  for (int i = 0; i < 2'000; ++i) {
    records.push_back(a_record("big.example.test.", 300, static_cast<char>(i)));
  }
  keep(*cache, numbered(1));

  cache->insert(asked.query, response_to(asked, records).encode(), kNow);

  EXPECT_FALSE(knows(*cache, "big.example.test."));
  EXPECT_TRUE(knows(*cache, numbered(1)));
}

TEST(Eviction, OnePassOverManyNamesLeavesWhatIsAskedForOften) {
  const auto cache = Cache::make({.size_bytes = 200'000}, 3);
  constexpr std::size_t kPopular = 100;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < kPopular; ++i) {
      if (!knows(*cache, numbered(i))) {
        keep(*cache, numbered(i));
      }
    }
  }

  for (std::size_t i = 0; i < 5'000; ++i) {
    keep(*cache, numbered(1'000 + i));
  }

  std::size_t left = 0;
  for (std::size_t i = 0; i < kPopular; ++i) {
    left += knows(*cache, numbered(i)) ? 1U : 0U;
  }
  EXPECT_EQ(left, kPopular);
}

TEST(Eviction, WhatComesBackSoonIsWorthMore) {
  Ghost ghost(8);
  EXPECT_FALSE(ghost.knows(5)) << "never seen";

  ghost.remember(5);
  EXPECT_TRUE(ghost.knows(5));
  EXPECT_FALSE(ghost.knows(5 + (std::uint64_t{1} << 32U))) << "another in the same place";

  for (std::uint64_t i = 0; i < 8; ++i) {
    ghost.remember(16);
  }
  EXPECT_FALSE(ghost.knows(5)) << "too long ago";
}

// Random changes, with a plain map beside.
TEST(Eviction, TheTableIsWhatAMapWouldBe) {
  dsl::test::SeededRandom random;
  const auto cache = Cache::make({.size_bytes = 8u << 20}, 3);
  std::map<std::string, char> model;

  for (int i = 0; i < 8'000; ++i) {
    const std::string name = numbered(random.below(200));
    switch (random.below(3)) {
      case 0:
        keep(*cache, name, static_cast<char>(i));
        model[name] = static_cast<char>(i);
        break;
      case 1:
        EXPECT_EQ(cache->flush(test::name_of(name).wire(), false), model.erase(name));
        break;
      default: {
        std::array<char, 512> buffer;
        const Asked asked(name);
        const auto hit = cache->lookup(asked.query, kNow, false, buffer.data(), buffer.size());
        ASSERT_EQ(hit.size > 0, model.contains(name));
        if (hit.size > 0) {
          ASSERT_EQ(buffer[hit.size - 1], model[name]);
        }
      }
    }
  }

  EXPECT_EQ(cache->stats().entries, model.size());
}

TEST(Eviction, ManyThreadsSeeWholeAnswersOnly) {
  const auto cache = Cache::make({.size_bytes = 30'000}, 3);
  std::atomic<int> bad{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&, seed] {
      dsl::test::SeededRandom random(seed);
      std::array<char, 512> buffer;
      for (int i = 0; i < 1'000; ++i) {
        const std::string name = numbered(random.below(200));
        const Asked asked(name);
        const auto hit = cache->lookup(asked.query, kNow, false, buffer.data(), buffer.size());
        const auto message = Message::parse({buffer.data(), hit.size});
        if (hit.size == 0) {
          keep(*cache, name);
        } else if (!message || message->answers.at(0).name != test::name_of(name)) {
          ++bad;
        }
        if (i % 100 == 0) {
          (void)cache->flush(test::name_of(name).wire(), i % 200 == 0);
          (void)cache->stats();
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(bad, 0);
}

}  // namespace
}  // namespace mcns
