#include "mcns/cache/cache.h"

#include <array>
#include <memory>
#include <optional>

#include "mcns/cache/messages.h"

namespace mcns {
namespace {

using test::a_record;
using test::Asked;
using test::cname_record;
using test::name_of;
using test::record_of;
using test::response_to;
using test::soa_record;

constexpr std::int64_t kNow = 1'000'000;  // ms

// A cache with what a test asks of it in few words.
struct Subject {
  explicit Subject(const CacheOptions& options = {}) : cache(Cache::make(options, 7)) {}

  void keep(const Asked& asked, const Message& response, std::int64_t now_ms = kNow) {
    cache->insert(asked.query, response.encode(), now_ms);
  }
  void keep_a(std::string_view name, std::uint32_t ttl, std::int64_t now_ms = kNow) {
    const Asked asked(name);
    keep(asked, response_to(asked, {a_record(name, ttl)}), now_ms);
  }

  std::string_view look_up(const Asked& asked, std::int64_t now_ms, bool stale_ok = false,
                           std::size_t size_max = 4096) {
    hit = cache->lookup(asked.query, now_ms, stale_ok, buffer.data(), size_max);
    return {buffer.data(), hit.size};
  }
  std::optional<Message> find(const Asked& asked, std::int64_t now_ms = kNow, bool stale_ok = false,
                              std::size_t size_max = 4096) {
    const std::string_view found = look_up(asked, now_ms, stale_ok, size_max);
    if (found.empty()) {
      return std::nullopt;
    }
    return dsl::test::require_ok(Message::parse(found));
  }
  // The TTL of the first record, or nothing without an entry.
  std::optional<std::uint32_t> ttl(const Asked& asked, std::int64_t now_ms = kNow,
                                   bool stale_ok = false) {
    const auto message = find(asked, now_ms, stale_ok);
    if (!message) {
      return std::nullopt;
    }
    return message->answers.empty() ? message->authorities.at(0).ttl : message->answers[0].ttl;
  }

