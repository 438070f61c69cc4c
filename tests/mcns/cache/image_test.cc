#include "mcns/cache/image.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/cache/messages.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;
using test::a_record;
using test::Asked;
using test::response_to;

constexpr std::int64_t kStored = 1'000'000;  // ms
constexpr std::int64_t kNow = kStored + 20'000;

class CacheImage : public ::testing::Test {
 protected:
  void keep(const Asked& asked, std::uint32_t ttl = 60) {
    cache_->insert(asked.query, response_to(asked, {a_record("www.example.test.", ttl)}).encode(),
                   kStored);
  }
  // The answer that `cache` has, if any.
  static std::optional<Message> served(Cache& cache, const Asked& asked, std::int64_t now_ms) {
    std::array<char, 4096> room;
    const Cache::Hit hit = cache.lookup(asked.query, now_ms, false, room.data(), room.size());
    return hit.size == 0 ? std::nullopt
                         : std::optional(require_ok(Message::parse({room.data(), hit.size})));
  }

  std::unique_ptr<Cache> cache_ = Cache::make({}, 1);
  std::unique_ptr<Cache> heir_ = Cache::make({}, 2);
  const Asked www_{"www.example.test."};
};

TEST_F(CacheImage, WithAnyOctetChangedOrCutItIsRefusedWhole) {
  keep(www_);
  const std::string image = write_cache_image(*cache_, kNow);

  for (std::size_t at = 0; at < image.size(); ++at) {
    std::string changed = image;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_THAT(read_cache_image(changed, kNow, *heir_), failed_with(Code::kDataLoss)) << at;
    EXPECT_THAT(read_cache_image(image.substr(0, at), kNow, *heir_), failed_with(Code::kDataLoss));
  }
  EXPECT_EQ(heir_->stats().entries, 0U);
}

TEST_F(CacheImage, OfAClockThatIsAheadIsRefused) {
  keep(www_);
  const std::string image = write_cache_image(*cache_, kNow);

  EXPECT_THAT(read_cache_image(image, kStored - 1, *heir_), failed_with(Code::kDataLoss));
}

TEST_F(CacheImage, AnEntryGoesOnAgeingWhereItIsTaken) {
  keep(www_);
  EXPECT_EQ(require_ok(read_cache_image(write_cache_image(*cache_, kNow), kNow, *heir_)), 1U);

  const auto answer = served(*heir_, www_, kNow + 5000);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, *served(*cache_, www_, kNow + 5000));
  EXPECT_EQ(answer->answers.at(0).ttl, 35U);
  EXPECT_FALSE(served(*heir_, www_, kStored + 60'000));
}

TEST_F(CacheImage, WhatIsAskedWithDnssecStaysApart) {
  Message message = Asked::make("www.example.test.", Type::kA);
  message.edns = Edns{.dnssec_ok = true};
  const Asked with_dnssec(message);
  keep(with_dnssec);
  EXPECT_EQ(require_ok(read_cache_image(write_cache_image(*cache_, kNow), kNow, *heir_)), 1U);

  EXPECT_TRUE(served(*heir_, with_dnssec, kNow));
  EXPECT_FALSE(served(*heir_, www_, kNow));
}

TEST_F(CacheImage, WhatIsPastItsTimeStaysBehind) {
  keep(www_, 10);

  EXPECT_EQ(require_ok(read_cache_image(write_cache_image(*cache_, kNow), kNow, *heir_)), 0U);
}

TEST_F(CacheImage, NegativeAnswersKeepTheirTime) {
  const Asked gone("gone.example.test.");
  cache_->insert(
      gone.query,
      response_to(gone, {}, {test::soa_record("example.test.", 300, 40)}, Rcode::kNxDomain)
          .encode(),
      kStored);
  EXPECT_EQ(require_ok(read_cache_image(write_cache_image(*cache_, kNow), kNow, *heir_)), 1U);

  EXPECT_EQ(served(*heir_, gone, kNow)->rcode, Rcode::kNxDomain);
  EXPECT_FALSE(served(*heir_, gone, kStored + 40'000));
}

}  // namespace
}  // namespace mcns
