// The duties of process 1 in a container.
#pragma once

#include <optional>

namespace dsl::service {

// As process 1: forks; the child returns nothing and goes on as the service, while the parent
// passes signals on to it, reaps whatever is orphaned, and returns the child's exit code (128 + n
// when signal n ended it) for the process to exit with. A process of its own, because only so every
// child that is not the service's may be reaped without stealing one from the spawner.
// Does nothing in any other process unless `always`. To be called before any thread starts.
std::optional<int> run_as_init(bool always = false);

}  // namespace dsl::service
