#include "mcns/dnstap/tap.h"

#include <chrono>

#include "dsl/env/socket_address.h"
#include "mcns/dnstap/frames.h"
#include "mcns/dnstap/tap_file.h"
#include "mcns/dnstap/tap_socket.h"

namespace mcns::dnstap {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::string_view kUnix = "unix:";
constexpr std::chrono::milliseconds kLastTries{1000};
constexpr std::chrono::milliseconds kBetweenTries{2};

std::unique_ptr<TapOutput> output_of(dsl::env::Env& env, const std::string& place) {
  if (place.starts_with(kUnix)) {
    return std::make_unique<TapSocket>(env.clock(), place.substr(kUnix.size()));
  }
  return std::make_unique<TapFile>(env, place);
}

}  // namespace

Result<void> check_place(std::string_view place) {
  const bool is_socket = place.starts_with(kUnix);
  const std::string path(is_socket ? place.substr(kUnix.size()) : place);
  if (!path.starts_with('/')) {
    return fail(Code::kInvalidArgument, "\"{}\" is no place for dnstap", place)
        .hint("unix:/run/dnstap.sock for a reader that listens there, /var/lib/... for a file");
  }
  if (is_socket) {
    MC_TRY(dsl::env::unix_socket_address(path));
  }
  return {};
}

bool is_file(std::string_view place) { return !place.empty() && !place.starts_with(kUnix); }

Tap::Tap(dsl::env::Env& env, const TapOptions& options)
    : env_(env), options_(options), output_(output_of(env, options.place)) {}

void Tap::take(const Event& event, std::int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kWaitingMax) {
    lost_.fetch_add(messages_of(event), std::memory_order_relaxed);
    return;
  }
  append_frames(event, at_ns, options_.identity, options_.anonymize, waiting_);
}

void Tap::work() {
  if (!output_->ready()) {
    leave_torn_frame();
    return;
  }
  while (has_more()) {
    const Result<std::size_t> taken = output_->write(std::string_view(writing_).substr(taken_));
    if (!taken) {
      leave_torn_frame();
      return;
    }
    taken_ += *taken;
    if (*taken == 0) {
      return;
    }
  }
}

bool Tap::has_more() {
  if (taken_ == writing_.size()) {
    taken_ = 0;
    writing_.clear();
    const std::lock_guard lock(mutex_);
    writing_.swap(waiting_);
  }
  return !writing_.empty();
}

// The stream begins anew, with a whole frame.
void Tap::leave_torn_frame() {
  std::size_t begin = 0;
  while (begin < taken_) {
    begin += data_frame_size(std::string_view(writing_).substr(begin));
  }
  if (begin > taken_) {
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
  taken_ = begin;
}

void Tap::finish() {
  const dsl::env::MonoTime deadline = env_.clock().mono_now() + kLastTries;
  while (has_more() && env_.clock().mono_now() < deadline && output_->ready()) {
    work();
    env_.clock().sleep_for(kBetweenTries);
  }
  // The end in the middle of a frame would be read as part of it.
  if (!has_more()) {
    output_->finish();
  }
}

}  // namespace mcns::dnstap