  std::unique_ptr<Cache> cache;
  Cache::Hit hit;
  std::array<char, 65536> buffer{};
};

TEST(Cache, WhatWasNeverAskedIsAMiss) {
  Subject subject;

  EXPECT_FALSE(subject.find(Asked("www.example.test.")));
  EXPECT_EQ(subject.cache->stats().misses, 1u);
  EXPECT_EQ(subject.cache->stats().entries, 0u);
}

TEST(Cache, AHitIsForTheOneWhoAsks) {
  Subject subject;
  subject.keep_a("www.example.test.", 300);
  Message query = Asked::make("wWw.ExAmple.TeSt.", Type::kA);
  query.id = 0xbeef;

  const Asked asked(query);
  const auto found = subject.find(asked);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, 0xbeef);
  EXPECT_TRUE(found->response);
  EXPECT_TRUE(found->recursion_desired);
  EXPECT_TRUE(found->recursion_available);
  EXPECT_FALSE(found->authoritative);
  EXPECT_FALSE(found->authentic_data);
  EXPECT_FALSE(found->truncated);
  // Byte for byte, and the owner is a pointer to it.
  EXPECT_EQ(found->questions.at(0).name.wire(), query.questions[0].name.wire());
  EXPECT_EQ(found->answers.at(0).name.wire(), query.questions[0].name.wire());
  EXPECT_EQ(found->answers[0].rdata, a_record(".", 0).rdata);
  EXPECT_EQ(subject.cache->stats().hits, 1u);
}

TEST(Cache, EveryPartOfTheKeyCounts) {
  Subject subject;
  subject.keep_a("www.example.test.", 300);
  Message other_class = Asked::make("www.example.test.", Type::kA);
  other_class.questions[0].dns_class = Class::kCh;
  Message dnssec = Asked::make("www.example.test.", Type::kA);
  dnssec.edns = Edns{.dnssec_ok = true};
  Message unchecked = Asked::make("www.example.test.", Type::kA);
  unchecked.checking_disabled = true;
  Message edns = Asked::make("www.example.test.", Type::kA);
  edns.edns = Edns{};

  EXPECT_FALSE(subject.find(Asked("example.test.")));
  EXPECT_FALSE(subject.find(Asked("vww.example.test.")));
  EXPECT_FALSE(subject.find(Asked("www.example.test.", Type::kAaaa)));
  EXPECT_FALSE(subject.find(Asked(other_class)));
  EXPECT_FALSE(subject.find(Asked(dnssec)));
  EXPECT_FALSE(subject.find(Asked(unchecked)));
  EXPECT_TRUE(subject.find(Asked(edns))) << "EDNS alone asks for nothing else";
}

TEST(Cache, TtlsAgeAndTheSmallestEndsTheEntry) {
  Subject subject;
  const Asked asked("www.example.test.");
  subject.keep(asked, response_to(asked, {cname_record("www.example.test.", 60, "host.test."),
                                          a_record("host.test.", 20)}));

  const auto young = subject.find(asked, kNow + 999);
  const auto old = subject.find(asked, kNow + 19'999);

  ASSERT_TRUE(young);
  EXPECT_EQ(young->answers.at(0).ttl, 60u);
  EXPECT_EQ(young->answers.at(1).ttl, 20u);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->answers.at(0).ttl, 41u);
  EXPECT_EQ(old->answers.at(1).ttl, 1u);
  EXPECT_EQ(subject.hit.age_s, 19u);
  EXPECT_FALSE(subject.find(asked, kNow + 20'000));
}

TEST(Cache, TtlsAreBroughtIntoTheConfiguredRange) {
  Subject subject({.max_ttl_s = 100, .min_ttl_s = 10});
  const Asked asked("www.example.test.");

  subject.keep_a("www.example.test.", 86400);
  EXPECT_EQ(subject.ttl(asked), 100u);
  EXPECT_FALSE(subject.find(asked, kNow + 100'000));

  subject.keep_a("www.example.test.", 0);
  EXPECT_EQ(subject.ttl(asked), 10u);
  EXPECT_FALSE(subject.find(asked, kNow + 10'000));
}

TEST(Cache, TtlZeroIsNotKept) {
  Subject subject;
  const Asked asked("www.example.test.");

  subject.keep_a("www.example.test.", 0);
  EXPECT_FALSE(subject.find(asked));

  // RFC 2181 section 8: with the sign bit it is zero.
  Bytes negative = response_to(asked, {a_record("www.example.test.", 1)}).encode();
  negative[negative.size() - 10] = '\x80';
  subject.cache->insert(asked.query, negative, kNow);
  EXPECT_FALSE(subject.find(asked));
}

TEST(Cache, NegativeAnswersLastAsTheSoaSays) {
  for (const Rcode rcode : {Rcode::kNxDomain, Rcode::kNoError}) {
    Subject subject({.negative_ttl_s = 50});
    const Asked asked("nobody.example.test.");

    // RFC 2308 section 5: the smaller one of TTL and MINIMUM.
    subject.keep(asked, response_to(asked, {}, {soa_record("example.test.", 30, 20)}, rcode));
    EXPECT_EQ(subject.ttl(asked), 20u);
    subject.keep(asked, response_to(asked, {}, {soa_record("example.test.", 15, 20)}, rcode));
    EXPECT_EQ(subject.ttl(asked), 15u);
    subject.keep(asked, response_to(asked, {}, {soa_record("example.test.", 900, 900)}, rcode));
    EXPECT_EQ(subject.ttl(asked), 50u);
    EXPECT_EQ(subject.find(asked)->rcode, rcode);
    EXPECT_FALSE(subject.find(asked, kNow + 50'000));
  }
}

TEST(Cache, NegativeAnswersWithoutAnSoaAreNotKept) {
  Subject subject;
  const Asked asked("nobody.example.test.");
  const Record alias = cname_record("nobody.example.test.", 60, "gone.example.test.");

  subject.keep(asked, response_to(asked, {}, {}, Rcode::kNxDomain));
  subject.keep(asked, response_to(asked));
  subject.keep(asked, response_to(asked, {alias}));
  EXPECT_FALSE(subject.find(asked));

  // An alias that leads to nothing is a negative answer, too.
  subject.keep(asked, response_to(asked, {alias}, {soa_record("example.test.", 30, 20)}));
  EXPECT_EQ(subject.find(asked)->authorities.at(0).ttl, 20u);
  EXPECT_FALSE(subject.find(asked, kNow + 20'000));
}

TEST(Cache, FailuresAreNeverServedAgain) {
  Subject subject;
  const Asked asked("www.example.test.");

  for (const Rcode rcode : {Rcode::kServFail, Rcode::kRefused, Rcode::kFormErr, Rcode::kNotImp}) {
    subject.keep(asked, response_to(asked, {}, {soa_record("example.test.", 30, 20)}, rcode));
    EXPECT_FALSE(subject.find(asked, kNow, true)) << text(rcode);
  }
}

TEST(Cache, FailuresAreKeptForAsLongAsConfigured) {
  Subject subject({.failure_ttl_s = 5});
  const Asked asked("www.example.test.");
  const Message failure = response_to(asked, {}, {}, Rcode::kServFail);

  subject.keep(asked, failure);
  EXPECT_EQ(subject.find(asked, kNow + 4'999)->rcode, Rcode::kServFail);
  EXPECT_FALSE(subject.find(asked, kNow + 5'000, true)) << "a failure is never stale";

  // What is known may still be of use.
  subject.keep_a("www.example.test.", 300);
  subject.keep(asked, failure, kNow + 400'000);
  EXPECT_TRUE(subject.find(asked, kNow + 400'000, true));
  EXPECT_EQ(subject.find(asked, kNow + 400'000, true)->rcode, Rcode::kNoError);
}

TEST(Cache, WhatIsNoWholeAnswerIsNotKept) {
  Subject subject;
  const Asked asked("www.example.test.");
  Message response = response_to(asked, {a_record("www.example.test.", 60)});

  Message truncated = response;
  truncated.truncated = true;
  subject.keep(asked, truncated);
  Message with_edns = response;
  with_edns.edns = Edns{};
  subject.keep(asked, with_edns);
  Bytes whole = response.encode();
  subject.cache->insert(asked.query, whole + '\0', kNow);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    subject.cache->insert(asked.query, whole.substr(0, size), kNow);
  }
  const Asked other("wwx.example.test.");
  subject.keep(asked, response_to(other, {a_record("wwx.example.test.", 60)}));

  EXPECT_EQ(subject.cache->stats().entries, 0u);
}

TEST(Cache, StaleAnswersAreForThoseWhoTakeThem) {
  Subject subject({.stale_s = 1000, .stale_ttl_s = 30});
  const Asked asked("www.example.test.");
  subject.keep_a("www.example.test.", 60);

  EXPECT_FALSE(subject.find(asked, kNow + 60'000));
  EXPECT_EQ(subject.ttl(asked, kNow + 60'000, true), 30u);
  EXPECT_TRUE(subject.hit.stale);
  EXPECT_EQ(subject.ttl(asked, kNow + 1'059'999, true), 30u);
  EXPECT_FALSE(subject.find(asked, kNow + 1'060'000, true));
  EXPECT_EQ(subject.cache->stats().entries, 0u);
  EXPECT_EQ(subject.cache->stats().stale, 2u);
}

TEST(Cache, AFreshAnswerIsNotStaleForAnybody) {
  Subject subject;
  const Asked asked("www.example.test.");
  subject.keep_a("www.example.test.", 60);

  EXPECT_EQ(subject.ttl(asked, kNow + 10'000, true), 50u);
  EXPECT_FALSE(subject.hit.stale);
}

TEST(Cache, OneCallerFetchesAnewNearTheEnd) {
  Subject subject;
  const Asked asked("www.example.test.");
  const auto told = [&](std::int64_t now_ms) {
    EXPECT_TRUE(subject.find(asked, now_ms));
    return subject.hit.prefetch;
  };
  subject.keep_a("www.example.test.", 100);

  EXPECT_FALSE(told(kNow + 95'000)) << "asked once only";
  EXPECT_TRUE(told(kNow + 95'000));
  EXPECT_FALSE(told(kNow + 96'000)) << "somebody does already";

  subject.keep_a("www.example.test.", 100);
  EXPECT_FALSE(told(kNow + 10'000));
  EXPECT_FALSE(told(kNow + 89'000)) << "not in its last tenth";
  EXPECT_TRUE(told(kNow + 90'000));
}

TEST(Cache, PrefetchCanBeTurnedOff) {
  Subject subject({.prefetch = false});
  const Asked asked("www.example.test.");
  subject.keep_a("www.example.test.", 100);

  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(subject.find(asked, kNow + 99'000));
    EXPECT_FALSE(subject.hit.prefetch);
  }
}

TEST(Cache, ANewAnswerReplacesTheOldOne) {
  Subject subject;
  const Asked asked("www.example.test.");
  subject.keep_a("www.example.test.", 10);
  const Message response = response_to(asked, {a_record("www.example.test.", 20, 7)});

  subject.keep(asked, response, kNow + 5'000);

  EXPECT_EQ(subject.find(asked, kNow + 6'000)->answers.at(0).rdata.back(), 7);
  EXPECT_EQ(subject.ttl(asked, kNow + 6'000), 19u);
  EXPECT_EQ(subject.cache->stats().entries, 1u);
}

// RFC 2181 section 9.
TEST(Cache, WhatIsOptionalIsLeftOutBeforeAnAnswerIsTruncated) {
  Subject subject;
  const Asked asked("www.example.test.");
  Message response =
      response_to(asked, {a_record("www.example.test.", 60)},
                  {record_of("example.test.", Type::kNs, 60, name_of("ns.example.test.").wire())});
  response.additionals.push_back(a_record("ns.example.test.", 60));
  subject.keep(asked, response);
  const std::size_t whole = subject.look_up(asked, kNow).size();

  EXPECT_EQ(subject.find(asked, kNow, false, whole)->additionals.size(), 1u);

  const auto without_additional = subject.find(asked, kNow, false, whole - 1);
  EXPECT_FALSE(without_additional->truncated);
  EXPECT_EQ(without_additional->additionals.size(), 0u);
  EXPECT_EQ(without_additional->authorities.size(), 1u);

  const auto answer_only = subject.find(asked, kNow, false, asked.packet.size() + 16);
  EXPECT_FALSE(answer_only->truncated);
  EXPECT_EQ(answer_only->authorities.size(), 0u);
  EXPECT_EQ(answer_only->answers.size(), 1u);

  const auto truncated = subject.find(asked, kNow, false, asked.packet.size() + 15);
  EXPECT_TRUE(truncated->truncated);
  EXPECT_EQ(truncated->answers.size(), 0u);
  EXPECT_EQ(truncated->questions.size(), 1u);
}

TEST(Cache, TheSectionThatProvesIsNotOptional) {
  Subject subject;
  const Record soa = soa_record("example.test.", 60, 60);
  const Asked negative("nobody.example.test.");
  Message dnssec = Asked::make("www.example.test.", Type::kA);
  dnssec.edns = Edns{.dnssec_ok = true};
  const Asked proven(dnssec);
  subject.keep(negative, response_to(negative, {}, {soa}, Rcode::kNxDomain));
  subject.keep(proven, response_to(proven, {a_record("www.example.test.", 60)}, {soa}));

  for (const Asked* asked : {&negative, &proven}) {
    const std::size_t whole = subject.look_up(*asked, kNow).size();
    EXPECT_TRUE(subject.find(*asked, kNow, false, whole - 1)->truncated);
  }
}

TEST(Cache, FlushTakesAllThatIsAtAName) {
  Subject subject;
  subject.keep_a("www.example.test.", 300);
  subject.keep_a("a.www.example.test.", 300);
  const Asked text("www.example.test.", Type::kTxt);
  subject.keep(text, response_to(text, {record_of("www.example.test.", Type::kTxt, 60, "\x01x")}));

  EXPECT_EQ(subject.cache->flush(name_of("WWW.example.test.").wire(), false), 2u);

  EXPECT_FALSE(subject.find(Asked("www.example.test.")));
  EXPECT_TRUE(subject.find(Asked("a.www.example.test.")));
  EXPECT_EQ(subject.cache->flush(name_of("www.example.test.").wire(), false), 0u);
}

TEST(Cache, FlushTakesASubtree) {
  Subject subject;
  for (const char* name : {"example.test.", "a.example.test.", "b.a.example.test."}) {
    subject.keep_a(name, 300);
  }
  for (const char* name : {"test.", "xexample.test.", "example.test.other."}) {
    subject.keep_a(name, 300);
  }

  EXPECT_EQ(subject.cache->flush(name_of("eXample.test.").wire(), true), 3u);

  EXPECT_EQ(subject.cache->stats().entries, 3u);
  EXPECT_TRUE(subject.find(Asked("xexample.test.")));
  EXPECT_EQ(subject.cache->flush(name_of(".").wire(), true), 3u);
}

TEST(Cache, WhatWasAskedForBeforeAFlushIsNotKeptAfterIt) {
  Subject subject;
  const Asked asked("www.example.test.");
  const Bytes response = response_to(asked, {a_record("www.example.test.", 300)}).encode();
  const std::uint64_t before = subject.cache->generation();

  (void)subject.cache->flush(name_of("example.test.").wire(), true);
  subject.cache->insert(asked.query, response, kNow, before);
  EXPECT_FALSE(subject.find(asked));

  subject.cache->insert(asked.query, response, kNow, subject.cache->generation());
  EXPECT_TRUE(subject.find(asked));
}

TEST(Cache, ForgettingWhatIsPendingRemovesNothing) {
  Subject subject;
  const std::uint64_t before = subject.cache->generation();
  subject.keep_a("www.example.test.", 300);

  subject.cache->forget_pending();

  EXPECT_NE(subject.cache->generation(), before);
  EXPECT_TRUE(subject.find(Asked("www.example.test.")));
}

TEST(Cache, BoundTtlsAreThoseOfAHit) {
  Subject subject({.max_ttl_s = 100, .negative_ttl_s = 50, .min_ttl_s = 10});
  const auto first_ttl = [&](const Asked& asked, const Message& response) {
    Bytes octets = response.encode();
    subject.cache->bound_ttls(asked.query, octets);
    const Message bound = dsl::test::require_ok(Message::parse(octets));
    return bound.answers.empty() ? bound.authorities.at(0).ttl : bound.answers[0].ttl;
  };
  const Asked asked("www.example.test.");

  for (const std::uint32_t ttl : {0U, 60U, 86400U}) {
    const Message positive = response_to(asked, {a_record("www.example.test.", ttl)});
    subject.keep(asked, positive);
    EXPECT_EQ(first_ttl(asked, positive), subject.ttl(asked)) << ttl;
    const Message negative =
        response_to(asked, {}, {soa_record("example.test.", 3600, ttl)}, Rcode::kNxDomain);
    subject.keep(asked, negative);
    EXPECT_EQ(first_ttl(asked, negative), subject.ttl(asked)) << ttl;
  }
  // Nothing says how long it would be kept.
  EXPECT_EQ(first_ttl(asked, response_to(asked, {cname_record("www.example.test.", 900, "gone.")})),
            900U);
}

TEST(Cache, TheRootCanBeAsked) {
  Subject subject;
  const Asked asked(".", Type::kNs);
  subject.keep(asked, response_to(asked, {record_of(".", Type::kNs, 60, name_of("a.").wire())}));

  EXPECT_EQ(subject.find(asked)->answers.size(), 1u);
}

TEST(Cache, ACacheWithoutRoomKeepsNothing) {
  Subject subject({.size_bytes = 0});

  subject.keep_a("www.example.test.", 300);

  EXPECT_FALSE(subject.find(Asked("www.example.test.")));
}

// RFC 6840 section 5.8.
TEST(Cache, WhatWasValidatedIsSaidToWhoAsksForIt) {
  Subject subject;
  const Asked plain("www.example.test.");
  Message validated = response_to(plain, {a_record("www.example.test.", 60)});
  validated.authentic_data = true;
  subject.keep(plain, validated);
  Message with_ad = Asked::make("www.example.test.", Type::kA);
  with_ad.authentic_data = true;

  EXPECT_FALSE(subject.find(plain)->authentic_data);
  EXPECT_TRUE(subject.find(Asked(with_ad))->authentic_data);
  EXPECT_FALSE(subject.find(Asked(with_ad), kNow + 90'000, true)->authentic_data) << "stale";

  subject.keep_a("www.example.test.", 60);
  EXPECT_FALSE(subject.find(Asked(with_ad))->authentic_data);
}

TEST(Cache, OtherOptionsAreForWhatComesNext) {
  Subject subject;
  subject.keep_a("before.example.test.", 600);

  subject.cache->set_options({.max_ttl_s = 20, .stale_ttl_s = 7});
  subject.keep_a("after.example.test.", 600);

  EXPECT_EQ(subject.ttl(Asked("before.example.test.")), 300u);
  EXPECT_EQ(subject.ttl(Asked("after.example.test.")), 20u);
  EXPECT_EQ(subject.ttl(Asked("after.example.test."), kNow + 21'000, true), 7u);
}

}  // namespace
}  // namespace mcns
