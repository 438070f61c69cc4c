#include "dsl/thread/worker_pool.h"

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace dsl {
namespace {

TEST(WorkerPool, RefusesWorkBeyondItsBounds) {
  std::latch release(1);
  std::latch begun(1);
  WorkerPool pool("test", {.threads_max = 1, .queue_max = 1});  // ends before what its work uses

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

TEST(WorkerPool, WithoutAQueueAFreedThreadTakesTheNextWork) {
  WorkerPool pool("test", {1, 0});
  std::atomic<int> done{0};

  for (int i = 0; i < 100; ++i) {
    while (!pool.submit([&] { ++done; })) {
      std::this_thread::yield();
    }
  }
  pool.stop();

  EXPECT_EQ(done, 100);
}

TEST(WorkerPool, RunsEverythingThatItTookFromManyThreads) {
  WorkerPool pool("test", {4, 100000});
  std::atomic<int> done{0};
  std::vector<std::thread> threads;

  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        EXPECT_TRUE(pool.submit([&] { ++done; }));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  pool.stop();

  EXPECT_EQ(done, 4000);
}

}  // namespace
}  // namespace dsl
