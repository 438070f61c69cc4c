#include "mcns/events/query_events.h"

#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/env/env.h"
#include "mcns/events/told.h"
#include "support/test_env.h"

namespace mcns {
namespace {

using std::chrono::milliseconds;
using test::tell;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr milliseconds kAtOnce{0};

// Writes down what it takes.
class Notes final : public EventSink {
 public:
  void take(const Event& event, std::int64_t at_ns) override {
    queries.emplace_back(event.query);
    responses.emplace_back(event.response);
    rcodes.push_back(event.head.rcode);
    last_at_ns = at_ns;
  }

  std::vector<std::string> queries;
  std::vector<std::string> responses;
  std::vector<Rcode> rcodes;
  std::int64_t last_at_ns = 0;
};

class QueryEventsTest : public ::testing::Test {
 protected:
  dsl::test::TestEnv env_;
  QueryEvents events_{env_.clock()};
  EventSource source_{events_};
};

TEST_F(QueryEventsTest, AreMadeOnlyWhileSomebodyWatches) {
  EXPECT_FALSE(events_.wanted());
  EXPECT_FALSE(tell(source_, {.name = "nobody."}));
  {
    QueryEvents::Subscription first(events_);
    QueryEvents::Subscription second(events_);
    EXPECT_TRUE(events_.wanted());
    EXPECT_TRUE(tell(source_, {.name = "a.", .rcode = Rcode::kNxDomain, .took_ns = 4500}));
    const std::vector<QueryEvent> taken = first.take(kAtOnce);
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].client, "192.0.2.7");
    EXPECT_EQ(taken[0].rcode, Rcode::kNxDomain);
    EXPECT_EQ(taken[0].source, "zone");
    EXPECT_EQ(taken[0].took.count(), 4);
    EXPECT_THAT(first.take(kAtOnce), IsEmpty());
    EXPECT_EQ(second.take(kAtOnce).front().name.text(), "a.");
  }
  EXPECT_FALSE(events_.wanted());
}

TEST_F(QueryEventsTest, WhatASlowWatcherCannotTakeIsCounted) {
  QueryEvents::Subscription slow(events_);
  QueryEvents::Subscription other(events_);
  std::size_t taken = 0;
  for (int i = 0; i < 5000; ++i) {
    tell(source_, {.name = "a."});
    if (i % 1000 == 999) {
      taken += other.take(kAtOnce).size();
    }
  }

  EXPECT_EQ(taken, 5000U);
  EXPECT_EQ(other.missed(), 0U);
  EXPECT_EQ(slow.take(kAtOnce).size(), 4096U);
  EXPECT_EQ(slow.missed(), 904U);
  EXPECT_EQ(slow.missed(), 0U);
}

TEST_F(QueryEventsTest, WhatFindsItsRingFullIsMissedByThoseWhoWatchThen) {
  constexpr int kMany = 20000;  // more than a ring holds
  {
    QueryEvents::Subscription watcher(events_);
    for (int i = 0; i < kMany; ++i) {
      tell(source_, {});
    }
    const std::size_t taken = watcher.take(kAtOnce).size();
    EXPECT_GT(events_.lost(), 0U);
    EXPECT_EQ(taken + watcher.missed(), static_cast<std::uint64_t>(kMany));
  }
  QueryEvents::Subscription later(events_);
  EXPECT_THAT(later.take(kAtOnce), IsEmpty());
  EXPECT_EQ(later.missed(), 0U);
}

TEST_F(QueryEventsTest, AreAllTakenOrCountedWhenManyWorkersTell) {
  QueryEvents::Subscription watcher(events_);
  constexpr std::uint64_t kEach = 500;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      EventSource own(events_);  // what is in it when it ends is not lost
      for (std::uint64_t n = 0; n < kEach; ++n) {
        tell(own, {.name = "a."});
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }

  const std::uint64_t taken = watcher.take(kAtOnce).size();
  EXPECT_EQ(taken + watcher.missed(), 4 * kEach);
}

