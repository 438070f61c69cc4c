#include "mcp/runtime/event_filter.h"

#include <gtest/gtest.h>

namespace mcp::runtime {
namespace {

using dsl::env::WallTime;

RuntimeEvent event(std::int64_t ms, const std::string& id, const std::string& action = "died") {
  RuntimeEvent made;
  made.id = id;
  made.action = action;
  made.time = WallTime(std::chrono::milliseconds(ms));
  made.time_ns = ms * 1000000;
  return made;
}

TEST(EventFilter, AnEventThatComesAgainIsNotNew) {
  EventFilter filter(WallTime(std::chrono::milliseconds(1000)));

  EXPECT_TRUE(filter.is_new(event(1001, "a")));
  EXPECT_TRUE(filter.is_new(event(1002, "b")));
  EXPECT_FALSE(filter.is_new(event(1001, "a")));
  EXPECT_FALSE(filter.is_new(event(1002, "b")));
}

TEST(EventFilter, WhatWasBeforeTheStreamIsNotPartOfIt) {
  EventFilter filter(WallTime(std::chrono::milliseconds(1000)));

  EXPECT_FALSE(filter.is_new(event(999, "a")));
  EXPECT_TRUE(filter.is_new(event(1000, "a")));
}

TEST(EventFilter, EventsOfOneMomentAreToldApart) {
  EventFilter filter(WallTime{});

  EXPECT_TRUE(filter.is_new(event(5, "a", "died")));
  EXPECT_TRUE(filter.is_new(event(5, "a", "cleanup")));
  EXPECT_TRUE(filter.is_new(event(5, "b", "died")));
}

TEST(EventFilter, AnEventThatWasWrittenLateIsStillNew) {
  EventFilter filter(WallTime{});

  EXPECT_TRUE(filter.is_new(event(10, "a")));
  EXPECT_TRUE(filter.is_new(event(9, "b")));
}

TEST(EventFilter, RemembersTheLatestWhenItIsFull) {
  EventFilter filter(WallTime{});
  for (std::int64_t ms = 0; ms < 10000; ++ms) {
    ASSERT_TRUE(filter.is_new(event(ms, "a")));
  }

  EXPECT_FALSE(filter.is_new(event(9999, "a")));
  EXPECT_FALSE(filter.is_new(event(6000, "a")));
}

}  // namespace
}  // namespace mcp::runtime
