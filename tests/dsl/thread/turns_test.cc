#include "dsl/thread/turns.h"

#include <array>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

TEST(ShortTurns, AreWhatTheKernelKeeps) {
  std::thread([] {
    std::array<std::uint64_t, 6> attributes{};  // sched_getattr(2): the runtime is the fourth
    const auto runtime = [&] {
      EXPECT_EQ(::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof(attributes), 0), 0);
      return attributes[3];
    };
    if (runtime() == 0) {
      GTEST_SKIP() << "this kernel has turns of one length";
    }

    prefer_short_turns();

    EXPECT_EQ(runtime(), 100'000U);
  }).join();
}

}  // namespace
}  // namespace dsl