TEST_F(QueryEventsTest, TimesAreThoseOfTheWallClock) {
  Notes log;
  events_.set_log(&log, LogMode::kAll, 0);
  const auto now = [&] {
    return std::chrono::nanoseconds(env_.clock().mono_now().time_since_epoch()).count();
  };
  tell(source_, {.asked_ns = now() - 1'234'567});

  events_.drain();

  const std::int64_t wall = std::chrono::nanoseconds(env_.clock().now().time_since_epoch()).count();
  EXPECT_EQ(log.last_at_ns, wall - 1'234'567);
  events_.set_log(nullptr, LogMode::kOff, 0);
}

TEST_F(QueryEventsTest, TheLogOfErrorsHasNeitherAnswersNorMissingNames) {
  Notes log;
  events_.set_log(&log, LogMode::kErrors, 0);
  for (const Rcode rcode : {Rcode::kNoError, Rcode::kFormErr, Rcode::kServFail, Rcode::kNxDomain,
                            Rcode::kNotImp, Rcode::kRefused}) {
    tell(source_, {.rcode = rcode});
  }
  tell(source_, {.limited = Limited::kDropped});  // whatever it had
  events_.drain();

  EXPECT_THAT(log.rcodes, ElementsAre(Rcode::kFormErr, Rcode::kServFail, Rcode::kNotImp,
                                      Rcode::kRefused, Rcode::kNoError));
  events_.set_log(nullptr, LogMode::kOff, 0);
}

TEST_F(QueryEventsTest, ASampleIsTheShareOfAllAnswers) {
  Notes log;
  struct Row {
    double share;
    std::size_t at_least;
    std::size_t at_most;
  };
  for (const Row& row : {Row{0, 0, 0}, Row{0.25, 850, 1150}, Row{1, 4000, 4000}}) {
    events_.set_log(&log, LogMode::kSample, row.share);
    log.queries.clear();
    for (int i = 0; i < 4000; ++i) {
      tell(source_, {});
      if (i % 500 == 499) {
        events_.drain();
      }
    }
    EXPECT_GE(log.queries.size(), row.at_least) << row.share;
    EXPECT_LE(log.queries.size(), row.at_most) << row.share;
  }
  events_.set_log(nullptr, LogMode::kOff, 0);
}

TEST_F(QueryEventsTest, OnlyATapHasWholeMessages) {
  Notes log;
  Notes tap;
  const test::Asked asked(test::question_of({}));
  events_.set_log(&log, LogMode::kAll, 0);
  tell(source_, {});
  events_.drain();
  const std::size_t question_end = kHeaderSize + asked.query.question_size;
  EXPECT_THAT(log.queries, ElementsAre(asked.packet.substr(0, question_end)));
  EXPECT_THAT(log.responses, ElementsAre(""));
  EXPECT_FALSE(source_.is_tapped());

  events_.set_tap(&tap);
  EXPECT_TRUE(source_.is_tapped());
  tell(source_, {});
  events_.drain();
  EXPECT_THAT(tap.queries, ElementsAre(asked.packet));
  EXPECT_THAT(tap.responses, ElementsAre(test::response_of({})));
  EXPECT_EQ(log.queries.size(), 2U);

  events_.set_log(nullptr, LogMode::kOff, 0);
  events_.set_tap(nullptr);
  EXPECT_FALSE(events_.wanted());
}

TEST(EventAddress, IsReadFromBothFamilies) {
  const auto of = [](const char* text) {
    return EventAddress::of(*dsl::test::require_ok(dsl::env::parse_socket_address(text)).raw());
  };
  EXPECT_EQ(of("192.0.2.7:53").text(), "192.0.2.7");
  EXPECT_EQ(of("192.0.2.7:53").port, 53);
  EXPECT_EQ(of("[2001:db8::7]:53").text(), "2001:db8::7");
  EXPECT_EQ(of("[::ffff:192.0.2.7]:53").text(), "192.0.2.7");
  EXPECT_EQ(of("[::ffff:192.0.2.7]:53").bytes(), std::string_view("\xc0\x00\x02\x07", 4));
}

}  // namespace
}  // namespace mcns
