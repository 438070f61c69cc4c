#include "dsl/log/log.h"

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "support/manual_clock.h"

namespace dsl::log {
namespace {

// The log of one test, written into a pipe.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    EXPECT_GT(::fcntl(ends_[1], F_SETPIPE_SZ, 1 << 20), 0);
    options_.fd = ends_[1];
    options_.format = Format::kJournal;
  }
  ~LogTest() override {
    stop();
    set_level("", Level::kInfo);
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void begin() { ASSERT_TRUE(start(options_)); }

  // Ends the log; everything it wrote.
  std::string written() {
    stop();
    EXPECT_EQ(::fcntl(ends_[0], F_SETFL, O_NONBLOCK), 0);
    std::string out;
    std::array<char, 65536> buffer;
    for (ssize_t size = 0; (size = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      out.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return out;
  }

  std::array<int, 2> ends_{-1, -1};
  Options options_;
  Logger logger_{"agent.boot"};
};

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST_F(LogTest, UnknownNamesAreRefusedWithAHint) {
  EXPECT_EQ(parse_level("verbose").error().hint(), "one of debug, info, warn, error");
  EXPECT_EQ(parse_format("xml").error().hint(), "one of text, json, journal");
  EXPECT_EQ(*parse_level("warn"), Level::kWarn);
  EXPECT_EQ(*parse_format("json"), Format::kJson);
}

TEST_F(LogTest, StartingTwiceIsRefusedAndStoppingTwiceIsNot) {
  begin();

  EXPECT_EQ(start(options_).error().code(), Code::kFailedPrecondition);

  stop();
  stop();
}

TEST_F(LogTest, StopWritesOutWhatIsQueued) {
  begin();
  std::string expected;
  for (int i = 0; i < 15; ++i) {
    logger_.info("line", {{"i", i}});
    expected += "<6>agent.boot: line i=" + std::to_string(i) + "\n";
  }

  EXPECT_EQ(written(), expected);
}

TEST_F(LogTest, LevelsChangeAtRunTimeForAComponentAndEverythingBelow) {
  begin();
  logger_.debug("hidden");
  set_level("agent", Level::kDebug);
  logger_.debug("below agent");
  Logger("agents").debug("not below agent");
  set_level("agent.boot", Level::kError);
  logger_.warn("hidden");
  Logger("agent.sync").debug("still below agent");
  set_level("agent", Level::kWarn);
  logger_.warn("the parent's level counts again");
  set_level("", Level::kError);
  logger_.warn("hidden");

  EXPECT_EQ(written(),
            "<7>agent.boot: below agent\n"
            "<7>agent.sync: still below agent\n"
            "<4>agent.boot: the parent's level counts again\n");
}

TEST_F(LogTest, ScopesAddTheirFieldsToLinesOfTheirThreadAndNest) {
  begin();
  {
    const Scope request({{"request_id", "r1"}, {"method", "Get"}});
    {
      const Scope inner({{"caller", "alice"}});
      logger_.info("a");
    }
    logger_.info("b", {{"method", "Put"}});
    std::thread([&] { logger_.info("other thread"); }).join();
  }
  logger_.info("c");

  EXPECT_EQ(written(),
            "<6>agent.boot: a request_id=r1 method=Get caller=alice\n"
            "<6>agent.boot: b request_id=r1 method=Put\n"
            "<6>agent.boot: other thread\n"
            "<6>agent.boot: c\n");
}

TEST_F(LogTest, FailureCarriesEveryPartOfTheError) {
  begin();
  Error error(Code::kNotFound, "no such zone");
  error.set_hint("mcns zone list")
      .set_id("MCP-0101")
      .add_detail("a.toml:1:2", "here")
      .add_detail("", "and there");

  logger_.failure(Level::kError, "cannot serve", error);

  EXPECT_EQ(written(),
            "<3>agent.boot: cannot serve error=\"no such zone\" code=not_found id=MCP-0101 "
            "details=\"a.toml:1:2: here; and there\" hint=\"mcns zone list\"\n");
}

TEST_F(LogTest, ARepeatingSiteIsSilencedAndItsSuppressedLinesReported) {
  begin();
  for (int i = 0; i < 100; ++i) {
    logger_.warn("again");
  }
  logger_.warn("something else");

  const std::string out = written();
  EXPECT_EQ(count_of(out, "agent.boot: again\n"), 20u);
  EXPECT_EQ(count_of(out, "something else\n"), 1u);
  EXPECT_TRUE(out.ends_with("<4>agent.boot: suppressed repeated lines like=again lines=80\n"))
      << out;
}

TEST_F(LogTest, TheReportComesByItselfWhenTheWindowEnds) {
  test::ManualClock clock;
  options_.clock = &clock;
  begin();
  for (int i = 0; i < 25; ++i) {
    logger_.info("again");
  }

  clock.await_waiters(1);
  clock.advance(std::chrono::seconds{10});

  std::string out;
  std::array<char, 4096> buffer;
  while (out.find("suppressed repeated lines like=again lines=5\n") == std::string::npos) {
    const ssize_t size = ::read(ends_[0], buffer.data(), buffer.size());
    ASSERT_GT(size, 0);
    out.append(buffer.data(), static_cast<std::size_t>(size));
  }
  logger_.info("again");
  EXPECT_EQ(written(), "<6>agent.boot: again\n");
}

TEST_F(LogTest, ErrorsAreNeverSilenced) {
  begin();
  for (int i = 0; i < 100; ++i) {
    logger_.error("again");
  }

  EXPECT_EQ(count_of(written(), "agent.boot: again\n"), 100u);
}

TEST_F(LogTest, RecordsAreNeverSilenced) {
  begin();
  for (int i = 0; i < 100; ++i) {
    logger_.record("a zone was changed");
  }

  EXPECT_EQ(count_of(written(), "agent.boot: a zone was changed\n"), 100u);
}

TEST_F(LogTest, ManyThreadsLoseNothingAndTearNothing) {
  constexpr int kThreads = 4;
  constexpr int kLines = 1000;
  begin();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) {
        logger_.error("line", {{"t", t}, {"i", i}});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(dropped_lines(), 0u);
  const std::string out = written();
  EXPECT_EQ(count_of(out, "\n"), static_cast<std::size_t>(kThreads * kLines));
  EXPECT_EQ(count_of(out, "<3>agent.boot: line t="), static_cast<std::size_t>(kThreads * kLines));
}

// The writer is held up by a full pipe; only the queue takes lines then.
TEST_F(LogTest, AFullQueueDropsDebugFirstCountsAndReports) {
  options_.queue_max = 4;
  options_.level = Level::kDebug;
  ASSERT_GT(::fcntl(ends_[1], F_SETPIPE_SZ, 4096), 0);
  const std::string filler(4096, '\n');
  ASSERT_EQ(::write(ends_[1], filler.data(), filler.size()), 4096);
  begin();
  // The writer takes what is queued until it blocks; from then on nothing leaves the queue.
  for (int i = 0; dropped_lines() == 0; ++i) {
    logger_.debug("d" + std::to_string(i));
  }
  // Four lines fit whatever the writer does meanwhile, as each may take the place of a debug line.
  for (int i = 0; i < 4; ++i) {
    logger_.error("e" + std::to_string(i));
  }
  const std::uint64_t dropped = dropped_lines();

  std::string out;
  std::thread reader([&] {
    std::array<char, 4096> buffer;
    for (ssize_t size = 0; (size = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      out.append(buffer.data(), static_cast<std::size_t>(size));
    }
  });
  stop();
  ::close(std::exchange(ends_[1], -1));
  reader.join();

  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(count_of(out, "<3>agent.boot: e" + std::to_string(i) + "\n"), 1u) << out;
  }
  // Drops before the writer blocked and after it have a report each.
  std::uint64_t reported = 0;
  const std::string report = "<4>log: dropped lines: the queue was full lines=";
  for (std::size_t at = out.find(report); at != std::string::npos; at = out.find(report, at + 1)) {
    reported += std::stoull(out.substr(at + report.size()));
  }
  EXPECT_EQ(reported, dropped) << out;
}

TEST_F(LogTest, TextIsColouredOnATerminalOnly) {
  ::unsetenv("NO_COLOR");
  int terminal = -1;
  int program_side = -1;
  ASSERT_EQ(::openpty(&terminal, &program_side, nullptr, nullptr, nullptr), 0);
  options_.format = Format::kText;
  options_.fd = program_side;
  begin();
  logger_.info("painted");
  stop();

  std::array<char, 4096> buffer;
  const ssize_t size = ::read(terminal, buffer.data(), buffer.size());
  ASSERT_GT(size, 0);
  const std::string out(buffer.data(), static_cast<std::size_t>(size));
  EXPECT_NE(out.find("\x1b[32minfo "), std::string::npos) << out;
  ::close(terminal);
  ::close(program_side);

  options_.fd = ends_[1];
  begin();
  logger_.info("plain");
  EXPECT_EQ(written().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace dsl::log
