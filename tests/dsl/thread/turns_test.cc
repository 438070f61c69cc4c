#include "dsl/thread/turns.h"

#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

namespace dsl {
namespace {

TEST(ShortTurns, LeavePolicyAndNicenessAsTheyWere) {
  std::thread([] {
    ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + 1), 0);
    const int niceness = ::getpriority(PRIO_PROCESS, 0);

    prefer_short_turns();

    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), niceness);
  }).join();
}

}  // namespace
}  // namespace dsl
