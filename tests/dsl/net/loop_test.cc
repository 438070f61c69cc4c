#include "dsl/net/loop.h"

#include <thread>

#include "support/result_matchers.h"

namespace dsl::net {
namespace {

using namespace std::chrono_literals;
using dsl::test::require_ok;

TEST(Loop, RunsPostedWorkOfManyThreads) {
  const auto loop = require_ok(Loop::open());
  std::atomic<int> posted = 0;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        loop->post([&] { ++ran; });
      }
      if (++posted == 4) {
        loop->post([&] { loop->stop(); });
      }
    });
  }

  loop->run();
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(ran, 4000);
}

TEST(Timer, FiresOnceAndInOrder) {
  const auto loop = require_ok(Loop::open());
  std::string order;
  Timer late(*loop, [&] {
    order += 'b';
    loop->stop();
  });
  Timer early(*loop, [&] { order += 'a'; });
  late.set(loop->now() + 30ms);
  early.set(loop->now() + 10ms);

  loop->run();

  EXPECT_EQ(order, "ab");
}

TEST(Timer, LaterDeadlineReplacesTheEarlier) {
  const auto loop = require_ok(Loop::open());
  const env::MonoTime begun = loop->now();
  Timer timer(*loop, [&] { loop->stop(); });
  timer.set(begun + 5ms);
  timer.set(begun + 40ms);

  loop->run();

  EXPECT_GE(loop->now(), begun + 40ms);
}

TEST(Timer, EarlierDeadlineReplacesTheLater) {
  const auto loop = require_ok(Loop::open());
  Timer timer(*loop, [&] { loop->stop(); });
  timer.set(loop->now() + 1h);
  timer.set(loop->now() + 1ms);

  loop->run();  // returns at all
}

TEST(Timer, NeverMeansNever) {
  const auto loop = require_ok(Loop::open());
  bool fired = false;
  Timer cleared(*loop, [&] { fired = true; });
  Timer end(*loop, [&] { loop->stop(); });
  cleared.set(loop->now() + 5ms);
  cleared.set(env::MonoTime::max());
  end.set(loop->now() + 20ms);

  loop->run();

  EXPECT_FALSE(fired);
}

}  // namespace
}  // namespace dsl::net
