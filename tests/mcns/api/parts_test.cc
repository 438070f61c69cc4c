// The small parts of the API, each alone.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/active_call.h"
#include "mcns/api/convert.h"
#include "mcns/api/fields.h"
#include "mcns/api/replies.h"
#include "mcns/api/uploads.h"
#include "mcns/api/watch_filter.h"
#include "mcns/events/query_events.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace mcns::api {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::env::WallTime;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;

// --- serials ---

TEST(SerialAhead, IsHowFarItHasRunBeyondTheDay) {
  const WallTime noon = require_ok(dsl::env::parse_time("2026-04-03T12:00:00Z"));

  EXPECT_EQ(serial_ahead(2026040300, noon), 0u);
  EXPECT_EQ(serial_ahead(2026040399, noon), 0u);
  EXPECT_EQ(serial_ahead(2026040400, noon), 1u);
  EXPECT_EQ(serial_ahead(2026040450, noon), 51u);
  EXPECT_EQ(serial_ahead(2020010100, noon), 0u);
  EXPECT_EQ(serial_ahead(1, noon), 0x100000001ULL - 2026040399ULL < 0x80000000ULL
                                       ? static_cast<std::uint32_t>(0x100000001ULL - 2026040399ULL)
                                       : 0u);
}

// --- fields ---

