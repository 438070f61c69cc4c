#include "mcns/handover/watched.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "dsl/env/env.h"

namespace mcns::handover {
namespace {

constexpr std::chrono::milliseconds kSlice{1};

TEST(Watched, GivesSignsOfLifeOnTheCallersThreadWhileItWorks) {
  std::promise<void> seen;
  int signs = 0;
  std::thread::id worker;

  do_watched(
      [&] {
        worker = std::this_thread::get_id();
        seen.get_future().wait();  // ends by signs of life only
      },
      [&, caller = std::this_thread::get_id()] {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        if (++signs == 3) {
          seen.set_value();
        }
      },
      {.slice = kSlice, .patience = std::chrono::minutes(5)});

  EXPECT_GE(signs, 3);
  EXPECT_NE(worker, std::this_thread::get_id());
}

TEST(Watched, IsSilentOnceItsPatienceHasPassed) {
  int signs = 0;
  dsl::env::Clock& clock = dsl::env::system_env().clock();

  do_watched(
      [&] {
        // Many slices long; a patience that had not passed would give a sign in each.
        const dsl::env::MonoTime end = clock.mono_now() + 50 * kSlice;
        while (clock.mono_now() < end) {
          std::this_thread::yield();
        }
      },
      [&] { ++signs; }, {.slice = kSlice, .patience = std::chrono::milliseconds(0)});

  EXPECT_EQ(signs, 0);
}

}  // namespace
}  // namespace mcns::handover
