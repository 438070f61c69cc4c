#include "dsl/rpc/worker_pool.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace dsl::rpc {
namespace {

TEST(WorkerPool, RefusesWorkBeyondThreadsAndQueue) {
  WorkerPool pool("test", {2, 1});
  std::promise<void> go_on;
  const std::shared_future<void> gate = go_on.get_future().share();
  std::atomic<int> done{0};
  const auto work = [&] {
    gate.wait();
    ++done;
  };

  EXPECT_TRUE(pool.submit(work));
  EXPECT_TRUE(pool.submit(work));
  EXPECT_TRUE(pool.submit(work));  // waits
  EXPECT_FALSE(pool.submit(work));
  go_on.set_value();
  pool.stop();

  EXPECT_EQ(done, 3);
}

TEST(WorkerPool, RefusesWorkOnceStopped) {
  WorkerPool pool("test", {1, 10});
  pool.stop();
  pool.stop();

  EXPECT_FALSE(pool.submit([] { ADD_FAILURE() << "ran"; }));
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
}  // namespace dsl::rpc