TEST(Fields, AMailboxIsWrittenBothWays) {
  EXPECT_EQ(require_ok(mailbox_name("hostmaster@example.test", "x")).text(),
            "hostmaster.example.test.");
  EXPECT_EQ(require_ok(mailbox_name("dns.admin@example.test", "x")).text(),
            "dns\\.admin.example.test.");
  EXPECT_EQ(require_ok(mailbox_name("hostmaster.example.test.", "x")).text(),
            "hostmaster.example.test.");
  for (const char* text : {"hostmaster@example.test", "dns.admin@example.test"}) {
    EXPECT_EQ(mailbox_text(require_ok(mailbox_name(text, "x"))), text);
  }
  EXPECT_EQ(mailbox_text(Name()), ".");
  EXPECT_THAT(mailbox_name("@example.test", "x"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(mailbox_name("a@", "x"), failed_with(Code::kInvalidArgument));
}

TEST(Fields, ZonesAreNamedWithOrWithoutTheirDot) {
  EXPECT_EQ(require_ok(absolute_name("example.test", "zone")).text(), "example.test.");
  EXPECT_EQ(require_ok(absolute_name("example.test.", "zone")).text(), "example.test.");
  EXPECT_TRUE(require_ok(absolute_name("@", "zone")).is_root());
  EXPECT_TRUE(require_ok(absolute_name(".", "zone")).is_root());
  EXPECT_EQ(zone_text(Name()), ".");
  const auto wrong = absolute_name("a..b", "zone");
  ASSERT_THAT(wrong, failed_with(Code::kInvalidArgument));
  EXPECT_EQ(wrong.error().details().front().where, "zone");
}

// --- answers kept ---

class KeptReplies : public testing::Test {
 protected:
  // An answer that says how often the work was done.
  Result<pb::Outcome> once(const std::string& account, const std::string& id, std::uint32_t serial,
                           bool fails = false) {
    dsl::rpc::ActiveCall call(env_.clock(), {.method = "m"});
    call.set_caller({account, {}, "system", "token"});
    pb::Outcome request;
    request.set_serial(serial);
    return replies_.once<pb::Outcome>(call, id, request, [&]() -> Result<pb::Outcome> {
      ++done_;
      if (fails) {
        return fail(Code::kUnavailable, "not now");
      }
      pb::Outcome reply;
      reply.set_serial(static_cast<std::uint32_t>(done_));
      return reply;
    });
  }

  dsl::test::TestEnv env_;
  Replies replies_{env_.clock()};
  int done_ = 0;
};

TEST_F(KeptReplies, AreTheirCallersForTenMinutes) {
  EXPECT_EQ(require_ok(once("mcq", "a", 1)).serial(), 1u);
  EXPECT_EQ(require_ok(once("mcq", "a", 1)).serial(), 1u);
  EXPECT_EQ(require_ok(once("www", "a", 1)).serial(), 2u);
  EXPECT_EQ(require_ok(once("mcq", "b", 1)).serial(), 3u);
  EXPECT_THAT(once("mcq", "a", 2), failed_with(Code::kConflict));
  env_.manual_clock().advance(std::chrono::minutes(10));
  EXPECT_EQ(require_ok(once("mcq", "a", 1)).serial(), 4u);
}

TEST_F(KeptReplies, ErrorsAndCallsWithoutAnIdAreNotKept) {
  EXPECT_THAT(once("mcq", "a", 1, true), failed_with(Code::kUnavailable));
  EXPECT_EQ(require_ok(once("mcq", "a", 1)).serial(), 2u);
  EXPECT_EQ(require_ok(once("mcq", "", 1)).serial(), 3u);
  EXPECT_EQ(require_ok(once("mcq", "", 1)).serial(), 4u);
}

TEST_F(KeptReplies, TheOldestGoWhenThereAreTooMany) {
  for (std::size_t i = 0; i < Replies::kEntriesMax + 2; ++i) {
    require_ok(once("mcq", std::to_string(i), 1));
  }
  const int before = done_;
  require_ok(once("mcq", "0", 1));
  EXPECT_EQ(done_, before + 1);
  require_ok(once("mcq", std::to_string(Replies::kEntriesMax), 1));
  EXPECT_EQ(done_, before + 1);
}

// --- uploads ---

TEST(Uploads, AreBoundedAndForgotten) {
  dsl::test::TestEnv env;
  Uploads uploads(env, {.uploads_max = 2, .bytes_max = 10, .idle = std::chrono::minutes(1)});
  const auto first = require_ok(uploads.add("root", "", 0, "12345"));
  EXPECT_EQ(first.size, 5u);
  EXPECT_THAT(uploads.add("root", first.id, 6, "x"), failed_with(Code::kConflict));
  EXPECT_THAT(uploads.add("root", first.id, 5, "123456"), failed_with(Code::kTooLarge));
  EXPECT_EQ(require_ok(uploads.add("root", first.id, 5, "67890")).size, 10u);
  EXPECT_EQ(require_ok(uploads.read("root", first.id)), "1234567890");
  EXPECT_THAT(uploads.read("kyle", first.id), failed_with(Code::kNotFound));
  require_ok(uploads.add("root", "", 0, "a"));
  EXPECT_THAT(uploads.add("root", "", 0, "b"), failed_with(Code::kRateLimited));

  env.manual_clock().advance(std::chrono::minutes(1));

  EXPECT_THAT(uploads.add("root", "", 0, "b"), ok());
  EXPECT_THAT(uploads.read("root", first.id), failed_with(Code::kNotFound));
}

// --- questions for watchers ---

QueryEvent event(const std::string& name) {
  return {.client = "192.0.2.7", .name = require_ok(Name::parse(name)), .source = "zone"};
}

// --- filters ---

TEST(WatchFilter, AGlobIsAnyTextWhereItHasAStar) {
  struct Row {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Row& row : std::vector<Row>{{"", "", true},
                                         {"*", "", true},
                                         {"*", "a.b", true},
                                         {"www.*", "www.example.test", true},
                                         {"*.TEST", "www.example.test", true},
                                         {"w*e.t*t", "www.example.test", true},
                                         {"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
                                         {"www", "www.example.test", false},
                                         {"", "a", false},
                                         {"a", "", false},
                                         {"a**", "a", true}}) {
    EXPECT_EQ(matches_glob(row.pattern, row.text), row.matches) << row.pattern << " " << row.text;
  }
}

TEST(WatchFilter, EveryConditionHasToHold) {
  pb::WatchRequest request;
  request.set_queries(true);
  request.set_name("*.test.");
  request.set_client("192.0.2.0/24");
  request.set_rcode("NOERROR");
  const WatchFilter filter = require_ok(WatchFilter::parse(request));
  EXPECT_TRUE(filter.wants_queries());
  EXPECT_FALSE(filter.wants_changes());

  EXPECT_TRUE(filter.wants(event("a.test.")));
  EXPECT_FALSE(filter.wants(event("a.other.")));
  QueryEvent other = event("a.test.");
  other.client = "198.51.100.1";
  EXPECT_FALSE(filter.wants(other));
  other = event("a.test.");
  other.rcode = Rcode::kNxDomain;
  EXPECT_FALSE(filter.wants(other));
}

}  // namespace
}  // namespace mcns::api
