// The operating system's processes.
#pragma once

#include "dsl/env/process.h"

namespace dsl::env {

// Children get descriptors 0 to 2 and no other, default signal handlers, and an empty signal mask.
// A child of `run` is in a process group of its own, which is killed at the deadline, and dies with
// the calling thread.
//
// Thread-safe: holds no state.
class PosixSpawner final : public Spawner {
 public:
  Result<Output> run(const Command& command, std::chrono::milliseconds timeout) override;
  Result<std::unique_ptr<Process>> start(const Command& command) override;
};

}  // namespace dsl::env
