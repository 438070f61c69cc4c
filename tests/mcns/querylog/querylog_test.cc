#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/events/told.h"
#include "mcns/querylog/line.h"
#include "mcns/querylog/query_log.h"
#include "mcns/querylog/recorder.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns::querylog {
namespace {

using dsl::test::require_ok;
using test::Asked;
using test::ToldAnswer;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kAt = 1'775'205'900'123'456'789;

std::string line_of(const ToldAnswer& told, const std::string& query) {
  std::string out;
  EventHead head = test::head_of(told);
  head.response_bytes = 62;
  append_line({head, query, ""}, kAt, out);
  return out;
}

TEST(Line, IsOneObjectOnOneLine) {
  EXPECT_EQ(line_of({.took_ns = 4500}, Asked("www.example.test.").packet),
            "{\"time\":\"2026-04-03T08:45:00.123Z\",\"client\":\"192.0.2.7\",\"transport\":\"udp\","
            "\"name\":\"www.example.test.\",\"type\":\"A\",\"rcode\":\"NOERROR\",\"path\":\"zone\","
            "\"took_us\":4,\"bytes\":62}\n");
}

TEST(Line, SaysWhatWasLimited) {
  EXPECT_THAT(line_of({.limited = Limited::kDropped}, Asked("www.example.test.").packet),
              HasSubstr("\"path\":\"zone\",\"limited\":\"dropped\",\"took_us\""));
}

TEST(Line, HasNoNameWhenTheQuestionCouldNotBeRead) {
  EXPECT_EQ(line_of({.rcode = Rcode::kFormErr, .client = "[2001:db8::7]:53"}, "nonsense"),
            "{\"time\":\"2026-04-03T08:45:00.123Z\",\"client\":\"2001:db8::7\","
            "\"transport\":\"udp\",\"rcode\":\"FORMERR\",\"path\":\"zone\",\"took_us\":0,"
            "\"bytes\":62}\n");
}

TEST(Line, EscapesWhatANameMayHold) {
  const std::string line = line_of({}, Asked("a\\\"\\010\\255.test.").packet);
  EXPECT_THAT(line, HasSubstr("\"name\":\"a\\\\\\\"\\\\010\\\\255.test.\""));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

class QueryLogTest : public ::testing::Test {
 protected:
  void take(QueryLog& log, const std::string& name, const std::string& client = "192.0.2.77:53") {
    const Asked asked(name);
    log.take({test::head_of({.client = client}), asked.packet, ""}, kAt);
  }
  std::string content() { return env_.files().read_file("/log").value_or(""); }

  dsl::test::TestEnv env_;
};

TEST_F(QueryLogTest, AppendsToWhatIsThereAndFollowsAFileThatIsMovedAway) {
  require_ok(env_.files().write_file("/log", "before\n"));
  QueryLog log(env_, "/log", false);
  take(log, "a.test.");
  log.work();
  EXPECT_THAT(content(), testing::StartsWith("before\n{"));
  EXPECT_THAT(content(), HasSubstr("\"a.test.\""));

  require_ok(env_.files().rename("/log", "/log.1"));
  take(log, "b.test.");
  log.work();
  EXPECT_THAT(content(), testing::StartsWith("{"));
  EXPECT_THAT(content(), Not(HasSubstr("a.test.")));
  EXPECT_EQ(log.lost(), 0U);
}

TEST_F(QueryLogTest, CutsAddressesBeforeTheyAreWritten) {
  QueryLog log(env_, "/log", true);
  take(log, "a.test.");
  take(log, "b.test.", "[2001:db8:1:2::3]:53");
  log.work();

  EXPECT_THAT(content(), HasSubstr("\"client\":\"192.0.2.0\""));
  EXPECT_THAT(content(), HasSubstr("\"client\":\"2001:db8:1::\""));
}

TEST_F(QueryLogTest, CountsWhatFindsNoRoomAndWhatCannotBeWritten) {
  QueryLog log(env_, "/missing/log", false);
  for (int i = 0; i < 10000; ++i) {
    take(log, "www.example.test.");
  }
  const std::uint64_t without_room = log.lost();
  EXPECT_GT(without_room, 0U);
  EXPECT_LT(without_room, 10000U);

  log.work();

  EXPECT_EQ(log.lost(), 10000U);
}

TEST_F(QueryLogTest, BeginsALineOfItsOwnAfterAFullDisk) {
  QueryLog log(env_, "/log", false);
  env_.memory_files().set_capacity(30);
  take(log, "a.test.");
  log.work();
  EXPECT_EQ(log.lost(), 1U);
  env_.memory_files().set_capacity(1U << 20U);
  take(log, "b.test.");
  log.work();

  const std::string all = content();
  const std::string last = all.substr(all.rfind('\n', all.size() - 2) + 1);
  EXPECT_THAT(last, testing::StartsWith("{\"time\""));
  EXPECT_THAT(last, HasSubstr("b.test."));
  EXPECT_EQ(log.lost(), 1U);
}

TEST(Recorder, IsNotThereWhenNothingIsRecorded) {
  dsl::test::TestEnv env;
  QueryEvents events(env.clock());

  EXPECT_EQ(Recorder::start(env, events, {}), nullptr);
  EXPECT_FALSE(events.wanted());
}

// What it writes is written by a thread of its own, into real files.
class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() {
    env_.use_real_files();
    env_.use_real_clock();
  }

  dsl::test::TempDir folder_;
  dsl::test::TestEnv env_;
  QueryEvents events_{env_.clock()};
  EventSource worker_{events_};
};

// An heir that fails leaves the file to whom it followed.
TEST_F(RecorderTest, ATapThatWaitsTouchesNothing) {
  folder_.write("tap", "of another process");
  const RecorderOptions options{.dnstap = {.place = folder_.file("tap"), .identity = {}},
                                .tap_waits = true};

  auto failed = Recorder::start(env_, events_, options);
  test::tell(worker_, {.name = "good.test."});
  failed.reset();
  EXPECT_EQ(folder_.read("tap"), "of another process");

  auto ready = Recorder::start(env_, events_, options);
  test::tell(worker_, {.name = "early.test."});
  ready->begin_tap();
  ready.reset();
  EXPECT_THAT(folder_.read("tap"), HasSubstr("early"));
}

TEST_F(RecorderTest, WritesWhatWasToldBeforeItEnds) {
  auto recorder = Recorder::start(env_, events_,
                                  {.mode = LogMode::kErrors,
                                   .path = folder_.file("log"),
                                   .dnstap = {.place = folder_.file("tap"), .identity = {}}});
  ASSERT_NE(recorder, nullptr);
  test::tell(worker_, {.name = "good.test."});
  test::tell(worker_, {.name = "bad.test.", .rcode = Rcode::kServFail});

  recorder.reset();

  EXPECT_FALSE(events_.wanted());
  EXPECT_THAT(folder_.read("log"), HasSubstr("bad.test."));
  EXPECT_THAT(folder_.read("log"), Not(HasSubstr("good.test.")));
  EXPECT_THAT(folder_.read("tap"), HasSubstr(std::string("\4good\4test\0", 11)));
  EXPECT_THAT(folder_.read("tap"), HasSubstr(std::string("\3bad\4test\0", 10)));
}

}  // namespace
}  // namespace mcns::querylog
