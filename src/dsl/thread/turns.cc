#include "dsl/thread/turns.h"

#include <cstdint>

#include <sys/syscall.h>
#include <unistd.h>

namespace dsl {
namespace {

constexpr std::uint64_t kShortest_ns = 100'000;

// sched_setattr(2): the first version of the structure, which glibc 2.36 does not have.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  // of a thread without real-time priority: its turn, since 6.12
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void prefer_short_turns() {
  SchedulingAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) == 0) {
    attributes.runtime_ns = kShortest_ns;
    (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
}

}  // namespace dsl
