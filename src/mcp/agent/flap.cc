#include "mcp/agent/flap.h"

#include <algorithm>

namespace mcp::agent {

using dsl::env::MonoTime;

bool FlapControl::died(MonoTime now) {
  healthy_since_ = {};
  if (flapping_) {
    return false;
  }
  deaths_.push_back(now);
  while (!deaths_.empty() && now - deaths_.front() > limits_.window) {
    deaths_.pop_front();
  }
  // After a first flap one death is enough: the retry has failed.
  if (deaths_.size() < limits_.deaths && backoff_.count() == 0) {
    return false;
  }
  deaths_.clear();
  flapping_ = true;
  backoff_ =
      backoff_.count() == 0 ? limits_.retry_first : std::min(2 * backoff_, limits_.retry_max);
  retry_at_ = now + backoff_;
  return true;
}

bool FlapControl::due(MonoTime now) {
  if (!flapping_ || now < retry_at_) {
    return false;
  }
  flapping_ = false;
  return true;
}

void FlapControl::put_off(MonoTime now) {
  flapping_ = true;
  retry_at_ = now + backoff_;
}

void FlapControl::healthy(MonoTime now) {
  if (healthy_since_ == MonoTime{}) {
    healthy_since_ = now;
  }
  if (now - healthy_since_ >= limits_.calm) {
    deaths_.clear();
    backoff_ = std::chrono::milliseconds(0);
  }
}

}  // namespace mcp::agent
