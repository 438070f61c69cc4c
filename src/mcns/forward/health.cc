#include "mcns/forward/health.h"

#include <algorithm>

namespace mcns {
namespace {

constexpr double kNewest = 0.125;  // its weight in the moving average, as in TCP (RFC 6298)
// Until an upstream has answered, nobody knows how long it takes.
constexpr std::chrono::milliseconds kHedgeUnknown{200};

}  // namespace

void Health::answered(Duration round_trip) {
  const double ms = std::chrono::duration<double, std::milli>(round_trip).count();
  rtt_ms_ = recent_ == 0 ? ms : rtt_ms_ + kNewest * (ms - rtt_ms_);
  recent_ms_[recent_++ % recent_ms_.size()] = static_cast<float>(ms);
  failures_ = 0;
  backoff_ = {};
  if (state_ != State::kLoop) {
    state_ = State::kUp;
  }
}

void Health::failed() {
  ++failures_;
  if (usable() && failures_ >= options_.failures_max) {
    state_ = State::kSuspect;
  }
}

void Health::probe_failed() {
  if (state_ == State::kSuspect) {
    state_ = State::kDown;
    backoff_ = options_.backoff_first;
  } else if (state_ == State::kDown) {
    backoff_ = std::min(2 * backoff_, options_.backoff_max);
  }
  failed();
}

void Health::left_loop() {
  if (state_ == State::kLoop) {
    state_ = State::kUp;
  }
}

std::chrono::milliseconds Health::probe_pause() const {
  switch (state_) {
    case State::kSuspect:
      return {};
    case State::kDown:
      return backoff_;
    default:
      return failures_ > 0 && usable() ? options_.backoff_first : options_.probe_every;
  }
}

std::chrono::milliseconds Health::hedge_after() const {
  if (recent_ == 0) {
    return std::max(options_.hedge_min, kHedgeUnknown);
  }
  const std::size_t count = std::min(recent_, recent_ms_.size());
  std::array<float, 32> sorted = recent_ms_;
  const std::size_t at = count * 95 / 100;
  std::nth_element(sorted.begin(), sorted.begin() + at, sorted.begin() + count);
  return std::max(options_.hedge_min, std::chrono::milliseconds(static_cast<int>(sorted[at]) + 1));
}

const char* text(Health::State state) {
  switch (state) {
    case Health::State::kUnknown:
      return "unknown";
    case Health::State::kUp:
      return "up";
    case Health::State::kSuspect:
    case Health::State::kDown:
      return "down";
    case Health::State::kLoop:
      return "loop";
  }
  return "unknown";
}

}  // namespace mcns
