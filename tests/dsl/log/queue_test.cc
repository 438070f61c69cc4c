#include "dsl/log/queue.h"

#include <gtest/gtest.h>

namespace dsl::log {
namespace {

std::string taken(LineQueue& queue) {
  std::string text = "what was there before";
  queue.take(text);
  return text;
}

TEST(LineQueue, KeepsTheOrderAcrossLevels) {
  LineQueue queue(10);
  queue.push(Level::kError, "1");
  queue.push(Level::kDebug, "2");
  queue.push(Level::kInfo, "3");
  queue.push(Level::kDebug, "4");

  EXPECT_EQ(taken(queue), "1234");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(taken(queue), "");
  EXPECT_EQ(queue.dropped(), 0u);
}

TEST(LineQueue, WhenFullDebugIsDroppedFirstAndEveryDropIsCounted) {
  LineQueue queue(3);
  queue.push(Level::kInfo, "i1");
  queue.push(Level::kDebug, "d1");
  queue.push(Level::kDebug, "d2");

  queue.push(Level::kDebug, "d3");  // none below it: dropped itself
  queue.push(Level::kInfo, "i2");   // instead of d1
  queue.push(Level::kError, "e1");  // instead of d2
  queue.push(Level::kWarn, "w1");   // instead of i1
  queue.push(Level::kInfo, "i3");   // none below it

  EXPECT_EQ(taken(queue), "i2e1w1");
  EXPECT_EQ(queue.dropped(), 5u);
}

TEST(LineQueue, StartsAnewAfterItWasFull) {
  LineQueue queue(2);
  for (const char* line : {"d1", "d2"}) {
    queue.push(Level::kDebug, line);
  }
  queue.push(Level::kInfo, "i1");
  ASSERT_EQ(taken(queue), "d2i1");

  queue.push(Level::kDebug, "d3");
  queue.push(Level::kDebug, "d4");
  queue.push(Level::kWarn, "w1");
  queue.push(Level::kWarn, "w2");
  queue.push(Level::kError, "e1");

  EXPECT_EQ(taken(queue), "w2e1");
}

}  // namespace
}  // namespace dsl::log
