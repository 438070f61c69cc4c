// Flap control: when a container dies too often it is stopped, and tried again ever more slowly.
#pragma once

#include <chrono>
#include <deque>

#include "dsl/env/clock.h"

namespace mcp::agent {

struct FlapLimits {
  std::size_t deaths = 5;
  std::chrono::milliseconds window{60000};
  std::chrono::milliseconds retry_first{10000};
  std::chrono::milliseconds retry_max{300000};
  std::chrono::milliseconds calm{600000};  // healthy for so long clears everything
};

// One container's. Confined to its owner.
class FlapControl {
 public:
  explicit FlapControl(FlapLimits limits) : limits_(limits) {}

  // True when this death is the one too many: stop the container now.
  bool died(dsl::env::MonoTime now);
  // True once when a stopped container is due for another try.
  bool due(dsl::env::MonoTime now);
  // The try that was due could not be made: it is due again after the same pause.
  void put_off(dsl::env::MonoTime now);
  void healthy(dsl::env::MonoTime now);

  bool flapping() const { return flapping_; }
  std::chrono::milliseconds backoff() const { return backoff_; }

 private:
  FlapLimits limits_;
  std::deque<dsl::env::MonoTime> deaths_;
  bool flapping_ = false;  // stopped by us, waiting for the next try
  std::chrono::milliseconds backoff_{0};
  dsl::env::MonoTime retry_at_{};
  dsl::env::MonoTime healthy_since_{};
};

}  // namespace mcp::agent
