#include "dsl/thread/worker_pool.h"

#include <atomic>
#include <latch>

#include <gtest/gtest.h>

namespace dsl {
namespace {

TEST(WorkerPool, RefusesWorkBeyondItsBounds) {
  WorkerPool pool("test", {.threads_max = 1, .queue_max = 1});
  std::latch release(1);
  std::latch begun(1);

  EXPECT_TRUE(pool.submit([&] {
    begun.count_down();
    release.wait();
  }));
  begun.wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));

  release.count_down();
}

TEST(WorkerPool, RunsWhatWaitsBeforeItStops) {
  std::atomic<int> ran = 0;
  WorkerPool pool("test", {.threads_max = 2, .queue_max = 100});

  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(pool.submit([&] { ++ran; }));
  }
  pool.stop();

  EXPECT_EQ(ran, 50);
  EXPECT_FALSE(pool.submit([] {}));
}

}  // namespace
}  // namespace dsl
